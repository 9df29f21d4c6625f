/** Which worker each row of a batch belongs to: equal values of the column of its route go to one. */
import type { Route, RouteCase } from '../compile/partition.ts';
import { BATCH_ROWS_MAX, type BatchColumn, type ColumnBatch, valueAt } from '../data/columns.ts';
import { inOrder, type Split } from './file-worker-page.ts';

/** Where all rows of a view without a route go. */
export interface OneWorker {
  readonly kind: 'one';
  readonly worker: number;
}

export class Splitter {
  readonly #route: Route | OneWorker;
  readonly #workers: number;
  readonly #owners = new Int32Array(BATCH_ROWS_MAX);
  readonly #order = new Int32Array(BATCH_ROWS_MAX);
  readonly #inOrder = new Int32Array(BATCH_ROWS_MAX).map((_, row) => row);

  constructor(route: Route | OneWorker, workers: number) {
    this.#route = route;
    this.#workers = workers;
  }

  /** Rows of the batch in the order of their workers, else in their own; valid until the next call. */
  split(batch: ColumnBatch, chunk: number): Split {
    const route = this.#route;
    switch (route.kind) {
      case 'everywhere':
        return { order: this.#inOrder, offsets: null };
      case 'anywhere':
        return this.#allTo(chunk % this.#workers, batch.n);
      case 'one':
        return this.#allTo(route.worker, batch.n);
      case 'by':
        return this.#byOwner(batch, route.cases);
    }
  }

  #allTo(owner: number, rows: number): Split {
    const offsets = Array.from({ length: this.#workers + 1 }, (_, worker) => (worker > owner ? rows : 0));
    return { order: this.#inOrder, offsets };
  }

  #byOwner(batch: ColumnBatch, cases: readonly RouteCase[]): Split {
    const owners = this.#owners.fill(0, 0, batch.n);
    for (const one of cases) markOwners(batch, one, owners, this.#workers);
    const next = Array.from({ length: this.#workers + 1 }, () => 0);
    for (let row = 0; row < batch.n; row++) (next[(owners[row] as number) + 1] as number)++;
    for (let worker = 0; worker < this.#workers; worker++)
      next[worker + 1] = (next[worker + 1] as number) + (next[worker] as number);
    const offsets = [...next];
    for (let row = 0; row < batch.n; row++) {
      const owner = owners[row] as number;
      this.#order[next[owner] as number] = row;
      next[owner] = (next[owner] as number) + 1;
    }
    return { order: this.#order, offsets };
  }
}

/** The columns that a route reads. */
export function columnsOfRoute(route: Route | OneWorker): readonly string[] {
  if (route.kind !== 'by') return [];
  return route.cases.flatMap(({ when, column }) => (when === null ? [column] : [when.field, column]));
}

function markOwners(
  batch: ColumnBatch,
  { when, column: name }: RouteCase,
  owners: Int32Array,
  workers: number,
): void {
  const [column] = inOrder(batch, [{ name }]) as [BatchColumn];
  const takes = when === null ? null : takesOf(batch, when);
  const hashes = hashesOf(batch, column);
  for (let row = 0; row < batch.n; row++) {
    if (takes !== null && !takes(row)) continue;
    if (column.nulls === null || column.nulls[row] !== 1)
      owners[row] = (mixed(hashes[row] as number) >>> 0) % workers;
  }
}

function takesOf(
  batch: ColumnBatch,
  { field, values }: NonNullable<RouteCase['when']>,
): (row: number) => boolean {
  const [column] = inOrder(batch, [{ name: field }]) as [BatchColumn];
  if (column.kind !== 'number')
    return (row) => values.includes(valueAt(batch, column, row) as string | boolean);
  const [only] = values;
  if (values.length === 1) return (row) => column.values[row] === only && column.nulls?.[row] !== 1;
  return (row) => column.nulls?.[row] !== 1 && values.includes(column.values[row] as number);
}

const HASHES = new Int32Array(BATCH_ROWS_MAX);

/** Of numbers by their bits, of texts by their bytes; of what is null anything. Valid until the next call. */
function hashesOf({ bytes, n }: ColumnBatch, column: BatchColumn): Int32Array {
  switch (column.kind) {
    case 'number': {
      const { values } = column;
      const words = new Int32Array(values.buffer, values.byteOffset, 2 * n);
      for (let row = 0; row < n; row++) {
        // Zero has two signs and one meaning.
        const isZero = values[row] === 0;
        HASHES[row] = isZero
          ? 0
          : (words[2 * row] as number) ^ Math.imul(words[2 * row + 1] as number, 0x9e3779b1);
      }
      return HASHES;
    }
    case 'boolean':
      for (let row = 0; row < n; row++) HASHES[row] = column.values[row] as number;
      return HASHES;
    case 'text':
      for (let row = 0; row < n; row++)
        HASHES[row] = hashOf(bytes, column.starts[row] as number, column.ends[row] as number);
      return HASHES;
    case 'list':
      throw new Error(`column ${column.column.name}: lists are no keys of workers`);
  }
}

function hashOf(bytes: Buffer, start: number, end: number): number {
  let hash = 0;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash;
}

function mixed(hash: number): number {
  let mixing = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixing = Math.imul(mixing ^ (mixing >>> 13), 0xc2b2ae35);
  return mixing ^ (mixing >>> 16);
}
