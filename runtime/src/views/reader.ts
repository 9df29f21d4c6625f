/** Reads rows of views: ranges of one or two layers, filtered, in the order of their keys, as of one moment. */
import { failure } from '../base/errors.ts';
import type { JsonObject } from '../data/json.ts';
import type { Row } from '../data/value.ts';
import type { ViewQuery } from '../host/host.ts';
import type { Range, Reads } from '../state/store.ts';
import type { ViewLayout } from './layout.ts';

/** A part of a view: the rows of one layer whose windows start in [fromMs, toMs). Parts do not overlap. */
export interface ViewPart {
  readonly layer: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export const WHOLE: Omit<ViewPart, 'layer'> = { fromMs: -Infinity, toMs: Infinity };

const LIMIT_MAX = 1_000_000;

/** Throws COLUMN_UNKNOWN. */
export async function readView(
  reads: Reads,
  layout: ViewLayout,
  parts: readonly ViewPart[],
  query: ViewQuery,
): Promise<JsonObject[]> {
  const accepts = filterOf(layout, query);
  const limit = Math.min(query.limit ?? LIMIT_MAX, LIMIT_MAX);
  const rows =
    query.order === 'newest' && layout.isByTime
      ? await newestRows(reads, layout, parts, query, accepts, limit)
      : await allRows(reads, layout, parts, query, accepts);
  return rows.slice(0, limit).map((row) => layout.toJson(row));
}

type Accepts = (row: Row) => boolean;

async function allRows(
  reads: Reads,
  layout: ViewLayout,
  parts: readonly ViewPart[],
  query: ViewQuery,
  accepts: Accepts,
): Promise<Row[]> {
  const found: Row[] = [];
  for (const part of parts) {
    for await (const { value } of reads.scan(rangeOf(layout, part, query))) {
      const { row, count } = layout.decode(value);
      if (accepts(row)) for (let copy = 0; copy < count; copy++) found.push(row);
    }
  }
  // A view with a row for each event is in the order of its events already.
  if (layout.shape !== 'events') found.sort((a, b) => layout.compare(a, b));
  return found;
}

/**
 * The latest windows first, in the order of their keys within one; the latest events first in a view without a group.
 * Rows are stored by time, so it reads from the end and stops after the window in which the limit is reached.
 */
async function newestRows(
  reads: Reads,
  layout: ViewLayout,
  parts: readonly ViewPart[],
  query: ViewQuery,
  accepts: Accepts,
  limit: number,
): Promise<Row[]> {
  const found: Row[] = [];
  const startOf = (row: Row | undefined): number | undefined =>
    row === undefined ? undefined : layout.windowOf(row)?.[0];
  for (const part of parts.toReversed()) {
    for await (const { value } of reads.scan(rangeOf(layout, part, query), { reverse: true })) {
      const { row } = layout.decode(value);
      if (!accepts(row)) continue;
      const isFull = found.length >= limit;
      if (isFull && (layout.shape === 'events' || startOf(row) !== startOf(found.at(-1)))) break;
      found.push(row);
    }
    if (found.length >= limit) break;
  }
  if (layout.shape === 'events') return found;
  return found.sort((a, b) => (startOf(b) ?? 0) - (startOf(a) ?? 0) || layout.compare(a, b));
}

function rangeOf(layout: ViewLayout, part: ViewPart, query: ViewQuery): Range {
  const fromMs = Math.max(part.fromMs, query.fromMs ?? -Infinity);
  const toMs = Math.min(part.toMs, query.toMs ?? Infinity);
  // A range that ends before it begins is empty.
  return layout.range(part.layer, fromMs, Math.max(fromMs, toMs));
}

function filterOf(layout: ViewLayout, { where }: ViewQuery): Accepts {
  const conditions = Object.entries(where).map(([name, wanted]) => {
    const index = layout.columns.findIndex((column) => column.name === name);
    if (index < 0) {
      throw failure('COLUMN_UNKNOWN', {
        column: name,
        view: layout.view.name,
        known: layout.columns.map((column) => column.name),
      });
    }
    return { index, wanted };
  });
  if (conditions.length === 0) return () => true;
  return (row) => {
    const json = layout.toJson(row);
    return conditions.every(
      ({ index, wanted }) => textOf(json[layout.columns[index]?.name ?? '']) === wanted,
    );
  };
}

/** A value as a person would type it: a window by its start. */
function textOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'start' in value) return String(value.start);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
