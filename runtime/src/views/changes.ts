import { invariant } from '../base/invariant.ts';
import { nameOfKey } from '../data/key.ts';
import type { Row } from '../data/value.ts';
import type { Collector, Position, Weight } from '../operators/operator.ts';
import type { Batch } from '../state/store.ts';
import type { ViewLayout } from './layout.ts';

/** A row that is new or different; `row` is null when it is gone, `old` when it was not there. */
export interface RowChange {
  readonly old: Row | null;
  readonly row: Row | null;
}

interface Pending {
  old: Row | null;
  row: Row | null;
  /** The stored key of an event's row, which its columns do not tell; null where they do. */
  readonly key: Buffer | null;
}

/** Collects what happens to a view during one epoch and writes it as one set of changes, a row each. */
export class ViewChanges implements Collector {
  readonly layout: ViewLayout;
  readonly #changes = new Map<string, Pending>();

  constructor(layout: ViewLayout) {
    this.layout = layout;
  }

  push(row: Row, weight: Weight, at: Position | null): void {
    const key = this.layout.shape === 'events' ? this.layout.keyOf(row, at) : null;
    const name = key?.toString('latin1') ?? nameOfKey(row.slice(0, this.layout.keyNames.length));
    const change = this.#changes.get(name);
    if (change === undefined) {
      this.#changes.set(name, weight === 1 ? { old: null, row, key } : { old: row, row: null, key });
      return;
    }
    invariant(weight === 1 ? change.row === null : change.row !== null, 'a key has one row');
    change.row = weight === 1 ? row : null;
  }

  /** What was collected, by the key below the view's prefix. */
  *entries(): Iterable<readonly [Buffer, RowChange]> {
    for (const change of this.#changes.values()) {
      const row = change.row ?? change.old;
      if (row !== null) yield [change.key ?? this.layout.keyOf(row, null), change];
    }
  }

  /** Writes the changes under a layer and returns them; the collector is then empty. */
  take(layer: string, batch: Batch): { readonly changes: readonly RowChange[]; readonly rowsAdded: number } {
    const prefix = this.layout.prefix(layer);
    const changes: RowChange[] = [];
    let rowsAdded = 0;
    for (const [name, change] of this.entries()) {
      const { old, row } = change;
      const key = Buffer.concat([prefix, name]);
      if (row === null) batch.delete(key);
      else batch.put(key, this.layout.encode(row));
      rowsAdded += (row === null ? 0 : 1) - (old === null ? 0 : 1);
      changes.push(change);
    }
    this.#changes.clear();
    return { changes, rowsAdded };
  }
}
