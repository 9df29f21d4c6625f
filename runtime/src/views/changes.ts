import { invariant } from '../base/invariant.ts';
import type { Row } from '../data/value.ts';
import type { Collector, Position, Weight } from '../operators/operator.ts';
import type { Batch } from '../state/store.ts';
import type { ViewLayout } from './layout.ts';

/** A row that is new or different; `row` is null when it is gone, `old` when it was not there. */
export interface RowChange {
  readonly old: Row | null;
  readonly row: Row | null;
}

/** Collects what happens to a view during one epoch and writes it as one set of changes, a row each. */
export class ViewChanges implements Collector {
  readonly layout: ViewLayout;
  readonly #changes = new Map<string, { old: Row | null; row: Row | null }>();

  constructor(layout: ViewLayout) {
    this.layout = layout;
  }

  push(row: Row, weight: Weight, at: Position | null): void {
    const key = this.layout.keyOf(row, at).toString('latin1');
    const change = this.#changes.get(key);
    if (change === undefined) {
      this.#changes.set(key, weight === 1 ? { old: null, row } : { old: row, row: null });
      return;
    }
    invariant(weight === 1 ? change.row === null : change.row !== null, 'a key has one row');
    change.row = weight === 1 ? row : null;
  }

  /** What was collected, by the key below the view's prefix. */
  entries(): Iterable<readonly [string, RowChange]> {
    return this.#changes.entries();
  }

  /** Writes the changes under a layer and returns them; the collector is then empty. */
  take(layer: string, batch: Batch): { readonly changes: readonly RowChange[]; readonly rowsAdded: number } {
    const prefix = this.layout.prefix(layer);
    const changes: RowChange[] = [];
    let rowsAdded = 0;
    for (const [name, change] of this.#changes) {
      const { old, row } = change;
      if (row === null && old === null) continue;
      const key = Buffer.concat([prefix, Buffer.from(name, 'latin1')]);
      if (row === null) batch.delete(key);
      else batch.put(key, this.layout.encode(row));
      rowsAdded += (row === null ? 0 : 1) - (old === null ? 0 : 1);
      changes.push(change);
    }
    this.#changes.clear();
    return { changes, rowsAdded };
  }
}
