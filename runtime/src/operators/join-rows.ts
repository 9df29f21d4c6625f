/**
 * The rows of both sides of a join that remembers them all: a multiset for each key and side, and for each row of the
 * left how many partners it has.
 *
 *   row ──► counted among the equal rows of its key ──► paired with each row of the other side: pair +1 or -1
 *                                                       └─ left join: its partners counted, its nulls taken back
 *
 * State       an entry for each different row, under its key, the window of that first (see saved-items.ts): [row, count,
 *             partners of a row of the left, its life]
 * Invariants  Y1  A row of the left has nulls handed on only while it has no partner; they leave before the first pair.
 *             Y2  The pairs handed on are those of the two multisets, whatever the order of rows.
 */
import { invariant } from '../base/invariant.ts';
import { nameOfKey } from '../data/key.ts';
import type { Row } from '../data/value.ts';
import type { Batch, Entry, Range } from '../state/store.ts';
import {
  type ChangingSideSpec,
  joinKeyOf,
  type JoinSpec,
  joinValuesOf,
  LEFT,
  pairOf,
  RIGHT,
  type Side,
} from './join.ts';
import type { Collector, Position, Weight } from './operator.ts';
import { kindOf, type SavedFacts, type SavedItem, SavedItems, serialOf } from './saved-items.ts';
import { keyId } from './spilled-keys.ts';
import { coldest, rangeBelow } from './spilling.ts';

export interface JoinRowsSpec extends JoinSpec {
  readonly left: ChangingSideSpec;
  readonly right: ChangingSideSpec;
}

export interface JoinRow extends SavedItem {
  readonly kind: Side;
  readonly key: string;
  readonly row: Row;
  readonly life: Life;
  /** How many equal rows this stands for; 1 on a side that takes nothing back. */
  count: number;
  /** Of a row of the left in a left join: its partners, or 1 for any when the right takes nothing back. */
  partners: number;
  /** How often it was handed on with nulls. */
  nulls: number;
  /** Its neighbours among the rows of its key and side. */
  before: JoinRow | null;
  after: JoinRow | null;
}

/** What a time-to-live needs to know of a row: its event time, the watermark it brought, whether it is in the log. */
export interface Life {
  readonly timeMs: number;
  readonly nowMs: number;
  readonly isPlaced: boolean;
}

type SavedLife = Omit<Life, 'nowMs'> & { readonly nowMs: number | null };

/** Of rows without a time-to-live. */
const FOR_EVER: Life = { timeMs: 0, nowMs: -Infinity, isPlaced: true };

interface Living {
  readonly life?: Life;
  /** Which rows are expired for this one. */
  readonly isExpired?: (other: JoinRow) => boolean;
}

export interface JoinRowsOptions {
  /** When a left join hands on rows without a partner: at each `flush`, or when their key is closed. */
  readonly nullsAt: 'flush' | 'close';
  /** Which value of a key is a window; -1 for none. */
  readonly windowIndex: number;
  /** Told when the store will have a row that it had not, or the other way round. */
  readonly onStored: (row: JoinRow, change: 1 | -1) => void;
}

/** The rows of one key and side in the order in which they came. Most keys have few, so that this is small. */
interface Bucket {
  first: JoinRow;
  last: JoinRow;
  rows: number;
  /** In which a row of its key came last, of either side. */
  epoch: number;
}

/** Where rows are taken back, each is found by its content; its key is part of that. */
type ByContent = Map<string, JoinRow>;

