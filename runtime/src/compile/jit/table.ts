/**
 * Hash tables by open addressing, one class generated for each shape of key, so that comparing and hashing are straight
 * code over cells. A record begins with its key; `index` holds the numbers of records, 0 for an empty place.
 *
 *   hash(key) & mask ─► index: [0, 3, 0, 1, 2, …] ─► cells: key0 key1 payload …
 *
 * Removal moves later entries of a run back, so there are no tombstones and a run ends at the first empty place.
 */
import { FREE, Records } from './records.ts';

/** How a cell of a key is hashed: whole numbers by their low and high words, doubles by their bits. */
export type KeyKind = 'whole' | 'double';

export interface Table extends Records {
  /** Whether `upsert` has just made the record: its payload is then the template. */
  readonly fresh: boolean;
  find(...key: number[]): number;
  upsert(...key: number[]): number;
  remove(at: number): void;
}

export interface TableShape {
  readonly keys: readonly KeyKind[];
  /** What a new record holds behind its key. */
  readonly template: readonly number[];
  readonly texts?: readonly number[];
}

export type TableClass = new () => Table;

/** Small tables grow by eight, so that few are filled again and again. */
const GROWS_FASTER_BELOW = 1 << 19;

const SCRATCH = new Float64Array(1);
const SCRATCH_WORDS = new Int32Array(SCRATCH.buffer);

const HASH: { readonly [K in KeyKind]: (key: string) => string } = {
  whole: (key) =>
    `h = Math.imul(h ^ (${key} | 0), 0x9e3779b1); h ^= h >>> 15; h = h + Math.imul((${key} * 2.3283064365386963e-10) | 0, 0x85ebca6b) | 0;`,
  double: (key) =>
    `F[0] = ${key}; h = Math.imul(h ^ W[0], 0x9e3779b1); h ^= h >>> 15; h = Math.imul(h ^ W[1], 0x85ebca6b); h ^= h >>> 13;`,
};

/** The source of a class for keys and records of this shape; the code holds numbers only. */
export function tableSource({ keys, template }: TableShape): string {
  const names = keys.map((_, k) => `k${k}`);
  const list = names.join(', ');
  const stride = Math.max(2, keys.length + template.length);
  const same = (at: string): string => names.map((name, k) => `c[${at} + ${k}] === ${name}`).join(' && ');
  const hash = `let h = 0x2545f491; ${keys.map((kind, k) => HASH[kind](`k${k}`)).join(' ')} h ^= h >>> 16; h = Math.imul(h, 0x7feb352d); h ^= h >>> 15;`;
  const cellHash = keys.map((_, k) => `c[at + ${k}]`).join(', ');
  return `
class Table extends Records {
  constructor() {
    super(${stride}, TEXTS);
    this.index = new Int32Array(64);
    this.mask = 63;
    this.fresh = false;
  }
  hash(${list}) { ${hash} return h; }
  find(${list}) {
    ${hash}
    const index = this.index, mask = this.mask, c = this.cells;
    for (let p = h & mask; ; p = (p + 1) & mask) {
      const at = index[p] * ${stride};
      if (at === 0) return 0;
      if (${same('at')}) return at;
    }
  }
  upsert(${list}) {
    ${hash}
    const index = this.index, mask = this.mask, c = this.cells;
    let p = h & mask;
    for (; ; p = (p + 1) & mask) {
      const at = index[p] * ${stride};
      if (at === 0) break;
      if (${same('at')}) { this.fresh = false; return at; }
    }
    return this.insert(p, ${list});
  }
  insert(p, ${list}) {
    const at = this.alloc(), c = this.cells;
    ${names.map((name, k) => `c[at + ${k}] = ${name};`).join(' ')}
    ${template.map((_, t) => `c[at + ${keys.length + t}] = T[${t}];`).join(' ')}
    this.index[p] = at / ${stride};
    this.fresh = true;
    if (this.count * 2 > this.mask) this.rehash();
    return at;
  }
  rehash() {
    const mask = this.mask < ${GROWS_FASTER_BELOW} ? this.mask * 8 + 7 : this.mask * 2 + 1, index = new Int32Array(mask + 1), c = this.cells;
    for (let at = ${stride}; at < this.top; at += ${stride}) {
      if (c[at] === FREE) continue;
      let p = this.hash(${cellHash}) & mask;
      while (index[p] !== 0) p = (p + 1) & mask;
      index[p] = at / ${stride};
    }
    this.index = index;
    this.mask = mask;
  }
  remove(at) {
    const index = this.index, mask = this.mask, c = this.cells, own = at / ${stride};
    let p = this.hash(${cellHash}) & mask;
    while (index[p] !== own) p = (p + 1) & mask;
    for (let q = (p + 1) & mask; index[q] !== 0; q = (q + 1) & mask) {
      const at = index[q] * ${stride};
      const home = this.hash(${cellHash}) & mask;
      if (((q - home) & mask) < ((q - p) & mask)) continue;
      index[p] = index[q];
      p = q;
    }
    index[p] = 0;
    this.release(at);
  }
  clear() {
    super.clear();
    this.index.fill(0);
  }
  get sizeBytes() { return this.cells.byteLength + this.index.byteLength + this.arena.sizeBytes; }
}
return Table;`;
}

export function tableClass(shape: TableShape): TableClass {
  const make = new Function('Records', 'FREE', 'T', 'TEXTS', 'F', 'W', tableSource(shape)) as (
    ...bound: unknown[]
  ) => TableClass;
  return make(Records, FREE, [...shape.template], [...(shape.texts ?? [])], SCRATCH, SCRATCH_WORDS);
}

