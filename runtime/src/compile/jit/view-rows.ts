/** The rows of a view, out of the pages that keep them with their weights. */
import { nameOfKey } from '../../data/key.ts';
import type { Row } from '../../data/value.ts';
import type { Pages } from './pages.ts';

export type ShowRows = (show: (row: Row, weight: number) => void) => void;

export function rowsOf(read: ShowRows): readonly Row[] {
  const rows: Row[] = [];
  read((row) => void rows.push(row));
  return rows;
}

/** Forgets rows that were taken back, with what took them back. */
export function settleRows(pages: Pages, read: ShowRows): void {
  const gone = new Map<string, number>();
  read((row, weight) => {
    if (weight === 1) return;
    const name = nameOfKey(row);
    gone.set(name, (gone.get(name) ?? 0) + 1);
  });
  if (gone.size === 0) return;
  const isKept: boolean[] = [];
  read((row, weight) => {
    const name = nameOfKey(row);
    const count = gone.get(name) ?? 0;
    if (weight === 1 && count > 0) gone.set(name, count - 1);
    isKept.push(weight === 1 && count === 0);
  });
  pages.retain((row) => isKept[row] === true);
}
