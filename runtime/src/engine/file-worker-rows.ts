/** The rows of several workers, each in order, as one list in order. */
import type { Answer } from './file-worker-messages.ts';

export type OrderedRows = Extract<Answer, { readonly kind: 'ordered' }>;

/** Writes the lines of all parts by their keys; of equal keys those of the earlier part first. */
export function mergeOrdered(parts: readonly OrderedRows[], write: (bytes: Uint8Array) => void): void {
  const cursors = parts.filter(({ lineEnds }) => lineEnds.length > 0).map((part) => new Cursor(part));
  const pieces: Uint8Array[] = [];
  while (cursors.length > 0) {
    let first = 0;
    for (let other = 1; other < cursors.length; other++)
      if (Buffer.compare((cursors[other] as Cursor).key, (cursors[first] as Cursor).key) < 0) first = other;
    const cursor = cursors[first] as Cursor;
    pieces.push(cursor.line);
    if (!cursor.next()) cursors.splice(first, 1);
    if (pieces.length === PIECES || cursors.length === 0) write(Buffer.concat(pieces.splice(0)));
  }
}

const PIECES = 1024;

class Cursor {
  readonly #rows: OrderedRows;
  #at = 0;
  key: Uint8Array;

  constructor(rows: OrderedRows) {
    this.#rows = rows;
    this.key = this.#keyAt();
  }

  get line(): Uint8Array {
    const { lines, lineEnds } = this.#rows;
    return lines.subarray(lineEnds[this.#at - 1] ?? 0, lineEnds[this.#at]);
  }

  next(): boolean {
    if (++this.#at >= this.#rows.lineEnds.length) return false;
    this.key = this.#keyAt();
    return true;
  }

  #keyAt(): Uint8Array {
    const { keys, keyEnds } = this.#rows;
    return keys.subarray(keyEnds[this.#at - 1] ?? 0, keyEnds[this.#at]);
  }
}
