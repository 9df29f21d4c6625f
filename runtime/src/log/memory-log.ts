import type { Clock } from '../ports/clock.ts';
import { textsOf } from './columns/texts.ts';
import { type Append, type Block, bytesOf, type ColumnAppend, countOf, type Log } from './log.ts';
import { Watchers } from './watchers.ts';

/** The log of tests and of runs over a finite file: it ends with the process. Passes the same suite as the one on disk. */
export class MemoryLog implements Log {
  readonly #blocks: Block[] = [];
  readonly #offsets = new Map<string, number>();
  readonly #sequences = new Map<string, number>();
  readonly #watchers = new Watchers();
  readonly #clock: Clock;
  #end = 0;
  /** Nothing is ever removed. */
  readonly start = 0;
  readonly removedUntilMs = null;
  /** Memory does not fail. */
  readonly failed = new Promise<never>(() => {});

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get end(): number {
    return this.#end;
  }

  append(append: Append): Promise<void> {
    const { producer, sequence, source, partition } = append;
    if (producer !== undefined && sequence !== undefined) {
      if (sequence <= this.lastSequence(producer)) return Promise.resolve();
      this.#sequences.set(producer, sequence);
    }
    const offset = this.endOffset(source, partition);
    const count = countOf(append);
    const place = {
      position: this.#end,
      offset,
      count,
      appendedAtMs: this.#clock.nowMs(),
      sizeBytes: bytesOf(append),
    };
    this.#blocks.push(append.columns === undefined ? { ...append, ...place } : columnBlock(append, place));
    this.#end += count;
    if (append.kind === 'events') this.#offsets.set(`${source}/${partition}`, offset + count);
    this.#watchers.notify();
    return Promise.resolve();
  }

  async *read(from: number): AsyncIterable<Block> {
    const end = this.#end;
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const block = this.#blocks[middle];
      if (block !== undefined && block.position + block.count <= from) low = middle + 1;
      else high = middle;
    }
    for (const block of this.#blocks.slice(low)) {
      if (block.position >= end) return;
      yield block;
    }
  }

  fileStart(): number {
    return 0;
  }

  positionAtTime(appendedAtMs: number): Promise<number> {
    const found = this.#blocks.find((block) => block.appendedAtMs >= appendedAtMs);
    return Promise.resolve(found?.position ?? this.#end);
  }

  lastSequence(producer: string): number {
    return this.#sequences.get(producer) ?? 0;
  }

  endOffset(source: string, partition: number): number {
    return this.#offsets.get(`${source}/${partition}`) ?? 0;
  }

  waitBeyond(position: number, signal: AbortSignal): Promise<void> {
    return this.#watchers.waitBeyond(position, () => this.#end, signal);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function columnBlock(
  append: ColumnAppend,
  place: Pick<Block, 'position' | 'offset' | 'count' | 'appendedAtMs' | 'sizeBytes'>,
): Block {
  let records: readonly string[] | null = null;
  return {
    ...append,
    ...place,
    get records() {
      records ??= textsOf(append.columns);
      return records;
    },
  };
}
