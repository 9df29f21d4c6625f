/**
 * What all streams of lines hold together, between their senders and the log:
 *
 *   chunk ─► pending lines ─► a set that is ready ─► a set on its way to the log        all of it, of every stream, counts here
 *
 * While it is too much, whoever has read a chunk brings its whole lines into the log before reading the next, and keeps no room
 * that is empty. Beginnings of lines cannot be brought there: when these alone are half of what may be held, who adds to them
 * is refused.
 *
 * Invariants  A3  What all streams hold together is at most `bytesMax`, and one chunk for each.
 */
const BYTES_MAX = 64_000_000;

export class InFlight {
  readonly bytesMax: number;
  #bytes = 0;
  #beginnings = 0;

  constructor(bytesMax = BYTES_MAX) {
    this.bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isOver(): boolean {
    return this.#bytes > this.bytesMax;
  }

  /** A stream of its own. */
  open(): Held {
    let held = { bytes: 0, beginning: 0 };
    return {
      holds: (bytes, beginning) => {
        this.#bytes += bytes - held.bytes;
        this.#beginnings += beginning - held.beginning;
        held = { bytes, beginning };
      },
    };
  }

  /** Beginnings of lines alone are too much. */
  get isBusy(): boolean {
    return this.#beginnings > this.bytesMax / 2;
  }
}

export interface Held {
  /** Says how much the stream holds now, and how much of that is a line that is not whole. */
  holds(bytes: number, beginning: number): void;
}
