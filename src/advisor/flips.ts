/**
 * For every answer, the nearest value that changes the recommendation. Choices are tried one by one; durations and
 * numbers are searched outwards in logarithmic steps and then by bisection. What is reported is the text that a person
 * would write, and the recommendation was computed again from that text.
 *
 *   ◄── probe ── probe ── from ── probe ── probe ──►
 *                            └ same ┘└ other: bisect ┘
 */
import { parseDuration } from 'pipeline-runtime/kit';
import type { Answers, Architecture } from './answers.ts';
import { answerAt, answerProblems, answerText, withAnswer } from './complete.ts';
import { DECIDING, hardestOf } from './facts.ts';
import { ASSUMED, type Assumptions } from './knowledge/assumptions.ts';
import { questionOf, type Question } from './questions.ts';
import type { Flip } from './recommendation.ts';
import { deciderOf, verdictOf } from './verdict.ts';

const PROBES_PER_DECADE = 3;
const BISECTIONS = 40;
/** How far a search goes: no flip is reported beyond what anyone would answer. */
const BOUNDS: Readonly<Record<'duration' | 'number', readonly [number, number]>> = {
  duration: [0.001, 3 * 365 * 86_400],
  number: [1e-3, 1e8],
};

interface Turn {
  readonly at: string;
  readonly becomes: Architecture;
  readonly distance: number;
}

/** Every answer that can change the recommendation by itself, in the order of the questions. */
export function flipsOf(
  answers: Answers,
  assumed: Assumptions = ASSUMED,
  paths: readonly string[] = DECIDING,
): Flip[] {
  const decide = deciderOf(answers, assumed);
  const at: Search = { answers, assumed, now: decide(), decide };
  return paths.flatMap((path) => {
    const question = questionOf(path);
    const answer = answerAt(answers, path);
    if (answer === undefined) return [];
    const scale = question.kind === 'duration' || question.kind === 'number';
    const [nearest, other] = scale ? scaleTurns(question, at) : choiceTurns(question, at);
    if (nearest === undefined) return [];
    const flip: Flip = { answer: path, from: answerText(answer), at: nearest.at, becomes: nearest.becomes };
    return [other === undefined ? flip : { ...flip, also: { at: other.at, becomes: other.becomes } }];
  });
}

interface Search {
  readonly answers: Answers;
  readonly assumed: Assumptions;
  readonly now: Architecture;
  readonly decide: ReturnType<typeof deciderOf>;
}

/** The recommendation with one answer replaced, or undefined when that would not be an answer at all. */
function verdictWith(at: Search, question: Question, value: unknown): Architecture | undefined {
  if (!question.schema.safeParse(value).success) return undefined;
  const changed = withAnswer(at.answers, question.path, value) as Answers;
  return answerProblems(changed).length > 0 ? undefined : verdictOf(changed, at.assumed);
}

function choiceTurns(question: Question, at: Search): Turn[] {
  const answer = answerAt(at.answers, question.path);
  const from = question.choices.indexOf(answer as string);
  const values =
    question.kind === 'list'
      ? listsBeside(question, answer)
      : question.choices.filter((choice) => choice !== answer);
  const turns = values.flatMap((value, index): Turn[] => {
    // First the cheap look, then the whole verdict for what is printed.
    if (at.decide([question.path, value]) === at.now) return [];
    const becomes = verdictWith(at, question, value);
    if (becomes === undefined || becomes === at.now) return [];
    const distance =
      question.kind === 'list' ? index : Math.abs(question.choices.indexOf(value as string) - from);
    return [{ at: answerText(value), becomes, distance }];
  });
  turns.sort((a, b) => a.distance - b.distance);
  return turns.slice(0, 1);
}

/** A list with one entry more or less. */
function listsBeside(question: Question, answer: unknown): (readonly unknown[])[] {
  const list = Array.isArray(answer) ? (answer as unknown[]) : [];
  return question.choices.map((choice) =>
    list.includes(choice) ? list.filter((item) => item !== choice) : [...list, choice],
  );
}

/** At most one turn upwards and one downwards, the nearer one first. A range is left from its hardest end. */
function scaleTurns(question: Question, at: Search): Turn[] {
  const start = hardestOf(question, answerAt(at.answers, question.path)) as number;
  const [least, most] = BOUNDS[question.kind as 'duration' | 'number'];
  const differs = (value: number) => at.decide([question.path, value]) !== at.now;
  return [Math.max(most, start), Math.min(least, start)]
    .flatMap((to) => {
      const edge = searchEdge(differs, start, to);
      const turn = edge === undefined ? undefined : readable(question, at, start, edge);
      return turn === undefined ? [] : [turn];
    })
    .sort((a, b) => a.distance - b.distance);
}

/** Walks from `from` to `to` until the verdict differs, then closes in on where it begins to. */
function searchEdge(differs: (value: number) => boolean, from: number, to: number): number | undefined {
  const decades = Math.log10(to / from);
  const steps = Math.ceil(Math.abs(decades) * PROBES_PER_DECADE);
  let same = from;
  for (let step = 0; step <= steps; step++) {
    const probe = step === 0 ? from : from * 10 ** ((decades * step) / steps);
    if (!differs(probe)) {
      same = probe;
      continue;
    }
    let other = probe;
    for (let i = 0; i < BISECTIONS && Math.abs(Math.log(other / same)) > 1e-7; i++) {
      const middle = Math.sqrt(same * other);
      if (differs(middle)) other = middle;
      else same = middle;
    }
    return other;
  }
  return undefined;
}

/** The shortest text at or just beyond the edge that turns the verdict when it is given as the answer. */
function readable(question: Question, at: Search, from: number, edge: number): Turn | undefined {
  const upwards = edge > from;
  for (const digits of [3, 4, 5, 7]) {
    // The edge is known to a ten-millionth: first the round number that close to it, then the one beyond.
    for (const slack of [1e-4, 0]) {
      const { answer, value } = roundBeyond(question, edge, digits, upwards, slack);
      const becomes = verdictWith(at, question, answer);
      if (becomes === undefined || becomes === at.now) continue;
      return { at: String(answer), becomes, distance: Math.abs(Math.log(value / from)) };
    }
  }
  return undefined;
}

const UNITS = ['d', 'h', 'm', 's', 'ms'] as const;

function roundBeyond(
  question: Question,
  edge: number,
  digits: number,
  upwards: boolean,
  slack: number,
): { answer: string | number; value: number } {
  const round = (value: number, least: number): number => {
    const step = Math.max(least, 10 ** (Math.floor(Math.log10(value)) - digits + 1));
    const steps = upwards ? Math.ceil(value / step - slack) : Math.floor(value / step + slack);
    return Number((steps * step).toPrecision(12));
  };
  if (question.kind === 'number') {
    const value = round(edge, 0);
    return { answer: value, value };
  }
  const ms = edge * 1000;
  const unit = UNITS.find((candidate) => ms >= parseDuration(`1${candidate}`)) ?? 'ms';
  const unitMs = parseDuration(`1${unit}`);
  const inUnit = round(ms / unitMs, 1 / unitMs);
  // A third of a minute has no end in minutes; whole milliseconds always do.
  const isShort = String(inUnit).length <= 8;
  const text = isShort ? `${inUnit}${unit}` : `${Math.round(inUnit * unitMs)}ms`;
  return { answer: text, value: (parseDuration(text) || 1) / 1000 };
}
