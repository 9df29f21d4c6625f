/**
 * The decision map: which architecture wins for every pair of two answers, the others as they are.
 *
 *   y ▲  M M B B B      a cell is a verdict at the hardest point that the other answers leave open;
 *     │  S M M B B      borders are found by bisection along the lines through what was answered
 *     └──────────► x
 */
import type { Answers, Architecture, GivenAnswers } from '../answers.ts';
import { answerAt, completeAnswers, missingAnswers, withAnswer } from '../complete.ts';
import { failure } from '../../errors.ts';
import { hardestWith, type Facts } from '../facts.ts';
import { severityOf } from '../gates.ts';
import { QUESTIONS, questionOf } from '../questions.ts';
import { verdictAt } from '../verdict.ts';
import { type Axis, axisOf } from './axis.ts';

export interface MapCell {
  readonly architecture: Architecture;
  /** False where nothing keeps every promise, and this one breaks least. */
  readonly holds: boolean;
}

/** Where the verdict changes along one axis, the other answer as it was given. */
export interface Border {
  readonly at: number;
  readonly value: unknown;
  readonly from: Architecture;
  readonly to: Architecture;
}

/** A border elsewhere on the map. */
export interface FarBorder extends Border {
  /** The place on the other axis. */
  readonly beside: number;
}

export interface DecisionMap {
  readonly x: Axis;
  readonly y: Axis;
  /** Rows from the bottom of the y axis upwards. */
  readonly cells: readonly (readonly MapCell[])[];
  readonly borders: { readonly x: readonly Border[]; readonly y: readonly Border[] };
  readonly answers: Answers;
  /** Needed answers that nobody gave, and that the axes do not cover: their examples were taken. */
  readonly assumed: readonly string[];
  /** Those that the lines through the answers do not meet: each pair once, in the middle of its longest stretch. */
  farBorders(): { readonly x: readonly FarBorder[]; readonly y: readonly FarBorder[] };
  /** The model at a place. */
  factsAt(x: number, y: number): Facts;
}

export interface MapOptions {
  readonly x: string;
  readonly y: string;
  readonly columns: number;
  /** Of a y axis that is a scale; an axis of choices has a row for each. */
  readonly rows: number;
}

/**
 * Draws the map over two answers.
 * @throws AXIS_UNKNOWN, AXES_EQUAL, OPTION_NEEDS, ANSWERS_INVALID
 */
export function mapOf(given: GivenAnswers, options: MapOptions): DecisionMap {
  if (options.x === options.y) throw failure('AXES_EQUAL', { path: options.x });
  const assumed = missingAnswers(given);
  const { answers } = completeAnswers(
    assumed.reduce((some, path) => withAnswer(some, path, questionOf(path).example), given),
  );
  if ([options.x, options.y].includes('arrivalEvery') && answers.arrival !== 'files')
    throw failure('OPTION_NEEDS', { flag: 'arrivalEvery as an axis', needs: '--arrival files' });
  const [x, y] = [options.x, options.y].map((path) => axisOf(path, answers, originOf(given, path))) as [
    Axis,
    Axis,
  ];
  const facts = hardestWith(answers);
  const factsAt = (atX: number, atY: number): Facts =>
    facts([x.path, x.valueAt(atX)], [y.path, y.valueAt(atY)]);
  const columns = x.isScale ? options.columns : x.bands.length;
  const rows = y.isScale ? options.rows : y.bands.length;
  const verdict = (atX: number, atY: number): Architecture => verdictAt(factsAt(atX, atY));
  const borders = {
    x: bordersOf(x, (at) => verdict(at, middleOf(y))),
    y: bordersOf(y, (at) => verdict(middleOf(x), at)),
  };
  return {
    x,
    y,
    cells: centres(rows).map((atY) => centres(columns).map((atX) => cellOf(factsAt(atX, atY)))),
    borders,
    farBorders: () => ({
      x: farBordersOf(x, y, borders.x, verdict),
      y: farBordersOf(y, x, borders.y, (atY, atX) => verdict(atX, atY)),
    }),
    answers,
    assumed: assumed.filter((path) => path !== x.path && path !== y.path),
    factsAt,
  };
}

function originOf(given: GivenAnswers, path: string): Parameters<typeof axisOf>[2] {
  if (answerAt(given, path) !== undefined) return 'given';
  const known = QUESTIONS.find((question) => question.path === path);
  return known?.fallback === undefined ? 'absent' : 'default';
}

export function cellOf(facts: Facts): MapCell {
  const architecture = verdictAt(facts);
  return { architecture, holds: severityOf(architecture, facts) === 0 };
}

/** The middles of so many equal parts. */
export function centres(count: number): number[] {
  return Array.from({ length: count }, (_, index) => (index + 0.5) / count);
}

/** Where the answer lies, or the middle of the axis without one. */
export function middleOf(axis: Axis): number {
  return axis.given === null ? 0.5 : (axis.given[0] + axis.given[1]) / 2;
}

const PROBES = 200;
const BISECTIONS = 40;

function bordersOf(axis: Axis, verdict: (at: number) => Architecture): Border[] {
  const places = centres(axis.isScale ? PROBES : axis.bands.length);
  return places.slice(1).flatMap((next, index) => {
    let low = places[index] ?? 0;
    let high = next;
    const [from, to] = [verdict(low), verdict(high)];
    if (from === to) return [];
    for (let step = 0; axis.isScale && step < BISECTIONS; step++) {
      const middle = (low + high) / 2;
      if (verdict(middle) === from) low = middle;
      else high = middle;
    }
    const at = axis.isScale ? high : (low + high) / 2;
    return [{ at, value: axis.valueAt(high), from, to }];
  });
}

/** Lines on which far borders are looked for. */
const FAR_LINES = 24;

function farBordersOf(
  axis: Axis,
  other: Axis,
  near: readonly Border[],
  verdict: (at: number, beside: number) => Architecture,
): FarBorder[] {
  const lines = centres(other.isScale ? FAR_LINES : other.bands.length);
  const pairs = new Map<string, Stretch[]>();
  for (const [line, beside] of lines.entries()) {
    for (const border of bordersOf(axis, (at) => verdict(at, beside))) {
      if (near.some((known) => isSame(known, border))) continue;
      const pair = `${border.from} ${border.to}`;
      const known = pairs.get(pair) ?? [];
      const last = known.at(-1);
      if (last?.line === line - 1) {
        last.line = line;
        last.borders.push({ ...border, beside });
      } else pairs.set(pair, [...known, { line, borders: [{ ...border, beside }] }]);
    }
  }
  return [...pairs.values()].flatMap((stretches) => {
    const [longest] = stretches.toSorted((a, b) => b.borders.length - a.borders.length);
    return longest?.borders[Math.floor(longest.borders.length / 2)] ?? [];
  });
}

/** The same two architectures, or the same line that goes on between others. */
function isSame(a: Border, b: Border): boolean {
  return (a.from === b.from && a.to === b.to) || Math.abs(a.at - b.at) < SAME_PLACE;
}

const SAME_PLACE = 0.005;

/** A border on neighbouring lines. */
interface Stretch {
  line: number;
  readonly borders: FarBorder[];
}
