/**
 * Reads lines of JSON into columns. Machine code reads what it was made for; whatever surprises it (escapes in keys, a key
 * twice, a wrong type, a missing field, another way to write a time, broken JSON …) it leaves to the judge, line by line.
 *
 *   lines ─► machine code, over tables made from the plan ─► columns
 *                 └─ a surprise ─► judge ─────────────────┬─►
 *                                                         └─► problems
 *
 * The machine code is WebAssembly, because a processor compares sixteen bytes at once there; it was three times as fast as
 * the same in JavaScript, which in turn was five times as fast as JSON.parse. It is made here, from expressions, once for all
 * plans: nothing of a plan becomes code, and a process that forbids code from strings runs it, too.
 *
 * Invariants  F1  What the machine code writes for a line is what the judge would write.
 */
import { BATCH_ROWS_MAX, type ColumnBatch, columnBatch } from '../../data/columns.ts';
import type { Field } from '../../data/decode.ts';
import { EVENT_BYTES_MAX } from '../../data/line.ts';
import type { ListValue, Row } from '../../data/value.ts';
import { noTimeProblem } from '../../plan/event-time.ts';
import type { SourcePlan } from '../../plan/node.ts';
import { hasUnknown, judge, type JudgeOptions } from './scanner-judge.ts';
import { machineMemory } from './scanner-machine.ts';
import { LINES_BYTES, PAGE_BYTES, pagesFor, ScannerMemory, SIDE_BYTES } from './scanner-memory.ts';
import { type Program, programOf, tableBytes } from './scanner-program.ts';

export type Wanted = string | number | boolean;

export interface ScannerOptions {
  /** Only events with one of these values in this field become rows; the others only have their time read. */
  readonly only?: { readonly field: string; readonly values: readonly Wanted[] };
  /** Times outside of [fromMs, toMs] cannot be right; `problem` says why. What it says may change between scans. */
  readonly plausible?: {
    readonly fromMs: number;
    readonly toMs: number;
    readonly problem: (timeMs: number) => string;
  };
  /** `off`: the judge takes every line, as it does where no WebAssembly runs. */
  readonly jit?: 'on' | 'off';
  readonly rowsMax?: number;
}

/** A line that is not an event of the source. */
export interface LineProblem {
  /** How many events there were before it, as in `ColumnBatch.ordinals`. */
  readonly ordinal: number;
  /** [start, end) in the chunk. */
  readonly start: number;
  readonly end: number;
  readonly problem: string;
}

export interface Scanner {
  /** What the last `scan` read; valid until the next. */
  readonly batch: ColumnBatch;
  /**
   * Fills the batch with the lines in [from, to) of a chunk, of which it keeps nothing; returns where to go on: at `to`, or
   * before it when the batch is full. REQUIRES `to` behind a line feed or at the end of all input.
   */
  scan(chunk: Buffer, from: number, to: number): number;
  /** What was wrong with lines of the last `scan`. */
  readonly problems: readonly LineProblem[];
  /** How many lines that are not blank were read: rows, skipped ones and problems. May be set. */
  events: number;
  /** The largest time of an event so far; -Infinity before the first. May be set. */
  maxTimeMs: number;
  /** Lines that the judge had to take. */
  readonly judged: number;
  /** Of each blank line of the last `scan`: how many events there were before it. */
  readonly blanks: readonly number[];
  /** Whether an event of the last `scan` may have a member that no field reads. Without `only`. */
  readonly hasUnknown: boolean;
}