export class JoinRows {
  readonly #spec: JoinRowsSpec;
  readonly #next: Collector;
  readonly #saved: SavedItems<JoinRow>;
  readonly #buckets: readonly [left: Map<string, Bucket>, right: Map<string, Bucket>] = [
    new Map(),
    new Map(),
  ];
  readonly #byContent: readonly [left: ByContent, right: ByContent] = [new Map(), new Map()];
  readonly #options: JoinRowsOptions;
  /** Rows of the left that may need nulls at the next flush. */
  readonly #unmatched = new Set<JoinRow>();
  #epoch = 0;

  constructor(spec: JoinRowsSpec, options: JoinRowsOptions, next: Collector) {
    this.#spec = spec;
    this.#options = options;
    this.#next = next;
    this.#saved = new SavedItems(
      spec.prefix,
      ({ row, count, partners, life }) => [row, count, partners, ...(life === FOR_EVER ? [] : [life])],
      (own) => keyId(this.keyOf(own), options.windowIndex),
      options.onStored,
    );
  }

  /** The values of the key of a row. */
  keyOf({ kind, row }: Pick<JoinRow, 'kind' | 'row'>): Row {
    return joinValuesOf(row, kind === LEFT ? this.#spec.left : this.#spec.right) ?? [];
  }

  /** Where the store has the rows of a key. */
  rangeOf(key: Row): Range {
    return rangeBelow(this.#spec.prefix, keyId(key, this.#options.windowIndex));
  }

  /** Forgets a row that the store alone has, by its key and the entry of an index that ends as its own. */
  removeUnseen(key: Row, entry: Buffer): void {
    const place = { kind: kindOf(entry), serial: serialOf(entry) };
    this.#saved.removeUnseen(keyId(key, this.#options.windowIndex), place);
  }

  /** Forgets what the store alone has: so many rows in these ranges. */
  forgetStored(ranges: readonly Range[], rows: number): void {
    for (const range of ranges) this.#saved.removeRange(range);
    this.#saved.removedItems(rows);
  }

  /** How many different rows there are, in memory or not. */
  get size(): number {
    return this.#saved.size;
  }

  get memoryBytes(): number {
    return this.#saved.memoryBytes;
  }

  get facts(): SavedFacts {
    return this.#saved.facts;
  }

  recall(facts: SavedFacts): void {
    this.#saved.recall(facts);
  }

  has(key: string): boolean {
    return this.#buckets[LEFT].has(key) || this.#buckets[RIGHT].has(key);
  }

  /** Takes a row in or back and hands on its pairs with all that are not expired. Returns what now stands for it. */
  push(
    side: Side,
    key: string,
    row: Row,
    weight: Weight,
    at: Position | null,
    { life = FOR_EVER, isExpired }: Living = {},
  ): JoinRow {
    const own = this.#count(side, key, row, weight, life);
    const isNew = weight === 1 && own.count === 1;
    if (side === LEFT) this.#touchLeft(own, at);
    const others = this.#buckets[side === LEFT ? RIGHT : LEFT].get(key);
    if (others !== undefined) others.epoch = this.#epoch;
    let other = others?.first ?? null;
    for (; other !== null; other = other.after) {
      if (isExpired?.(other) === true) continue;
      const left = side === LEFT ? own : other;
      const pair = pairOf(this.#spec, left.row, side === LEFT ? other.row : row, weight, at);
      if (pair === null) continue;
      if (side === RIGHT) this.#countPartners(left, weight, at);
      else if (isNew) this.#countPartners(left, other.count, at);
      for (let i = 0; i < other.count; i++) this.#next.push(pair, weight, at);
    }
    return own;
  }

  #count(side: Side, key: string, row: Row, weight: Weight, life: Life): JoinRow {
    const { retracts } = side === LEFT ? this.#spec.left : this.#spec.right;
    invariant(retracts || weight === 1, 'an append-only input takes nothing back');
    const content = retracts ? nameOfKey(row) : null;
    const known = content === null ? undefined : this.#byContent[side].get(content);
    if (known === undefined) {
      invariant(weight === 1, 'a row that is taken back was handed on before');
      const place = { kind: side, serial: this.#saved.nextSerial(), isSaved: false };
      const own = newRow(place, { key, row, life, count: 1, partners: 0, nulls: 0 });
      this.#hold(own, content);
      this.#saved.add(own);
      return own;
    }
    known.count += weight;
    if (known.count > 0) this.#saved.change(known);
    else this.#forget(known, content);
    return known;
  }

  #hold(own: JoinRow, content: string | null): void {
    if (content !== null) this.#byContent[own.kind].set(content, own);
    const buckets = this.#buckets[own.kind];
    const bucket = buckets.get(own.key);
    if (bucket === undefined) {
      buckets.set(own.key, { first: own, last: own, rows: 1, epoch: this.#epoch });
      return;
    }
    bucket.rows++;
    bucket.epoch = this.#epoch;
    own.before = bucket.last;
    bucket.last.after = own;
    bucket.last = own;
  }

  #forget(own: JoinRow, content: string | null): void {
    this.#saved.remove(own);
    this.#release(own, content);
  }

  #release(own: JoinRow, content: string | null): void {
    if (content !== null) this.#byContent[own.kind].delete(content);
    const { before, after } = own;
    const bucket = this.#buckets[own.kind].get(own.key) as Bucket;
    bucket.rows--;
    bucket.epoch = this.#epoch;
    if (before !== null) before.after = after;
    else if (after !== null) bucket.first = after;
    else this.#buckets[own.kind].delete(own.key);
    if (after !== null) after.before = before;
    else if (before !== null) bucket.last = before;
  }

  #touchLeft(left: JoinRow, at: Position | null): void {
    if (this.#spec.type === 'inner') return;
    if (left.nulls > left.count) this.#takeNullsBack(left, left.count, at);
    this.#awaitNulls(left);
  }

  #awaitNulls(left: JoinRow): void {
    if (left.partners === 0 && this.#options.nullsAt === 'flush') this.#unmatched.add(left);
  }

  #countPartners(left: JoinRow, change: number, at: Position | null): void {
    if (this.#spec.type === 'inner') return;
    // When the right takes nothing back it is enough to know that there is one: a row of the left is written once.
    if (!this.#spec.right.retracts && left.partners > 0) return;
    left.partners += this.#spec.right.retracts ? change : 1;
    this.#saved.change(left);
    if (left.partners > 0) this.#takeNullsBack(left, 0, at);
    else this.#awaitNulls(left);
  }

  #takeNullsBack(left: JoinRow, remaining: number, at: Position | null): void {
    for (; left.nulls > remaining; left.nulls--) this.#next.push(this.#spec.project(left.row, null), -1, at);
  }

  #showNulls(left: JoinRow): void {
    if (left.partners > 0) return;
    for (; left.nulls < left.count; left.nulls++)
      this.#next.push(this.#spec.project(left.row, null), 1, null);
  }

  flush(): void {
    for (const left of this.#unmatched) this.#showNulls(left);
    this.#unmatched.clear();
  }

  /** Forgets a row that no other can meet. It is still handed on with nulls at the flush if it waits for that. */
  expire(own: JoinRow): void {
    this.#forget(own, this.#contentOf(own));
  }

  #contentOf({ kind, row }: JoinRow): string | null {
    const { retracts } = kind === LEFT ? this.#spec.left : this.#spec.right;
    return retracts ? nameOfKey(row) : null;
  }

  /** Forgets all rows of a key; those of the left that have no partner are handed on with nulls. */
  close(key: string): void {
    const isLeft = this.#spec.type === 'left';
    for (const buckets of this.#buckets) {
      for (let own = buckets.get(key)?.first ?? null; own !== null; own = own.after) {
        if (isLeft && own.kind === LEFT) this.#showNulls(own);
        this.#forget(own, this.#contentOf(own));
      }
    }
  }

  persist(batch: Batch): void {
    this.#saved.persist(batch);
    this.#epoch++;
  }

  /** Every row goes to `restored`. */
  restore(entries: Iterable<Entry>, restored: (row: JoinRow) => void): void {
    this.#saved.restore(entries, (saved, place) => {
      const own = this.#recall(saved as SavedRow, place);
      restored(own);
      return own;
    });
  }

  #recall([row, count, partners, savedLife]: SavedRow, place: SavedItem): JoinRow {
    const kind = place.kind as Side;
    const hasNulls = this.#spec.type === 'left' && this.#options.nullsAt === 'flush';
    const life = savedLife === undefined ? FOR_EVER : alive(savedLife);
    const key = this.#keyOf(row, kind);
    const nulls = hasNulls && kind === LEFT && partners === 0 ? count : 0;
    const own = newRow(
      { kind, serial: place.serial, isSaved: true },
      { key, row, life, count, partners, nulls },
    );
    this.#hold(own, this.#contentOf(own));
    return own;
  }

  #keyOf(row: Row, kind: Side): string {
    const key = joinKeyOf(row, kind === LEFT ? this.#spec.left : this.#spec.right);
    invariant(key !== null, 'a row that joins nothing is not kept');
    return key;
  }

  /**
   * Drops the keys that were not touched for longest from memory until about so many bytes are free; each row is told to
   * `dropped`. REQUIRES that everything is saved.
   */
  spill(bytes: number, dropped: (row: JoinRow) => void): void {
    const [left, right] = this.#buckets;
    const keys = [...new Set([...left.keys(), ...right.keys()])].map((key) => {
      const [l, r] = [left.get(key), right.get(key)];
      const epoch = Math.max(l?.epoch ?? -Infinity, r?.epoch ?? -Infinity);
      return { key, epoch, rows: (l?.rows ?? 0) + (r?.rows ?? 0) };
    });
    const { itemBytes } = this.#saved;
    for (const { key } of coldest(keys, bytes, ({ rows }) => rows * itemBytes)) {
      for (const buckets of this.#buckets) {
        for (let own = buckets.get(key)?.first ?? null; own !== null; own = own.after) {
          this.#saved.drop(own);
          this.#release(own, this.#contentOf(own));
          dropped(own);
        }
      }
    }
  }

  /** All rows in memory. */
  *[Symbol.iterator](): Iterator<JoinRow> {
    for (const buckets of this.#buckets)
      for (const { first } of buckets.values())
        for (let own: JoinRow | null = first; own !== null; own = own.after) yield own;
  }

  /** Takes rows back into memory whose keys were dropped; each is told to `returned`. */
  resume(entries: Iterable<Entry>, returned: (row: JoinRow) => void): void {
    const keys = new Set<string>();
    this.#saved.resume(entries, (saved, place) => {
      const key = this.#keyOf((saved as SavedRow)[0], place.kind as Side);
      if (!keys.has(key)) {
        if (this.has(key)) return null;
        keys.add(key);
      }
      const own = this.#recall(saved as SavedRow, place);
      returned(own);
      return own;
    });
  }
}

type SavedRow = readonly [row: Row, count: number, partners: number, life?: SavedLife];

/** Field by field: with a spread this takes twenty times as long, and every row comes by here. */
function newRow(
  { kind, serial, isSaved }: Pick<JoinRow, 'kind' | 'serial' | 'isSaved'>,
  {
    key,
    row,
    life,
    count,
    partners,
    nulls,
  }: Omit<JoinRow, 'kind' | 'serial' | 'isSaved' | 'before' | 'after'>,
): JoinRow {
  return { kind, serial, isSaved, key, row, life, count, partners, nulls, before: null, after: null };
}

/** JSON has no infinity: the watermark before the first event is null there. */
function alive(saved: SavedLife): Life {
  return { ...saved, nowMs: saved.nowMs ?? -Infinity };
}
