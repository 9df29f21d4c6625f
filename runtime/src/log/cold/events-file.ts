/**
 * The events of one source as a table that any reader of Parquet can use: where each stands in the log, and a column for each
 * field of the source, of the type that the definition gives it.
 *
 *   _position  _offset  _partition  _appended_at  <fields…>  _event
 *
 * An event that the fields do not fit any more has nulls for them and its text in `_event`, which is null otherwise. A nested
 * field is named by its path, `bid.price`; a list is JSON.
 */
import { decodeEvent, type Field } from '../../data/decode.ts';
import { parseJson } from '../../data/line.ts';
import type { ListValue, Value } from '../../data/value.ts';
import { pathOf } from '../columns/schema.ts';
import type { Block } from '../log.ts';
import { type CellType, type ParquetColumn, ParquetFile } from './parquet.ts';

const PLACE: readonly ParquetColumn[] = [
  { name: '_position', type: 'integer' },
  { name: '_offset', type: 'integer' },
  { name: '_partition', type: 'integer' },
  { name: '_appended_at', type: 'time' },
];
const TEXT: ParquetColumn = { name: '_event', type: 'json' };
/** Making a row group keeps the process busy, about 10 µs a row. */
const GROUP_ROWS = 8_192;

type Cell = string | number | boolean | bigint | null;

export class EventsFile {
  readonly #fields: readonly Field[];
  readonly #file: ParquetFile;
  readonly #columns: number;
  #cells: Cell[][];

  private constructor(fields: readonly Field[], file: ParquetFile, columns: number) {
    this.#fields = fields;
    this.#file = file;
    this.#columns = columns;
    this.#cells = emptyCells(columns);
  }

  static async begin(fields: readonly Field[]): Promise<EventsFile> {
    const taken = new Set([...PLACE, TEXT].map(({ name }) => name));
    const named = fields.map((field): ParquetColumn => {
      const name = pathOf(field).join('.');
      return { name: taken.has(name) ? `event.${name}` : name, type: typeOf(field) };
    });
    const columns = [...PLACE, ...named, TEXT];
    return new EventsFile(fields, await ParquetFile.begin(columns), columns.length);
  }

  /** Adds the events of a block. */
  add(block: Block): void {
    for (const [index, text] of block.records.entries()) {
      const event = parseJson(text);
      const decoded = 'problem' in event ? event : decodeEvent(this.#fields, event.value);
      const row = 'row' in decoded ? decoded.row : null;
      const cells: Cell[] = [
        BigInt(block.position + index),
        BigInt(block.offset + index),
        BigInt(block.partition),
        BigInt(block.appendedAtMs),
        ...this.#fields.map((field, at) => (row === null ? null : cellOf(field, row[at] ?? null))),
        row === null ? text : null,
      ];
      for (const [column, cell] of cells.entries()) this.#cells[column]?.push(cell);
    }
    if ((this.#cells[0]?.length ?? 0) >= GROUP_ROWS) this.#flush();
  }

  #flush(): void {
    this.#file.add(this.#cells);
    this.#cells = emptyCells(this.#columns);
  }

  finish(): Uint8Array {
    this.#flush();
    return this.#file.finish();
  }
}

function emptyCells(columns: number): Cell[][] {
  return Array.from({ length: columns }, () => []);
}

function typeOf({ type, scale = 0 }: Field): CellType {
  switch (type) {
    case 'string':
      return 'text';
    case 'integer':
    case 'double':
    case 'boolean':
      return type;
    case 'timestamp':
      return 'time';
    case 'decimal':
      return { scale };
    case 'list':
      return 'json';
    case 'window':
      throw new Error('an event has no window');
  }
}

function cellOf({ type }: Field, value: Value): Cell {
  if (value === null) return null;
  if (type === 'list') return JSON.stringify((value as ListValue).items);
  if (type === 'integer' || type === 'timestamp' || type === 'decimal') return BigInt(value as number);
  return value as string | number | boolean;
}
