/** Fills in defaults and checks what no single answer can show: answers that are missing or exclude each other. */
import { formatDuration } from 'pipeline-runtime/kit';
import { failure } from '../errors.ts';
import { answersSchema, type Answers, type GivenAnswers } from './answers.ts';
import { QUESTIONS, questionOf, type Question } from './questions.ts';
import { spanMs, spanOf } from './spans.ts';

export interface Completed {
  readonly answers: Answers;
  /** Paths of the answers that nobody gave. */
  readonly defaulted: readonly string[];
}

/** A problem with an answer; `path` names it. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/**
 * Fills in the defaults.
 * @throws ANSWERS_MISSING with the flags of the required answers, ANSWERS_INVALID with every problem.
 */
export function completeAnswers(given: GivenAnswers): Completed {
  const missing = missingAnswers(given);
  if (missing.length > 0)
    throw failure('ANSWERS_MISSING', { flags: missing.map((path) => questionOf(path).flag) });
  const problems = answerProblems(given);
  if (problems.length > 0) {
    throw failure('ANSWERS_INVALID', {
      problems: problems.map((problem) => `${problem.path}: ${problem.message}`),
    });
  }
  const complete: Record<string, unknown> = {};
  const defaulted: string[] = [];
  for (const question of QUESTIONS) {
    const value = answerAt(given, question.path);
    if (value !== undefined) setAnswer(complete, question.path, value);
    else if (question.fallback !== undefined) {
      defaulted.push(question.path);
      setAnswer(complete, question.path, fallbackOf(question, given));
    }
  }
  if (given.measured !== undefined) complete['measured'] = given.measured;
  // Compiling the schema into code pays after many documents, and here is one.
  return { answers: answersSchema.parse(complete, { jitless: true }), defaulted };
}

/** The stated default; the two that hang on another answer follow it. */
function fallbackOf(question: Question, given: GivenAnswers): unknown {
  if (question.path === 'reactionTime') return given.freshness;
  const max = given.lateness?.max ?? 'unsure';
  if (question.path === 'lateness.typical' && max !== 'unsure') {
    const [least] = max.split('..');
    if (spanMs(max)[0] < spanMs(String(question.fallback))[0]) return least;
  }
  return question.fallback;
}

/** The required answers that are absent, as paths. */
export function missingAnswers(given: GivenAnswers): string[] {
  return QUESTIONS.filter(
    (question) => question.required && answerAt(given, question.path) === undefined,
  ).map((question) => question.path);
}

/** Every answer that contradicts another so plainly that one of them must be a slip. */
export function answerProblems(given: GivenAnswers): Problem[] {
  const problems: Problem[] = [];
  const { typical, max } = given.lateness ?? {};
  const known = typical !== undefined && typical !== 'unsure' && max !== undefined && max !== 'unsure';
  if (known && spanMs(max)[1] < spanMs(typical)[0]) {
    problems.push({
      path: 'lateness.typical',
      message: `lateness.max ${max} is less than lateness.typical ${typical}; the latest event cannot come before the usual one`,
    });
  }
  const files = given.arrival === 'files';
  if (files && given.arrivalEvery === undefined) {
    problems.push({
      path: 'arrival',
      message: 'arrival: files needs arrivalEvery, how often they are dropped (such as 1d)',
    });
  }
  if (given.arrivalEvery !== undefined && !files && given.arrival !== 'unsure') {
    problems.push({ path: 'arrivalEvery', message: 'has a meaning only with arrival: files' });
  }
  return [...problems, ...absurdities(given)];
}

/** Ten terabytes a second: more than any stream that has been described. */
const BYTES_PER_SECOND_MAX = 1e13;
const TEN_YEARS_SECONDS = 3650 * 86_400;

/** Answers that cannot all be true of anything: they get an explanation, not a verdict. */
function absurdities({ volume, asked, reprocessing }: GivenAnswers): Problem[] {
  const problems: Problem[] = [];
  const rate = leastOf('volume.eventsPerSecond', volume?.eventsPerSecond);
  const bytes = leastOf('volume.bytesPerEvent', volume?.bytesPerEvent);
  if (rate !== undefined && bytes !== undefined && rate * bytes > BYTES_PER_SECOND_MAX) {
    problems.push({
      path: 'volume.eventsPerSecond',
      message: `${rate} events of ${bytes} bytes in a second are ${Math.round((rate * bytes) / 1e12)} TB/s, more than any stream that has been described; one of the two must be a slip`,
    });
  }
  const [, most] =
    volume?.eventsPerSecond === undefined || volume.eventsPerSecond === 'unsure'
      ? []
      : spanOf(questionOf('volume.eventsPerSecond'), volume.eventsPerSecond);
  const keys = leastOf('volume.keys', volume?.keys);
  if (most !== undefined && keys !== undefined && keys > most * TEN_YEARS_SECONDS) {
    problems.push({
      path: 'volume.keys',
      message: `${keys} keys cannot have come of ${most} events a second: not one event each in ten years`,
    });
  }
  const every = reprocessing?.every;
  if (asked === 'once' && every !== undefined && every !== 'never' && every !== 'unsure') {
    problems.push({
      path: 'asked',
      message: `a question that is asked once is not reprocessed ${every}; say reprocessing.every: never, or asked: continuously`,
    });
  }
  return problems;
}

/** The least that an answer may mean; undefined when nobody gave it or knows it. */
function leastOf(path: string, answer: unknown): number | undefined {
  return answer === undefined || answer === 'unsure' ? undefined : spanOf(questionOf(path), answer)[0];
}

/** The keys of each path that was asked for: searches ask for the same few thousands of times. */
const KEYS = new Map<string, readonly string[]>();

/** The answer at a dotted path. */
export function answerAt(answers: object, path: string): unknown {
  const keys = KEYS.get(path) ?? path.split('.');
  KEYS.set(path, keys);
  let value: unknown = answers;
  for (const key of keys) value = (value as Record<string, unknown> | undefined)?.[key];
  return value;
}

/** Writes an answer at a dotted path of a plain object. */
export function setAnswer(target: Record<string, unknown>, path: string, value: unknown): void {
  const [first = '', ...rest] = path.split('.');
  if (rest.length === 0) target[first] = value;
  else {
    const group = { ...(target[first] as Record<string, unknown> | undefined) };
    target[first] = group;
    setAnswer(group, rest.join('.'), value);
  }
}

/** A copy with one answer replaced. */
export function withAnswer(answers: GivenAnswers, path: string, value: unknown): GivenAnswers {
  const copy: Record<string, unknown> = { ...answers };
  setAnswer(copy, path, value);
  return copy;
}

/** How an answer is shown to people. */
export function answerText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  return typeof value === 'number'
    ? String(value)
    : typeof value === 'string'
      ? value
      : JSON.stringify(value ?? null);
}

/** Seconds as a duration a person reads. */
export function secondsText(seconds: number): string {
  return formatDuration(seconds * 1000);
}
