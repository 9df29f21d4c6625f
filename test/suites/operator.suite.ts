/**
 * Runs a script of rows through an operator as the engine does, cut into epochs at will and restarted between them, and
 * folds what it hands on. Every run of one script must end alike (O1, O2), so a property test is
 *
 *   fc.assert(fc.asyncProperty(anyRows, anyCuts, async (rows, cuts) => {
 *     const script = scriptOf(rows, { delayMs: 5 });
 *     const run = await runScript(make, script, { cuts });
 *     expect(run.rows).toEqual(naive(script));
 *   }));
 *
 *   one epoch     push … ─► advance(watermark) ─► rows without a position, coalesced ─► flush() ─► persist ─► commit
 *
 * Rows without a position (`timeMs: null`) are those that an operator before hands on at its flush: only their net
 * content of the epoch arrives.
 */
import * as fc from 'fast-check';
import { expect } from 'vitest';
import { fetchNeeded } from '../../runtime/src/compile/lower.ts';
import type { Row, WindowValue } from '../../runtime/src/data/value.ts';
import {
  type Collector,
  isOver,
  type LateRule,
  type OnRowError,
  type Position,
  type StatefulOperator,
  type Weight,
} from '../../runtime/src/operators/operator.ts';
import { indexRange } from '../../runtime/src/operators/spilled-keys.ts';
import { allBelow } from '../../runtime/src/operators/spilling.ts';
import { MemoryStore } from '../../runtime/src/state/memory.ts';
import { Batch, type Entry, readWanted } from '../../runtime/src/state/store.ts';

export const PREFIX = Buffer.from('s|live|view|0|');

/** A row of a script. */
export interface ScriptRow {
  readonly row: Row;
  readonly timeMs: number | null;
  /** +1 unless told. */
  readonly weight?: Weight;
  /** 0 unless told: the partition of the log, each with a watermark of its own. */
  readonly partition?: number;
  /** 0 unless told: which input of a join. */
  readonly input?: number;
  /** Caused by the same event as the row before: it has the same position. */
  readonly sameEvent?: boolean;
}

/** A row as the operator gets it. */
export interface Step {
  readonly row: Row;
  readonly weight: Weight;
  readonly input: number;
  readonly at: Position | null;
  /** The smallest watermark over the partitions, after this row. */
  readonly watermarkMs: number;
}

/** Gives each row its position and the watermarks: of a partition, the largest event time before it minus the delay. */
export function scriptOf(rows: readonly ScriptRow[], { delayMs = 0 } = {}): Step[] {
  const largest = new Map<number, number>();
  for (const { partition = 0, timeMs } of rows) if (timeMs !== null) largest.set(partition, -Infinity);
  let offset = -1;
  let at: Position | null = null;
  return rows.map(({ row, timeMs, weight = 1, partition = 0, input = 0, sameEvent = false }) => {
    if (!sameEvent) {
      offset++;
      const watermarkMs = (largest.get(partition) ?? -Infinity) - delayMs;
      at = timeMs === null ? null : positionOf(offset, timeMs, watermarkMs, { partition, event: row });
      if (timeMs !== null) largest.set(partition, Math.max(largest.get(partition) ?? -Infinity, timeMs));
    }
    return { row, weight, input, at, watermarkMs: Math.min(...largest.values()) - delayMs };
  });
}

/** A position in the log for a test that pushes by hand. */
export function positionOf(
  position: number,
  eventTimeMs: number,
  watermarkMs: number,
  { partition = 0, event = [] }: { readonly partition?: number; readonly event?: Row } = {},
): Position {
  const where = { source: 'events', partition, offset: position, position };
  return { ...where, eventTimeMs, watermarkMs, event, firstReading: true };
}

/** What happens after a row: nothing, the epoch ends, or it ends and the operator is restored into a new one. */
export type Cut = 'no' | 'epoch' | 'restart';
export type Cuts = readonly Cut[];

/** Cuts by the index of the row; behind its end there are none. */
export const anyCuts: fc.Arbitrary<Cuts> = fc.oneof(
  fc.array(fc.constantFrom<Cut>('no', 'no', 'epoch', 'restart'), { maxLength: 60 }),
  fc.constant([]),
  fc.constant(Array.from({ length: 60 }, (): Cut => 'restart')),
);

/** What an operator is given besides its input. */
export interface Surroundings {
  readonly next: Collector;
  readonly late: LateRule;
  readonly onError: OnRowError;
  readonly prefix: Buffer;
}

