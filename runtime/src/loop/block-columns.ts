/**
 * A block of columns as the fields of a source: those that are the same are read where they lie, and only when somebody
 * asks for them. Where the schema has changed so that an event might be judged otherwise, the block is read as texts.
 *
 *   field of the source   the block's is the same, or an integer for a double ─► its column
 *                         the block has none, and the field may be null       ─► nulls
 *                         anything else                                       ─► texts, `decodeEvent`
 */
import {
  type BatchColumn,
  BATCH_ROWS_MAX,
  type ColumnBatch,
  columnBatch,
  type NumberColumn,
} from '../data/columns.ts';
import { decodeEvent, type Field } from '../data/decode.ts';
import { EventColumns } from '../log/columns/decode.ts';
import { fieldsOfSchema, pathOf } from '../log/columns/schema.ts';
import type { ColumnBody } from '../log/log.ts';
import type { SourcePlan } from '../plan/node.ts';

/** Where the fields of the source are in a block: their columns, ABSENT for none; null when texts have to be read. */
type Places = readonly number[] | null;
const ABSENT = -1;

export class BlockColumns {
  readonly #source: Pick<SourcePlan, 'fields' | 'eventTime'>;
  readonly #scratch: ColumnBatch;
  readonly #times: readonly number[];
  readonly #places = new WeakMap<readonly Field[], { readonly places: Places }>();
  #last: { readonly body: ColumnBody; readonly columns: EventColumns } | null = null;

  constructor(source: Pick<SourcePlan, 'fields' | 'eventTime'>) {
    this.#source = source;
    this.#scratch = columnBatch(source.fields);
    this.#times = source.eventTime.map((name) => source.fields.findIndex((field) => field.name === name));
  }

  /**
   * Rows [from, to) with all fields of the source; their ordinals are places in the block. Null when they must be read as
   * texts. Valid until the next are read. REQUIRES at most BATCH_ROWS_MAX rows.
   */
  read(body: ColumnBody, from: number, to: number): ColumnBatch | null {
    const columns = this.#last?.body === body ? this.#last.columns : new EventColumns(body);
    this.#last = { body, columns };
    const places = this.#placesOf(columns.fields);
    if (places === null) return null;
    const fits = this.#source.fields.every(
      ({ nullable }, index) => nullable || !columns.hasNulls(places[index] as number),
    );
    if (!fits) return null;
    const read = places.map((place, index) => {
      const scratch = this.#scratch.columns[index] as BatchColumn;
      return lazily(scratch, () =>
        place === ABSENT ? allNull(scratch, to - from) : columns.column(place, from, to, scratch),
      );
    });
    const times = this.#timesOf(read, to - from);
    if (times === null) return null;
    const { ordinals } = this.#scratch;
    for (let row = from; row < to; row++) ordinals[row - from] = row;
    return { ...this.#scratch, n: to - from, bytes: columns.bytes, columns: read, times };
  }

  /** The columns of a block that give these fields and the time of each event; null for all of them. */
  wanted(schema: unknown, names: readonly string[]): readonly number[] | null {
    const places = this.#placesOf(fieldsOfSchema(schema));
    if (places === null) return null;
    const read = (index: number): boolean =>
      this.#times.includes(index) || names.includes(this.#source.fields[index]?.name ?? '');
    return places.filter((place, index) => place !== ABSENT && read(index));
  }

  #placesOf(fields: readonly Field[]): Places {
    const known = this.#places.get(fields);
    if (known !== undefined) return known.places;
    const places = this.#source.fields.map((field) => placeOf(field, fields));
    const found = places.includes(undefined) ? null : (places as number[]);
    this.#places.set(fields, { places: found });
    return found;
  }

  /** When each event happened; null when one of them has no time. */
  #timesOf(columns: readonly BatchColumn[], rows: number): Float64Array | null {
    const { times } = this.#scratch;
    const [first, ...others] = this.#times.map((index) => columns[index] as NumberColumn);
    if (first === undefined) return times;
    const { values, nulls } = first;
    if (nulls === null) return values;
    let missing = 0;
    for (let row = 0; row < rows; row++) {
      const isNull = nulls[row] as number;
      missing += isNull;
      times[row] = isNull === 1 ? NaN : (values[row] as number);
    }
    for (const other of others) {
      if (missing === 0) break;
      missing -= fillIn(times, other, rows);
    }
    return missing === 0 ? times : null;
  }
}

/** Gives times that are missing from another column; returns how many there were. */
function fillIn(times: Float64Array, { values, nulls }: NumberColumn, rows: number): number {
  let found = 0;
  for (let row = 0; row < rows; row++) {
    if (!Number.isNaN(times[row]) || nulls?.[row] === 1) continue;
    times[row] = values[row] as number;
    found++;
  }
  return found;
}

const readers = new WeakMap<SourcePlan, BlockColumns>();

/** The reader of a source; what it gives is valid until anybody reads the next rows. */
export function blockColumnsOf(source: SourcePlan): BlockColumns {
  const known = readers.get(source);
  if (known !== undefined) return known;
  const made = new BlockColumns(source);
  readers.set(source, made);
  return made;
}

/** Undefined when the judgement is `decodeEvent`'s. */
function placeOf(field: Field, fields: readonly Field[]): number | undefined {
  const path = pathOf(field);
  const meets = (other: Field): boolean => {
    const otherPath = pathOf(other);
    const length = Math.min(path.length, otherPath.length);
    return path.slice(0, length).every((name, depth) => name === otherPath[depth]);
  };
  const met = fields.filter(meets);
  const [same] = met;
  if (same === undefined) {
    const decoded = decodeEvent([field], {});
    return 'row' in decoded && decoded.row[0] === null ? ABSENT : undefined;
  }
  return met.length === 1 && pathOf(same).length === path.length && isRead(field, same)
    ? fields.indexOf(same)
    : undefined;
}

/** Whether a field takes every value that another took, as the same value. */
function isRead(field: Field, from: Field): boolean {
  if (field.type === 'double' && from.type === 'integer') return true;
  const { oneOf } = field;
  return (
    field.type === from.type &&
    (field.scale ?? 0) === (from.scale ?? 0) &&
    field.item === from.item &&
    (field.format ?? 'iso') === (from.format ?? 'iso') &&
    (oneOf === undefined || from.oneOf?.every((text) => oneOf.includes(text)) === true)
  );
}

const ALL_NULL = new Uint8Array(BATCH_ROWS_MAX).fill(1);

function allNull(scratch: BatchColumn, rows: number): BatchColumn {
  return scratch.kind === 'list'
    ? { ...scratch, values: Array.from({ length: rows }, () => null), nulls: ALL_NULL }
    : { ...scratch, nulls: ALL_NULL };
}

/** A column that is read when it is first looked at. */
function lazily({ kind, column }: BatchColumn, read: () => BatchColumn): BatchColumn {
  let found: BatchColumn | null = null;
  const get = (): BatchColumn => (found ??= read());
  return {
    kind,
    column,
    get values() {
      return (get() as { values: unknown }).values;
    },
    get starts() {
      return (get() as { starts: Int32Array }).starts;
    },
    get ends() {
      return (get() as { ends: Int32Array }).ends;
    },
    get nulls() {
      return get().nulls;
    },
  } as BatchColumn;
}
