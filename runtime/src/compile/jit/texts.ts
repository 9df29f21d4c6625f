/**
 * The dictionary of a view, and who holds codes of it. When there are twice as many texts as were in use the last time, a new
 * one begins with those that still are: what windows and retractions have forgotten goes.
 */
import { Dictionary } from '../../data/dictionary.ts';
import type { Records } from './records.ts';
import type { Table } from './table.ts';

export interface Holder {
  readonly records: () => Iterable<Records | Table>;
  /** The cells that hold codes; below 0 is no text. */
  readonly cells: readonly number[];
}

export class Texts {
  dictionary = new Dictionary();
  readonly #holders: Holder[] = [];
  readonly #onSweep: (() => void)[] = [];
  readonly #most: number;
  #sweepAbove: number;

  /** `most`: so many texts are kept whether they are in use or not. */
  constructor(most: number) {
    this.#most = most;
    this.#sweepAbove = most;
  }

  held(holder: Holder): void {
    if (holder.cells.length > 0) this.#holders.push(holder);
  }

  /** For codes that are not in records. */
  onSweep(forget: () => void): void {
    this.#onSweep.push(forget);
  }

  /** REQUIRES that no code is anywhere but where it was told. */
  maintain(): void {
    if (this.dictionary.size <= this.#sweepAbove) return;
    const [old, fresh] = [this.dictionary, new Dictionary()];
    const codes = new Int32Array(old.size).fill(-1);
    const renewed = (code: number): number => {
      if (codes[code] === -1) codes[code] = fresh.codeOf(old.text(code));
      return codes[code] as number;
    };
    for (const { records, cells } of this.#holders) for (const each of records()) renew(each, cells, renewed);
    for (const forget of this.#onSweep) forget();
    this.dictionary = fresh;
    this.#sweepAbove = Math.max(this.#most, 2 * fresh.size);
  }
}

function renew(
  records: Records | Table,
  holding: readonly number[],
  renewed: (code: number) => number,
): void {
  const { cells, stride, top } = records;
  for (let at = stride; at < top; at += stride) {
    if (!records.isLive(at)) continue;
    for (const cell of holding) {
      const code = cells[at + cell] as number;
      if (code >= 0) cells[at + cell] = renewed(code);
    }
  }
  if ('reindex' in records) records.reindex();
}