/** A new operator and its inputs, in order. */
export interface Subject {
  readonly operator: Pick<
    StatefulOperator,
    'advance' | 'flush' | 'persist' | 'restore' | 'size' | 'spilling'
  >;
  readonly inputs: readonly Collector[];
}

/** For an operator with one input, which is itself. */
export const alone = (operator: StatefulOperator): Subject => ({ operator, inputs: [operator] });

export interface RunOptions {
  readonly cuts?: Cuts;
  readonly allowedMs?: number;
  /**
   * Which call of the operator before hands on the rows without a position: `flush` what is left of an epoch, after this
   * one has advanced; `advance` all of them, before.
   */
  readonly causedBy?: 'flush' | 'advance';
  /** False: the input does not end, so the watermark stays where the last row left it. */
  readonly end?: boolean;
}

export interface Run {
  /** What was handed on, folded: each row as JSON, as often as it is there, sorted. */
  readonly rows: readonly string[];
  /** Every row handed on, in order: `+[…]` or `-[…]`. */
  readonly changes: readonly string[];
  /** One entry for each call of the late rule, sorted. */
  readonly late: readonly LateCall[];
  /** One message for each call of onError, in order. */
  readonly errors: readonly string[];
  /** After the last epoch: keys in memory and in the store. */
  readonly size: number;
  readonly storedKeys: number;
  /** The most keys in memory at the end of an epoch. */
  readonly sizeMax: number;
  /** Whether the operator can forget what the store holds. */
  readonly forgets: boolean;
}

export type LateCall = readonly [position: number, ...window: WindowValue];

/** The folded rows of a recomputation, in the form of `Run.rows`. */
export const folded = (rows: readonly Row[]): string[] => rows.map((row) => JSON.stringify(row)).sort();

/**
 * Runs it; an operator that can forget runs again, forgets what it can between epochs and begins with its index alone after
 * a restart: that must show nowhere.
 */
export async function runScript(
  make: (surroundings: Surroundings) => Subject,
  script: readonly Step[],
  options: RunOptions = {},
): Promise<Run> {
  const run = await runOnce(make, script, options, 0);
  if (run.forgets)
    for (const bytes of [Infinity, 1000, NO_BYTES])
      expect(shown(await runOnce(make, script, options, bytes)), `Z1, ${bytes} bytes`).toEqual(shown(run));
  return run;
}

/** Forgets nothing between epochs, and has forgotten everything after a restart. */
const NO_BYTES = -1;

/** What must not depend on what is forgotten: all but the order within an epoch. */
const shown = (run: Run): unknown => ({
  ...run,
  forgets: null,
  changes: run.changes.toSorted(),
  errors: run.errors.toSorted(),
});

async function runOnce(
  make: (surroundings: Surroundings) => Subject,
  script: readonly Step[],
  { cuts = [], allowedMs = 0, causedBy = 'flush', end = true }: RunOptions,
  spillBytes: number,
): Promise<Run> {
  const engine = new Engine(make, { allowedMs, causedBy, spillBytes });
  let epoch: Step[] = [];
  for (const [index, step] of script.entries()) {
    epoch.push(step);
    const cut = cuts[index] ?? 'no';
    if (cut === 'no' || !mayEnd(step, script[index + 1], causedBy)) continue;
    await engine.runEpoch(epoch, step.watermarkMs);
    epoch = [];
    if (cut === 'restart') await engine.restart();
  }
  await engine.runEpoch(epoch, script.at(-1)?.watermarkMs ?? -Infinity);
  if (end) await engine.runEpoch([], Infinity);
  return engine.result();
}

/** An epoch never ends between the rows of one event, nor before rows that its watermark causes. */
function mayEnd({ at }: Step, next: Step | undefined, causedBy: 'flush' | 'advance'): boolean {
  if (next === undefined) return true;
  return next.at === null ? causedBy === 'flush' : next.at !== at;
}

class Engine {
  readonly #make: () => Subject;
  readonly #store = new MemoryStore();
  readonly #table = new Map<string, number>();
  readonly #changes: string[] = [];
  readonly #late: LateCall[] = [];
  readonly #errors: string[] = [];
  #subject: Subject;
  #sizeMax = 0;

  readonly #causedBy: 'flush' | 'advance';
  readonly #spillBytes: number;

