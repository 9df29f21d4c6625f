/** Views to deliver without a pipeline behind them: rows by key, and deliveries made of them. */
import { count, decimalField, pipeline, source, tumbling } from 'pipeline-runtime';
import { z } from 'zod';
import type { JsonRow } from '../../runtime/src/host/host.ts';
import type { Row } from '../../runtime/src/data/value.ts';
import type { Delivery, KeyedRow, Marker } from '../../runtime/src/sinks/sink.ts';
import { ViewLayout } from '../../runtime/src/views/layout.ts';

const events = source('events', {
  schema: z.object({
    at: z.iso.datetime(),
    text: z.string(),
    whole: z.int(),
    real: z.number(),
    yes: z.boolean(),
    seen: z.iso.datetime().nullable(),
    price: decimalField(3),
    tags: z.array(z.string()),
    note: z.string().nullable(),
  }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '0s', then: 'drop' },
});

const { plan } = pipeline('things', {
  events: events.updates(),
  hours: events
    .groupBy((e) => ({ text: e.text, hour: tumbling(e.at, '1h') }))
    .aggregate(() => ({ n: count() }))
    .updates(),
  totals: events
    .groupBy((e) => ({ text: e.text }))
    .aggregate(() => ({ n: count() }))
    .updates(),
  bag: events
    .unnest((e) => e.tags, 'tag')
    .map((e) => ({ tag: e.tag, note: e.note }))
    .updates(),
});

export function layoutOf(view: 'events' | 'hours' | 'totals' | 'bag'): ViewLayout {
  const found = plan.views.find(({ name }) => name === view);
  if (found === undefined) throw new Error(view);
  return new ViewLayout(plan, found);
}

/** A view that a test changes at will. */
export class TestView {
  readonly layout: ViewLayout;
  readonly #rows = new Map<string, KeyedRow>();
  readonly #changed = new Set<string>();

  constructor(view: Parameters<typeof layoutOf>[0]) {
    this.layout = layoutOf(view);
  }

  /** `at` is the place of an event's row. */
  put(row: Row, { count: copies = 1, at = [0, 0, 0] as readonly [number, number, number] } = {}): void {
    const [eventTimeMs, partition, offset] = at;
    const key = this.layout.keyOf(row, { eventTimeMs, partition, offset });
    const name = key.toString('latin1');
    this.#changed.add(name);
    if (copies === 0) this.#rows.delete(name);
    else this.#rows.set(name, { key, row, count: copies });
  }

  remove(row: Row, at?: readonly [number, number, number]): void {
    this.put(row, { count: 0, ...(at !== undefined && { at }) });
  }

  get #sorted(): KeyedRow[] {
    return [...this.#rows.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  }

  json(): JsonRow[] {
    return this.#sorted.flatMap(({ row, count: copies }) =>
      Array.from({ length: copies }, () => this.layout.toJson(row)),
    );
  }

  /** What changed since the last `settled`, or everything, in pieces of so many rows. */
  delivery(marker: Marker, { isWhole = false, pieceRows = 2 } = {}): Delivery {
    const sorted = this.#sorted;
    const rows = new Map(this.#rows);
    const names = [...this.#changed].sort();
    const changes = isWhole
      ? sorted
      : names.map((name) => rows.get(name) ?? { key: Buffer.from(name, 'latin1'), row: null, count: 0 });
    const { layout } = this;
    return {
      marker,
      layout,
      isWhole,
      layers: ['live'],
      itemize: () => Promise.resolve(),
      checkOwner: () => Promise.resolve(),
      changes: () => inPieces(changes, pieceRows),
      keys: () =>
        inPieces(
          changes.map(({ key }) => key),
          pieceRows,
        ),
      rows: (fromMs, toMs) =>
        inPieces(
          sorted.filter(({ key }) => {
            const timeMs = layout.isByTime ? layout.timeOf(key) : 0;
            return !layout.isByTime || (timeMs >= fromMs && timeMs < toMs);
          }),
          pieceRows,
        ),
    };
  }

  settled(): void {
    this.#changed.clear();
  }
}

async function* inPieces<T>(items: readonly T[], size: number): AsyncIterable<readonly T[]> {
  for (let from = 0; from < items.length; from += size)
    yield await Promise.resolve(items.slice(from, from + size));
}
