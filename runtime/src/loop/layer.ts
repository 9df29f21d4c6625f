/**
 * One computation of a plan's views with its own progress: the live job, Lambda's two layers, a version of Kappa. It owns
 * everything of which a crash must leave all or nothing, and writes it in one atomic batch:
 *
 *   operator state · rows of views · late and rejected events · timeline · position in the log, watermarks, counters
 *
 * Invariants  E1  After a crash the store holds the result of the log before `position`, and nothing of what follows.
 *             E2  Counters count each record of the log once, however often a correction or a backfill reads it.
 */
import { failure } from '../base/errors.ts';
import { invariant } from '../base/invariant.ts';
import { encodeKey } from '../data/key.ts';
import { rowToJson } from '../data/json.ts';
import type { Row } from '../data/value.ts';
import type { Block, Log } from '../log/log.ts';
import { trimmed } from '../log/trimmed.ts';
import { isOver, type Position } from '../operators/operator.ts';
import { type Allowed, describeChange, type PlanComparison } from '../plan/compare.ts';
import { hashOf } from '../plan/hash.ts';
import { isTable } from '../plan/event-time.ts';
import type { LatePolicy, Plan } from '../plan/node.ts';
import type { Clock } from '../ports/clock.ts';
import type { LateRow } from '../host/host.ts';
import { STATE_FORMAT } from '../state/format.ts';
import { layerRanges, planKey, prefixOf, progressKey } from '../state/keys.ts';
import { Batch, prefixRange, type Store } from '../state/store.ts';
import type { RowChange } from '../views/changes.ts';
import { layoutsOf, type ViewLayout } from '../views/layout.ts';
import { adoptable, dropViews, NOTHING_ALLOWED, startViews } from './adoption.ts';
import { convertState } from './conversion.ts';
import type { Handlers } from './reader.ts';
import { beginning, type Progress, readProgress, type SavedProgress, shapeOf } from './progress.ts';
import { Rejections } from './rejections.ts';
import { Timeline } from './timeline.ts';
import { Times } from './times.ts';

/** What a layer says that would have to begin before the log does. */
const TRIMMED_REMEDY =
  'What is stored and does not need it is as it was. `pipeline run --partial` computes from what is left; windows that began before are then incomplete.';

export interface OpenOptions {
  /** Take over a changed plan whose rows have the same shape, without operator state. */
  readonly adopt?: boolean;
  /** What of a changed plan may be taken over besides what is compatible. */
  readonly allowed?: Allowed;
  /** Whether operators keep state; default true. */
  readonly isIncremental?: boolean;
  /** Whether windows that are open are left to another layer. */
  readonly closedOnly?: boolean;
  /** Where in the log it begins when it has read nothing; default 0, or what is left of the log when that is allowed. */
  readonly startAt?: number;
}

export interface LayerPorts {
  readonly store: Store;
  readonly log: Log;
  readonly clock: Clock;
  /** What the operators of a job may take in memory; beyond it they forget what the store holds. */
  readonly memoryBytesMax: number;
  /** `off`: the interpreter runs every view. */
  readonly jit: 'on' | 'off';
  /** Waits until those that views are delivered to can take more, or the signal aborts. */
  readonly sinksKeepUp?: (signal: AbortSignal) => Promise<void>;
  /** Called after each commit with what it changed. */
  readonly onCommit: (commit: LayerCommit) => void;
}

export interface LayerCommit {
  readonly layer: Layer;
  /** Positions of the log that became visible: [from, to). */
  readonly from: number;
  readonly to: number;
  readonly changes: ReadonlyMap<string, readonly RowChange[]>;
  /** When the records that became visible had been appended. */
  readonly arrivals: readonly Arrival[];
}

/** Records of one block, as far as a commit made them visible. */
export type Arrival = Pick<Block, 'kind' | 'source' | 'partition' | 'appendedAtMs' | 'times'> & {
  readonly position: number;
  readonly records: number;
};

