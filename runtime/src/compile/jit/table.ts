/**
 * Hash tables by open addressing, one class generated for each shape of key, so that comparing and hashing are straight
 * code over cells. A record begins with its key; `index` holds the numbers of records, 0 for an empty place.
 *
 *   hash(key) & mask ─► index: [0, 3, 0, 1, 2, …] ─► cells: key0 key1 payload …
 *
 * Removal moves later entries of a run back, so there are no tombstones and a run ends at the first empty place.
 */
import { generate } from './generate.ts';
import { FREE, Records } from './records.ts';

/** How a cell of a key is hashed: whole numbers by their low and high words, doubles by their bits. */
export type KeyKind = 'whole' | 'double';

export interface Table extends Records {
  /** Whether `upsert` has just made the record: its payload is then the template. */
  readonly fresh: boolean;
  find(...key: number[]): number;
  upsert(...key: number[]): number;
  remove(at: number): void;
  /** Finds every record under the key that it has now. */
  reindex(): void;
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

interface KeyCode {
  /** k0, k1, … */
  readonly names: readonly string[];
  readonly list: string;
  readonly stride: number;
  /** The cells of the record at `at`. */
  readonly cells: string;
  /** Makes `h` of the names. */
  readonly hash: string;
  /** Whether the record at `at` has the key. */
  readonly same: string;
}

function keyCode({ keys, template }: TableShape): KeyCode {
  const names = keys.map((_, k) => `k${k}`);
  const mixed = keys.map((kind, k) => HASH[kind](`k${k}`)).join(' ');
  return {
    names,
    list: names.join(', '),
    stride: Math.max(2, keys.length + template.length),
    cells: keys.map((_, k) => `c[at + ${k}]`).join(', '),
    hash: `let h = 0x2545f491; ${mixed} h ^= h >>> 16; h = Math.imul(h, 0x7feb352d); h ^= h >>> 15;`,
    same: names.map((name, k) => `c[at + ${k}] === ${name}`).join(' && '),
  };
}

/** The source of a class for keys and records of this shape; the code holds numbers only. */
export function tableSource(shape: TableShape): string {
  const key = keyCode(shape);
  return `
return class Table extends Records {
  constructor() {
    super(${key.stride}, TEXTS);
    this.index = new Int32Array(64);
    this.mask = 63;
    this.fresh = false;
  }
  hash(${key.list}) { ${key.hash} return h; }
${lookups(key)}
${changes(key, shape.template)}
  get sizeBytes() { return super.sizeBytes + this.index.byteLength; }
};`;
}

function lookups({ list, stride, hash, same }: KeyCode): string {
  return `
  find(${list}) {
    ${hash}
    const index = this.index, mask = this.mask, c = this.cells;
    for (let p = h & mask; ; p = (p + 1) & mask) {
      const at = index[p] * ${stride};
      if (at === 0) return 0;
      if (${same}) return at;
    }
  }
  upsert(${list}) {
    ${hash}
    const index = this.index, mask = this.mask, c = this.cells;
    let p = h & mask;
    for (; ; p = (p + 1) & mask) {
      const at = index[p] * ${stride};
      if (at === 0) break;
      if (${same}) { this.fresh = false; return at; }
    }
    return this.insert(p, ${list});
  }`;
}

function changes({ names, list, stride, cells }: KeyCode, template: readonly number[]): string {
  return `
  insert(p, ${list}) {
    const at = this.alloc(), c = this.cells;
    ${names.map((name, k) => `c[at + ${k}] = ${name};`).join(' ')}
    ${template.map((_, t) => `c[at + ${names.length + t}] = T[${t}];`).join(' ')}
    this.index[p] = at / ${stride};
    this.fresh = true;
    if (this.count * 2 > this.mask) this.rehash();
    return at;
  }
  rehash() {
    const mask = this.mask < ${GROWS_FASTER_BELOW} ? this.mask * 8 + 7 : this.mask * 2 + 1;
    this.fill(mask);
  }
  reindex() { this.fill(this.mask); }
  fill(mask) {
    const index = new Int32Array(mask + 1), c = this.cells;
    for (let at = ${stride}; at < this.top; at += ${stride}) {
      if (c[at] === FREE) continue;
      let p = this.hash(${cells}) & mask;
      while (index[p] !== 0) p = (p + 1) & mask;
      index[p] = at / ${stride};
    }
    this.index = index;
    this.mask = mask;
  }
  remove(at) {
    const index = this.index, mask = this.mask, c = this.cells, own = at / ${stride};
    let p = this.hash(${cells}) & mask;
    while (index[p] !== own) p = (p + 1) & mask;
    for (let q = (p + 1) & mask; index[q] !== 0; q = (q + 1) & mask) {
      const at = index[q] * ${stride};
      const home = this.hash(${cells}) & mask;
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
  }`;
}

export function tableClass(shape: TableShape): TableClass {
  const bound = {
    Records,
    FREE,
    T: [...shape.template],
    TEXTS: [...(shape.texts ?? [])],
    F: SCRATCH,
    W: SCRATCH_WORDS,
  };
  return generate(bound, tableSource(shape)) as TableClass;
}
