/**
 * One point of the answers: every range narrowed to one value, every unit resolved. The model computes on facts only;
 * seconds throughout. `pointsOf` lists the points that unsure and ranged answers leave open.
 */
import type { Answers } from './answers.ts';
import { answerAt } from './complete.ts';
import { ASSUMED, type Assumptions } from './knowledge/assumptions.ts';
import { BREAKPOINTS, ONE_OFF_PROMISE_SECONDS } from './model/limits.ts';
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
  readonly action: Known<Answers['action']>;
  readonly reactionTime: number;
  readonly onCall: boolean;
  readonly effects: Known<Answers['effects']>;
  readonly asked: Known<Answers['asked']>;
  /** What nobody could say of the team, of reprocessing and of what hangs on it; at the hardest point, it rules nothing out. */
  readonly open: ReadonlySet<Weighed>;
  /** What `advisor profile` measured of real events, where the answers hold it. */
  readonly measured?: Measured | undefined;
  /** The machine to predict for, where that is known: no cluster that can be had for an hour. */
  readonly machine?: { readonly cores: number };
  /** The prices and efforts to count with. */
  readonly assumed: Assumptions;
}

type Measured = NonNullable<Answers['measured']>;

/** The most points that are looked at; beyond it they are sampled evenly, always with the same sample. */
const POINTS_MAX = 300;

/**
 * The answers that a verdict can depend on. The others change costs, settings and conflicts only, so their ranges need
 * no points of their own; a property test holds this list against the model.
 */
export const DECIDING = [
  'freshness',
  'lateness.policy',
  'reprocessing.every',
  'reprocessing.history',
  'maturity',
  'volume.eventsPerSecond',
  'volume.bytesPerEvent',
  'arrival',
  'arrivalEvery',
  'accuracy',
  'duplicates',
  'existing',
  'team.engineers',
  'correctBy',
  'historyIn',
  'effects',
  'codebases',
  'asked',
] as const;

/**
 * Those of them that tell apart what holds over the whole of a range: by hours of operation, and by what a replay can do.
 * The others are promises, which all that holds keeps.
 */
export const WORKING = [
  'reprocessing.every',
  'reprocessing.history',
  'maturity',
  'accuracy',
  'existing',
  'historyIn',
  'effects',
  'codebases',
] as const satisfies readonly (typeof DECIDING)[number][];

/** Those of them that hours of operation depend on; a property test holds this list against the model. */
export const BURDENING: ReadonlySet<string> = new Set(
  WORKING.filter((path) => path !== 'reprocessing.history'),
);

/**
 * How much each possibility counts when nobody knows (ours-unsure): what is routine is known, so what nobody knows is seldom
 * routine; a team that has never run a stream knows that, and who sends mails or pays; and a result that nobody calls
 * approximate is meant to be exact. Where nothing is said here, all count alike.
 */
const WEIGHTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  maturity: { novice: 1, intermediate: 4, expert: 4 },
  'reprocessing.every': { never: 4, yearly: 6, quarterly: 6, monthly: 4, weekly: 2, daily: 1 },
  accuracy: { exact: 4, 'approximate-then-exact': 1, approximate: 1 },
  effects: { replayable: 24, once: 1 },
  historyIn: { log: 1, lake: 2, both: 2, none: 1 },
};

/** Those that can rule an architecture out and are no promise to anybody. */
const WEIGHED = [
  'maturity',
  'reprocessing.every',
  'reprocessing.history',
  'effects',
  'historyIn',
] as const satisfies readonly (typeof WORKING)[number][];
export type Weighed = (typeof WEIGHED)[number];

const NOTHING: ReadonlySet<Weighed> = new Set();

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
  const weights = WEIGHTS[question.path];
  if (weights !== undefined) return middleOf(weights);
  return question.fallback ?? question.choices[Math.floor(question.choices.length / 2)];
}

/** The possibility that as much lies above as below. */
function middleOf(weights: Readonly<Record<string, number>>): string | undefined {
  const half = Object.values(weights).reduce((sum, weight) => sum + weight, 0) / 2;
  let below = 0;
  return Object.keys(weights).find((choice) => (below += weights[choice] ?? 0) >= half);
}