/** A late event and the mark of the window that it missed: what a correction looks for. */
export interface LateEntry {
  readonly markMs: number;
  readonly row: LateRow;
}

export class Layer {
  readonly name: string;
  readonly plan: Plan;
  readonly ports: LayerPorts;
  readonly layouts: readonly ViewLayout[];
  readonly progress: Progress;
  /** What is told of it: the last commit, and not the one that may yet fail. */
  committed: Pick<Progress, 'epochs' | 'lastAtMs' | 'lastDurationMs' | 'lastRows' | 'eventsIn'>;
  readonly times: Times;
  readonly timeline: Timeline;
  /** View → mark of a window → how many late events wait to be taken into it. */
  readonly dirty = new Map<string, Map<number, number>>();
  readonly #admitted = new Set<string>();
  readonly #rejections = new Rejections();
  /** Late events of the epoch that is running, not yet in the store. */
  #unsavedLate: LateEntry[] = [];
  #arrivals: Arrival[] = [];
  #hasNewAdmissions = false;

  private constructor(name: string, plan: Plan, ports: LayerPorts, saved: SavedProgress, timeline: Timeline) {
    const { times, ...progress } = saved;
    this.name = name;
    this.plan = plan;
    this.ports = ports;
    this.layouts = layoutsOf(plan);
    this.progress = progress;
    this.committed = { ...progress, eventsIn: { ...progress.eventsIn } };
    this.times = new Times(plan, times);
    this.timeline = timeline;
    for (const { view } of this.layouts) this.dirty.set(view.name, new Map());
  }

  /**
   * Opens a layer where it stopped. A layer without operator state may take over a changed plan whose rows have the same
   * shape, when it is told to `adopt` it; what was computed before stays until it is computed again.
   * @throws DEFINITION_CHANGED, LOG_CORRUPT, LOG_TRIMMED
   */
  static async open(name: string, plan: Plan, ports: LayerPorts, options: OpenOptions = {}): Promise<Layer> {
    const hash = hashOf(plan);
    const read = await readProgress(name, ports.store);
    // A layer that has read nothing has nothing that a change could contradict.
    const saved = read?.position === (read?.start ?? 0) && read?.hash !== hash ? null : read;
    const isSame = saved === null || saved.hash === hash;
    const adopts = options.adopt === true && saved?.shape === shapeOf(plan);
    const changed =
      isSame || adopts
        ? null
        : await adoptable(ports.store, name, plan, saved, options.allowed ?? NOTHING_ALLOWED);
    if (saved !== null && saved.position > ports.log.end) {
      throw failure('LOG_CORRUPT', {
        file: 'the log',
        at: 0,
        reason: `it ends at position ${ports.log.end}, and ${saved.position} were processed before`,
      });
    }
    const startAt = options.startAt ?? (options.allowed?.partial === true ? ports.log.start : 0);
    const { position } = saved ?? { position: startAt };
    if (position < ports.log.start) throw trimmed(ports.log, position, TRIMMED_REMEDY);
    const opened = saved === null ? null : { ...saved, format: STATE_FORMAT, hash, shape: shapeOf(plan) };
    const layer = new Layer(
      name,
      plan,
      ports,
      opened ?? beginning(plan, startAt),
      await Timeline.load(ports.store, name),
    );
    await layer.#loadMarks();
    if (saved?.hash !== hash || saved.format !== STATE_FORMAT) await layer.#begin(saved, changed, options);
    return layer;
  }

