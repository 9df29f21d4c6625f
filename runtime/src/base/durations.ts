import { failure } from './errors.ts';

/** Milliseconds in each unit a duration may carry. A week is 7 days; months and years have no fixed length. */
const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
type Unit = keyof typeof UNIT_MS;

const SHAPE = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d|w)$/;
const DURATION_MS_MAX = 100 * 365.25 * UNIT_MS.d;

/**
 * Reads a duration such as `200ms`, `5s`, `15m`, `6h`, `1d` or `26w` as milliseconds.
 * @throws DURATION_INVALID for a bare number, an unknown unit, a negative value or more than a century.
 */
export function parseDuration(text: unknown, where = 'duration'): number {
  const shown = String(text);
  const match = typeof text === 'string' ? SHAPE.exec(text.trim()) : null;
  if (match === null) throw failure('DURATION_INVALID', { text: shown, where, hint: hintFor(shown) });
  const ms = Number(match[1]) * UNIT_MS[match[2] as Unit];
  if (ms > DURATION_MS_MAX) {
    throw failure('DURATION_INVALID', { text: shown, where, hint: 'It is longer than a century.' });
  }
  return Math.round(ms);
}

function hintFor(shown: string): string {
  if (/^\d+(\.\d+)?$/.test(shown)) return `A bare number has no unit: say ${shown}m or ${shown}s.`;
  return 'Say a number with one unit: 200ms, 5s, 15m, 6h, 1d, 26w.';
}

/** Writes milliseconds with the largest unit that keeps at most one decimal: `90000` is `1.5m`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return 'never';
  if (ms < 0) return `-${formatDuration(-ms)}`;
  const units: readonly Unit[] = ['w', 'd', 'h', 'm', 's'];
  for (const unit of units) {
    const value = ms / UNIT_MS[unit];
    if (value >= 1 && (unit !== 'w' || Number.isInteger(value))) return `${trim(value)}${unit}`;
  }
  return `${trim(ms)}ms`;
}

function trim(value: number): string {
  return String(Math.round(value * 10) / 10);
}
