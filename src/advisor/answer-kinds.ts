/** The five kinds of answer. Each is a zod schema of the text a person writes, with what a prompt needs in its metadata. */
import { formatDuration, nearest, parseDuration } from 'pipeline-runtime/kit';
import { z } from 'zod';

/** An answer that is often given, and what it means. */
type Typical = readonly (readonly [answer: string, means: string])[];

interface Asked {
  readonly ask: string;
  readonly why: string;
  readonly typical?: Typical;
}

/** What is known about an answer besides its type; kept as zod metadata, read by `questions.ts`. */
export interface QuestionMeta {
  readonly kind: 'duration' | 'number' | 'choice' | 'yes-no' | 'list';
  readonly ask: string;
  readonly why: string;
  readonly typical: Typical;
  /** Absent for a required answer. */
  readonly fallback?: string | number | boolean | readonly string[];
  readonly example?: string;
  readonly choices: readonly (string | boolean)[];
  /** What "unsure" stands for, for durations (text) and numbers. */
  readonly unsure: readonly (string | number)[];
  readonly onlyWith?: string;
}

const DURATION = String.raw`\d{1,12}(\.\d{1,6})?(ms|s|m|h|d|w)`;
const NUMBER = String.raw`\d+(\.\d+)?([eE]\+?\d+)?`;
const UNSURE = 'unsure';

export function duration(
  q: Asked & {
    readonly range: readonly [string, string];
    readonly unsure: readonly [string, string];
    readonly fallback?: string;
    readonly example?: string;
    readonly onlyWith?: string;
  },
) {
  const [minMs, maxMs] = [parseDuration(q.range[0]), parseDuration(q.range[1])];
  return z
    .string({ error: (issue) => durationHint(issue.input) })
    .superRefine((text, context) => {
      const problem = durationProblem(text, minMs, maxMs);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    })
    .meta(metaOf('duration', q, { unsure: q.unsure, pattern: `^(unsure|${DURATION}(\\.\\.${DURATION})?)$` }));
}

export function number(
  q: Asked & {
    readonly range: readonly [number, number];
    readonly unsure: readonly [number, number];
    readonly fallback: number;
  },
) {
  const [min, max] = q.range;
  return z
    .union([z.number(), z.string().meta({ pattern: `^(unsure|${NUMBER}\\.\\.${NUMBER})$` })], {
      error: (issue) => numberProblem(issue.input, min, max) ?? 'is not a number',
    })
    .superRefine((value, context) => {
      const problem = numberProblem(value, min, max);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    })
    .meta(metaOf('number', q, { unsure: q.unsure }));
}

export function choice<const C extends readonly string[]>(
  choices: C,
  q: Asked & { readonly fallback?: C[number]; readonly example?: C[number] },
) {
  return z
    .enum([...choices, UNSURE] as const, {
      error: (issue) => choiceProblem(issue.input, [...choices, UNSURE]),
    })
    .meta(metaOf('choice', q, { choices }));
}

export function yesNo(q: Asked & { readonly fallback: boolean }) {
  return z
    .union([z.boolean(), z.literal(UNSURE)], {
      error: (issue) => choiceProblem(issue.input, ['true', 'false', UNSURE]),
    })
    .meta(metaOf('yes-no', q, { choices: [true, false] }));
}

export function list<const C extends readonly string[]>(
  choices: C,
  q: Asked & { readonly fallback: readonly C[number][] },
) {
  return z
    .union([z.array(z.enum(choices)).max(choices.length), z.literal(UNSURE)], {
      error: (issue) => listProblem(issue.input, choices),
    })
    .meta(metaOf('list', q, { choices }));
}

function metaOf(
  kind: QuestionMeta['kind'],
  q: Asked & {
    readonly fallback?: QuestionMeta['fallback'];
    readonly example?: string;
    readonly onlyWith?: string;
  },
  more: {
    readonly choices?: readonly (string | boolean)[];
    readonly unsure?: readonly (string | number)[];
    readonly pattern?: string;
  },
) {
  const question: QuestionMeta = {
    kind,
    ask: q.ask,
    why: q.why,
    typical: q.typical ?? [],
    choices: more.choices ?? [],
    unsure: more.unsure ?? [],
    ...(q.fallback === undefined ? {} : { fallback: q.fallback }),
    ...(q.example === undefined ? {} : { example: q.example }),
    ...(q.onlyWith === undefined ? {} : { onlyWith: q.onlyWith }),
  };
  return {
    description: q.ask,
    question,
    ...(more.pattern === undefined ? {} : { pattern: more.pattern }),
  };
}

/** As much of a wrong answer as a message needs. */
function shown(value: unknown): string {
  return String(value).slice(0, 40);
}

function durationHint(input: unknown): string {
  if (typeof input === 'number' && Number.isFinite(input))
    return `${input} has no unit: say ${input}m or ${input}s`;
  return 'is not a duration: say a number with one unit (200ms, 5s, 15m, 6h, 1d, 26w), a range (1m..15m) or unsure';
}

function durationProblem(text: string, minMs: number, maxMs: number): string | undefined {
  if (text === UNSURE) return undefined;
  const ends = text.split('..');
  if (ends.length > 2) return durationHint(text);
  const values: number[] = [];
  for (const end of ends) {
    if (/^\d+(\.\d+)?$/.test(end)) return `"${shown(end)}" has no unit: say ${shown(end)}m or ${shown(end)}s`;
    try {
      values.push(parseDuration(end));
    } catch {
      return `"${shown(text)}" ${durationHint(text)}`;
    }
  }
  if (values.some((ms) => ms < minMs))
    return `${shown(text)} is too short: at least ${formatDuration(minMs)}`;
  if (values.some((ms) => ms > maxMs)) return `${shown(text)} is too long: at most ${formatDuration(maxMs)}`;
  return reversed(text, values);
}

function numberProblem(value: unknown, min: number, max: number): string | undefined {
  if (value === UNSURE) return undefined;
  const ends =
    typeof value === 'string'
      ? value.split('..').map((end) => (end.trim() === '' ? NaN : Number(end)))
      : [value];
  const isRange = typeof value === 'string' && ends.length === 2;
  if (
    (typeof value === 'string' && !isRange) ||
    !ends.every((end) => typeof end === 'number' && Number.isFinite(end))
  ) {
    return `"${shown(value)}" is not a number, a range (100..500) or unsure`;
  }
  const values = ends as number[];
  if (values.some((n) => n < min)) return `${shown(value)} is too small: at least ${min}`;
  if (values.some((n) => n > max)) return `${shown(value)} is too large: at most ${max}`;
  return reversed(String(value), values);
}

function reversed(text: string, values: readonly number[]): string | undefined {
  const [low, high] = values;
  if (low === undefined || high === undefined || low <= high) return undefined;
  return `${shown(text)} is a range that ends before it begins`;
}

function choiceProblem(input: unknown, choices: readonly string[]): string {
  const near = typeof input === 'string' ? nearest(input, choices) : undefined;
  return `"${shown(input)}" is not one of ${choices.join(', ')}${near === undefined ? '' : `. Did you mean "${near}"?`}`;
}

function listProblem(input: unknown, choices: readonly string[]): string {
  if (!Array.isArray(input)) return `is not a list such as [${choices.slice(0, 2).join(', ')}], or unsure`;
  const wrong: unknown = input.find((item) => !choices.includes(String(item)));
  return wrong === undefined ? 'has too many entries' : choiceProblem(wrong, choices);
}
