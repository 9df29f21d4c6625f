/**
 * Saves the groups of generated code as the entries that `operators/group.ts` keeps, and makes them again from these: each
 * execution goes on from what the other left, and a view may change between them at any commit.
 *
 *   record of cells        ⇄  <prefix> <id> 0x00                          [[key, rows, null], saved aggregates]
 *   record of a set        ⇄  <prefix> <id> 0x01 <aggregate> <member>     for each aggregate whose condition it met
 *
 * and the index of `spilled-keys.ts`, so that the interpreter can go on without reading all of it.
 *
 * Only what was touched since the last time is written: a record says by two bits whether it is listed and whether the
 * store has it.
 */
import { encodeKey, nameOfKey } from '../../data/key.ts';
import type { Row, Type, Value, WindowValue } from '../../data/value.ts';
import { RECORD_TAGS, rangeOf, recordKeyOf, tagged } from '../../operators/group-state.ts';
import { keyId, SpilledKeys } from '../../operators/spilled-keys.ts';
import { rangeBelow } from '../../operators/spilling.ts';
import type { Batch, Entry, Range } from '../../state/store.ts';
import { type StoredColumn, valueIn, writeValue } from './cells.ts';
import { LISTED, SAVED } from './saved-bits.ts';
import { restorePart, savedPart } from './saved-parts.ts';
import type { AggregatePart } from './stages/accumulators.ts';
import type { Table } from './table.ts';
import type { Texts } from './texts.ts';
import type { Touched } from './touched.ts';

/** The groups of one stretch of time, or all of them. */
export interface SavedPane {
  readonly startMs: number;
  readonly endMs: number;
  readonly table: Table;
  readonly sets: readonly Table[];
  /** The records that have to be saved; of each set pairs of a record and its new bits. */
  readonly unsaved: Touched;
  readonly unsavedMembers: readonly Touched[];
  /** Whether the store has anything of it. */
  isSaved: boolean;
}

export interface GroupMemorySpec {
  readonly prefix: Buffer;
  readonly texts: Texts;
  /** Where each key lies in the record; null for the window that the pane tells. */
  readonly keys: readonly (StoredColumn | null)[];
  readonly windowIndex: number;
  readonly paneOf: (key: Row) => SavedPane;
  /** The window of which a pane has all saved groups. */
  readonly windowOf: (pane: SavedPane) => WindowValue;
  readonly parts: readonly AggregatePart[];
  /** The types of the values of the sets. */
  readonly sets: readonly Type[];
  /** -1 when no rows are taken back. */
  readonly rowsCell: number;
  readonly savedCell: number;
}

export class GroupMemory {
  readonly #spec: GroupMemorySpec;
  readonly #gone: Range[] = [];
  readonly #index: SpilledKeys;
  /** The group whose entries `restore` read last: its members follow. */
  #restoring: { readonly id: Buffer; readonly pane: SavedPane; readonly at: number } | null = null;

  constructor(spec: GroupMemorySpec) {
    this.#spec = spec;
    this.#index = new SpilledKeys(spec.prefix, spec.windowIndex);
  }

