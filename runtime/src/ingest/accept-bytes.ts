/**
 * The door for bytes of JSON lines: what `accept.ts` does line by line, with a scanner and for thousands of lines at once.
 *
 *   bytes ─► whole lines ─► scanner ─┬─► rows, by partition ─► columns, or their texts ─► log, fsync, then counted
 *                                    └─► problems ─► rejected log
 *
 * While one set of lines is made durable the next one comes, and is made ready when it is a full one: so the sets are as
 * large as the stream is fast, and lines that are there wait for nothing but the commit before theirs. One set at a time is
 * on its way to the log: where it fails none follows, and a producer that sends again misses nothing (A1, A2). The sets of a
 * producer are made ready in its turn, one after the other.
 *
 * Events stay text where columns would lose something of them: a member that the source does not declare.
 */
import { crc32 } from 'node:zlib';
import { type Scanner, scannerFor } from '../compile/jit/scanner.ts';
import type { ColumnBatch } from '../data/columns.ts';
import { failure } from '../base/errors.ts';
import { EVENT_BYTES_MAX, textOfLine, tooLong } from '../data/line.ts';
import { formatTimestamp } from '../data/timestamp.ts';
import type { IngestResult } from '../host/host.ts';
import { encodeColumns } from '../log/columns/encode.ts';
import { schemaOf } from '../log/columns/schema.ts';
import type { Append, EventTimes } from '../log/log.ts';
import { isTable } from '../plan/event-time.ts';
import type { SourcePlan } from '../plan/node.ts';
import { type Door, plausibleTimes, PROBLEMS_MAX, type RejectedRecord } from './accept.ts';
import { type Held, InFlight } from './in-flight.ts';
import { PendingLines } from './pending.ts';
import { Producer } from './producer.ts';

/** The most events of a set, and about how many bytes make a full one. */
const ROWS_MAX = 8192;
const FULL_BYTES = 1_600_000;
/** Room that a stream keeps while it waits for its sender. */
const IDLE_BYTES_MAX = 131_072;
/** Fewer events are smaller as text; a schema that is larger has no place in the head of a block. */
const COLUMNS_FROM_ROWS = 16;
const SCHEMA_BYTES_MAX = 32_768;
/** The text of a longer one, made of columns, could be longer than an event may be. */
const COLUMNS_LINE_BYTES_MAX = EVENT_BYTES_MAX / 4;

const [OPEN, CLOSE] = [123, 125] as const;

/** What reads the lines of a source. It keeps nothing between two sets, so all streams share it. */
interface Reading {
  readonly scanner: Scanner;
  readonly plausible: { fromMs: number; toMs: number; problem: (timeMs: number) => string };
  readonly schema: ReturnType<typeof schemaOf> | null;
}

const readings = new WeakMap<SourcePlan, Reading>();

function readingOf(source: SourcePlan): Reading {
  const known = readings.get(source);
  if (known !== undefined) return known;
  const plausible = { fromMs: -Infinity, toMs: Infinity, problem: () => '' };
  const fields = source.fields.map(({ name }) => name);
  const schema = schemaOf(source.fields);
  const made = {
    plausible,
    scanner: scannerFor(source, fields, { rowsMax: ROWS_MAX, ...(!isTable(source) && { plausible }) }),
    schema: Buffer.byteLength(JSON.stringify(schema)) > SCHEMA_BYTES_MAX ? null : schema,
  };
  readings.set(source, made);
  return made;
}

/** Takes JSON lines; with a producer's name, lines that it sent before are recognised by their numbers (A2). */
export async function acceptBytes(
  door: Door,
  chunks: AsyncIterable<Uint8Array>,
  producer?: string,
): Promise<IngestResult> {
  const intake = new Intake(door, producer);
  try {
    for await (const chunk of chunks) await intake.push(chunk);
    return await intake.end();
  } catch (error) {
    // What was read before the input broke is taken.
    await intake.settle();
    throw error;
  } finally {
    intake.close();
  }
}

