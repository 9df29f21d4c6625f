/**
 * How the columns of a row lie in the cells of a record, and how code writes and reads them.
 *
 *   number, time, decimal   the number; null is NaN, in a key NULL_KEY      boolean   0, 1, 2 = null
 *   window                  start, end                                      text      code, or reference into the arena
 */
import type { Dictionary } from '../../data/dictionary.ts';
import type { Column, Value, WindowValue } from '../../data/value.ts';
import type { ExprType } from '../../expr/node.ts';
import type { Arena } from './arena.ts';
import { Lazy } from './emitter.ts';
import { NULL_KEY } from './records.ts';
import { Unsupported } from './unsupported.ts';
import {
  type Code,
  codeText,
  isNumeric,
  type RowSymbols,
  storedText,
  type Symbol_,
  type TextSymbol,
} from './symbol.ts';
import type { KeyKind } from './table.ts';

/** Texts that are compared or repeat are codes; those that are only kept are bytes of an arena. */
export type TextsAs = 'code' | 'arena';

export interface StoredColumn {
  readonly name: string;
  readonly type: ExprType;
  /** The first of its cells, from the start of the record. */
  readonly cell: number;
  readonly texts: TextsAs;
  readonly isKey: boolean;
}

export interface Layout {
  readonly columns: readonly StoredColumn[];
  /** The cell behind the last. */
  readonly end: number;
  /** Cells that refer to the arena. */
  readonly texts: readonly number[];
  /** Cells that hold codes. */
  readonly codes: readonly number[];
}

export function layoutOf(
  columns: readonly (ExprType & { readonly name: string })[],
  from: number,
  texts: TextsAs,
  isKey = false,
): Layout {
  let cell = from;
  const stored: StoredColumn[] = [];
  for (const { name, ...type } of columns) {
    if (type.type === 'list') throw new Unsupported('a list that is kept');
    stored.push({ name, type, cell, texts, isKey });
    cell += cellsOf(type);
  }
  const strings = stored.filter(({ type }) => type.type === 'string').map((column) => column.cell);
  const [references, codes] = texts === 'arena' ? [strings, []] : [[], strings];
  return { columns: stored, end: cell, texts: references, codes };
}

function cellsOf(type: ExprType): number {
  return type.type === 'window' ? 2 : 1;
}

export function keyKindsOf(layout: Layout): readonly KeyKind[] {
  return layout.columns.flatMap(({ type }): KeyKind[] =>
    type.type === 'window' ? ['whole', 'whole'] : [type.type === 'double' ? 'double' : 'whole'],
  );
}

/** The numbers by which a key is found, one for each cell. */
export function keyWords(code: Code, symbol: Symbol_): string[] {
  const { nullable } = symbol.type;
  const word = (js: string): string =>
    nullable ? code.emitter.local('n', `${js} === ${js} ? ${js} : ${NULL_KEY}`) : js;
  switch (symbol.rep) {
    case 'number':
      return [word(symbol.js)];
    case 'boolean':
      return [nullable ? symbol.js : `(${symbol.js} ? 1 : 0)`];
    case 'window':
      return [word(symbol.start), word(symbol.end)];
    case 'text':
      return [symbol.code.get()];
    case 'value':
      throw new Unsupported('a list as a key');
  }
}

/** Where the records are in the code: the object and its cells. */
export interface RecordNames {
  readonly records: string;
  readonly cells: string;
}

/** Writes columns of a row into the record at `at`. `drop`: the record held a row before. */
export function store(
  code: Code,
  layout: Layout,
  row: RowSymbols,
  names: RecordNames,
  at: string,
  drop = false,
): void {
  for (const column of layout.columns) {
    const symbol = row.get(column.name)?.get();
    if (symbol === undefined) throw new Unsupported(`no column ${column.name}`);
    storeColumn(code, column, symbol, names, at, drop);
  }
}

export function storeColumn(
  code: Code,
  column: StoredColumn,
  symbol: Symbol_,
  { records, cells }: RecordNames,
  at: string,
  drop: boolean,
): void {
  const { emitter } = code;
  const target = `${cells}[${at} + ${column.cell}]`;
  if (symbol.rep === 'text' && column.texts === 'arena') {
    if (drop) {
      const old = emitter.local('o', target);
      emitter.line(`if (${old} === ${old}) ${records}.arena.drop();`);
    }
    emitter.line(`${target} = ${intoArena(symbol, `${records}.arena`)};`);
    return;
  }
  if (symbol.rep === 'number') emitter.line(`${target} = ${symbol.js};`);
  else
    for (const [index, word] of keyWords(code, symbol).entries()) {
      emitter.line(`${cells}[${at} + ${column.cell + index}] = ${word};`);
    }
}

