/**
 * One point of the answers: every range narrowed to one value, every unit resolved. The model computes on facts only;
 * seconds throughout. `pointsOf` lists the points that unsure and ranged answers leave open.
 */
import type { Answers } from './answers.ts';
import { answerAt } from './complete.ts';
import { BREAKPOINTS } from './model/limits.ts';
import { QUESTIONS, questionOf, type Question } from './questions.ts';
import { spanOf } from './spans.ts';

type Known<T> = Exclude<T, 'unsure'>;

export interface Facts {
  readonly freshness: number;
  readonly typical: number;
  readonly latest: number;
  readonly policy: Known<Answers['lateness']['policy']>;
  readonly every: Known<Answers['reprocessing']['every']>;
  readonly history: number;
  readonly maturity: Known<Answers['maturity']>;
  readonly eventsPerSecond: number;
  readonly bytesPerEvent: number;
  readonly keys: number;
  readonly growthPerYear: number;
  readonly arrival: Known<Answers['arrival']>;
  /** 0 unless events arrive as files. */
  readonly arrivalEvery: number;
  readonly accuracy: Known<Answers['accuracy']>;
  readonly duplicates: Known<Answers['duplicates']>;
  readonly window: number;
  readonly joins: boolean;
  readonly distinct: boolean;
  readonly existing: readonly string[];
  readonly engineers: number;
  readonly cloud: Known<Answers['cloud']>;
  readonly correctBy: number;
  readonly historyIn: Known<Answers['historyIn']>;
  readonly codebases: Known<Answers['codebases']>;
}

/** The most points that are looked at; beyond it they are sampled evenly, always with the same sample. */
const POINTS_MAX = 300;

/**
 * The answers that a verdict can depend on. The others change costs, settings and conflicts only, so their ranges need
 * no points of their own; a property test holds this list against the model.
 */
export const DECIDING = [
  'freshness',
  'reprocessing.every',
  'reprocessing.history',
  'maturity',
  'volume.eventsPerSecond',
  'arrival',
  'arrivalEvery',
  'duplicates',
  'correctBy',
  'historyIn',
] as const;

/** The values that an answer leaves open: one when it is certain. Durations in seconds. */
function valuesOf(question: Question, answer: unknown): readonly unknown[] {
  if (question.kind === 'duration' || question.kind === 'number') {
    if (answer === undefined) return [0];
    const [low, high] = spanOf(question, answer);
    if (low === high) return [low];
    const inside = (BREAKPOINTS[question.path] ?? []).filter((value) => value > low && value < high);
    return [low, ...inside, Math.sqrt(low * high), high];
  }
  if (answer !== 'unsure') return [answer];
  return question.kind === 'list' ? [[]] : question.choices;
}

/** The middle of what an answer leaves open. */
function likelyOf(question: Question, answer: unknown): unknown {
  if (question.kind === 'duration' || question.kind === 'number') {
    if (answer === undefined) return 0;
    const [low, high] = spanOf(question, answer);
    return low === high ? low : Math.sqrt(low * high);
  }
  if (answer !== 'unsure') return answer;
  return question.fallback ?? question.choices[Math.floor(question.choices.length / 2)];
}

/** The likely point: ranges at their geometric middle, unsure choices at their default. */
function likelyFacts(answers: Answers): Facts {
  const values = QUESTIONS.map((question) => likelyOf(question, answerAt(answers, question.path)));
  return factsOf((path) => values[INDEX.get(path) ?? -1]);
}

const HARDEST: Readonly<Record<string, string>> = {
  freshness: 'low',
  'lateness.typical': 'high',
  'lateness.max': 'high',
  'reprocessing.every': 'daily',
  'reprocessing.history': 'high',
  maturity: 'novice',
  'volume.eventsPerSecond': 'high',
  arrival: 'continuous',
  arrivalEvery: 'low',
  duplicates: 'never',
  correctBy: 'low',
  historyIn: 'none',
};

/**
 * The hardest point that the answers leave open. Every gate and the effort only get worse towards it, so what holds here
 * holds over the whole range.
 */
export function hardestFacts(answers: Answers): Facts {
  return hardestWith(answers)();
}