  #keyOf(pane: SavedPane, at: number): Value[] {
    const { keys, texts } = this.#spec;
    return keys.map((column) =>
      column === null ? this.#spec.windowOf(pane) : valueIn(column, pane.table.cells, at, texts),
    );
  }

  #recordKeyOf(key: Row): Buffer {
    return recordKeyOf(this.#spec.prefix, keyId(key, this.#spec.windowIndex));
  }

  /** A group goes whose last row was taken back. */
  forget(pane: SavedPane, at: number): void {
    if (((pane.table.cells[at + this.#spec.savedCell] as number) & SAVED) === 0) return;
    const key = this.#keyOf(pane, at);
    this.#gone.push(rangeOf(this.#recordKeyOf(key)));
    this.#index.stored(key, -1);
  }

  /** All groups of a window go. */
  forgetPane(pane: SavedPane): void {
    if (!pane.isSaved) return;
    pane.isSaved = false;
    for (const window of this.#windowsOf(pane))
      this.#gone.push(rangeBelow(this.#spec.prefix, encodeKey([window])));
    // Windows are closed in the order of their ends.
    this.#index.drop(this.#spec.windowOf(pane)[1]);
  }

  /** A pane of windows that are a column may have several: they end together. */
  #windowsOf(pane: SavedPane): Iterable<WindowValue> {
    const { keys, windowIndex, savedCell } = this.#spec;
    const column = keys[windowIndex] ?? null;
    if (column === null) return [this.#spec.windowOf(pane)];
    const windows = new Map<number, WindowValue>();
    const { table } = pane;
    for (let at = table.stride; at < table.top; at += table.stride) {
      if (!table.isLive(at) || ((table.cells[at + savedCell] as number) & SAVED) === 0) continue;
      const startMs = table.cells[at + column.cell] as number;
      windows.set(startMs, [startMs, table.cells[at + column.cell + 1] as number]);
    }
    return windows.values();
  }

  persist(batch: Batch, panes: Iterable<SavedPane>): void {
    // First, since a group that begins anew has the id of the one before it.
    for (const range of this.#gone) batch.deleteRange(range);
    this.#gone.length = 0;
    for (const pane of panes) {
      this.#persistRecords(batch, pane);
      for (const [set, unsaved] of pane.unsavedMembers.entries())
        this.#persistMembers(batch, pane, set, unsaved);
    }
    this.#index.persist(batch, {});
  }

  #persistRecords(batch: Batch, pane: SavedPane): void {
    const { rowsCell, savedCell, parts, texts } = this.#spec;
    const { table, unsaved } = pane;
    const { cells } = table;
    for (let j = 0; j < unsaved.n; j++) {
      const at = unsaved.list[j] as number;
      // A record that went may be another by now, and be listed twice.
      if (!table.isLive(at) || ((cells[at + savedCell] as number) & LISTED) === 0) continue;
      const key = this.#keyOf(pane, at);
      if (((cells[at + savedCell] as number) & SAVED) === 0) this.#index.stored(key, 1);
      cells[at + savedCell] = SAVED;
      const rows = rowsCell < 0 ? 1 : (cells[at + rowsCell] as number);
      const saved = parts.map((part) => savedPart(part, cells, at, texts));
      batch.put(this.#recordKeyOf(key), JSON.stringify([[key, rows, null], saved]));
      pane.isSaved = true;
    }
    unsaved.n = 0;
  }

  #persistMembers(batch: Batch, pane: SavedPane, set: number, unsaved: Touched): void {
    const { parts, sets } = this.#spec;
    const { cells } = pane.sets[set] as Table;
    for (let j = 0; j < unsaved.n; j += 2) {
      const member = unsaved.list[j] as number;
      const bits = unsaved.list[j + 1] as number;
      const recordKey = this.#recordKeyOf(this.#keyOf(pane, cells[member] as number));
      const name = Buffer.from(nameOfKey([this.#valueOf(sets[set] as Type, cells[member + 1] as number)]));
      for (const [index, part] of parts.entries()) {
        if (part.kind !== 'distinct' || part.set !== set || ((bits >> part.bit) & 1) === 0) continue;
        batch.put(Buffer.concat([tagged(recordKey, RECORD_TAGS.member, index), name]), '');
      }
    }
    unsaved.n = 0;
  }

  #valueOf(type: Type, word: number): Value {
    if (type === 'string') return this.#spec.texts.dictionary.text(word);
    return type === 'boolean' ? word === 1 : word;
  }

  /** REQUIRES entries in the order of their keys; the members of one group may go on in a next call. */
  restore(entries: Iterable<Entry>): void {
    const { prefix, parts } = this.#spec;
    for (const { key, value } of entries) {
      const rest = key.subarray(prefix.length);
      const before = this.#restoring;
      if (before !== null && rest[before.id.length] === RECORD_TAGS.member && isBelow(rest, before.id)) {
        const part = parts[rest.readUInt16BE(before.id.length + 1)];
        if (part?.kind === 'distinct')
          this.#restoreMember(before.pane, before.at, part, rest.toString('utf8', before.id.length + 3));
        continue;
      }
      // The members of the group come behind it, and its id is a copy: entries may lie in a buffer that is filled again.
      this.#restoring = { id: Buffer.from(rest.subarray(0, -1)), ...this.#restoreRecord(value) };
    }
  }

  #restoreRecord(value: Buffer): { readonly pane: SavedPane; readonly at: number } {
    const { keys, paneOf, parts, rowsCell, savedCell, texts } = this.#spec;
    const [[key, rows], saved] = JSON.parse(value.toString()) as [[Row, number], unknown[]];
    const words: number[] = [];
    for (const [index, column] of keys.entries())
      if (column !== null) writeValue(column, key[index] ?? null, words, column.cell, texts);
    const pane = paneOf(key);
    pane.isSaved = true;
    this.#index.stored(key, 1);
    const at = pane.table.upsert(...(words.length === 0 ? [0] : words));
    const { cells } = pane.table;
    cells[at + savedCell] = SAVED;
    if (rowsCell >= 0) cells[at + rowsCell] = rows;
    for (const [index, part] of parts.entries()) restorePart(part, saved[index], cells, at, texts);
    return { pane, at };
  }

  #restoreMember(
    pane: SavedPane,
    group: number,
    part: Extract<AggregatePart, { kind: 'distinct' }>,
    name: string,
  ): void {
    const set = pane.sets[part.set] as Table;
    const at = set.upsert(group, this.#wordOf(this.#spec.sets[part.set] as Type, name));
    const known = set.cells[at + 2] as number;
    const bit = 1 << part.bit;
    if ((known & bit) !== 0) return;
    set.cells[at + 2] = known | bit;
    const { cells } = pane.table;
    cells[group + part.cell] = (cells[group + part.cell] as number) + 1;
  }

  /** The word of a member, from its name: see `nameOfKey`. */
  #wordOf(type: Type, name: string): number {
    if (type === 'string') return this.#spec.texts.dictionary.codeOf(name.slice(name.indexOf(':') + 1));
    const text = name.slice(0, -1);
    return type === 'boolean' ? Number(text === 'true') : Number(text);
  }
}

function isBelow(rest: Buffer, id: Buffer): boolean {
  return rest.compare(id, 0, id.length, 0, id.length) === 0;
}