/** The likely point: ranges at their geometric middle, unsure choices at their default. */
function likelyFacts(answers: Answers, assumed: Assumptions): Facts {
  return factsOf(
    valuesWith((question) => likelyOf(question, answerAt(answers, question.path))),
    assumed,
    answers.measured,
  );
}

function valuesWith(of: (question: Question) => unknown): Values {
  return Object.fromEntries(QUESTIONS.map((question) => [question.path, of(question)]));
}

/** Answers replaced by certain values: seconds, plain numbers or choices. */
export type Replaced = readonly (readonly [path: string, value: unknown])[];

const HARDEST: Readonly<Record<string, string>> = {
  freshness: 'low',
  'lateness.typical': 'high',
  'lateness.max': 'high',
  'lateness.policy': 'correct',
  'reprocessing.every': 'daily',
  'reprocessing.history': 'high',
  maturity: 'novice',
  'volume.eventsPerSecond': 'high',
  'volume.bytesPerEvent': 'high',
  arrival: 'continuous',
  arrivalEvery: 'low',
  accuracy: 'approximate-then-exact',
  duplicates: 'never',
  'team.engineers': 'low',
  correctBy: 'low',
  historyIn: 'none',
  effects: 'once',
  codebases: 'one',
  asked: 'continuously',
};

/**
 * The hardest point that the answers leave open. Every gate and the effort only get worse towards it, so what holds here
 * holds over the whole range.
 */
export function hardestFacts(answers: Answers, assumed: Assumptions = ASSUMED): Facts {
  return hardestWith(answers, assumed)();
}

/** The hardest point with some answers replaced. For searches, so it is cheap. */
export function hardestWith(
  answers: Answers,
  assumed: Assumptions = ASSUMED,
): (...replaced: Replaced) => Facts {
  const hardest = unscheduled(
    valuesWith((question) => hardestOf(question, answerAt(answers, question.path))),
    assumed,
    answers.measured,
  );
  const unknown = WEIGHED.filter((path) => answerAt(answers, path) === 'unsure');
  if (unknown.length === 0) return (...replaced) => factsWith(hardest, replaced);
  return (...replaced) => ({
    ...factsWith(hardest, replaced),
    open: new Set(unknown.filter((path) => !replaced.some(([given]) => given === path))),
  });
}

/** Facts whose arrival may still be replaced by files. */
function unscheduled(values: Values, assumed: Assumptions, measured: Measured | undefined): Facts {
  const { arrivalEvery } = values;
  return { ...factsOf(values, assumed, measured), arrivalEvery: arrivalEvery as number };
}

/** The hardest value that one answer leaves open. */
export function hardestOf(question: Question, answer: unknown): unknown {
  const hardest = HARDEST[question.path];
  if (hardest === undefined || answer === undefined) return likelyOf(question, answer);
  if (hardest === 'low' || hardest === 'high') return spanOf(question, answer)[hardest === 'low' ? 0 : 1];
  return answer === 'unsure' ? hardest : answer;
}

/**
 * What predictions are made for: the likely volume, team and reprocessing, held to the promise that the recommendation is
 * held to, so that the figures explain the choice.
 */
export function predictedFacts(answers: Answers, assumed: Assumptions = ASSUMED): Facts {
  const { freshness, arrival, arrivalEvery, duplicates, historyIn } = hardestFacts(answers, assumed);
  return { ...likelyFacts(answers, assumed), freshness, arrival, arrivalEvery, duplicates, historyIn };
}

export interface OpenPoint {
  readonly facts: Facts;
  /** The value of each open axis at this point. */
  readonly values: readonly unknown[];
  /** How much it counts beside the others. */
  readonly weight: number;
}

export interface OpenPoints {
  /** The answers that are open and matter. */
  readonly axes: readonly string[];
  readonly points: readonly OpenPoint[];
  /** The same points with some answers replaced by certain values. */
  at(...replaced: Replaced): Facts[];
}

