/**
 * An answer laid out as an axis: durations and numbers on a logarithmic scale, choices as bands of equal width. A place on
 * an axis is a number from 0 to 1.
 */
import { nearest } from 'pipeline-runtime/kit';
import { failure } from '../../errors.ts';
import type { Answers } from '../answers.ts';
import { answerAt, secondsText } from '../complete.ts';
import { QUESTIONS, questionOf, type Question } from '../questions.ts';
import { spanOf } from '../spans.ts';

export interface Tick {
  readonly at: number;
  readonly label: string;
}

export interface Axis {
  readonly path: string;
  readonly isScale: boolean;
  /** The choices of an axis of bands. */
  readonly bands: readonly unknown[];
  readonly ticks: readonly Tick[];
  /** What the answers say, as a stretch of the axis; null when the answer is not there. */
  readonly given: readonly [from: number, to: number] | null;
  /** Nobody gave the answer: its default stands for it. */
  readonly isDefault: boolean;
  /** The answer at a place: seconds, a number, or a choice. */
  valueAt(place: number): unknown;
  /** An answer as text. */
  label(value: unknown): string;
}

/** What a person may ask for: everything but a list. */
const PATHS = QUESTIONS.filter(({ kind }) => kind !== 'list').map(({ path }) => path);

/** Where the answer of an axis is from; an absent one was made up, and has no place on it. */
type Origin = 'given' | 'default' | 'absent';

/** @throws AXIS_UNKNOWN */
export function axisOf(path: string, answers: Answers, origin: Origin): Axis {
  if (!PATHS.includes(path)) {
    const near = nearest(path, PATHS);
    const hint = near === undefined ? `There are ${PATHS.join(', ')}.` : `Did you mean "${near}"?`;
    throw failure('AXIS_UNKNOWN', { path: path.slice(0, 60), hint });
  }
  const question = questionOf(path);
  const answer = origin === 'absent' ? undefined : answerAt(answers, path);
  const axis =
    question.kind === 'duration' || question.kind === 'number'
      ? scaleOf(question, answer)
      : bandsOf(question, answer, bandsWith(answers, question));
  return { ...axis, isDefault: origin === 'default' };
}

/** How far beyond what `unsure` stands for an axis goes, on both sides. */
const MARGIN = 10;

function scaleOf(question: Question, answer: unknown): Omit<Axis, 'isDefault'> {
  const [least, most] = spanOf(question, 'unsure');
  const span = answer === undefined ? null : spanOf(question, answer);
  const low = Math.min(least / MARGIN, (span?.[0] ?? Infinity) / MARGIN);
  const high = Math.max(most * MARGIN, (span?.[1] ?? 0) * MARGIN);
  const place = (value: number): number => Math.log(value / low) / Math.log(high / low);
  const label = (value: unknown): string =>
    question.kind === 'duration' ? durationLabel(value as number) : shortNumber(value as number);
  const tickLabel = question.kind === 'duration' ? secondsText : shortNumber;
  const marks = question.kind === 'duration' ? DURATION_TICKS : NUMBER_TICKS;
  return {
    path: question.path,
    isScale: true,
    bands: [],
    ticks: marks
      .filter((value) => value >= low && value <= high)
      .map((value) => ({ at: place(value), label: tickLabel(value) })),
    given: span === null ? null : [place(span[0]), place(span[1])],
    valueAt: (at) => low * (high / low) ** at,
    label,
  };
}

/** Files say nothing without how often they come. */
function bandsWith(answers: Answers, { path, choices }: Question): readonly unknown[] {
  return path === 'arrival' && answers.arrivalEvery === undefined
    ? choices.filter((choice) => choice !== 'files')
    : choices;
}

function bandsOf(question: Question, answer: unknown, bands: readonly unknown[]): Omit<Axis, 'isDefault'> {
  const label = String;
  const index = bands.indexOf(answer);
  const middle = (at: number): number => (at + 0.5) / bands.length;
  return {
    path: question.path,
    isScale: false,
    bands,
    ticks: bands.map((band, at) => ({ at: middle(at), label: label(band) })),
    given: answer === undefined ? null : answer === 'unsure' ? [0, 1] : [middle(index), middle(index)],
    valueAt: (at) => bands[Math.min(bands.length - 1, Math.floor(at * bands.length))],
    label,
  };
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const DURATION_TICKS = [
  0.001,
  0.01,
  0.1,
  1,
  10,
  MINUTE,
  10 * MINUTE,
  HOUR,
  6 * HOUR,
  DAY,
  7 * DAY,
  30 * DAY,
  365 * DAY,
  3650 * DAY,
];
const NUMBER_TICKS = Array.from({ length: 19 }, (_, exponent) => 10 ** (exponent - 5));

/** Three digits of the unit that it is said in. */
function durationLabel(seconds: number): string {
  return secondsText(seconds < DAY ? threeDigits(seconds) : threeDigits(seconds / DAY) * DAY);
}

/** Three digits, and no noise of a search behind them. */
export function threeDigits(value: number): number {
  return Number(value.toPrecision(3));
}

function shortNumber(value: number): string {
  const rounded = threeDigits(value);
  const [unit, name] = UNITS.find(([size]) => rounded >= size) ?? [1, ''];
  return `${threeDigits(rounded / unit)}${name}`;
}

const UNITS: readonly (readonly [number, string])[] = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];
