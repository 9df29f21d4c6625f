/** Reads an answer's text as the values it covers. `unsure` covers what its question says it stands for. */
import { parseDuration } from 'pipeline-runtime/kit';
import type { Question } from './questions.ts';

export type Span = readonly [low: number, high: number];

/** `15m` or `1m..15m` as milliseconds. */
export function spanMs(text: string): Span {
  const [low = text, high = low] = text.split('..');
  return [parseDuration(low), parseDuration(high)];
}

/** A duration as seconds, or a number, as the span it covers. */
export function spanOf(question: Question, value: unknown): Span {
  const text = value === 'unsure' ? question.unsure.join('..') : String(value);
  if (question.kind === 'duration') {
    const [from, to] = spanMs(text);
    return [from / 1000, to / 1000];
  }
  const [from = NaN, to = from] = text.split('..').map(Number);
  return [from, to];
}
