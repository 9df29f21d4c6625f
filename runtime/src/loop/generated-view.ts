/**
 * A view of a job that generated code runs: columns of events in, changes of rows out, its state written behind.
 *
 *   columns ─► generated loop ─► records of numbers ─ flush ─► changes ─► rows of the view ─┐
 *                                      └─ only what was touched ─► entries of operators ────┴─► the batch of the epoch
 *
 * State is written as the entries that the interpreter's operators keep, so there is no second format: either execution
 * goes on from what the other left, `jit: off` works on every data folder, and so do a process that forbids generated
 * code, a state that outgrows the memory (the interpreter forgets, generated code does not) and a whole correction, which
 * the interpreter computes. Entries cost more to write than pages of numbers would (about 5 µs against 0.3 µs for each that
 * was touched), which larger epochs make up for; a node whose entries are not written yet leaves its view to the
 * interpreter, and status says so.
 */
import { type CompiledView, compileView } from '../compile/jit/compile-view.ts';
import { mayGenerate } from '../compile/jit/may-generate.ts';
import type { Hooks } from '../compile/jit/stage.ts';
import { whyNot } from '../compile/jit/why-not.ts';
import type { BatchColumn } from '../data/columns.ts';
import type { Row } from '../data/value.ts';
import { RowError } from '../expr/functions.ts';
import type { Weight } from '../operators/operator.ts';
import { codeOf } from '../plan/code.ts';
import { prefixOf } from '../state/keys.ts';
import type { Batch, Entry, Range, Store } from '../state/store.ts';
import type { ViewChanges } from '../views/changes.ts';
import type { ViewLayout } from '../views/layout.ts';
import { type EventBatch, positionOf } from './event-batches.ts';
import type { Layer } from './layer.ts';
import type { ViewRun } from './view-run.ts';

export interface GeneratedOptions {
  readonly layer: Layer;
  readonly layout: ViewLayout;
  readonly changes: ViewChanges;
  /** Where late events go. */
  readonly batch: Batch;
}

/** A view that generated code runs. */
export class GeneratedView implements ViewRun {
  readonly interpretedBecause = null;
  readonly #layer: Layer;
  readonly #layout: ViewLayout;
  readonly #changes: ViewChanges;
  readonly #compiled: CompiledView;
  #batch: Batch;
  /** What is being processed. */
  #events: EventBatch | null = null;

  private constructor({ layer, layout, changes, batch }: GeneratedOptions, hooks: Hooks) {
    this.#layer = layer;
    this.#layout = layout;
    this.#changes = changes;
    this.#batch = batch;
    const compiled = compileView(layer.plan, layout.view, {
      functions: codeOf(layer.plan),
      hooks,
      allowedMs: layout.allowedMs,
      content: false,
      statePrefix: prefixOf('s', layer.name, layout.view.name),
      placed: layout.shape === 'events',
    });
    if ('unsupported' in compiled) throw new NotGenerated(compiled.unsupported);
    this.#compiled = compiled;
  }

  /** Makes it, or says why it cannot be. */
  static make(options: GeneratedOptions): GeneratedView | { readonly unsupported: string } {
    if (options.layer.ports.jit === 'off') return { unsupported: 'generated code is switched off' };
    if (!mayGenerate()) return { unsupported: 'this process forbids generated code' };
    try {
      const view: GeneratedView = new GeneratedView(options, {
        error: (node, index, row, problem) => view.#reject(node, index, row as Row, problem),
        late: (index, startMs, endMs) => view.#late(index, [startMs, endMs]),
        mayMiss: (index, endMs) => view.#mayMiss(index, endMs),
      });
      return view;
    } catch (error) {
      if (error instanceof NotGenerated) return { unsupported: error.message };
      throw error;
    }
  }

  #late(index: number, window: readonly [number, number]): boolean {
    if (this.#events !== null)
      this.#layer.late(this.#layout, positionOf(this.#events, index), window, this.#batch);
    return false;
  }

  /** What `LateRows.mayMiss` does; generated code asks whether it is over. */
  #mayMiss(index: number, endMs: number): void {
    if (this.#events === null || this.#events.source.lateness.then !== 'correct') return;
    if (positionOf(this.#events, index).firstReading)
      this.#layer.markDirty(this.#layout.view.name, endMs, this.#batch);
  }

  #reject(node: number, index: number, row: Row, problem?: string): void {
    const { plan } = this.#layer;
    const reason = problem ?? whyNot(plan, this.#layout.view, codeOf(plan), node, row);
    const at = index < 0 || this.#events === null ? null : positionOf(this.#events, index);
    this.#layer.rejectRow(this.#layout, at, row, new RowError(reason));
  }

  goesOn(batch: Batch): void {
    this.#batch = batch;
  }

  takes(source: string): boolean {
    return this.#compiled.neededFields.has(source);
  }

  fieldsOf(source: string): readonly string[] {
    return this.#compiled.neededFields.get(source) ?? [];
  }

  push(): void {
    throw new Error('generated code takes events as columns');
  }

  process(events: EventBatch): void {
    const { source, batch, block, watermarks } = events;
    const names = this.#compiled.neededFields.get(source.name);
    if (names === undefined) return;
    const columns = names.map(
      (name) => batch.columns.find(({ column }) => column.name === name) as BatchColumn,
    );
    this.#events = events;
    this.#compiled.process(source.name, { ...batch, columns }, watermarks);
    this.#events = null;
    // A row for each event is known by its place, which only this batch tells.
    if (this.#layout.shape === 'events') this.#take(block.partition, block.offset);
  }

  #take(partition: number, firstOffset: number): void {
    this.#compiled.changes((row, weight, timeMs, ordinal) => {
      const at =
        timeMs === undefined || ordinal === undefined
          ? null
          : { eventTimeMs: timeMs, partition, offset: firstOffset + ordinal };
      this.#changes.push(row, weight as Weight, at);
    });
    this.#compiled.clearChanges();
  }

  settle(watermarkMs: number): Promise<void> {
    this.#compiled.advance(watermarkMs);
    this.#compiled.flush();
    this.#take(0, 0);
    return Promise.resolve();
  }

  persist(batch: Batch): void {
    this.#compiled.persist(batch);
  }

  /** REQUIRES a new one. Goes on from what the store has, or says why it does not. */
  async restore(bytesMax: number): Promise<string | null> {
    const { store } = this.#layer.ports;
    const limits = { keysMax: RESTORED_KEYS_MAX, bytesMax };
    const problem = await this.#compiled.restore((range) => piecesOf(store, range), limits);
    if (problem === null) return null;
    return problem === 'keys' ? 'its state is more than a restart reads at once' : OUTGROWN;
  }

  get size(): number {
    return this.#compiled.size;
  }

  get memoryBytes(): number {
    return this.#compiled.stateBytes;
  }
}

class NotGenerated extends Error {}

export const OUTGROWN = 'its state is larger than state.memory';

/** The interpreter goes on from an index and reads what rows ask for; generated code reads all, about 8 µs for a key. */
const RESTORED_KEYS_MAX = 500_000;

const PIECE_ENTRIES = 4096;

async function* piecesOf(store: Store, range: Range): AsyncIterable<readonly Entry[]> {
  let piece: Entry[] = [];
  for await (const entry of store.scan(range)) {
    piece.push(entry);
    if (piece.length < PIECE_ENTRIES) continue;
    yield piece;
    piece = [];
  }
  yield piece;
}
