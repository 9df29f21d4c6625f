/**
 * Brings one sink up to date, again and again: what the outbox has for it, read from the view at one moment, as one delivery.
 *
 *   claim ─► wait until something changed and it is due ─► deliver ─► clear the outbox ─┐
 *     ▲                       ▲                              │ fails                   │
 *     └── the sink moved ─────┴── try again after a while ◄──┘      ◄───────────────────┘
 *
 * The pipeline goes on computing meanwhile. When more waits than the buffer may hold, epochs wait (`isFull`); when the sink
 * does not come back in time, the pipeline ends with an error. What waits is on disk, a short entry for each row.
 */
import { CodedError } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import { Turns } from '../base/turns.ts';
import type { SinkConfig } from '../config/sinks.ts';
import type { SinkStatus } from '../host/host.ts';
import { type Clock, elapsedMs } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import { progressKey } from '../state/keys.ts';
import type { Reads } from '../state/store.ts';
import { Bell } from './bell.ts';
import { type Located, rowsIn, rowsOf } from './content.ts';
import { commitsIn, type Outbox, type SinkRecord } from './outbox.ts';
import { type Claim, CLAIM_STEP, type Delivery, type Marker, type Sink } from './sink.ts';

export interface CourierPorts {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly random: Random;
  readonly claim: Claim;
  /** Where the view is, as of a moment; null when the running version does not have it. */
  readonly locate: (reads: Reads, view: string) => Promise<Located | null>;
  /** Throws DATA_TAKEN when the data folder is not ours any more. */
  readonly checkOwner: () => Promise<void>;
}

const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 30_000;
/** What the other side asks for is granted up to this. */
const ASKED_MS_MAX = 300_000;

interface Attempt {
  readonly marker: Marker;
  readonly shape: string;
  readonly epoch: number;
}

interface Waiting {
  readonly rows: number;
  readonly bytes: number;
}

const NOTHING: Waiting = { rows: 0, bytes: 0 };

function sum(a: Waiting, b: Waiting): Waiting {
  return { rows: a.rows + b.rows, bytes: a.bytes + b.bytes };
}

export class Courier {
  readonly #sink: Sink;
  readonly #config: SinkConfig;
  readonly #ports: CourierPorts;
  readonly #turns = new Turns();
  /** Rings when something is to be delivered. */
  readonly #changed = new Bell();
  readonly #onDelivered: () => void;
  #isClaimed = false;
  #isDirty = true;
  #isWhole = false;
  /** Of the sink's marker, as far as we know. */
  #sequence = 0;
  /** A delivery of which we do not know whether it happened. */
  #unsure: Attempt | null = null;
  /** What the outbox has for it, and how much of that came after the delivery under way began. */
  #waiting = NOTHING;
  #new = NOTHING;
  #startedAtMs = -Infinity;
  #dirtySinceMs: number | null = null;
  #failures = 0;
  #lastFailure: string | null = null;
  #failingSinceMs: number | null = null;

  constructor(sink: Sink, config: SinkConfig, ports: CourierPorts, onDelivered: () => void) {
    this.#sink = sink;
    this.#config = config;
    this.#ports = ports;
    this.#onDelivered = onDelivered;
  }

  get name(): string {
    return this.#config.name;
  }

  /** For what waits: the wall clock may be set meanwhile. */
  get #nowMs(): number {
    return elapsedMs(this.#ports.clock);
  }

  /** A commit added so much to the outbox. */
  note({ rows, bytes }: Waiting): void {
    this.#waiting = sum(this.#waiting, { rows, bytes });
    this.#new = sum(this.#new, { rows, bytes });
    this.#isDirty = true;
    this.#dirtySinceMs ??= this.#nowMs;
    this.#changed.ring();
  }

  /** Whether epochs must wait. */
  get isFull(): boolean {
    return this.#waiting.bytes > this.#config.buffer;
  }