/** A scanner that writes the columns of these fields of the source, in this order. REQUIRES no field twice. */
export function scannerFor(
  source: Pick<SourcePlan, 'fields' | 'eventTime'>,
  needed: readonly string[],
  options: ScannerOptions = {},
): Scanner {
  const { only, plausible } = options;
  const fieldOf = (name: string): Field => {
    const field = source.fields.find((candidate) => candidate.name === name);
    if (field === undefined) throw new Error(`the source has no field ${name}`);
    return field;
  };
  const columns = needed.map(fieldOf);
  const times = source.eventTime.map(fieldOf);
  const gate =
    only === undefined ? null : { field: fieldOf(only.field), values: new Set<Wanted>(only.values) };
  const read = new Set([...columns, ...times, ...(gate === null ? [] : [gate.field])]);
  const judging: JudgeOptions = {
    gate,
    times,
    checked: source.fields.filter((field) => read.has(field)),
    columns,
    noTime: noTimeProblem(source as SourcePlan),
    timeProblem: (timeMs) =>
      plausible === undefined || (timeMs >= plausible.fromMs && timeMs <= plausible.toMs)
        ? undefined
        : plausible.problem(timeMs),
  };
  return new LineScanner(judging, options);
}

/** How many bytes of lines are copied at a time, so that they are still in the cache when they are read. */
const WINDOW_BYTES = 65_536;
const LINE_FEED = 10;
const LINES_MAX = 2 ** 30;

class LineScanner implements Scanner {
  readonly batch: ColumnBatch;
  problems: LineProblem[] = [];
  blanks: number[] = [];
  judged = 0;
  readonly #options: ScannerOptions;
  readonly #judging: JudgeOptions;
  readonly #memory: ScannerMemory;
  readonly #program: Program | null;
  readonly #input: { readonly lines: number; readonly side: number };

