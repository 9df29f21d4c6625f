/**
 * The decision map: which architecture wins for every pair of two answers, the others as they are.
 *
 *   y ▲  M M B B B      a cell is what is recommended there, over all that the other answers leave open;
 *     │  S M M B B      borders are found by bisection along the lines through what was answered
 *     └──────────► x
 */
import type { Answers, Architecture, GivenAnswers } from '../answers.ts';
import { answerAt, completeAnswers, missingAnswers, withAnswer } from '../complete.ts';
import { failure } from '../../errors.ts';
import { hardestWith, openPoints, type Facts } from '../facts.ts';
import { severityOf } from '../gates.ts';
import { ASSUMED } from '../knowledge/assumptions.ts';
import { QUESTIONS, questionOf } from '../questions.ts';
import { deciderOf } from '../verdict.ts';
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
  const decide = deciderOf(answers);
  const verdict = (atX: number, atY: number): Architecture =>
    decide([x.path, x.valueAt(atX)], [y.path, y.valueAt(atY)]);
  const cellAt = (atX: number, atY: number): MapCell => {
    const architecture = verdict(atX, atY);
    return { architecture, holds: severityOf(architecture, factsAt(atX, atY)) === 0 };
  };
  // Where other answers are open, a verdict takes a hundred times as long: cells between two that are alike are taken to be.
  const isOpen = openPoints(answers, ASSUMED, 2).axes.some((axis) => axis !== x.path && axis !== y.path);
  const borders = {
    x: bordersOf(x, (at) => verdict(at, middleOf(y))),
    y: bordersOf(y, (at) => verdict(middleOf(x), at)),
  };
  return {
    x,
    y,
    cells: centres(rows).map((atY) =>
      rowOf(centres(columns), isOpen ? OPEN_STRIDE : 1, (atX) => cellAt(atX, atY)),
    ),
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

const OPEN_STRIDE = 8;

/** Cells at every so-manieth place, and between two that differ at all that are needed to find where they do. */
function rowOf(places: readonly number[], stride: number, cellAt: (place: number) => MapCell): MapCell[] {
  const cells: MapCell[] = [];
  const at = (index: number): MapCell => (cells[index] ??= cellAt(places[index] ?? 0));
  const fill = (low: number, high: number): void => {
    if (high - low < 2) return;
    const isAlike = at(low).architecture === at(high).architecture && at(low).holds === at(high).holds;
    if (isAlike) cells.fill(at(low), low + 1, high);
    else {
      const middle = (low + high) >> 1;
      at(middle);
      fill(low, middle);
      fill(middle, high);
    }
  };
  const last = places.length - 1;
  at(last);
  for (let low = 0; low < last; low += stride) {
    const high = Math.min(last, low + stride);
    at(low);
    at(high);
    fill(low, high);
  }
  return cells;
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

function bordersOf(axis: Axis, verdict: (at: number) => Architecture, probes = PROBES): Border[] {
  const places = centres(axis.isScale ? probes : axis.bands.length);
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
/** A stretch of the axis that is narrower may be missed; the lines through the answers look closer. */
const FAR_PROBES = 50;

function farBordersOf(
  axis: Axis,
  other: Axis,
  near: readonly Border[],
  verdict: (at: number, beside: number) => Architecture,
): FarBorder[] {
  const lines = centres(other.isScale ? FAR_LINES : other.bands.length);
  const pairs = new Map<string, Stretch[]>();
  for (const [line, beside] of lines.entries()) {
    for (const border of bordersOf(axis, (at) => verdict(at, beside), FAR_PROBES)) {
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