  /** Delivers until the signal aborts, then once more if the sink works. Throws what is no use trying again. */
  async run(signal: AbortSignal): Promise<void> {
    const found = await this.#ports.outbox.sizeOf(this.name);
    if (found.bytes > this.#waiting.bytes) this.#waiting = found;
    while (!signal.aborted) {
      await this.#due(signal);
      if (!signal.aborted) await this.#turns.take(() => this.#bring(signal));
    }
    if (this.#isClaimed && this.#isDirty && this.#failingSinceMs === null)
      await this.#turns.take(() => this.#try(new AbortController().signal));
  }

  async #due(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    while (!signal.aborted) {
      const inMs = this.#startedAtMs + this.#config.every - this.#nowMs;
      const isUrgent = this.#waiting.bytes > this.#config.buffer / 2;
      if (this.#isDirty && (inMs <= 0 || isUrgent)) return;
      await this.#changed.wait(clock, this.#isDirty ? inMs : IDLE_MS, signal);
    }
  }

  /** Delivers everything that was committed before. Throws SINK_UNAVAILABLE when it takes too long. */
  async flush(signal: AbortSignal): Promise<void> {
    // A delivery that is under way may fail yet.
    do await this.#turns.take(() => (this.#isDirty ? this.#bring(signal) : Promise.resolve()));
    while (this.#isDirty && !signal.aborted);
  }

  /** Tries until it works, the signal aborts or the time is over. */
  async #bring(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#ports;
    for (let waitMs = RETRY_MS_MIN; !(await this.#try(signal)); waitMs = Math.min(2 * waitMs, RETRY_MS_MAX)) {
      const failingMs = this.#nowMs - (this.#failingSinceMs ?? Infinity);
      if (failingMs >= this.#config.giveUpAfter)
        throw failure('SINK_GIVEN_UP', { place: this.#sink.place, reason: this.#lastFailure ?? '' });
      // Never together with others that wait for the same server.
      const jitteredMs = waitMs * (0.5 + random.next() / 2);
      const askedMs = Math.min(this.#sink.waitMs ?? 0, ASKED_MS_MAX);
      await clock.sleep(Math.max(jitteredMs, askedMs), signal);
      if (signal.aborted) return;
    }
  }

  /** False when it failed and may work later. */
  async #try(signal: AbortSignal): Promise<boolean> {
    this.#startedAtMs = this.#nowMs;
    try {
      await this.#deliver();
      this.#failingSinceMs = null;
      return true;
    } catch (error) {
      if (!(error instanceof CodedError) || !error.retry) throw error;
      this.#failures++;
      this.#lastFailure = error.message;
      this.#failingSinceMs ??= this.#startedAtMs;
      // Somebody took rows away or put older ones there: begin again.
      if (error.code === 'SINK_MOVED') this.#isClaimed = false;
      return signal.aborted;
    }
  }

  async #deliver(): Promise<void> {
    const { outbox, locate, checkOwner } = this.#ports;
    await checkOwner();
    if (!this.#isClaimed) await this.#claim();
    if (this.#unsure !== null) await this.#learn(this.#unsure);
    await this.#sink.resume?.();
    this.#isDirty = false;
    this.#new = NOTHING;
    const dirtySinceMs = this.#dirtySinceMs;
    this.#dirtySinceMs = null;
    const snapshot = outbox.snapshot();
    try {
      const commits = await commitsIn(snapshot);
      const located = await locate(snapshot, this.#config.view);
      const attempt = located === null ? null : await this.#send(snapshot, located, commits);
      await this.#delivered(attempt, commits);
    } catch (error) {
      this.#isDirty = true;
      this.#dirtySinceMs = dirtySinceMs ?? this.#startedAtMs;
      throw error;
    } finally {
      await snapshot.release();
    }
  }

  async #claim(): Promise<void> {
    const { outbox, claim } = this.#ports;
    const found = await this.#sink.claim(claim);
    const record = outbox.record(this.name);
    const isTrusted =
      found !== null &&
      record !== null &&
      !record.isSuspect &&
      found.data === claim.data &&
      record.data === claim.data &&
      // A sink that was set back and claimed since may have the sequence again, under a later owner.
      found.generation === record.generation &&
      // Ours, or the one that we sent and did not hear of.
      (found.sequence === record.sequence || found.sequence === record.sequence + 1) &&
      found.commits <= record.commitsMin;
    this.#unsure = null;
    this.#sequence = (found?.sequence ?? 0) + CLAIM_STEP;
    if (!isTrusted) this.#isWhole = true;
    await outbox.save(this.name, {
      shape: record?.shape ?? '',
      data: claim.data,
      generation: claim.generation,
      sequence: this.#sequence,
      position: record?.position ?? 0,
      epoch: record?.epoch ?? 0,
      deliveredAtMs: record?.deliveredAtMs ?? null,
      isSuspect: !isTrusted,
      commitsMin: Number.MAX_SAFE_INTEGER,
    });
    this.#isClaimed = true;
    this.#isDirty = true;
  }

  /** The marker says whether a delivery happened, whatever was answered. */
  async #learn(attempt: Attempt): Promise<void> {
    const found = await this.#sink.marker();
    this.#unsure = null;
    if (found?.sequence === attempt.marker.sequence && found.generation === attempt.marker.generation)
      await this.#delivered(attempt, attempt.marker.commits);
  }

  /** Null when there is nothing to send. */
  async #send(reads: Reads, located: Located, commits: number): Promise<Attempt | null> {
    const { outbox, claim, checkOwner } = this.#ports;
    const { layout, parts } = located;
    const layers = parts.map(({ layer }) => layer);
    const shape = shapeOf(this.#sink, located);
    const waiting = await Promise.all(layers.map((layer) => outbox.waiting(reads, this.name, layer)));
    const isWhole = this.#isWhole || waiting.includes('all') || shape !== outbox.record(this.name)?.shape;
    if (!isWhole && !waiting.includes('some')) return null;
    const { position, epochs } = await progressOf(reads, layers.at(-1) ?? '');
    const { data, generation } = claim;
    const marker = { data, generation, sequence: this.#sequence + 1, commits, position };
    const keys = (): AsyncIterable<readonly Buffer[]> =>
      isWhole ? keysIn(reads, located) : this.#keys(reads, located);
    const delivery: Delivery = {
      marker,
      layout,
      isWhole,
      layers,
      itemize: () => this.#itemize(reads, located, shape, commits),
      checkOwner,
      keys,
      changes: () => (isWhole ? rowsIn(reads, located, -Infinity, Infinity) : rowsOf(reads, located, keys())),
      rows: (fromMs, toMs) => rowsIn(reads, located, fromMs, toMs),
    };
    const record = outbox.record(this.name);
    // Whoever comes when this is there and not noted must not go on with the shape of before.
    if (isWhole && record !== null) await outbox.save(this.name, { ...record, shape: '' });
    const attempt = { marker, shape, epoch: epochs };
    this.#unsure = attempt;
    await this.#sink.deliver(delivery);
    this.#unsure = null;
    return attempt;
  }

  /** Every row is noted by itself, and of the sink's content only those are missing. */
  async #itemize(reads: Reads, located: Located, shape: string, commits: number): Promise<void> {
    const { outbox } = this.#ports;
    const layer = located.parts.at(-1)?.layer ?? '';
    for await (const keys of keysIn(reads, located)) await outbox.itemize(this.name, layer, keys, commits);
    const record = outbox.record(this.name);
    if (record === null) return;
    await outbox.itemized(this.name, commits, { ...record, shape, isSuspect: false });
    this.#isWhole = false;
  }

  /** Lambda's layers may both have noted a key; each is handed on once. */
  async *#keys(reads: Reads, { parts }: Located): AsyncIterable<readonly Buffer[]> {
    const { outbox } = this.#ports;
    for (const [index, { layer }] of parts.entries()) {
      const others = parts.slice(0, index);
      for await (const keys of outbox.keys(reads, this.name, layer)) {
        if (others.length === 0) yield keys;
        else
          yield await outbox.unknownTo(
            reads,
            this.name,
            others.map((part) => part.layer),
            keys,
          );
      }
    }
  }

  async #delivered(attempt: Attempt | null, commits: number): Promise<void> {
    const { outbox, clock } = this.#ports;
    let record: SinkRecord | null = null;
    if (attempt !== null) {
      const { data, generation, sequence, position } = attempt.marker;
      this.#sequence = sequence;
      this.#isWhole = false;
      record = {
        shape: attempt.shape,
        data,
        generation,
        sequence,
        position,
        epoch: attempt.epoch,
        deliveredAtMs: clock.nowMs(),
        isSuspect: false,
        commitsMin: Number.MAX_SAFE_INTEGER,
      };
    }
    await outbox.clear(this.name, commits, record);
    this.#waiting = this.#new;
    this.#onDelivered();
  }

  /** `position`: of the log, as far as readers of the view see it. */
  status(position: number): SinkStatus {
    const record = this.#ports.outbox.record(this.name);
    return {
      name: this.name,
      kind: this.#config.to.kind,
      view: this.#config.view,
      place: this.#sink.place,
      guarantee: this.#sink.guarantee,
      sequence: record?.sequence ?? 0,
      position: record?.position ?? 0,
      lagEvents: Math.max(0, position - (record?.position ?? 0)),
      lagSeconds: this.#dirtySinceMs === null ? 0 : (this.#nowMs - this.#dirtySinceMs) / 1000,
      ...(record?.epoch !== undefined && { epoch: record.epoch }),
      waitingRows: this.#waiting.rows,
      waitingBytes: this.#waiting.bytes,
      deliveredAtMs: record?.deliveredAtMs ?? null,
      failures: this.#failures,
      lastFailure: this.#lastFailure,
      failing: this.#failingSinceMs !== null,
    };
  }

  close(): Promise<void> {
    return this.#sink.close();
  }
}

/** A wait that a ring ends. */
const IDLE_MS = 2 ** 31 - 1;

async function* keysIn(reads: Reads, located: Located): AsyncIterable<readonly Buffer[]> {
  for await (const rows of rowsIn(reads, located, -Infinity, Infinity)) yield rows.map(({ key }) => key);
}

/** Of what the content of a sink depends on beside the rows: where it is, which layers readers see, and which columns. */
function shapeOf(sink: Sink, { layout, parts }: Located): string {
  const columns = layout.columns.map(({ name, type, scale, item, nullable }) => [
    name,
    type,
    scale,
    item,
    nullable,
  ]);
  return JSON.stringify([
    sink.shape,
    parts.map(({ layer }) => layer),
    layout.shape,
    layout.keyNames,
    columns,
  ]);
}

async function progressOf(reads: Reads, layer: string): Promise<{ position: number; epochs: number }> {
  const bytes = await reads.get(progressKey(layer));
  if (bytes === null) return { position: 0, epochs: 0 };
  return JSON.parse(bytes.toString()) as { position: number; epochs: number };
}
