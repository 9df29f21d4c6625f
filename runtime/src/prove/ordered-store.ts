/**
 * The store of a simulated pipeline: in memory, in the order of its keys, with how many bytes lie under each kind of key.
 * Keys lie in pieces of a few hundred, so that one more moves few others.
 */
import { invariant } from '../base/invariant.ts';
import type { Batch, Entry, Operation, Range, ScanOptions, Snapshot, Store } from '../state/store.ts';

const PIECE_KEYS_MAX = 512;

/** Keys as Latin-1 texts, which compare as their bytes do. */
class Content {
  #pieces: string[][] = [[]];
  readonly #values = new Map<string, Buffer>();
  /** First letter of a key → bytes of keys and values. */
  readonly bytes = new Map<string, number>();

  copy(): Content {
    const copy = new Content();
    copy.#pieces = this.#pieces.map((piece) => [...piece]);
    for (const [key, value] of this.#values) copy.#values.set(key, value);
    return copy;
  }

  get(key: string): Buffer | undefined {
    return this.#values.get(key);
  }

  /** The keys of a range, as they are now. */
  keys({ gte, lt }: Range): string[] {
    const found: string[] = [];
    const [from, to] = [gte.toString('latin1'), lt.toString('latin1')];
    const first = this.#pieceOf(from);
    for (let index = first; index < this.#pieces.length; index++) {
      const piece = this.#pieces[index] as string[];
      for (let at = index === first ? placeIn(piece, from) : 0; at < piece.length; at++) {
        const key = piece[at] as string;
        if (key >= to) return found;
        found.push(key);
      }
    }
    return found;
  }

  apply(operation: Operation): void {
    if (operation.kind === 'put') this.#put(operation.key.toString('latin1'), Buffer.from(operation.value));
    else if (operation.kind === 'delete') this.#delete(operation.key.toString('latin1'));
    else for (const key of this.keys(operation)) this.#delete(key);
  }

  #put(key: string, value: Buffer): void {
    const known = this.#values.get(key);
    this.#values.set(key, value);
    this.#count(key, value.length - (known === undefined ? -key.length : known.length));
    if (known !== undefined) return;
    const index = this.#pieceOf(key);
    const piece = this.#pieces[index] as string[];
    piece.splice(placeIn(piece, key), 0, key);
    if (piece.length > PIECE_KEYS_MAX) this.#pieces.splice(index + 1, 0, piece.splice(PIECE_KEYS_MAX / 2));
  }

  #delete(key: string): void {
    const known = this.#values.get(key);
    if (known === undefined) return;
    this.#values.delete(key);
    this.#count(key, -key.length - known.length);
    const index = this.#pieceOf(key);
    const piece = this.#pieces[index] as string[];
    piece.splice(placeIn(piece, key), 1);
    if (piece.length === 0 && this.#pieces.length > 1) this.#pieces.splice(index, 1);
  }

  #count(key: string, bytes: number): void {
    const kind = key.charAt(0);
    this.bytes.set(kind, (this.bytes.get(kind) ?? 0) + bytes);
  }

  /** The last piece whose first key is not after this one. */
  #pieceOf(key: string): number {
    let low = 0;
    let high = this.#pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (((this.#pieces[middle] as string[])[0] as string) <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Where a key is or would be. */
function placeIn(piece: readonly string[], key: string): number {
  let low = 0;
  let high = piece.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((piece[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

class OrderedReads implements Snapshot {
  protected readonly content: Content;
  #isReleased = false;

  constructor(content: Content) {
    this.content = content;
  }

  get(key: Buffer): Promise<Buffer | null> {
    this.#check();
    return Promise.resolve(this.content.get(key.toString('latin1')) ?? null);
  }

  async getMany(keys: readonly Buffer[]): Promise<readonly (Buffer | null)[]> {
    return Promise.all(keys.map((key) => this.get(key)));
  }

  async *scan(range: Range, { reverse = false, limit = Infinity }: ScanOptions = {}): AsyncIterable<Entry> {
    this.#check();
    const keys = this.content.keys(range);
    if (reverse) keys.reverse();
    const found = keys.slice(0, limit).map((key) => ({
      key: Buffer.from(key, 'latin1'),
      value: this.content.get(key) as Buffer,
    }));
    yield* found;
  }

  #check(): void {
    invariant(!this.#isReleased, 'a snapshot is not read after its release');
  }

  release(): Promise<void> {
    this.#isReleased = true;
    return Promise.resolve();
  }
}

export interface Commit {
  readonly operations: number;
}

export class OrderedStore extends OrderedReads implements Store {
  /** Called before a commit is visible: how long it takes. */
  readonly #before: (commit: Commit) => Promise<void>;

  constructor(before: (commit: Commit) => Promise<void> = () => Promise.resolve()) {
    super(new Content());
    this.#before = before;
  }

  /** Bytes of keys and values of one kind, such as `v` for rows of views (see state/keys.ts). */
  bytesOf(kind: string): number {
    return this.content.bytes.get(kind) ?? 0;
  }

  snapshot(): Snapshot {
    return new OrderedReads(this.content.copy());
  }

  async commit(batch: Batch): Promise<void> {
    const operations = batch.operations.slice();
    await this.#before({ operations: operations.length });
    for (const operation of operations) this.content.apply(operation);
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
