/** The rows of a view at one moment, in pieces that are bounded in rows and bytes: all of a time, or those of some keys. */
import type { Reads } from '../state/store.ts';
import type { ViewLayout } from '../views/layout.ts';
import type { ViewPart } from '../views/reader.ts';
import type { KeyedRow, KeyedRowChange } from './sink.ts';

/** Where the rows of a view are, as of a moment. */
export interface Located {
  readonly layout: ViewLayout;
  readonly parts: readonly ViewPart[];
}

const PIECE_ROWS_MAX = 2_000;
const PIECE_BYTES_MAX = 1_000_000;

/** All rows of a time; parts lie one behind the other in it. */
export async function* rowsIn(
  reads: Reads,
  { layout, parts }: Located,
  fromMs: number,
  toMs: number,
): AsyncIterable<readonly KeyedRow[]> {
  let piece: KeyedRow[] = [];
  let bytes = 0;
  for (const part of parts) {
    const from = Math.max(fromMs, part.fromMs);
    const prefixLength = layout.prefix(part.layer).length;
    // A range that ends before it begins is empty.
    const range = layout.range(part.layer, from, Math.max(from, Math.min(toMs, part.toMs)));
    for await (const { key, value } of reads.scan(range)) {
      piece.push({ key: key.subarray(prefixLength), ...layout.decode(value) });
      bytes += key.length + value.length;
      if (piece.length < PIECE_ROWS_MAX && bytes < PIECE_BYTES_MAX) continue;
      yield piece;
      piece = [];
      bytes = 0;
    }
  }
  if (piece.length > 0) yield piece;
}

/** The rows of some keys; null for one that has none. */
export async function* rowsOf(
  reads: Reads,
  { layout, parts }: Located,
  keys: AsyncIterable<readonly Buffer[]>,
): AsyncIterable<readonly KeyedRowChange[]> {
  const places = parts.map((part) => ({ part, prefix: layout.prefix(part.layer) }));
  const prefixOf = (key: Buffer): Buffer | undefined => {
    if (!layout.isByTime || places.length === 1) return places[0]?.prefix;
    const timeMs = layout.timeOf(key);
    return places.find(({ part }) => timeMs >= part.fromMs && timeMs < part.toMs)?.prefix;
  };
  for await (const some of keys) {
    for (let from = 0; from < some.length; from += PIECE_ROWS_MAX) {
      const wanted = some.slice(from, from + PIECE_ROWS_MAX);
      const stored = wanted.map((key) => Buffer.concat([prefixOf(key) ?? Buffer.alloc(0), key]));
      const values = await reads.getMany(stored);
      yield* bounded(
        wanted.map((key, index): Sized => {
          const value = values[index] ?? null;
          const change = value === null ? { row: null, count: 0 } : layout.decode(value);
          return { change: { key, ...change }, bytes: key.length + (value?.length ?? 0) };
        }),
      );
    }
  }
}

interface Sized {
  readonly change: KeyedRowChange;
  readonly bytes: number;
}

function* bounded(changes: readonly Sized[]): Iterable<readonly KeyedRowChange[]> {
  let piece: KeyedRowChange[] = [];
  let bytes = 0;
  for (const each of changes) {
    piece.push(each.change);
    bytes += each.bytes;
    if (bytes < PIECE_BYTES_MAX) continue;
    yield piece;
    piece = [];
    bytes = 0;
  }
  if (piece.length > 0) yield piece;
}
