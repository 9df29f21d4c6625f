import { invariant } from '../base/invariant.ts';
import { nameOfKey } from '../data/key.ts';
import type { Row } from '../data/value.ts';
import type { Collector, Weight } from '../operators/operator.ts';
import type { Batch, Reads } from '../state/store.ts';
import type { EventKey, ViewLayout } from './layout.ts';

/** A row that is new or different; `row` is null when it is gone, `old` when it was not there. */
export interface RowChange {
  readonly old: Row | null;
  readonly row: Row | null;
}

interface Pending {
  old: Row | null;
  row: Row | null;
  /** Of a bag: how many more of the row there are. */
  count: number;
  /** The stored key of an event's row, which its columns do not tell; null where they do. */
  readonly key: Buffer | null;
}

/** What happened to one row, by its key below the view's prefix. */
export interface KeyedChange extends RowChange {
  readonly key: Buffer;
  readonly count: number;
}

/** Collects what happens to a view during one epoch and writes it as one set of changes, a row each. */
export class ViewChanges implements Collector {
  readonly layout: ViewLayout;
  readonly #changes = new Map<string, Pending>();
  /** Of a view whose rows are never taken back: the rows, and where the event of each is. */
  readonly #appended: Row[] = [];
  readonly #places: (EventKey | null)[] = [];

  constructor(layout: ViewLayout) {
    this.layout = layout;
  }

  /** How many rows wait to be taken. */
  get size(): number {
    return this.#changes.size + this.#appended.length;
  }

  push(row: Row, weight: Weight, at: EventKey | null): void {
    const { layout } = this;
    if (layout.isAppended) {
      invariant(weight === 1, `no row of view ${layout.view.name} is taken back`);
      this.#appended.push(row);
      if (layout.shape === 'events') this.#places.push(at);
      return;
    }
    const key = layout.shape === 'events' ? layout.keyOf(row, at) : null;
    const name = key?.toString('latin1') ?? nameOfKey(layout.nameValues(row));
    const change = this.#changes.get(name);
    if (change === undefined) {
      const pending = weight === 1 ? { old: null, row } : { old: row, row: null };
      this.#changes.set(name, { ...pending, count: weight, key });
      return;
    }
    change.count += weight;
    if (layout.shape === 'bag') return;
    const replaces = layout.replaces && weight === 1;
    invariant(
      replaces || (weight === 1 ? change.row === null : change.row !== null),
      `a key of view ${layout.view.name} has one row`,
    );
    change.row = weight === 1 ? row : null;
  }

  /** What was collected, but for what cancelled itself out. */
  *entries(): Iterable<KeyedChange> {
    for (const [index, row] of this.#appended.entries())
      yield { key: this.layout.keyOf(row, this.#places[index] ?? null), old: null, row, count: 1 };
    for (const { old, row, count, key } of this.#changes.values()) {
      const shown = row ?? old;
      if (shown === null || (this.layout.shape === 'bag' && count === 0)) continue;
      yield { key: key ?? this.layout.keyOf(shown, null), old, row, count };
    }
  }

  /** Writes the changes under a layer and returns them; the collector is then empty. */
  async take(
    layer: string,
    batch: Batch,
    reads: Reads,
  ): Promise<{ readonly changes: readonly RowChange[]; readonly rowsAdded: number }> {
    const { layout } = this;
    const prefix = layout.prefix(layer);
    const changes: RowChange[] = [];
    if (layout.isAppended) {
      for (let index = 0; index < this.#appended.length; index++) {
        const row = this.#appended[index] as Row;
        batch.put(layout.keyOf(row, this.#places[index] ?? null, prefix), layout.encode(row));
        changes.push({ old: null, row });
      }
      this.#appended.length = 0;
      this.#places.length = 0;
      return { changes, rowsAdded: changes.length };
    }
    let rowsAdded = 0;
    for (const { key: name, old, row, count } of this.entries()) {
      const key = Buffer.concat([prefix, name]);
      if (layout.shape === 'bag') {
        rowsAdded += count;
        changes.push(await this.#takeFromBag(key, row ?? old ?? [], count, batch, reads));
        continue;
      }
      const before = old ?? (layout.replaces ? await storedRow(layout, key, reads) : null);
      if (row === null) batch.delete(key);
      else batch.put(key, layout.encode(row));
      rowsAdded += (row === null ? 0 : 1) - (before === null ? 0 : 1);
      changes.push({ old: before, row });
    }
    this.#changes.clear();
    return { changes, rowsAdded };
  }

  async #takeFromBag(key: Buffer, row: Row, more: number, batch: Batch, reads: Reads): Promise<RowChange> {
    const stored = await reads.get(key);
    const before = stored === null ? 0 : this.layout.decode(stored).count;
    const after = before + more;
    invariant(after >= 0, `view ${this.layout.view.name} takes back only rows that are there`);
    if (after === 0) batch.delete(key);
    else batch.put(key, this.layout.encode(row, after));
    return { old: before > 0 ? row : null, row: after > 0 ? row : null };
  }
}

async function storedRow(layout: ViewLayout, key: Buffer, reads: Reads): Promise<Row | null> {
  const stored = await reads.get(key);
  return stored === null ? null : layout.decode(stored).row;
}
