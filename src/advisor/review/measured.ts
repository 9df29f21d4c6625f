/** What the noted days come to: rates of whole days, lateness and freshness of the last ones. Seconds, unless a name says. */
import { type Bins, type Day, quantileOf, totalOf } from 'pipeline-runtime/kit';
import { type Trend, trendOf } from './trend.ts';

export interface Measured {
  readonly days: number;
  readonly from: string | null;
  readonly to: string | null;
  readonly events: number;
  /** Of the last whole days; null before there is one. */
  readonly eventsPerSecond: number | null;
  readonly wholeDays: number;
  readonly bytesPerEvent: number | null;
  /** How far events are behind the newest; null when too few were looked at. */
  readonly behind: {
    readonly p50Seconds: number;
    readonly p99Seconds: number;
    readonly p999Seconds: number;
  } | null;
  /** From append to visible; null when too few events came. */
  readonly freshness: { readonly p50Seconds: number; readonly p99Seconds: number } | null;
  readonly lateShare: number;
  readonly rejected: number;
  readonly corrections: number;
  readonly logBytes: number;
  readonly stateBytes: number;
}

/** Freshness and volume are those of so many days, lateness of more: its tail is long. */
const RECENT_DAYS = 7;
const LATENESS_DAYS = 28;
/** A trend looks back so far. */
const TREND_DAYS = 90;
export const FRESH_EVENTS_MIN = 100;
export const SAMPLED_MIN = 1000;
const DAY_SECONDS = 86_400;

/** Days between the first and the last one: they were measured from beginning to end, as far as the pipeline ran. */
function wholeDaysOf(days: readonly Day[]): readonly Day[] {
  return days.slice(1, -1);
}

export function measuredOf(
  days: readonly Day[],
  sizes: { readonly logBytes: number; readonly stateBytes: number },
): Measured {
  const recent = days.slice(-RECENT_DAYS);
  const whole = wholeDaysOf(days);
  const lastWhole = whole.slice(-RECENT_DAYS);
  const events = sum(days, (day) => day.events);
  const sampled = sum(recent, (day) => day.sampled.events);
  return {
    days: days.length,
    from: days[0]?.day ?? null,
    to: days.at(-1)?.day ?? null,
    events,
    eventsPerSecond:
      lastWhole.length === 0 ? null : sum(lastWhole, (day) => day.events) / lastWhole.length / DAY_SECONDS,
    wholeDays: whole.length,
    bytesPerEvent: sampled === 0 ? null : sum(recent, (day) => day.sampled.bytes) / sampled,
    behind: behindOf(days.slice(-LATENESS_DAYS)),
    freshness: freshnessOf(recent),
    lateShare: events === 0 ? 0 : sum(days, (day) => day.late) / events,
    rejected: sum(days, (day) => day.rejected),
    corrections: sum(days, (day) => day.corrections),
    logBytes: sizes.logBytes,
    stateBytes: sizes.stateBytes,
  };
}

/** The growth of whole days; null when there are too few. */
export function growthOf(days: readonly Day[]): Trend | null {
  const counts = wholeDaysOf(days).slice(-TREND_DAYS);
  return trendOf(counts.map(({ day, events }) => ({ day: dayNumber(day), count: events })));
}

/** Days since 1970. */
export function dayNumber(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) / (DAY_SECONDS * 1000);
}

function behindOf(days: readonly Day[]): Measured['behind'] {
  const bins = mergedOf(days.map((day) => day.behindMs));
  if (totalOf(bins) < SAMPLED_MIN) return null;
  const at = (share: number): number => (quantileOf(bins, share) ?? 0) / 1000;
  return { p50Seconds: at(0.5), p99Seconds: at(0.99), p999Seconds: at(0.999) };
}

function freshnessOf(days: readonly Day[]): Measured['freshness'] {
  const bins = mergedOf(days.map((day) => day.visibleMs));
  if (totalOf(bins) < FRESH_EVENTS_MIN) return null;
  const at = (share: number): number => (quantileOf(bins, share) ?? 0) / 1000;
  return { p50Seconds: at(0.5), p99Seconds: at(0.99) };
}

function mergedOf(all: readonly Bins[]): Bins {
  const counts = new Map<number, number>();
  for (const [bin, count] of all.flat()) counts.set(bin, (counts.get(bin) ?? 0) + count);
  return [...counts].sort(([a], [b]) => a - b);
}

function sum(days: readonly Day[], of: (day: Day) => number): number {
  return days.reduce((total, day) => total + of(day), 0);
}