/** The hardest point with some answers replaced: seconds, plain numbers or choices. For searches, so it is cheap. */
export function hardestWith(
  answers: Answers,
): (...replaced: readonly (readonly [path: string, value: unknown])[]) => Facts {
  const values = QUESTIONS.map((question) => hardestOf(question, answerAt(answers, question.path)));
  return (...replaced) => {
    const all = values.slice();
    for (const [path, value] of replaced) all[INDEX.get(path) ?? -1] = value;
    return factsOf((at) => all[INDEX.get(at) ?? -1]);
  };
}

/** The hardest value that one answer leaves open. */
export function hardestOf(question: Question, answer: unknown): unknown {
  const hardest = HARDEST[question.path];
  if (hardest === undefined || answer === undefined) return likelyOf(question, answer);
  if (hardest === 'low' || hardest === 'high') return spanOf(question, answer)[hardest === 'low' ? 0 : 1];
  return answer === 'unsure' ? hardest : answer;
}

/**
 * What predictions are made for: the likely volume, held to what the recommendation is held to, so that the figures
 * explain the choice.
 */
export function predictedFacts(answers: Answers): Facts {
  const { freshness, arrival, arrivalEvery, duplicates, maturity, every, historyIn } = hardestFacts(answers);
  return {
    ...likelyFacts(answers),
    freshness,
    arrival,
    arrivalEvery,
    duplicates,
    maturity,
    every,
    historyIn,
  };
}

export interface OpenPoint {
  readonly facts: Facts;
  /** The value of each open axis at this point. */
  readonly values: readonly unknown[];
}

/** The answers that are open and matter, and every point they leave open as far as a verdict can tell them apart. */
export function openPoints(answers: Answers): {
  readonly axes: readonly string[];
  readonly points: readonly OpenPoint[];
} {
  const open = DECIDING.map((path) => ({
    path,
    values: valuesOf(questionOf(path), answerAt(answers, path)),
  })).filter((axis) => axis.values.length > 1);
  const base = QUESTIONS.map((question) => hardestOf(question, answerAt(answers, question.path)));
  const total = open.reduce((product, axis) => product * axis.values.length, 1);
  const count = Math.min(total, POINTS_MAX);
  const points = Array.from({ length: count }, (_, index) => {
    let rest = total <= POINTS_MAX ? index : Math.floor(((index + fraction(index)) * total) / count);
    const all = [...base];
    const values = open.map((axis) => {
      const value = axis.values[rest % axis.values.length];
      rest = Math.floor(rest / axis.values.length);
      all[INDEX.get(axis.path) ?? -1] = value;
      return value;
    });
    return { facts: factsOf((path) => all[INDEX.get(path) ?? -1]), values };
  });
  return { axes: open.map((axis) => axis.path), points };
}

/** Spreads samples inside their strata without a pattern that an axis could hide in; the golden ratio's sequence. */
function fraction(index: number): number {
  return (index * 0.618_033_988_749_895) % 1;
}

const INDEX = new Map(QUESTIONS.map((question, index) => [question.path, index]));

function factsOf(at: (path: string) => unknown): Facts {
  const arrival = at('arrival') as Facts['arrival'];
  return {
    freshness: at('freshness') as number,
    typical: at('lateness.typical') as number,
    latest: at('lateness.max') as number,
    policy: at('lateness.policy') as Facts['policy'],
    every: at('reprocessing.every') as Facts['every'],
    history: at('reprocessing.history') as number,
    maturity: at('maturity') as Facts['maturity'],
    eventsPerSecond: at('volume.eventsPerSecond') as number,
    bytesPerEvent: at('volume.bytesPerEvent') as number,
    keys: at('volume.keys') as number,
    growthPerYear: at('volume.growthPerYear') as number,
    arrival,
    arrivalEvery: arrival === 'files' ? (at('arrivalEvery') as number) : 0,
    accuracy: at('accuracy') as Facts['accuracy'],
    duplicates: at('duplicates') as Facts['duplicates'],
    window: at('state.window') as number,
    joins: at('state.joins') as boolean,
    distinct: at('state.distinct') as boolean,
    existing: at('existing') as readonly string[],
    engineers: at('team.engineers') as number,
    cloud: at('cloud') as Facts['cloud'],
    correctBy: at('correctBy') as number,
    historyIn: at('historyIn') as Facts['historyIn'],
    codebases: at('codebases') as Facts['codebases'],
  };
}

/** What the promise comes to: files that are dropped every day cannot be read sooner than that. */
export function promiseOf(facts: Facts): number {
  return Math.max(facts.freshness, facts.arrivalEvery);
}
