/** Turns the fields that are read into the tables of the scanner's machine code, and starts it. */
import type { BatchColumn, ColumnBatch } from '../../data/columns.ts';
import { decodeEvent, type Field } from '../../data/decode.ts';
import { DOUBLE_MAX, type ListValue } from '../../data/value.ts';
import { decodeUnicode, pastEscape, pastRune, skipNumber, skipValue } from './scanner-bytes.ts';
import type { JudgeOptions } from './scanner-judge.ts';
import {
  BOOLEAN,
  DOUBLE,
  INTEGER,
  ISO_TIME,
  LEAF,
  LEAF_BYTES,
  NO_TIME,
  OTHER,
  SKIP,
  SQL_TIME,
  STATE,
  STOP,
  TEXT,
} from './scanner-layout.ts';
import { startMachine } from './scanner-machine.ts';
import type { ScannerMemory } from './scanner-memory.ts';
import { type Key, OUTERMOST, Shapes } from './scanner-shapes.ts';
import { minuteAt } from './scanner-time.ts';

export interface Program {
  /** Reads lines until it has no more (false) or one has to be judged (true). */
  scan(): boolean;
  /** Forgets in which lines keys were met: their numbers begin anew. */
  restart(): void;
}

/** Null when the paths of fields cannot be told apart, or where no machine code runs: then the judge takes everything. */
export function programOf(options: JudgeOptions, memory: ScannerMemory, batch: ColumnBatch): Program | null {
  const tree = treeOf(options.checked);
  if (tree === null || options.gate?.field.type === 'list') return null;
  const writer = new TableWriter(options, memory, batch);
  const root = writer.addKeys(tree, OUTERMOST);
  const shapes = new Shapes(memory, writer.keys, root);
  writer.writeGate();
  memory.set('required', options.checked.filter(({ nullable }) => !nullable).length);
  memory.set('hasTime', options.times.length > 0 ? 1 : 0);
  for (const name of ['lineStarts', 'lineEnds', 'ordinals', 'times', 'maxTimesBefore'] as const) {
    memory.set(name, batch[name].byteOffset);
  }
  const exports = startMachine(memory.memory, helpersOf(options, memory, batch, shapes, writer.leaves));
  if (exports === null) return null;
  return {
    scan: () => exports.scan(shapes.start) === 1,
    restart: () => {
      for (const { mark } of writer.keys) memory.words[mark >>> 2] = 0;
      memory.set('line', 0);
    },
  };
}

/** The most that marks, leaves and lists of texts take. */
export function tableBytes({ checked, gate }: JudgeOptions): number {
  const texts = [...checked.flatMap(({ oneOf = [] }) => oneOf), ...(gate?.values ?? [])];
  const keys = checked.reduce((sum, { path }) => sum + (path?.length ?? 1), 0);
  const textBytes = texts.reduce<number>((sum, each) => sum + Buffer.byteLength(String(each)) + 8, 0);
  return textBytes + 512 * (keys + checked.length + 4);
}

type Tree = Map<string, Tree | Field>;

/** The paths of fields as a tree; null when two fields want the same place or one lies inside of another. */
function treeOf(fields: readonly Field[]): Tree | null {
  const root: Tree = new Map();
  for (const field of fields) {
    const path = field.path ?? [field.name];
    let tree = root;
    for (const key of path.slice(0, -1)) {
      const inside = tree.get(key) ?? new Map<string, Tree | Field>();
      if (!(inside instanceof Map)) return null;
      tree.set(key, inside);
      tree = inside;
    }
    const last = path.at(-1);
    if (last === undefined || tree.has(last)) return null;
    tree.set(last, field);
  }
  return root;
}

function opOf({ type, format }: Field): number {
  switch (type) {
    case 'integer':
      return INTEGER;
    case 'double':
      return DOUBLE;
    case 'boolean':
      return BOOLEAN;
    case 'string':
      return TEXT;
    case 'timestamp':
      return format === 'sql' ? SQL_TIME : ISO_TIME;
    case 'decimal':
    case 'list':
    case 'window':
      return OTHER;
  }
}