  constructor(judging: JudgeOptions, options: ScannerOptions) {
    const rowsMax = options.rowsMax ?? BATCH_ROWS_MAX;
    const pages = pagesFor(judging.columns.length, rowsMax, tableBytes(judging));
    const shared = options.jit === 'off' ? null : machineMemory(pages);
    const memory = new ScannerMemory(shared ?? { buffer: new ArrayBuffer(pages * PAGE_BYTES) });
    this.#options = options;
    this.#judging = judging;
    this.#memory = memory;
    this.batch = columnBatch(judging.columns, rowsMax, (bytes) => ({
      buffer: memory.buffer,
      byteOffset: memory.allocate(bytes),
    }));
    this.batch.bytes = memory.bytes;
    this.#program = shared === null ? null : programOf(judging, memory, this.batch);
    this.#input = memory.allocateInput();
    memory.set('rowsMax', rowsMax);
    memory.set('limit', this.#input.side + SIDE_BYTES);
    memory.setDouble('maxTime', -Infinity);
  }

  get events(): number {
    return this.#memory.getDouble('events');
  }

  set events(events: number) {
    this.#memory.setDouble('events', events);
  }

  get hasUnknown(): boolean {
    return this.#memory.get('isUnknownMet') === 1;
  }

  get maxTimeMs(): number {
    return this.#memory.getDouble('maxTime');
  }

  set maxTimeMs(maxTimeMs: number) {
    this.#memory.setDouble('maxTime', maxTimeMs);
  }

  scan(chunk: Buffer, from: number, to: number): number {
    const { batch } = this;
    const memory = this.#memory;
    const { lines, side } = this.#input;
    this.problems = [];
    this.blanks = [];
    memory.set('isUnknownMet', 0);
    memory.setDouble('timeMin', this.#options.plausible?.fromMs ?? -Infinity);
    memory.setDouble('timeMax', this.#options.plausible?.toMs ?? Infinity);
    if (memory.get('line') > LINES_MAX) this.#program?.restart();
    // Whatever a line does not mention is null.
    for (const { nulls } of batch.columns) nulls?.fill(1);
    memory.set('n', 0);
    memory.set('side', side);
    batch.n = 0;
    let read = from;
    let room = lines;
    while (read < to && batch.n < batch.lineStarts.length) {
      const end = windowEnd(chunk, read, to);
      // With its line feed.
      if (end - read > EVENT_BYTES_MAX + 1) {
        read = this.#judgeLong(chunk, read, end);
        continue;
      }
      if (room + end - read + 1 > lines + LINES_BYTES) break;
      chunk.copy(memory.bytes, room, read, end);
      const copied = room + end - read;
      // Ends the last line of an input that ends without a line feed.
      memory.bytes[copied] = LINE_FEED;
      memory.set('at', room);
      memory.set('to', copied);
      const isFull = !this.#window(read - room);
      read += memory.get('at') - room;
      if (isFull) break;
      room = copied + 1;
    }
    return Math.min(read, to);
  }

  /** Reads the lines of one window; false when the batch is full or has no more room for decoded strings. */
  #window(fromMemory: number): boolean {
    const memory = this.#memory;
    const { batch } = this;
    for (;;) {
      const isSurprised = this.#program === null || this.#program.scan();
      batch.n = memory.get('n');
      if (memory.get('at') >= memory.get('to')) return true;
      if (!isSurprised || batch.n === batch.lineStarts.length || !this.#judge(fromMemory)) return false;
    }
  }

  /** Takes one line; false when there is no more room for what it may hold. */
  #judge(fromMemory: number): boolean {
    const memory = this.#memory;
    const start = memory.get('at');
    const end = memory.bytes.indexOf(LINE_FEED, start);
    if (memory.get('limit') - memory.get('side') < end - start && this.batch.n > 0) return false;
    memory.set('at', end + 1);
    const judgement = judge(this.#judging, memory.bytes.subarray(start, end));
    const { n } = this.batch;
    for (const { nulls } of this.batch.columns) if (nulls !== null) nulls[n] = 1;
    if (judgement.kind === 'problem') this.#problem(start + fromMemory, end + fromMemory, judgement.problem);
    if (judgement.kind === 'blank') this.blanks.push(this.events);
    if (judgement.kind === 'problem' || judgement.kind === 'blank') return true;
    if (judgement.kind === 'row' && hasUnknown(this.#judging.checked, judgement.event))
      memory.set('isUnknownMet', 1);
    const ordinal = this.#count();
    if (judgement.kind === 'row') this.#write(judgement, start, end, ordinal);
    if (this.#judging.times.length > 0) this.maxTimeMs = Math.max(this.maxTimeMs, judgement.timeMs);
    return true;
  }

  /** Takes a line that is longer than an event may be. */
  #judgeLong(chunk: Buffer, from: number, behind: number): number {
    const end = chunk[behind - 1] === LINE_FEED ? behind - 1 : behind;
    const judgement = judge(this.#judging, chunk.subarray(from, end));
    if (judgement.kind === 'problem') this.#problem(from, end, judgement.problem);
    if (judgement.kind === 'blank') this.blanks.push(this.events);
    return behind;
  }

  #problem(start: number, end: number, problem: string): void {
    this.problems.push({ ordinal: this.#count(), start, end, problem });
  }

  #count(): number {
    this.judged++;
    return this.events++;
  }

  #write(
    { row: values, timeMs }: { row: Row; timeMs: number },
    start: number,
    end: number,
    ordinal: number,
  ): void {
    const memory = this.#memory;
    const { batch } = this;
    const row = batch.n++;
    memory.set('n', batch.n);
    batch.lineStarts[row] = start;
    batch.lineEnds[row] = batch.bytes[end - 1] === 13 ? end - 1 : end;
    batch.ordinals[row] = ordinal;
    batch.times[row] = timeMs;
    batch.maxTimesBefore[row] = this.maxTimeMs;
    for (const [index, column] of batch.columns.entries()) {
      const value = values[index] ?? null;
      if (value === null) continue;
      if (column.nulls !== null) column.nulls[row] = 0;
      if (column.kind === 'text') {
        const side = memory.get('side');
        column.starts[row] = side;
        const sideTo = side + batch.bytes.write(value as string, side, 'utf8');
        column.ends[row] = sideTo;
        memory.set('side', sideTo);
      } else if (column.kind === 'list') column.values[row] = value as ListValue;
      else column.values[row] = Number(value);
    }
  }
}

/** Behind the last line that fits into a window; of a longer line its end. */
function windowEnd(chunk: Buffer, from: number, to: number): number {
  if (to - from <= WINDOW_BYTES) return to;
  const feed = chunk.lastIndexOf(LINE_FEED, from + WINDOW_BYTES - 1);
  if (feed >= from) return feed + 1;
  const end = chunk.indexOf(LINE_FEED, from);
  return end < 0 || end >= to ? to : end + 1;
}