/** Every point that open answers leave, as far as a verdict can tell them apart. */
export function openPoints(
  answers: Answers,
  assumed: Assumptions = ASSUMED,
  pointsMax = POINTS_MAX,
  paths: readonly string[] = DECIDING,
): OpenPoints {
  const open = paths
    .map((path) => ({
      path,
      values: valuesOf(questionOf(path), answerAt(answers, path)),
    }))
    .filter((axis) => axis.values.length > 1);
  const base = hardestWith(answers, assumed);
  const total = open.reduce((product, axis) => product * axis.values.length, 1);
  const count = Math.min(total, pointsMax);
  const points = Array.from({ length: count }, (_, index): OpenPoint => {
    let rest = total <= pointsMax ? index : Math.floor(((index + fraction(index)) * total) / count);
    const values = open.map((axis) => {
      const value = axis.values[rest % axis.values.length];
      rest = Math.floor(rest / axis.values.length);
      return value;
    });
    const facts = base(...open.map((axis, at) => [axis.path, values[at]] as const));
    const weight = open.reduce(
      (product, axis, at) => product * (WEIGHTS[axis.path]?.[String(values[at])] ?? 1),
      1,
    );
    return { facts, values, weight };
  });
  return {
    axes: open.map((axis) => axis.path),
    points,
    at: (...replaced) => points.map(({ facts }) => factsWith(facts, replaced)),
  };
}

/** Spreads samples inside their strata without a pattern that an axis could hide in; the golden ratio's sequence. */
function fraction(index: number): number {
  return (index * 0.618_033_988_749_895) % 1;
}

/** Where each answer stands in the facts. */
const FIELDS = {
  freshness: 'freshness',
  'lateness.typical': 'typical',
  'lateness.max': 'latest',
  'lateness.policy': 'policy',
  'reprocessing.every': 'every',
  'reprocessing.history': 'history',
  maturity: 'maturity',
  'volume.eventsPerSecond': 'eventsPerSecond',
  'volume.bytesPerEvent': 'bytesPerEvent',
  'volume.keys': 'keys',
  'volume.growthPerYear': 'growthPerYear',
  arrival: 'arrival',
  arrivalEvery: 'arrivalEvery',
  action: 'action',
  accuracy: 'accuracy',
  duplicates: 'duplicates',
  'state.window': 'window',
  'state.joins': 'joins',
  'state.distinct': 'distinct',
  existing: 'existing',
  'team.engineers': 'engineers',
  'team.onCall': 'onCall',
  cloud: 'cloud',
  reactionTime: 'reactionTime',
  correctBy: 'correctBy',
  historyIn: 'historyIn',
  effects: 'effects',
  codebases: 'codebases',
  asked: 'asked',
} as const satisfies Readonly<
  Record<string, Exclude<keyof Facts, 'assumed' | 'measured' | 'machine' | 'open'>>
>;

const FIELD_OF = new Map<string, string>(Object.entries(FIELDS));

type Values = Readonly<Record<string, unknown>>;

function factsOf(values: Values, assumed: Assumptions, measured: Measured | undefined): Facts {
  const facts: Record<string, unknown> = {
    assumed,
    open: NOTHING,
    ...(measured !== undefined && { measured }),
  };
  for (const path in FIELDS) facts[FIELD_OF.get(path) ?? path] = values[path];
  return scheduled(facts as unknown as Facts);
}

function factsWith(facts: Facts, replaced: Replaced): Facts {
  if (replaced.length === 0) return scheduled(facts);
  const copy: Record<string, unknown> = { ...facts };
  for (const [path, value] of replaced) copy[FIELD_OF.get(path) ?? path] = value;
  return scheduled(copy as unknown as Facts);
}

/** Only files come on a schedule. */
function scheduled(facts: Facts): Facts {
  return facts.arrival === 'files' || facts.arrivalEvery === 0 ? facts : { ...facts, arrivalEvery: 0 };
}

/**
 * What the promise comes to: files that are dropped every day cannot be read sooner than that, and a question that is asked
 * once has no freshness to keep.
 */
export function promiseOf(facts: Facts): number {
  const once = facts.asked === 'once' ? ONE_OFF_PROMISE_SECONDS : 0;
  return Math.max(facts.freshness, facts.arrivalEvery, once);
}
