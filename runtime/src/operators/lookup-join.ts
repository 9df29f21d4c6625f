/**
 * Joins each row of the left with the row that a table has for its key at this moment: the last one by its place in the
 * log. Left rows are not remembered, so a row of the table changes nothing that was handed on.
 *
 *   right row ──► the row of its key from now on
 *   left row  ──► pair with the row of its key (left join: or nulls)
 *
 * State       an entry for each key of the table (see saved-items.ts): its row
 * Invariant   What a left row meets is decided by the rows before it in the log.
 */
import { invariant } from '../base/invariant.ts';
import type { Row } from '../data/value.ts';
import type { Batch, Entry } from '../state/store.ts';
import { joinKeyOf, type JoinOperator, type JoinSpec, pairOf, RIGHT } from './join.ts';
import type { Collector, Position, Weight } from './operator.ts';
import { type SavedItem, SavedItems } from './saved-items.ts';

interface TableRow extends SavedItem {
  row: Row;
}

export class LookupJoin implements JoinOperator {
  readonly left: Collector = { push: (row, weight, at) => this.#look(row, weight, at) };
  readonly right: Collector = { push: (row, weight) => this.#keep(row, weight) };
  readonly #spec: JoinSpec;
  readonly #next: Collector;
  readonly #saved: SavedItems<TableRow>;
  readonly #table = new Map<string, TableRow>();

  constructor(spec: JoinSpec, next: Collector) {
    this.#spec = spec;
    this.#next = next;
    this.#saved = new SavedItems(spec.prefix, ({ row }) => row);
  }

  get size(): number {
    return this.#table.size;
  }

  get memoryBytes(): number {
    return this.#saved.memoryBytes;
  }

  #keep(row: Row, weight: Weight): void {
    invariant(weight === 1, 'a table takes no row back; another row of the key replaces it');
    const key = joinKeyOf(row, this.#spec.right);
    if (key === null) return;
    const known = this.#table.get(key);
    if (known === undefined) {
      const entry = { kind: RIGHT, serial: this.#saved.nextSerial(), isSaved: false, row };
      this.#table.set(key, entry);
      this.#saved.add(entry);
    } else {
      known.row = row;
      this.#saved.change(known);
    }
  }

  #look(row: Row, weight: Weight, at: Position | null): void {
    invariant(weight === 1, 'an append-only input takes nothing back');
    const key = joinKeyOf(row, this.#spec.left);
    const entry = key === null ? undefined : this.#table.get(key);
    const pair = entry === undefined ? null : pairOf(this.#spec, row, entry.row, weight, at);
    if (pair !== null) this.#next.push(pair, 1, at);
    else if (this.#spec.type === 'left') this.#next.push(this.#spec.project(row, null), 1, at);
  }

  advance(): void {
    // A table has no time.
  }

  flush(): void {
    // Everything was handed on at once.
  }

  persist(batch: Batch): void {
    this.#saved.persist(batch);
  }

  restore(entries: Iterable<Entry>): void {
    this.#saved.restore(entries, (saved, { kind, serial, isSaved }) => {
      const row = saved as Row;
      const key = joinKeyOf(row, this.#spec.right);
      invariant(key !== null, 'a row that joins nothing is not kept');
      const entry = { kind, serial, isSaved, row };
      this.#table.set(key, entry);
      return entry;
    });
  }
}
