/**
 * Rows of which some columns lie in the record of a key and the others in a record of their own, as the values that the
 * interpreter knows, and back: what a dedupe and a top save of their input.
 */
import { invariant } from '../../base/invariant.ts';
import type { Column, Row, Value } from '../../data/value.ts';
import { type Layout, type StoredColumn, valueIn, writeValue } from './cells.ts';
import type { Records } from './records.ts';
import type { Table } from './table.ts';
import type { Texts } from './texts.ts';

export interface SavedRowsSpec {
  readonly texts: Texts;
  /** Of the whole row, in order. */
  readonly columns: readonly Column[];
  /** The columns of the key, in the order of the key. */
  readonly keys: Layout;
  readonly rest: Layout;
  readonly table: Table;
  readonly rows: Records;
}

export class SavedRows {
  readonly #spec: SavedRowsSpec;
  readonly #columns: readonly { readonly isKey: boolean; readonly column: StoredColumn }[];
  /** Which columns of a row the key has. */
  readonly #keyPlaces: readonly number[];

  constructor(spec: SavedRowsSpec) {
    this.#spec = spec;
    const named = ({ columns }: Layout, name: string): StoredColumn | undefined =>
      columns.find((column) => column.name === name);
    this.#columns = spec.columns.map(({ name }) => {
      const key = named(spec.keys, name);
      const column = key ?? named(spec.rest, name);
      invariant(column !== undefined, 'all of a row is kept that is saved');
      return { isKey: key !== undefined, column };
    });
    this.#keyPlaces = spec.keys.columns.map(({ name }) =>
      spec.columns.findIndex((column) => column.name === name),
    );
  }

  keyAt(at: number): Value[] {
    const { keys, table, texts } = this.#spec;
    return keys.columns.map((column) => valueIn(column, table.cells, at, texts));
  }

  keyOf(row: Row): Value[] {
    return this.#keyPlaces.map((place) => row[place] ?? null);
  }

  rowAt(at: number, record: number): Value[] {
    const { table, rows, texts } = this.#spec;
    const from = { dictionary: texts.dictionary, arena: rows.arena };
    return this.#columns.map(({ isKey, column }) =>
      isKey ? valueIn(column, table.cells, at, texts) : valueIn(column, rows.cells, record, from),
    );
  }

  /** The record of the key of a row: a new one when there is none. */
  upsert(key: Row): number {
    const { keys, table, texts } = this.#spec;
    const words: number[] = [];
    for (const [index, column] of keys.columns.entries())
      writeValue(column, key[index] ?? null, words, column.cell, texts);
    return table.upsert(...(words.length === 0 ? [0] : words));
  }

  /** A record with what of a row is not in its key; other cells hold anything. */
  put(row: Row): number {
    const { rows, texts } = this.#spec;
    const record = rows.alloc();
    const into = { dictionary: texts.dictionary, arena: rows.arena };
    for (const [index, { isKey, column }] of this.#columns.entries())
      if (!isKey) writeValue(column, row[index] ?? null, rows.cells, record + column.cell, into);
    return record;
  }
}
