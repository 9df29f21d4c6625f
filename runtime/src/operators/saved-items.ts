/**
 * What an operator remembers item by item: each is an entry of the state under a number of its own, in the order in which
 * they came. Only what changed is written, and what came and went between two writes never is.
 *
 *   <prefix> <kind: 1 byte> <serial: 6 bytes>  →  JSON
 */
import { invariant } from '../base/invariant.ts';
import type { Batch, Entry } from '../state/store.ts';

/** `kind` tells items of one operator apart, such as the rows of the left and the right. */
export interface SavedItem {
  readonly kind: number;
  readonly serial: number;
  /** Whether the state has an entry for it; only `SavedItems` sets it. */
  isSaved: boolean;
}

/** What an item takes in memory with its places in maps and queues, beside its values; those take more than in JSON. */
const ITEM_BYTES = 300;
const VALUE_FACTOR = 2;

export class SavedItems<T extends SavedItem> {
  readonly #prefix: Buffer;
  readonly #save: (item: T) => unknown;
  readonly #changed = new Set<T>();
  readonly #removed: T[] = [];
  #serial = 0;
  #size = 0;
  /** Of what was written or read so far. */
  #items = 0;
  #encodedBytes = 0;

  constructor(prefix: Buffer, save: (item: T) => unknown) {
    this.#prefix = prefix;
    this.#save = save;
  }

  /** How many items there are. */
  get size(): number {
    return this.#size;
  }

  /** An estimate of what the items take in memory, from what they took in the store so far. */
  get memoryBytes(): number {
    const encodedBytes = this.#items === 0 ? 0 : this.#encodedBytes / this.#items;
    return Math.round(this.#size * (ITEM_BYTES + VALUE_FACTOR * encodedBytes));
  }

  #measure(encoded: { readonly length: number }): void {
    this.#items++;
    this.#encodedBytes += encoded.length;
  }

  /** The number of the next item; larger than that of all that are there. */
  nextSerial(): number {
    return ++this.#serial;
  }

  add(item: T): void {
    this.#size++;
    this.#changed.add(item);
  }

  change(item: T): void {
    this.#changed.add(item);
  }

  remove(item: T): void {
    this.#size--;
    this.#changed.delete(item);
    if (item.isSaved) this.#removed.push(item);
  }

  persist(batch: Batch): void {
    for (const item of this.#removed) batch.delete(this.#keyOf(item));
    this.#removed.length = 0;
    for (const item of this.#changed) {
      const saved = JSON.stringify(this.#save(item));
      this.#measure(saved);
      batch.put(this.#keyOf(item), saved);
      item.isSaved = true;
    }
    this.#changed.clear();
  }

  /** Makes every item again, by kind and then in the order in which they came. */
  restore(entries: Iterable<Entry>, make: (saved: unknown, place: SavedItem) => T): void {
    invariant(this.#serial === 0, 'only a new operator is restored');
    const from = this.#prefix.length;
    for (const { key, value } of entries) {
      const serial = key.readUIntBE(from + 1, 6);
      this.#serial = Math.max(this.#serial, serial);
      this.#size++;
      this.#measure(value);
      make(JSON.parse(value.toString()), { kind: key[from] ?? 0, serial, isSaved: true });
    }
  }

  #keyOf({ kind, serial }: T): Buffer {
    const key = Buffer.allocUnsafe(this.#prefix.length + 7);
    this.#prefix.copy(key);
    key[this.#prefix.length] = kind;
    key.writeUIntBE(serial, this.#prefix.length + 1, 6);
    return key;
  }
}