/** Lines of one set, ready for the log. */
interface Ready {
  /** Of the lines that it was made of. */
  readonly bytes: number;
  readonly appends: readonly Append[];
  readonly accepted: number;
  readonly known: number;
  readonly rejected: readonly RejectedRecord[];
}

class Intake {
  readonly #door: Door;
  readonly #producer: Producer | undefined;
  readonly #pending = new PendingLines();
  readonly #total = {
    accepted: 0,
    rejected: 0,
    known: 0,
    problems: [] as IngestResult['problems'][number][],
  };
  /** How many lines came before those that are pending. */
  #lines = 0;
  /** What is on its way to the log. */
  #committing: Promise<void> | null = null;
  /** A full set that goes next. */
  #ready: Ready | null = null;
  #failed: { readonly error: unknown } | null = null;
  readonly #inFlight: InFlight;
  readonly #held: Held;
  #committingBytes = 0;

  constructor(door: Door, producer: string | undefined) {
    this.#door = door;
    this.#producer = producer === undefined ? undefined : new Producer(producer, door.source.name);
    this.#inFlight = door.inFlight ?? new InFlight(Infinity);
    this.#held = this.#inFlight.open();
  }

  #count(): void {
    const { bytes, beginningBytes } = this.#pending;
    this.#held.holds(bytes.length + (this.#ready?.bytes ?? 0) + this.#committingBytes, beginningBytes);
  }

  /** Holds nothing more. REQUIRES that nothing is on its way. */
  close(): void {
    this.#held.holds(0, 0);
  }

  async push(chunk: Uint8Array): Promise<void> {
    this.#pending.push(chunk);
    if (this.#committing === null) this.#next();
    while (this.#pending.whole >= FULL_BYTES && this.#failed === null) {
      // What the log has of a producer is known in its turn alone: see Producer.
      if (this.#ready === null && this.#producer === undefined) this.#ready = this.#take();
      else await this.#committing;
    }
    this.#count();
    if (this.#inFlight.isOver) await this.#makeRoom();
    this.#check();
  }

  /** All streams together hold too much: of this one only the beginning of a line stays (A3). */
  async #makeRoom(): Promise<void> {
    await this.#drain();
    this.#pending.shrink();
    this.#count();
    if (this.#pending.beginningBytes === 0 || !this.#inFlight.isBusy) return;
    // At once, so that the next who looks finds the room of this one.
    this.close();
    this.#failed ??= { error: failure('INTAKE_BUSY', { bytes: this.#inFlight.bytesMax / 2 }) };
  }

  /** REQUIRES that the log is free: takes the set that is ready, or what is there. */
  #next(): void {
    if (this.#failed !== null) return;
    const ready = this.#ready;
    this.#ready = null;
    if (ready === null && this.#pending.whole === 0) return;
    const write = (): Promise<void> => {
      const set = ready ?? this.#take();
      this.#committingBytes = set.bytes;
      this.#count();
      return this.#write(set);
    };
    this.#commit(this.#producer === undefined ? write() : this.#producer.inTurn(this.#door.log, write));
  }

  async settle(): Promise<void> {
    await this.#drain();
    this.#check();
  }

  async #drain(): Promise<void> {
    if (this.#committing === null) this.#next();
    while (this.#committing !== null) await this.#committing;
  }

  async end(): Promise<IngestResult> {
    this.#pending.end();
    await this.settle();
    return this.#total;
  }

  #check(): void {
    if (this.#failed !== null) throw this.#failed.error;
  }

  /** REQUIRES that nothing is on its way. */
  #commit(writing: Promise<void>): void {
    this.#committing = writing
      .catch((error: unknown) => {
        this.#failed = { error };
      })
      .then(() => {
        this.#committing = null;
        this.#committingBytes = 0;
        this.#next();
        // Whoever waits for its sender keeps no room for what may come.
        if (this.#committing === null && this.#pending.bytes.length > IDLE_BYTES_MAX) this.#pending.shrink();
        this.#count();
      });
  }

  async #write({ appends, accepted, known, rejected }: Ready): Promise<void> {
    const { log, rejected: rejectedLog, source, onAppend } = this.#door;
    // Rejected first: a crash in between can only repeat what is recognised, never lose a line.
    if (rejected.length > 0) {
      await rejectedLog.append({
        kind: 'events',
        source: source.name,
        partition: 0,
        ...(this.#producer !== undefined && {
          producer: this.#producer.inRejected,
          sequence: rejected.at(-1)?.line ?? 0,
        }),
        records: rejected.map((record) => JSON.stringify(record)),
      });
      await this.#door.onReject?.();
    }
    await Promise.all(
      appends.map(async (append) => {
        await log.append(append);
        onAppend?.(source.name, append.partition);
      }),
    );
    const total = this.#total;
    total.accepted += accepted;
    total.known += known;
    total.rejected += rejected.length;
    for (const { line, reason } of rejected)
      if (total.problems.length < PROBLEMS_MAX) total.problems.push({ line, reason });
  }

  /** Reads as many of the pending lines as make a set. */
  #take(): Ready {
    const { source, clock } = this.#door;
    const reading = readingOf(source);
    const { scanner } = reading;
    Object.assign(reading.plausible, plausibleTimes(source, clock));
    scanner.events = 0;
    const end = scanner.scan(this.#pending.bytes, 0, this.#pending.whole);
    const set = new LineSet(this.#door, this.#producer, reading, this.#lines);
    const rejected = set.rejected(this.#pending);
    const ready = { ...set.appends(), rejected, bytes: end };
    this.#lines += scanner.events + scanner.blanks.length;
    this.#pending.drop(end);
    return { ...ready, known: ready.known + set.knownProblems };
  }
}

/** What the scanner read at once. */
class LineSet {
  knownProblems = 0;
  readonly #door: Door;
  readonly #producer: Producer | undefined;
  readonly #reading: Reading;
  readonly #batch: ColumnBatch;
  /** The number of each line by its ordinal; null while no line is blank. */
  readonly #numbers: Float64Array | null;
  readonly #linesBefore: number;

  constructor(door: Door, producer: Producer | undefined, reading: Reading, linesBefore: number) {
    this.#door = door;
    this.#producer = producer;
    this.#reading = reading;
    this.#batch = reading.scanner.batch;
    this.#linesBefore = linesBefore;
    const { blanks, events } = reading.scanner;
    this.#numbers = blanks.length === 0 ? null : numbersAmong(blanks, events);
  }

  #numberOf(ordinal: number): number {
    return this.#linesBefore + 1 + (this.#numbers?.[ordinal] ?? ordinal);
  }

  #lastOf(partition: number): number {
    return this.#producer?.lastInLog(this.#door.log, partition) ?? 0;
  }

  /** Lines that are no events, but for those that are known. */
  rejected(pending: PendingLines): readonly RejectedRecord[] {
    const { source, clock, partitions } = this.#door;
    const rejectedBefore = this.#producer?.lastRejected(this.#door.rejected) ?? 0;
    const records: RejectedRecord[] = [];
    for (const { ordinal, start, end, problem } of this.#reading.scanner.problems) {
      const number = this.#numberOf(ordinal);
      const line = textOfLine(pending.bytes.subarray(start, end));
      const text = line?.text ?? '';
      const partition = partitions === 1 ? 0 : crc32(text) % partitions;
      const bytes = pending.lengthOf(end - start);
      if (number <= this.#lastOf(partition) || number <= rejectedBefore) {
        this.knownProblems++;
        continue;
      }
      records.push({
        source: source.name,
        line: number,
        reason: bytes > EVENT_BYTES_MAX ? tooLong(bytes) : problem,
        at: formatTimestamp(clock.nowMs()),
        text,
        whole: line?.problem === undefined,
      });
    }
    return records;
  }

  /** One block for each partition. */
  appends(): Pick<Ready, 'appends' | 'accepted' | 'known'> {
    const { partitions } = this.#door;
    const { n, ordinals } = this.#batch;
    const rows = Array.from({ length: partitions }, () => new Int32Array(n));
    const counts = new Int32Array(partitions);
    const last = Float64Array.from(counts, (_, partition) => this.#lastOf(partition));
    let known = 0;
    for (let row = 0; row < n; row++) {
      const partition = partitions === 1 ? 0 : this.#crcOf(row) % partitions;
      if (
        this.#producer !== undefined &&
        this.#numberOf(ordinals[row] as number) <= (last[partition] as number)
      ) {
        known++;
        continue;
      }
      const own = rows[partition] as Int32Array;
      own[counts[partition] as number] = row;
      counts[partition] = (counts[partition] as number) + 1;
    }
    const appends = rows.flatMap((own, partition) => {
      const count = counts[partition] as number;
      return count === 0 ? [] : [this.#append(partition, own, count)];
    });
    return { appends, accepted: n - known, known };
  }

  #append(partition: number, rows: Int32Array, count: number): Append {
    const { source, partitions } = this.#door;
    const head = {
      kind: 'events',
      source: source.name,
      partition,
      ...(partitions > 1 && { partitions }),
      ...(this.#producer !== undefined && {
        producer: this.#producer.inLog(partition),
        sequence: this.#numberOf(this.#batch.ordinals[rows[count - 1] as number] as number),
      }),
      ...(!isTable(source) && { times: this.#timesOf(rows, count) }),
    } as const;
    if (!this.#isColumns(rows, count))
      return { ...head, records: Array.from({ length: count }, (_, at) => this.#textOf(rows[at] as number)) };
    const bytes = encodeColumns(this.#batch, rows, count);
    return { ...head, columns: { count, schema: this.#reading.schema, bytes } };
  }

  #isColumns(rows: Int32Array, count: number): boolean {
    const { scanner, schema } = this.#reading;
    if (count < COLUMNS_FROM_ROWS || schema === null) return false;
    if (scanner.hasUnknown && this.#door.dropsUnknown !== true) return false;
    const { lineStarts, lineEnds } = this.#batch;
    for (let at = 0; at < count; at++) {
      const row = rows[at] as number;
      if ((lineEnds[row] as number) - (lineStarts[row] as number) > COLUMNS_LINE_BYTES_MAX) return false;
    }
    return true;
  }

  #timesOf(rows: Int32Array, count: number): EventTimes {
    const { times } = this.#batch;
    let [minMs, maxMs] = [Infinity, -Infinity];
    for (let at = 0; at < count; at++) {
      const timeMs = times[rows[at] as number] as number;
      if (timeMs < minMs) minMs = timeMs;
      if (timeMs > maxMs) maxMs = timeMs;
    }
    return { minMs, maxMs };
  }

  /** The text of an event is its object, without what stands around it. */
  #bytesOf(row: number): Buffer {
    const { bytes, lineStarts, lineEnds } = this.#batch;
    let start = lineStarts[row] as number;
    let end = lineEnds[row] as number;
    while (bytes[start] !== OPEN) start++;
    while (bytes[end - 1] !== CLOSE) end--;
    return bytes.subarray(start, end);
  }

  #crcOf(row: number): number {
    return crc32(this.#bytesOf(row));
  }

  #textOf(row: number): string {
    return this.#bytesOf(row).toString('utf8');
  }
}

/** Of each event, how many lines come before it; `blanks` says after how many events blank ones come. */
function numbersAmong(blanks: readonly number[], events: number): Float64Array {
  const numbers = new Float64Array(events);
  for (let ordinal = 0, blank = 0; ordinal < events; ordinal++) {
    while (blank < blanks.length && (blanks[blank] as number) <= ordinal) blank++;
    numbers[ordinal] = ordinal + blank;
  }
  return numbers;
}