class TableWriter {
  readonly keys: Key[] = [];
  /** Addresses, in the order of the checked fields. */
  readonly leaves: readonly number[];
  readonly #options: JudgeOptions;
  readonly #memory: ScannerMemory;
  #gateMark = 0;

  constructor(options: JudgeOptions, memory: ScannerMemory, batch: ColumnBatch) {
    this.#options = options;
    this.#memory = memory;
    // What nobody keeps is written here.
    const rows = batch.lineStarts.length;
    const unkept = {
      cells: memory.allocate(8 * rows),
      ends: memory.allocate(4 * rows),
      nulls: memory.allocate(rows),
    };
    this.leaves = options.checked.map((field, number) => {
      const column = batch.columns[options.columns.indexOf(field)];
      return this.#writeLeaf(field, number, addressesOf(column, unkept));
    });
  }

  addKeys(tree: Tree, parent: number): Map<string, number> {
    const ids = new Map<string, number>();
    for (const [name, below] of tree) {
      const mark = this.#memory.allocate(4);
      const inside = below instanceof Map ? new Map<string, number>() : null;
      const id = this.keys.push({ ...this.#keyOf(below), mark, inside, parent }) - 1;
      ids.set(name, id);
      if (below instanceof Map) for (const [key, value] of this.addKeys(below, id)) inside?.set(key, value);
      else if (below === this.#options.gate?.field) this.#gateMark = mark;
    }
    return ids;
  }

  #keyOf(below: Tree | Field): Pick<Key, 'op' | 'opWhenDropped' | 'leaf'> {
    if (below instanceof Map) return { op: STOP, opWhenDropped: STOP, leaf: 0 };
    const { times, gate, checked } = this.#options;
    const op = opOf(below);
    const isAlwaysRead = times.includes(below) || below === gate?.field;
    return { op, opWhenDropped: isAlwaysRead ? op : SKIP, leaf: this.leaves[checked.indexOf(below)] ?? 0 };
  }

  #writeLeaf(field: Field, number: number, addresses: Addresses): number {
    const { times } = this.#options;
    const address = this.#memory.allocate(LEAF_BYTES);
    const fields = {
      ...addresses,
      isNullable: field.nullable ? 1 : 0,
      isRequired: field.nullable ? 0 : 1,
      timeRank: times.includes(field) ? times.indexOf(field) : NO_TIME,
      texts: field.oneOf === undefined ? 0 : this.#writeTexts(field.oneOf),
      number,
    };
    for (const [name, value] of Object.entries(fields)) {
      this.#memory.words[(address + LEAF[name as keyof typeof fields]) >>> 2] = value;
    }
    const minute = field.format === 'sql' ? '1970-01-01 00:00' : '1970-01-01T00:00';
    this.#memory.bytes.write(minute, address + LEAF.minuteBytes, 'latin1');
    return address;
  }

  /** How many bytes the list has, then for each text its length and its bytes. */
  #writeTexts(texts: readonly string[]): number {
    const items = texts.map((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeInt32LE(bytes.length);
      return Buffer.concat([length, bytes]);
    });
    const list = Buffer.concat(items);
    const address = this.#memory.allocate(4 + list.length);
    this.#memory.words[address >>> 2] = list.length;
    list.copy(this.#memory.bytes, address + 4);
    return address;
  }

  writeGate(): void {
    const { gate } = this.#options;
    if (gate === null) return;
    const values = [...gate.values];
    this.#memory.set('gate', this.#gateMark);
    this.#memory.set('gateIsNullable', gate.field.nullable ? 1 : 0);
    if (gate.field.type === 'string') {
      this.#memory.set('gateTexts', this.#writeTexts(values.filter((value) => typeof value === 'string')));
      return;
    }
    const numbers = values.filter(
      (value) => typeof value === (gate.field.type === 'boolean' ? 'boolean' : 'number'),
    );
    const address = this.#memory.allocate(8 * numbers.length);
    for (const [index, value] of numbers.entries())
      this.#memory.doubles[(address >>> 3) + index] = Number(value);
    this.#memory.set('gateNumbers', address);
    this.#memory.set('gateNumbersEnd', address + 8 * numbers.length);
  }
}

interface Addresses {
  readonly cells: number;
  readonly ends: number;
  readonly nulls: number;
}

function addressesOf(column: BatchColumn | undefined, unkept: Addresses): Addresses {
  const nulls = column?.nulls?.byteOffset ?? unkept.nulls;
  if (column === undefined || column.kind === 'list') return { ...unkept, nulls };
  if (column.kind === 'text') return { cells: column.starts.byteOffset, ends: column.ends.byteOffset, nulls };
  return { cells: column.values.byteOffset, ends: unkept.ends, nulls };
}

/** What the machine code asks for, because it is rare and long. */
function helpersOf(
  options: JudgeOptions,
  memory: ScannerMemory,
  batch: ColumnBatch,
  shapes: Shapes,
  leaves: readonly number[],
) {
  const { bytes, view, words, doubles } = memory;
  const direct = options.checked.map((field): readonly Field[] => {
    const { path: _path, ...rest } = field;
    return [{ ...rest, name: 'value' }];
  });
  return {
    runes: (from: number): number => {
      let at = from;
      while ((bytes[at] as number) >= 0x80) if ((at = pastRune(bytes, at)) < 0) return -1;
      return at;
    },
    unicode: (at: number, to: number): number => {
      if (to === 0) return pastEscape(bytes, at);
      const decoded = decodeUnicode(bytes, at, to);
      if (decoded === null) return -1;
      memory.set('result', decoded.to);
      return decoded.end;
    },
    skip: (at: number): number => skipValue(bytes, view, at),
    number: (from: number, cell: number): number => {
      const end = skipNumber(bytes, from);
      const value = end < 0 ? NaN : Number(bytes.toString('latin1', from, end)) + 0;
      if (!(Math.abs(value) <= DOUBLE_MAX)) return -1;
      doubles[cell >>> 3] = value;
      return end;
    },
    minute: (at: number, leaf: number): number => {
      const ms = minuteAt(bytes, at + 1, options.checked[leaf]?.format === 'sql' ? 32 : 84);
      if (ms < 0) return 0;
      const address = leaves[leaf] ?? 0;
      bytes.copy(bytes, address + LEAF.minuteBytes, at + 1, at + 17);
      doubles[(address + LEAF.minute) >>> 3] = ms;
      return 1;
    },
    other: (from: number, leaf: number): number => {
      const end = skipValue(bytes, view, from);
      if (end < 0) return -1;
      const event = { value: JSON.parse(bytes.toString('utf8', from, end)) as unknown };
      const decoded = decodeEvent(direct[leaf] ?? [], event);
      const value = 'problem' in decoded ? null : (decoded.row[0] ?? null);
      if (value === null) return -1;
      const n = memory.get('n');
      const column = batch.columns[options.columns.indexOf(options.checked[leaf] as Field)];
      if (column?.kind === 'list') column.values[n] = value as ListValue;
      else doubles[((words[((leaves[leaf] ?? 0) + LEAF.cells) >>> 2] ?? 0) >>> 3) + n] = Number(value);
      return end;
    },
    find: (at: number, before: number): number => {
      const found = shapes.find(at, before);
      if (found === null) return 0;
      words[STATE.result >>> 2] = found.end;
      return found.step;
    },
    forget: (): number => {
      const n = memory.get('n');
      for (const { nulls } of batch.columns) if (nulls !== null) nulls[n] = 1;
      return 0;
    },
  };
}

export type Helpers = ReturnType<typeof helpersOf>;
