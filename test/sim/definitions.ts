/** What simulated jobs compute, and what must come of it: the naive part, without epochs, state or shared code. */
import {
  count,
  max,
  type Pipeline,
  pipeline,
  session,
  source,
  sum,
  tumbling,
  type View,
} from '../../runtime/src/index.ts';
import { z } from 'zod';

export type Policy = 'correct' | 'drop' | 'side-output';

export const WINDOW_MS = 600_000;
const DELAY_MS = 300_000;
const ALLOWED_MS = 120_000;

export interface SimEvent {
  /** The number of the line that it was sent as. */
  readonly n: number;
  readonly key: string;
  readonly at: string;
  readonly value: number;
}

export interface SimDefinition {
  readonly name: string;
  readonly definition: Pipeline;
  /** What it is changed to in some later life: without the view `closed`, with the view `peaks`. */
  readonly changed: Pipeline;
  readonly policy: Policy;
}

/** What must be said for the change. */
export const ALLOWED = { fromNowOn: false, drop: ['closed'] };

function readings(name: string, policy: Policy, idles = false) {
  return source(name, {
    schema: z.object({ n: z.int(), key: z.string(), at: z.iso.datetime(), value: z.int() }),
    eventTime: 'at',
    watermark: { delay: '5m', ...(idles && { idleAfter: '500ms' }) },
    lateness: { allowed: '2m', then: policy },
  });
}

type Readings = ReturnType<typeof readings>;

/** The views that every definition has for its first source, whose content the naive computation knows. */
function known(events: Readings) {
  const windows = events
    .groupBy((e) => ({ key: e.key, window: tumbling(e.at, '10m') }))
    .aggregate((e) => ({ events: count(), total: sum(e.value) }));
  return {
    totals: events
      .groupBy((e) => ({ key: e.key }))
      .aggregate((e) => ({ events: count(), total: sum(e.value), last: max(e.n) }))
      .updates(),
    windows: windows.updates(),
    closed: windows.final(),
  };
}

/** A definition and what it is changed to. `others` are views that it has besides. */
function simulated(
  name: string,
  policy: Policy,
  events: Readings,
  others: Readonly<Record<string, View<unknown>>>,
): SimDefinition {
  const { closed, ...kept } = known(events);
  const peaks = events
    .groupBy((e) => ({ key: e.key, window: tumbling(e.at, '20m') }))
    .aggregate((e) => ({ peak: max(e.value), events: count() }))
    .updates();
  return {
    name,
    policy,
    definition: pipeline('simulated', { ...kept, closed, ...others }),
    changed: pipeline('simulated', { ...kept, peaks, ...others }),
  };
}

function plain(policy: Policy): SimDefinition {
  return simulated(`plain ${policy}`, policy, readings('a', policy), {});
}

/** With state that is harder to restore: sessions, the best, the first of each key. */
function stateful(): SimDefinition {
  const events = readings('a', 'drop');
  const visits = events
    .groupBy((e) => ({ key: e.key, visit: session(e.at, '4m') }))
    .aggregate((e) => ({ events: count(), total: sum(e.value) }));
  return simulated('stateful', 'drop', events, {
    visits: visits.updates(),
    firsts: events.dedupe({ keys: ['key'], keep: 'first', by: 'time' }).updates(),
    best: events
      .top({ by: ['key'], order: (e) => [e.value.descending(), e.n], limit: 2, rank: 'place' })
      .map((e) => ({ key: e.key, place: e.place, value: e.value, n: e.n }))
      .updates(),
  });
}

/** Two sources that do not know of each other, the second with another policy, and partitions that fall asleep. */
function twoSources(): SimDefinition {
  const others = readings('b', 'correct', true)
    .groupBy((e) => ({ key: e.key, window: tumbling(e.at, '10m') }))
    .aggregate((e) => ({ events: count(), total: sum(e.value) }));
  return simulated('two sources', 'side-output', readings('a', 'side-output', true), {
    others: others.updates(),
  });
}

export const DEFINITIONS: readonly SimDefinition[] = [
  plain('drop'),
  plain('side-output'),
  plain('correct'),
  plain('correct'),
  stateful(),
  twoSources(),
];

/** An event of the log, with its partition. */
export interface Logged extends SimEvent {
  readonly partition: number;
}

type Row = Readonly<Record<string, unknown>>;

/** The rows of `totals` over some events: the naive way, an event at a time. */
export class TotalsSoFar {
  readonly #rows = new Map<string, { key: string; events: number; total: number; last: number }>();
  events = 0;

  add({ n, key, value }: SimEvent): void {
    const row = this.#rows.get(key) ?? { key, events: 0, total: 0, last: 0 };
    this.#rows.set(key, row);
    row.events++;
    row.total += value;
    row.last = Math.max(row.last, n);
    this.events++;
  }

  rows(): Row[] {
    return [...this.#rows.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

interface Window {
  readonly key: string;
  readonly window: { readonly start: string; readonly end: string };
  events: number;
  total: number;
}

/** The rows of `windows` over some events in their order, without those that are late, and how many are. */
export class WindowsSoFar {
  readonly #rows = new Map<string, Window>();
  /** Partition → its newest event. */
  readonly #newestMs = new Map<number, number>();
  inTime = 0;
  late = 0;

  add({ key, at, value, partition }: Logged): void {
    const timeMs = Date.parse(at);
    const startMs = Math.floor(timeMs / WINDOW_MS) * WINDOW_MS;
    const newestMs = this.#newestMs.get(partition) ?? -Infinity;
    this.#newestMs.set(partition, Math.max(newestMs, timeMs));
    if (startMs + WINDOW_MS - 1 + ALLOWED_MS <= newestMs - DELAY_MS) {
      this.late++;
      return;
    }
    const name = `${key} ${String(startMs).padStart(16, '0')}`;
    const start = new Date(startMs).toISOString();
    const end = new Date(startMs + WINDOW_MS).toISOString();
    const row = this.#rows.get(name) ?? { key, window: { start, end }, events: 0, total: 0 };
    this.#rows.set(name, row);
    row.events++;
    row.total += value;
    this.inTime++;
  }

  rows(): Row[] {
    return [...this.#rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => ({ ...row }));
  }
}