  constructor(
    make: (surroundings: Surroundings) => Subject,
    {
      allowedMs,
      causedBy,
      spillBytes,
    }: {
      readonly allowedMs: number;
      readonly causedBy: 'flush' | 'advance';
      readonly spillBytes: number;
    },
  ) {
    this.#causedBy = causedBy;
    this.#spillBytes = spillBytes;
    const isOverFor = (at: Position | null, endMs: number): boolean =>
      at !== null && isOver(endMs, allowedMs, at.watermarkMs);
    const late: LateRule = {
      allowedMs,
      isOverFor,
      isClosedFor: isOverFor,
      late: (at, startMs, endMs) => void this.#late.push([at.position, startMs, endMs]),
    };
    const next: Collector = { push: (row, weight) => this.#fold(JSON.stringify(row), weight) };
    const onError: OnRowError = (error) => void this.#errors.push(error.message);
    this.#make = () => make({ next, late, onError, prefix: PREFIX });
    this.#subject = this.#make();
  }

  /** A row that goes must be there: no operator may take back what it has not handed on. */
  #fold(name: string, weight: Weight): void {
    const count = (this.#table.get(name) ?? 0) + weight;
    if (count < 0) throw new Error(`${name} is taken back, but it is not there`);
    if (count === 0) this.#table.delete(name);
    else this.#table.set(name, count);
    this.#changes.push(`${weight > 0 ? '+' : '-'}${name}`);
  }

  async runEpoch(steps: readonly Step[], watermarkMs: number): Promise<void> {
    const { operator, inputs } = this.#subject;
    for (const { row, weight, input, at } of steps)
      if (at !== null) inputs[input]?.push(row, weight, { ...at, event: row });
    const caused = steps.filter(({ at }) => at === null);
    if (this.#causedBy === 'advance')
      for (const { row, weight, input } of caused) inputs[input]?.push(row, weight, null);
    await this.#fetchNeeded(watermarkMs);
    operator.advance(watermarkMs);
    if (this.#causedBy === 'flush')
      for (const { row, net, input } of netOf(caused))
        for (let i = 0; i < Math.abs(net); i++) inputs[input]?.push(row, net > 0 ? 1 : -1, null);
    await this.#fetchNeeded(watermarkMs);
    operator.flush();
    const batch = new Batch();
    operator.persist(batch);
    await this.#store.commit(batch);
    if (this.#spillBytes > 0) operator.spilling?.spill(this.#spillBytes);
    this.#sizeMax = Math.max(this.#sizeMax, operator.size);
  }

  async #fetchNeeded(watermarkMs: number): Promise<void> {
    const { spilling } = this.#subject.operator;
    if (spilling?.isSpilled === true)
      await fetchNeeded(spilling, watermarkMs, (wanted) => readWanted(this.#store, wanted));
  }

  async restart(): Promise<void> {
    this.#subject = this.#make();
    const { operator } = this.#subject;
    const entries = await this.#entries();
    const index = await this.#entries(indexRange(PREFIX));
    if (this.#spillBytes !== 0 && operator.spilling?.recall(index) === true) return;
    if (this.#spillBytes !== 0 && entries.length > 0 && (operator.spilling ?? null) !== null)
      throw new Error('Z2: an operator that can forget has an index of its state');
    operator.restore(entries);
  }

  async #entries(range = allBelow(PREFIX)): Promise<Entry[]> {
    const entries: Entry[] = [];
    for await (const entry of this.#store.scan(range)) entries.push(entry);
    return entries;
  }

  async result(): Promise<Run> {
    const stored = await this.#entries();
    const timed = await this.#entries({
      gte: Buffer.concat([PREFIX, Buffer.of(0xff, 0xff, 1)]),
      lt: Buffer.concat([PREFIX, Buffer.of(0xff, 0xff, 0xff)]),
    });
    if (timed.length > 0 && stored.length === 0)
      throw new Error('Z3: an index by time has keys that are gone');
    const rows = [...this.#table].flatMap(([name, count]) => Array.from({ length: count }, () => name));
    return {
      rows: rows.sort(),
      changes: this.#changes,
      late: this.#late.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]),
      errors: this.#errors,
      size: this.#subject.operator.size,
      storedKeys: stored.length,
      sizeMax: this.#sizeMax,
      forgets: (this.#subject.operator.spilling ?? null) !== null,
    };
  }
}

/** What is left of rows that come and go within an epoch, in the order in which they first came. */
function netOf(steps: readonly Step[]): Iterable<{ row: Row; net: number; input: number }> {
  const net = new Map<string, { row: Row; net: number; input: number }>();
  for (const { row, weight, input } of steps) {
    const name = JSON.stringify([input, row]);
    const entry = net.get(name) ?? { row, net: 0, input };
    entry.net += weight;
    net.set(name, entry);
  }
  return net.values();
}
