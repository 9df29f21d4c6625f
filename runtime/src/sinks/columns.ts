/** The flat columns of files and tables: a window is two, its start and its end. */
import { createHash } from 'node:crypto';
import { type Column, isWindow, type Row, type Value } from '../data/value.ts';

/** One flat column and the value of it in a row. */
export interface FlatColumn {
  readonly name: string;
  readonly column: Column;
  readonly valueOf: (row: Row) => Value;
}

/** By which the outside tells a row from the others of its view: some keys are no columns, and texts may be long. */
export function hashOf(key: Buffer): string {
  return createHash('sha256').update(key).digest('hex');
}

export function flatColumns(columns: readonly Column[]): readonly FlatColumn[] {
  return columns.flatMap((column, index): FlatColumn[] => {
    if (column.type !== 'window')
      return [{ name: column.name, column, valueOf: (row) => row[index] ?? null }];
    return (['start', 'end'] as const).map((edge, at) => ({
      name: `${column.name}_${edge}`,
      column: { ...column, name: `${column.name}_${edge}`, type: 'timestamp' },
      valueOf: (row) => {
        const value = row[index] ?? null;
        return isWindow(value) ? (value[at] ?? null) : null;
      },
    }));
  });
}

/** The name that two flat columns share, or undefined. */
export function clashOf(columns: readonly FlatColumn[]): string | undefined {
  const names = columns.map(({ name }) => name.toLowerCase());
  return columns.find(({ name }, index) => names.indexOf(name.toLowerCase()) !== index)?.name;
}
