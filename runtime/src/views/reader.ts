/** Reads rows of views: ranges of one or two layers, filtered, in the order of their keys, as of one moment. */
import { failure } from '../base/errors.ts';
import type { JsonObject } from '../data/json.ts';
import type { Row } from '../data/value.ts';
import type { ViewQuery } from '../serve/host.ts';
import type { Reads } from '../state/store.ts';
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
  const found: Row[] = [];
  const limit = Math.min(query.limit ?? LIMIT_MAX, LIMIT_MAX);
  for (const part of parts) {
    const fromMs = Math.max(part.fromMs, query.fromMs ?? -Infinity);
    const toMs = Math.min(part.toMs, query.toMs ?? Infinity);
    if (fromMs >= toMs) continue;
    for await (const { value } of reads.scan(layout.range(part.layer, fromMs, toMs))) {
      const row = layout.decode(value);
      if (accepts(row)) found.push(row);
    }
  }
  // A view without a group is in the order of its events already.
  if (layout.keyNames.length > 0) found.sort((a, b) => layout.compare(a, b));
  if (query.order === 'newest') newestFirst(layout, found);
  return found.slice(0, limit).map((row) => layout.toJson(row));
}

/** The latest windows first, in the order of their keys within one; the latest events first in a view without a group. */
function newestFirst(layout: ViewLayout, rows: Row[]): void {
  if (layout.shape === 'events') rows.reverse();
  rows.sort((a, b) => (layout.windowOf(b)?.[0] ?? 0) - (layout.windowOf(a)?.[0] ?? 0));
}

function filterOf(layout: ViewLayout, { where }: ViewQuery): (row: Row) => boolean {
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
