/** Bytes that came and are not read yet: whole lines, and the beginning of one behind them. */
import { EVENT_BYTES_MAX } from '../data/line.ts';

const LINE_FEED = 10;
/** Most streams are one request with a few events. */
const BYTES_MIN = 1 << 12;
const PIECE_BYTES = 1 << 18;
/** As much of a line as shows that it is too long; of the rest only the length is remembered. */
export const CUT_BYTES = EVENT_BYTES_MAX + 2;

export class PendingLines {
  bytes = Buffer.allocUnsafeSlow(BYTES_MIN);
  /** Whole lines are [0, whole). */
  whole = 0;
  #filled = 0;
  /** Where the line begins that is not whole. */
  #line = 0;
  #lineBytes = 0;
  /** How long the lines are of which CUT_BYTES were kept, in their order. */
  readonly #long: number[] = [];

  /** Of a line that is not whole. */
  get beginningBytes(): number {
    return this.#filled - this.whole;
  }

  /** Keeps no more room than what is there takes. */
  shrink(): void {
    if (this.bytes.length <= Math.max(BYTES_MIN, this.#filled)) return;
    const kept = Buffer.allocUnsafeSlow(Math.max(BYTES_MIN, this.#filled));
    this.bytes.copy(kept, 0, 0, this.#filled);
    this.bytes = kept;
  }

  push(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length; from += PIECE_BYTES)
      this.#push(chunk.subarray(from, from + PIECE_BYTES));
  }

  #push(piece: Uint8Array): void {
    const feed = piece.indexOf(LINE_FEED);
    if (feed < 0) return this.#take(piece);
    this.#take(piece.subarray(0, feed));
    this.#endLine();
    const last = piece.lastIndexOf(LINE_FEED);
    // A piece is shorter than the longest line: none of those that are whole in it is cut.
    this.#append(piece.subarray(feed + 1, last + 1));
    this.#line = this.whole = this.#filled;
    this.#take(piece.subarray(last + 1));
  }

  /** A part of a line. */
  #take(part: Uint8Array): void {
    const room = Math.max(0, CUT_BYTES - (this.#filled - this.#line));
    this.#append(part.subarray(0, room));
    this.#lineBytes += part.length;
  }

  #endLine(): void {
    if (this.#lineBytes >= CUT_BYTES) this.#long.push(this.#lineBytes);
    this.#append(FEED);
    this.#line = this.whole = this.#filled;
    this.#lineBytes = 0;
  }

  /** The last line may end without a line feed. */
  end(): void {
    if (this.#lineBytes > 0) this.#endLine();
  }

  /** How long a line really is. REQUIRES to be asked about each of CUT_BYTES once, in their order. */
  lengthOf(bytes: number): number {
    return bytes === CUT_BYTES ? (this.#long.shift() ?? bytes) : bytes;
  }

  #append(bytes: Uint8Array): void {
    const filled = this.#filled + bytes.length;
    if (filled > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, filled));
      this.bytes.copy(grown, 0, 0, this.#filled);
      this.bytes = grown;
    }
    this.bytes.set(bytes, this.#filled);
    this.#filled = filled;
  }

  /** Forgets the first bytes. REQUIRES whole lines. */
  drop(bytes: number): void {
    this.bytes.copyWithin(0, bytes, this.#filled);
    this.#filled -= bytes;
    this.whole -= bytes;
    this.#line -= bytes;
  }
}

const FEED = Buffer.from('\n');
