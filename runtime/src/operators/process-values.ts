/** Rows as the plain objects that a process function sees, and back. */
import { describePlain, plainReader, plainWanted, type PlainValue, plainWriter } from '../data/plain.ts';
import type { Column, Row } from '../data/value.ts';
import { RowError } from '../expr/row-error.ts';
import type { PlainRow } from './process-function.ts';

/** Makes a new object of each row. REQUIRES names without meaning in JavaScript, which `nameProblem` sees to. */
export function plainRows(columns: readonly Column[]): (row: Row) => PlainRow {
  const writers = columns.map((column) => [column.name, plainWriter(column)] as const);
  return (row) => {
    const plain: Record<string, PlainValue> = {};
    for (const [index, [name, write]] of writers.entries()) {
      const value = row[index] ?? null;
      plain[name] = value === null ? null : write(value);
    }
    return plain;
  };
}

/** Checks what a function emitted. The result throws RowError, which says what is wrong with which column. */
export function emittedRows(columns: readonly Column[]): (emitted: unknown) => Row {
  const readers = columns.map((column) => [column, plainReader(column)] as const);
  const names = new Set(columns.map(({ name }) => name));
  return (emitted) => {
    if (typeof emitted !== 'object' || emitted === null || Array.isArray(emitted))
      throw new RowError(`emitted ${describePlain(emitted)}, not an object`);
    for (const name of Object.keys(emitted)) {
      if (!names.has(name)) throw new RowError(`emitted "${name}"; its columns are ${[...names].join(', ')}`);
    }
    return readers.map(([column, read]) => {
      const { name } = column;
      const given = Object.hasOwn(emitted, name) ? (emitted as Record<string, unknown>)[name] : null;
      if (given === null || given === undefined) {
        if (column.nullable) return null;
        throw new RowError(`emitted no "${name}", which is never null`);
      }
      const value = read(given);
      if (value !== undefined) return value;
      throw new RowError(`emitted ${describePlain(given)} as "${name}", not ${plainWanted(column)}`);
    });
  };
}
