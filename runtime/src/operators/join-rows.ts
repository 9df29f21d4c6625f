/**
 * The rows of both sides of a join that remembers them all: a multiset for each key and side, and for each row of the
 * left how many partners it has.
 *
 *   row ──► counted among the equal rows of its key ──► paired with each row of the other side: pair +1 or -1
 *                                                       └─ left join: its partners counted, its nulls taken back
 *
 * State       an entry for each different row (see saved-items.ts): [row, count, partners of a row of the left, its life]
 * Invariants  Y1  A row of the left has nulls handed on only while it has no partner; they leave before the first pair.
 *             Y2  The pairs handed on are those of the two multisets, whatever the order of rows.
 */
import { invariant } from '../base/invariant.ts';
import { nameOfKey } from '../data/key.ts';
import type { Row } from '../data/value.ts';
import type { Batch, Entry } from '../state/store.ts';
import { type ChangingSideSpec, joinKeyOf, type JoinSpec, LEFT, pairOf, RIGHT, type Side } from './join.ts';
import type { Collector, Position, Weight } from './operator.ts';
import { type SavedItem, SavedItems } from './saved-items.ts';

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

/** When a left join hands on rows without a partner: at each `flush`, or when their key is closed. */
export type NullsAt = 'flush' | 'close';

/** Rows of one key and side: by content where rows are taken back, otherwise each by its number. */
type Bucket = Map<string | number, JoinRow>;

export class JoinRows {
  readonly #spec: JoinRowsSpec;
  readonly #next: Collector;
  readonly #saved: SavedItems<JoinRow>;
  readonly #buckets: readonly [left: Map<string, Bucket>, right: Map<string, Bucket>] = [
    new Map(),
    new Map(),
  ];
  readonly #nullsAt: NullsAt;
  /** Rows of the left that may need nulls at the next flush. */
  readonly #unmatched = new Set<JoinRow>();

  constructor(spec: JoinRowsSpec, nullsAt: NullsAt, next: Collector) {
    this.#spec = spec;
    this.#nullsAt = nullsAt;
    this.#next = next;
    this.#saved = new SavedItems(spec.prefix, ({ row, count, partners, life }) => [
      row,
      count,
      partners,
      ...(life === FOR_EVER ? [] : [life]),
    ]);
  }

  /** How many different rows there are. */
  get size(): number {
    return this.#saved.size;
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
    for (const other of this.#buckets[side === LEFT ? RIGHT : LEFT].get(key)?.values() ?? []) {
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
    const known = content === null ? undefined : this.#buckets[side].get(key)?.get(content);
    if (known === undefined) {
      invariant(weight === 1, 'a row that is taken back was handed on before');
      const place = { kind: side, serial: this.#saved.nextSerial(), isSaved: false };
      const own = { ...place, key, row, life, count: 1, partners: 0, nulls: 0 };
      this.#hold(own, content ?? own.serial);
      this.#saved.add(own);
      return own;
    }
    known.count += weight;
    if (known.count > 0) this.#saved.change(known);
    else this.#forget(known);
    return known;
  }

  #hold(own: JoinRow, content: string | number): void {
    const buckets = this.#buckets[own.kind];
    const bucket = buckets.get(own.key);
    if (bucket === undefined) buckets.set(own.key, new Map([[content, own]]));
    else bucket.set(content, own);
  }

  #touchLeft(left: JoinRow, at: Position | null): void {
    if (this.#spec.type === 'inner') return;
    if (left.nulls > left.count) this.#takeNullsBack(left, left.count, at);
    this.#awaitNulls(left);
  }

  #awaitNulls(left: JoinRow): void {
    if (left.partners === 0 && this.#nullsAt === 'flush') this.#unmatched.add(left);
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

  /** Forgets a row. Nulls that it waits for are handed on: what is handed on does not depend on the end of the epoch. */
  expire(own: JoinRow): void {
    if (this.#unmatched.delete(own)) this.#showNulls(own);
    this.#forget(own);
  }

  #forget(own: JoinRow): void {
    const { retracts } = own.kind === LEFT ? this.#spec.left : this.#spec.right;
    const bucket = this.#buckets[own.kind].get(own.key);
    bucket?.delete(retracts ? nameOfKey(own.row) : own.serial);
    if (bucket?.size === 0) this.#buckets[own.kind].delete(own.key);
    this.#saved.remove(own);
  }

  /** Forgets all rows of a key; those of the left that have no partner are handed on with nulls. */
  close(key: string): void {
    const isLeft = this.#spec.type === 'left';
    for (const buckets of this.#buckets) {
      for (const own of buckets.get(key)?.values() ?? []) {
        if (isLeft && own.kind === LEFT) this.#showNulls(own);
        this.#saved.remove(own);
      }
      buckets.delete(key);
    }
  }

  persist(batch: Batch): void {
    this.#saved.persist(batch);
  }

  /** Every row goes to `restored`. */
  restore(entries: Iterable<Entry>, restored: (row: JoinRow) => void): void {
    const hasNulls = this.#spec.type === 'left' && this.#nullsAt === 'flush';
    this.#saved.restore(entries, (saved, place) => {
      const kind = place.kind as Side;
      const sideSpec = kind === LEFT ? this.#spec.left : this.#spec.right;
      const [row, count, partners, savedLife] = saved as [Row, number, number, SavedLife?];
      const life = savedLife === undefined ? FOR_EVER : alive(savedLife);
      const key = joinKeyOf(row, sideSpec);
      invariant(key !== null, 'a row that joins nothing is not kept');
      const nulls = hasNulls && kind === LEFT && partners === 0 ? count : 0;
      const own: JoinRow = { ...place, kind, key, row, life, count, partners, nulls };
      this.#hold(own, sideSpec.retracts ? nameOfKey(row) : own.serial);
      restored(own);
      return own;
    });
  }
}

/** JSON has no infinity: the watermark before the first event is null there. */
function alive(saved: SavedLife): Life {
  return { ...saved, nowMs: saved.nowMs ?? -Infinity };
}
