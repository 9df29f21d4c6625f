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
    const next = new Array<number>(this.#workers + 1).fill(0);
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
  const hash = hasherOf(batch, column);
  const takes = when === null ? null : takesOf(batch, when);
  for (let row = 0; row < batch.n; row++) {
    if (takes !== null && !takes(row)) continue;
    owners[row] = column.nulls?.[row] === 1 ? 0 : (mixed(hash(row)) >>> 0) % workers;
  }
}

function takesOf(
  batch: ColumnBatch,
  { field, values }: NonNullable<RouteCase['when']>,
): (row: number) => boolean {
  const [column] = inOrder(batch, [{ name: field }]) as [BatchColumn];
  if (column.kind !== 'number')
    return (row) => values.includes(valueAt(batch, column, row) as string | boolean);
  return (row) => column.nulls?.[row] !== 1 && values.includes(column.values[row] as number);
}

/** Numbers by their bits, texts by their bytes. */
function hasherOf({ bytes }: ColumnBatch, column: BatchColumn): (row: number) => number {
  switch (column.kind) {
    case 'number': {
      const { values } = column;
      const words = new Int32Array(1 << 1);
      const double = new Float64Array(words.buffer);
      return (row) => {
        // Zero has two signs and one meaning.
        double[0] = (values[row] as number) + 0;
        return (words[0] as number) ^ Math.imul(words[1] as number, 0x9e3779b1);
      };
    }
    case 'boolean':
      return (row) => column.values[row] as number;
    case 'text':
      return (row) => {
        const end = column.ends[row] as number;
        let hash = 0;
        for (let at = column.starts[row] as number; at < end; at++)
          hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
        return hash;
      };
    case 'list':
      throw new Error(`column ${column.column.name}: lists are no keys of workers`);
  }
}

function mixed(hash: number): number {
  let mixing = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixing = Math.imul(mixing ^ (mixing >>> 13), 0xc2b2ae35);
  return mixing ^ (mixing >>> 16);
}