/** Puts a text into an arena; gives its reference. */
export function intoArena(symbol: TextSymbol, arena: string): string {
  const { form, type } = symbol;
  if (form.kind === 'span') {
    const put = `${arena}.put(${form.bytes}, ${form.view}, ${form.start}, ${form.end})`;
    return type.nullable ? `${form.start} < 0 ? NaN : ${put}` : put;
  }
  if (form.kind === 'stored') {
    const put = `${arena}.copy(${form.arena}, ${form.reference})`;
    return type.nullable ? `${form.reference} !== ${form.reference} ? NaN : ${put}` : put;
  }
  const js = symbol.js.get();
  return type.nullable ? `${js} === null ? NaN : ${arena}.putText(${js})` : `${arena}.putText(${js})`;
}

/** The columns of the record at `at`, read where they are first needed. */
export function load(
  code: Code,
  layout: Layout,
  { records, cells }: RecordNames,
  at: string,
): Map<string, Lazy<Symbol_>> {
  return new Map(
    layout.columns.map((column) => [
      column.name,
      new Lazy(code.emitter, () => loadColumn(code, column, `${records}.arena`, cells, at)),
    ]),
  );
}

function loadColumn(code: Code, column: StoredColumn, arena: string, cells: string, at: string): Symbol_ {
  const { type, cell, isKey } = column;
  const read = (offset: number): string => {
    const value = code.emitter.local('v', `${cells}[${at} + ${cell + offset}]`);
    const isNullKey = isKey && type.nullable && type.type !== 'string' && type.type !== 'boolean';
    return isNullKey ? code.emitter.local('v', `${value} === ${NULL_KEY} ? NaN : ${value}`) : value;
  };
  if (isNumeric(type)) return { rep: 'number', type, js: read(0) };
  if (type.type === 'boolean') {
    const value = read(0);
    return { rep: 'boolean', type, js: type.nullable ? value : code.emitter.local('b', `${value} === 1`) };
  }
  if (type.type === 'window') return { rep: 'window', type, start: read(0), end: read(1) };
  return column.texts === 'code' ? codeText(code, type, read(0)) : storedText(code, type, arena, read(0));
}

export function columnTypes(
  columns: readonly Column[],
  names: ReadonlySet<string>,
): (ExprType & { name: string })[] {
  return columns
    .filter(({ name }) => names.has(name))
    .map(({ name, type, nullable, scale, item }) => ({
      name,
      type,
      nullable,
      ...(scale !== undefined && { scale }),
      ...(item !== undefined && { item }),
    }));
}

/** What the cells of texts refer to; the arena only where they lie in one. */
export interface TextsIn {
  readonly dictionary: Dictionary;
  readonly arena?: Arena;
}

/** The value of a column of a record, as the interpreter knows it. */
export function valueIn(
  { type, cell, isKey, texts }: StoredColumn,
  cells: Float64Array,
  at: number,
  { dictionary, arena }: TextsIn,
): Value {
  const word = cells[at + cell] as number;
  switch (type.type) {
    case 'string':
      if (texts === 'arena') return Number.isNaN(word) ? null : (arena as Arena).text(word);
      return word < 0 ? null : dictionary.text(word);
    case 'boolean':
      return word === 2 ? null : word === 1;
    case 'window':
      return isNull(word, isKey) ? null : [word, cells[at + cell + 1] as number];
    default:
      return isNull(word, isKey) ? null : word;
  }
}

function isNull(word: number, isKey: boolean): boolean {
  return isKey ? word === NULL_KEY : Number.isNaN(word);
}

/** Writes a value where `valueIn` reads it. */
export function writeValue(
  { type, isKey, texts }: StoredColumn,
  value: Value,
  cells: Float64Array | number[],
  at: number,
  { dictionary, arena }: TextsIn,
): void {
  if (type.type === 'string' && texts === 'arena')
    cells[at] = value === null ? NaN : (arena as Arena).putText(value as string);
  else if (type.type === 'string') cells[at] = value === null ? -1 : dictionary.codeOf(value as string);
  else if (type.type === 'boolean') cells[at] = value === null ? 2 : Number(value);
  else if (type.type === 'window') {
    const none = isKey ? NULL_KEY : NaN;
    const [start, end] = (value ?? [none, none]) as WindowValue;
    cells[at] = start;
    cells[at + 1] = end;
  } else cells[at] = value === null ? (isKey ? NULL_KEY : NaN) : (value as number);
}
