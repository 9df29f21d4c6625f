/**
 * The memory of one scanner, in one piece so that its machine code reaches all of it.
 *
 *   [ state, fixed tables | marks, leaves, steps | columns of the batch | lines | decoded strings ]
 */
import { EVENT_BYTES_MAX } from '../../data/line.ts';
import { ESCAPED } from './scanner-bytes.ts';
import { ESCAPES, POWERS, STATE, TABLES_END } from './scanner-layout.ts';

export const PAGE_BYTES = 65_536;
/** What all steps of lines take, with room to spare. */
const SHAPES_BYTES = 524_288;
/** How many bytes of lines a batch may hold, and of strings that had escapes: either may be one line of the largest size. */
export const LINES_BYTES = 2 * EVENT_BYTES_MAX;
export const SIDE_BYTES = EVENT_BYTES_MAX + 65_536;
/** What may be read, but has no meaning, behind both. */
const SLACK_BYTES = 64;
/** Arrays must not lie a power of two apart: they would share the sets of the processor's cache. */
const APART_BYTES = 192;

export class ScannerMemory {
  /** What the machine code is given. */
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly buffer: ArrayBuffer;
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  #used = TABLES_END;

  constructor(memory: { readonly buffer: ArrayBuffer }) {
    const { buffer } = memory;
    this.memory = memory;
    this.buffer = buffer;
    this.bytes = Buffer.from(buffer);
    this.view = new DataView(buffer);
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.bytes.set(ESCAPED, ESCAPES);
    for (let exponent = 0; exponent < 16; exponent++)
      this.doubles[(POWERS >>> 3) + exponent] = Number(`1e${exponent}`);
  }

  /** The address of so many bytes, which are zero. */
  allocate(bytes: number): number {
    const address = this.#used;
    this.#used += Math.ceil((bytes + APART_BYTES) / 16) * 16;
    if (this.#used > this.buffer.byteLength) throw new RangeError('the memory of a scanner is too small');
    return address;
  }

  /** Room for lines, and behind it for decoded strings. */
  allocateInput(): { readonly lines: number; readonly side: number } {
    return { lines: this.allocate(LINES_BYTES + SLACK_BYTES), side: this.allocate(SIDE_BYTES + SLACK_BYTES) };
  }

  get(field: keyof typeof STATE): number {
    return this.words[STATE[field] >>> 2] as number;
  }

  set(field: keyof typeof STATE, value: number): void {
    this.words[STATE[field] >>> 2] = value;
  }

  getDouble(field: keyof typeof STATE): number {
    return this.doubles[STATE[field] >>> 3] as number;
  }

  setDouble(field: keyof typeof STATE, value: number): void {
    this.doubles[STATE[field] >>> 3] = value;
  }
}

/** How many pages a scanner needs for so many columns of so many rows, and tables of about so many bytes. */
export function pagesFor(columns: number, rowsMax: number, tableBytes: number): number {
  // A column has at most two arrays of four bytes, or one of eight, and one of nulls; every row has five more.
  const batch = (columns + 8) * (9 * rowsMax + 4 * APART_BYTES);
  return Math.ceil((batch + LINES_BYTES + SIDE_BYTES + SHAPES_BYTES + tableBytes) / PAGE_BYTES);
}
