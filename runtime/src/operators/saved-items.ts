/**
 * What an operator remembers item by item: each is an entry of the state under a number of its own, in the order in which
 * they came. Only what changed is written, and what came and went between two writes never is.
 *
 *   <prefix> <id> <kind: 1 byte> <serial: 6 bytes>  →  JSON
 *
 * The id is empty, or the encoded key of the item where an operator gets back all items of a key that it forgot.
 */
import type { Batch, Entry, Range } from '../state/store.ts';

/** `kind` tells items of one operator apart, such as the rows of the left and the right. */
export interface SavedItem {
  readonly kind: number;
  readonly serial: number;
  /** Whether the state has an entry for it; only `SavedItems` sets it. */
  isSaved: boolean;
}

/** The largest number so far, and how many items there are. */
export interface SavedFacts {
  readonly serial: number;
  readonly size: number;
}

/** What an item takes in memory with its places in maps and queues, beside its values; those take more than in JSON. */
const ITEM_BYTES = 300;
const VALUE_FACTOR = 2;

const NO_ID = Buffer.alloc(0);

export class SavedItems<T extends SavedItem> {
  readonly #prefix: Buffer;
  readonly #save: (item: T) => unknown;
  readonly #idOf: (item: T) => Buffer;
  readonly #onStored: (item: T, change: 1 | -1) => void;
  readonly #changed = new Set<T>();
  readonly #removed: Buffer[] = [];
  readonly #removedRanges: Range[] = [];
  #serial = 0;
  #size = 0;
  #inMemory = 0;
  /** Of what was written or read so far. */
  #items = 0;
  #encodedBytes = 0;

  /** `onStored` is told when the store will have an item that it had not, or the other way round. */
  constructor(
    prefix: Buffer,
    save: (item: T) => unknown,
    idOf: (item: T) => Buffer = () => NO_ID,
    onStored: (item: T, change: 1 | -1) => void = () => {},
  ) {
    this.#prefix = prefix;
    this.#save = save;
    this.#idOf = idOf;
    this.#onStored = onStored;
  }

  /** How many items there are, in memory or not. */
  get size(): number {
    return this.#size;
  }

  /** An estimate of what the items take in memory, from what they took in the store so far. */
  get memoryBytes(): number {
    return Math.round(this.#inMemory * this.itemBytes);
  }

  /** The same of one of them. */
  get itemBytes(): number {
    return ITEM_BYTES + VALUE_FACTOR * (this.#items === 0 ? 0 : this.#encodedBytes / this.#items);
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
    this.#inMemory++;
    this.#changed.add(item);
  }

  change(item: T): void {
    this.#changed.add(item);
  }

  remove(item: T): void {
    this.#size--;
    this.#inMemory--;
    this.#changed.delete(item);
    if (!item.isSaved) return;
    this.#removed.push(this.keyOf(this.#idOf(item), item));
    this.#onStored(item, -1);
  }

  /** Forgets an item that the store alone has, by where it stands. */
  removeUnseen(id: Buffer, place: Pick<SavedItem, 'kind' | 'serial'>): void {
    this.#removed.push(this.keyOf(id, place));
    this.#size--;
  }

  /** Forgets what the store has there. REQUIRES that none of it is in memory, and `removedItems` to be told how many. */
  removeRange(range: Range): void {
    this.#removedRanges.push(range);
  }

  removedItems(items: number): void {
    this.#size -= items;
  }

  /** An item leaves memory; the store keeps it. REQUIRES that it did not change since the last `persist`. */
  drop(_item: T): void {
    this.#inMemory--;
  }

  persist(batch: Batch): void {
    for (const key of this.#removed) batch.delete(key);
    this.#removed.length = 0;
    for (const range of this.#removedRanges) batch.deleteRange(range);
    this.#removedRanges.length = 0;
    for (const item of this.#changed) {
      const saved = JSON.stringify(this.#save(item));
      this.#measure(saved);
      batch.put(this.keyOf(this.#idOf(item), item), saved);
      if (!item.isSaved) this.#onStored(item, 1);
      item.isSaved = true;
    }
    this.#changed.clear();
  }

  /**
   * Makes items again, by their ids, by kind and then in the order in which they came. One that an earlier version kept under
   * another id comes to its place with the next `persist`.
   */
  restore(entries: Iterable<Entry>, make: (saved: unknown, place: SavedItem) => T): void {
    for (const { key, value } of entries) {
      this.#size++;
      const item = this.#make(key, value, make) as T;
      if (this.keyOf(this.#idOf(item), item).equals(key)) {
        this.#onStored(item, 1);
        continue;
      }
      this.#removed.push(key);
      item.isSaved = false;
      this.#changed.add(item);
    }
  }

  /** What `recall` needs after a restart. */
  get facts(): SavedFacts {
    return { serial: this.#serial, size: this.#size };
  }

  /** The store has all items, and memory none of them. */
  recall({ serial, size }: SavedFacts): void {
    this.#serial = serial;
    this.#size = size;
  }

  /** Makes items again that were dropped; `make` refuses one that is in memory by null. */
  resume(entries: Iterable<Entry>, make: (saved: unknown, place: SavedItem) => T | null): void {
    const removed = new Set(this.#removed.map((key) => key.toString('latin1')));
    for (const { key, value } of entries)
      if (removed.size === 0 || !removed.has(key.toString('latin1'))) this.#make(key, value, make);
  }

  #make(key: Buffer, value: Buffer, make: (saved: unknown, place: SavedItem) => T | null): T | null {
    const serial = serialOf(key);
    const place = { kind: kindOf(key), serial, isSaved: true };
    const item = make(JSON.parse(value.toString()), place);
    if (item === null) return null;
    this.#serial = Math.max(this.#serial, serial);
    this.#inMemory++;
    this.#measure(value);
    return item;
  }

  /** Where the store has an item. */
  keyOf(id: Buffer, { kind, serial }: Pick<SavedItem, 'kind' | 'serial'>): Buffer {
    return itemKey(Buffer.concat([this.#prefix, id]), kind, serial);
  }
}

/** The key of an item; `id` with the prefix of the operator before it. */
export function itemKey(id: Buffer, kind: number, serial: number): Buffer {
  const key = Buffer.allocUnsafe(id.length + 7);
  key.set(id);
  key[id.length] = kind;
  key.writeUIntBE(serial, id.length + 1, 6);
  return key;
}

/** What tells items with one id apart: the end of their keys. */
export function itemSuffix({ kind, serial }: Pick<SavedItem, 'kind' | 'serial'>): Buffer {
  return itemKey(NO_ID, kind, serial);
}

/** The kind of the item that has this key. */
export function kindOf(key: Buffer): number {
  return key[key.length - 7] ?? 0;
}

/** The number of the item that has this key. */
export function serialOf(key: Buffer): number {
  return key.readUIntBE(key.length - 6, 6);
}
