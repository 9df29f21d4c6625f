/** The columns of a block, each of which is brought into memory and checked before the first look at it. */
import { invariant } from '../base/invariant.ts';
import { type ColumnPart, partsIn, sumOf } from './columns/sums.ts';

/** What the reader of a file does for its blocks. */
export interface PartSource {
  /** Fills bytes [from, to) of the body at once. Throws LOG_UNAVAILABLE. */
  readonly load: (from: number, to: number) => void;
  /** That the body is damaged behind its byte `at`. */
  readonly damaged: (at: number) => Error;
}

const ELSEWHERE = 0;
const UNCHECKED = 1;
const CHECKED = 2;

export class BlockParts {
  readonly parts: readonly ColumnPart[];
  readonly #body: Buffer;
  readonly #position: number;
  readonly #states: Uint8Array;
  source: PartSource | null = null;

  /** REQUIRES a body whose first `directoryBytes` were checked. Throws ColumnsInvalid. */
  constructor(body: Buffer, directoryBytes: number, position: number) {
    this.#body = body;
    this.#position = position;
    this.parts = partsIn(body.subarray(0, directoryBytes), body.length);
    this.#states = new Uint8Array(this.parts.length).fill(UNCHECKED);
  }

  /** Columns that reach beyond the first `bytes` of the body are not in memory yet. */
  areBeyond(bytes: number): void {
    for (const [index, { to }] of this.parts.entries()) if (to > bytes) this.#states[index] = ELSEWHERE;
  }

  /** Bytes [from, to) of the body are in memory now. */
  areHere(from: number, to: number): void {
    for (const [index, part] of this.parts.entries())
      if (this.#states[index] === ELSEWHERE && part.from >= from && part.to <= to)
        this.#states[index] = UNCHECKED;
  }

  isElsewhere(index: number): boolean {
    return this.#states[index] === ELSEWHERE;
  }

  need(index: number): void {
    if (this.#states[index] === CHECKED) return;
    const { source } = this;
    invariant(source !== null, 'a block whose columns are not checked has a file that it is from');
    const { from, to } = this.parts[index] as ColumnPart;
    if (this.#states[index] === ELSEWHERE) source.load(from, to);
    if (!this.#isRight(index)) throw source.damaged(from);
  }

  /** The first column that is not as it was written, of all. */
  firstWrong(): number | undefined {
    const wrong = this.parts.findIndex(
      (_, index) => this.#states[index] !== CHECKED && !this.#isRight(index),
    );
    return wrong < 0 ? undefined : wrong;
  }

  #isRight(index: number): boolean {
    const { from, to, sum } = this.parts[index] as ColumnPart;
    if (sumOf(this.#body.subarray(from, to), this.#position, index) !== sum) return false;
    this.#states[index] = CHECKED;
    return true;
  }
}
