/**
 * The events of a block of columns as JSON texts: with the members that `decodeEvent` reads, in the order of the fields,
 * and without those that are null. Reading a text gives the values that the columns hold.
 */
import { type BatchColumn, BATCH_ROWS_MAX, columnBatch, valueAt } from '../../data/columns.ts';
import { formatDecimal } from '../../data/decimal.ts';
import type { Field } from '../../data/decode.ts';
import { formatSqlTimestamp, formatTimestamp } from '../../data/timestamp.ts';
import type { ListValue, Value } from '../../data/value.ts';
import type { Block, ColumnBody } from '../log.ts';
import { EventColumns } from './decode.ts';

/** A member of an event: a field, or an object with members of its own. */
type Tree = Map<string, Tree | number>;

export function textsOf(body: ColumnBody): readonly string[] {
  const columns = new EventColumns(body);
  return textsOfRows(columns, 0, columns.rows);
}

/** The first `count` records of a block; of columns, no other is made. */
export function firstRecords(block: Block, count: number): readonly string[] {
  if (block.columns === undefined) return block.records.slice(0, count);
  return textsOfRows(new EventColumns(block.columns), 0, Math.min(count, block.count));
}

/** The texts of rows [from, to). */
export function textsOfRows(columns: EventColumns, from: number, to: number): readonly string[] {
  const { fields } = columns;
  const scratch = columnBatch(fields, Math.min(to - from, BATCH_ROWS_MAX));
  const tree = treeOf(fields);
  const texts: string[] = [];
  for (let start = from; start < to; start += BATCH_ROWS_MAX) {
    const end = Math.min(start + BATCH_ROWS_MAX, to);
    const read = scratch.columns.map((column, index) => columns.column(index, start, end, column));
    const batch = { ...scratch, bytes: columns.bytes };
    const valueOf = (field: number, row: number): Value => valueAt(batch, read[field] as BatchColumn, row);
    for (let row = 0; row < end - start; row++)
      texts.push(textOf(tree, fields, (field) => valueOf(field, row)) || '{}');
  }
  return texts;
}

function treeOf(fields: readonly Field[]): Tree {
  const root: Tree = new Map();
  for (const [index, { path = [] }] of fields.entries()) {
    let tree = root;
    for (const name of path.slice(0, -1)) {
      const inside = tree.get(name);
      const next: Tree = inside instanceof Map ? inside : new Map<string, Tree | number>();
      tree.set(name, next);
      tree = next;
    }
    tree.set(path.at(-1) ?? '', index);
  }
  return root;
}

/** An object; nothing when it would have no members. */
function textOf(tree: Tree, fields: readonly Field[], valueOf: (field: number) => Value): string {
  let text = '';
  for (const [name, member] of tree) {
    const value =
      member instanceof Map
        ? textOf(member, fields, valueOf)
        : jsonOf(fields[member] as Field, valueOf(member));
    if (value !== '') text += `${text === '' ? '{' : ','}${JSON.stringify(name)}:${value}`;
  }
  return text === '' ? '' : `${text}}`;
}

function jsonOf(field: Field, value: Value): string {
  if (value === null) return '';
  switch (field.type) {
    case 'timestamp':
      return `"${field.format === 'sql' ? formatSqlTimestamp(value as number) : isoTime(value as number)}"`;
    case 'decimal':
      return `"${shortest(formatDecimal(value as number, field.scale ?? 0))}"`;
    case 'list': {
      const { items } = value as ListValue;
      return JSON.stringify(field.item === 'timestamp' ? items.map((ms) => isoTime(ms as number)) : items);
    }
    case 'string':
    case 'integer':
    case 'double':
    case 'boolean':
    case 'window':
      return JSON.stringify(value);
  }
}

/** A narrower decimal may have to read it. */
function shortest(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** A time whose year in UTC has no four digits was written with an offset, and is again. */
function isoTime(ms: number): string {
  const text = formatTimestamp(ms);
  if (text.length === 24) return text;
  const offsetMs = (ms > 0 ? -1 : 1) * (DAY_MS - MINUTE_MS);
  return `${formatTimestamp(ms + offsetMs).slice(0, -1)}${ms > 0 ? '-' : '+'}23:59`;
}