  /** Writes the plan that runs from now on and what it changes, with the state in today's format, in one commit. */
  async #begin(
    saved: SavedProgress | null,
    changed: PlanComparison | null,
    { isIncremental = true, closedOnly = false, allowed }: OpenOptions,
  ): Promise<void> {
    const { ports, progress } = this;
    const batch = new Batch();
    if (saved !== null && saved.format === 1) await convertState(ports.store, this.name, this.plan, batch);
    if (changed !== null) {
      dropViews(this, changed.dropped, batch);
      const isPartial = allowed?.partial === true;
      await startViews(this, changed.started, { isIncremental, closedOnly, isPartial }, batch);
      const fromNowOn = changed.changes
        .filter(({ verdict }) => verdict === 'from-now-on')
        .map(describeChange);
      if (fromNowOn.length > 0) {
        const { position, fromNowOn: before = [] } = progress;
        progress.fromNowOn = [...before, { position, atMs: ports.clock.nowMs(), changes: fromNowOn }];
      }
    }
    batch.put(planKey(this.name), JSON.stringify(this.plan));
    this.save(batch);
    await ports.store.commit(batch);
  }

  /** Forgets everything that a layer computed; it then starts at the beginning of the log. */
  static async forget(name: string, store: Store): Promise<void> {
    const batch = new Batch();
    for (const range of layerRanges(name)) batch.deleteRange(range);
    batch.delete(progressKey(name));
    batch.delete(planKey(name));
    await store.commit(batch);
  }

  async #loadMarks(): Promise<void> {
    for (const [view, starts] of this.dirty) {
      for await (const { value } of this.ports.store.scan(prefixRange(prefixOf('d', this.name, view)))) {
        const [startMs, events] = JSON.parse(value.toString()) as [number, number];
        starts.set(startMs, events);
      }
    }
    for await (const { value } of this.ports.store.scan(prefixRange(prefixOf('a', this.name)))) {
      this.#admitted.add(value.toString());
    }
  }

  get position(): number {
    return this.progress.position;
  }

  /** The first position that a view has seen. */
  beganAt(view: string): number {
    return this.progress.began?.[view] ?? this.progress.start ?? 0;
  }

  /** The late events of a window cannot be taken any more: they stay in the list of late events, and are counted. */
  giveUp(view: string, markMs: number, batch: Batch): void {
    this.progress.unreachable = (this.progress.unreachable ?? 0) + (this.dirty.get(view)?.get(markMs) ?? 0);
    this.clearDirty(view, markMs, batch);
  }

  watermarkMs(source: string): number {
    return this.times.of(source)?.watermarkMs ?? -Infinity;
  }

  /** How far time has come for a view: what closes its windows. */
  viewWatermarkMs(layout: ViewLayout): number {
    const timed = layout.sources.find((source) => !isTable(source));
    return timed === undefined ? -Infinity : this.times.jointMs(timed.name);
  }

  /** Keeps a late event, unless the policy is to drop it, and counts it (E2). */
  late(layout: ViewLayout, at: Position, window: readonly [number, number], batch: Batch): void {
    if (!at.firstReading) return;
    this.progress.late++;
    const listed = this.listLate(layout, at, window, batch);
    if (listed === null) return;
    this.#unsavedLate.push(listed);
    if (listed.then === 'correct') this.markDirty(layout.view.name, listed.markMs, batch);
  }

  /** Keeps a late event, so that it can be admitted; null when the policy is to drop it. */
  listLate(
    layout: ViewLayout,
    at: Position,
    window: readonly [number, number],
    batch: Batch,
  ): (LateEntry & { readonly then: LatePolicy }) | null {
    const source = layout.sources.find(({ name }) => name === at.source);
    invariant(source !== undefined, 'a view gets the events of its own sources');
    const { allowedMs } = layout;
    const { then } = source.lateness;
    if (then === 'drop') return null;
    const row: LateRow = {
      view: layout.view.name,
      source: at.source,
      partition: at.partition,
      offset: at.offset,
      eventTimeMs: at.eventTimeMs,
      watermarkMs: Number.isFinite(at.watermarkMs) ? at.watermarkMs : Number.MAX_SAFE_INTEGER,
      lateByMs: Math.min(at.watermarkMs, Number.MAX_SAFE_INTEGER) - (window[1] - 1 + allowedMs),
      event: rowToJson(source.fields, at.event),
    };
    const key = encodeKey([...window, at.source, at.partition, at.offset]);
    const markMs = markOf(layout, window);
    batch.put(
      Buffer.concat([prefixOf('l', this.name, layout.view.name), key]),
      JSON.stringify([markMs, row]),
    );
    return { markMs, row, then };
  }

  markDirty(view: string, markMs: number, batch: Batch): void {
    const marks = this.dirty.get(view);
    const events = (marks?.get(markMs) ?? 0) + 1;
    marks?.set(markMs, events);
    batch.put(
      Buffer.concat([prefixOf('d', this.name, view), encodeKey([markMs])]),
      JSON.stringify([markMs, events]),
    );
  }

  /** What a correction could not take yet waits for one behind this mark. */
  markAgain(view: string, markMs: number, batch: Batch): void {
    if (this.dirty.get(view)?.has(markMs) !== true) this.markDirty(view, markMs, batch);
  }

  clearDirty(view: string, markMs: number, batch: Batch): void {
    this.dirty.get(view)?.delete(markMs);
    batch.delete(Buffer.concat([prefixOf('d', this.name, view), encodeKey([markMs])]));
  }

  /** Keeps an event that the plan does not accept, or that a view cannot compute, and counts it (E2). */
  reject(
    position: number,
    view: string | null,
    { source, text, reason, isNew }: { source: string; text: string; reason: string; isNew: boolean },
  ): void {
    const at = new Date(this.ports.clock.nowMs()).toISOString();
    // Rows of several events have no position of their own: their text tells them apart.
    const key = encodeKey(position < 0 ? [position, view, text] : [position, view]);
    const value = JSON.stringify({ source, reason, text, at });
    this.#rejections.add(Buffer.concat([prefixOf('r', this.name), key]), value, isNew);
  }

  /** A view cannot be computed for an event, or for a row of several events (`at` is null): the error of an expression. */
  rejectRow(layout: ViewLayout, at: Position | null, row: Row, error: Error): void {
    const reason = `view ${layout.view.name}: ${error.message}`;
    if (at === null) {
      const source = layout.sources[0]?.name ?? '';
      this.reject(-1, layout.view.name, { source, text: JSON.stringify(row), reason, isNew: false });
      return;
    }
    const { source, position, event, firstReading } = at;
    const fields = layout.sources.find(({ name }) => name === source)?.fields ?? [];
    const text = JSON.stringify(rowToJson(fields, event));
    this.reject(position, layout.view.name, { source, text, reason, isNew: firstReading });
  }

  /** What every computation of a layer does with the records of the log, but for the events themselves. */
  intake(batch: Batch): Pick<Handlers, 'block' | 'rejected' | 'admit'> {
    return {
      block: (block, from, to) => this.noteBlock(block, from, to),
      rejected: (position, source, text, reason) =>
        this.reject(position, null, { source, text, reason, isNew: true }),
      admit: (source, pairs) => this.admit(source, pairs, batch),
    };
  }

  /** Takes late events all the same from now on. */
  admit(source: string, pairs: readonly (readonly [number, number])[], batch: Batch): void {
    this.#hasNewAdmissions = true;
    for (const [partition, offset] of pairs) {
      const name = `${source}/${partition}/${offset}`;
      this.#admitted.add(name);
      batch.put(Buffer.concat([prefixOf('a', this.name), encodeKey([source, partition, offset])]), name);
    }
  }

  get hasAdmitted(): boolean {
    return this.#admitted.size > 0;
  }

  isAdmitted(at: Pick<Position, 'source' | 'partition' | 'offset'>): boolean {
    return this.#admitted.size > 0 && this.#admitted.has(`${at.source}/${at.partition}/${at.offset}`);
  }

  /** Late events of each view that missed the latest windows, at most so many of each view. */
  async newestLate(limit: number): Promise<LateRow[]> {
    const rows: LateRow[] = [];
    for (const { view } of this.layouts) {
      const range = prefixRange(prefixOf('l', this.name, view.name));
      for await (const { value } of this.ports.store.scan(range, { reverse: true, limit })) {
        rows.push((JSON.parse(value.toString()) as [number, LateRow])[1]);
      }
    }
    return rows;
  }

  /** The late events that were kept, those of the running epoch last. */
  async *lateEntries(): AsyncIterable<LateEntry> {
    for await (const { value } of this.ports.store.scan(prefixRange(prefixOf('l', this.name)))) {
      const [markMs, row] = JSON.parse(value.toString()) as [number, LateRow];
      yield { markMs, row };
    }
    yield* this.#unsavedLate;
  }

  /** The windows of late events that were admitted since the last call wait for the next correction. */
  async markAdmitted(batch: Batch): Promise<void> {
    if (!this.#hasNewAdmissions) return;
    this.#hasNewAdmissions = false;
    for await (const { markMs, row } of this.lateEntries()) {
      if (this.isAdmitted(row)) this.markDirty(row.view, markMs, batch);
    }
  }

  /** The marks of windows of a view that are over and have late events to take. */
  correctable(layout: ViewLayout): number[] {
    const watermarkMs = this.viewWatermarkMs(layout);
    const windowMs = layout.slices?.windowMs ?? 0;
    const marks = this.dirty.get(layout.view.name) ?? new Map<number, number>();
    return [...marks.keys()].filter((markMs) => isOver(markMs + windowMs, layout.allowedMs, watermarkMs));
  }

  /** Late events that will be taken at the next correction. */
  get waitingLate(): number {
    const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, each) => total + each, 0);
    return sum([...this.dirty.values()].map((starts) => sum(starts.values())));
  }

  /** Writes everything of an epoch at once (E1) and tells the listener. */
  async commit(
    batch: Batch,
    epoch: { position: number; startedAtMs: number; changes: Map<string, readonly RowChange[]> },
  ): Promise<void> {
    const { progress, ports } = this;
    const from = progress.position;
    const nowMs = ports.clock.nowMs();
    progress.position = epoch.position;
    progress.epochs++;
    progress.lastAtMs = nowMs;
    progress.lastDurationMs = nowMs - epoch.startedAtMs;
    progress.lastRows = epoch.position - from;
    progress.rejected += await this.#rejections.take(batch, ports.store);
    this.save(batch);
    await ports.store.commit(batch);
    this.committed = { ...progress, eventsIn: { ...progress.eventsIn } };
    const arrivals = this.#arrivals;
    this.#unsavedLate = [];
    this.#arrivals = [];
    ports.onCommit({ layer: this, from, to: epoch.position, changes: epoch.changes, arrivals });
  }

  save(batch: Batch): void {
    this.timeline.persist(batch);
    batch.put(progressKey(this.name), JSON.stringify({ ...this.progress, times: this.times.save() }));
  }

  /** Notes that records [from, to) of a block are read next, for the first time. */
  noteBlock(block: Block, from: number, to: number): void {
    const fileStart = this.ports.log.fileStart(block.position);
    this.timeline.note(block.source, { from, to, fileStart }, this.times);
    this.#arrivals.push(arrivalOf(block, from, to));
    if (block.kind === 'events')
      this.progress.offsets[`${block.source}/${block.partition}`] = block.offset + (to - block.position);
  }

  nextOffset(source: string, partition: number): number {
    return this.progress.offsets[`${source}/${partition}`] ?? 0;
  }

  addRows(view: string, count: number): void {
    this.progress.rows[view] = (this.progress.rows[view] ?? 0) + count;
  }

  countEvents(source: string, count: number): void {
    this.progress.eventsIn[source] = (this.progress.eventsIn[source] ?? 0) + count;
  }
}

function arrivalOf(block: Block, from: number, to: number): Arrival {
  const { kind, source, partition, appendedAtMs, times } = block;
  const arrival = { kind, source, partition, appendedAtMs, position: from, records: to - from };
  return times === undefined ? arrival : { ...arrival, times };
}

/** A window is found again by its start in a view that is computed slice by slice, by its end in any other. */
function markOf(layout: ViewLayout, [startMs, endMs]: readonly [number, number]): number {
  return layout.slices === null ? endMs : startMs;
}
