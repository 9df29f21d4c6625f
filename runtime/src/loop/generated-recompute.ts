/**
 * Generated code that computes slices of a view again: columns of events in, of those the rows that belong to the slices,
 * changes of rows out. It lives for one computation and saves nothing.
 *
 * A late event that is taken all the same (R2) is known to it only where rows are judged once, by a window of its own: in
 * views that are made of slices. Where windows are judged otherwise it runs views that take no late event; the interpreter
 * runs the rest.
 */
import { type CompiledView, compileView } from '../compile/jit/compile-view.ts';
import { mayGenerate } from '../compile/jit/may-generate.ts';
import { whyNot } from '../compile/jit/why-not.ts';
import { type BatchColumn, BATCH_ROWS_MAX, type ColumnBatch, selectRows } from '../data/columns.ts';
import type { Row } from '../data/value.ts';
import { RowError } from '../expr/functions.ts';
import type { LateRule, Position, Weight } from '../operators/operator.ts';
import { codeOf } from '../plan/code.ts';
import { inferColumns } from '../plan/infer.ts';
import { nodesOf } from '../plan/walk.ts';
import type { ViewChanges } from '../views/changes.ts';
import type { ViewLayout } from '../views/layout.ts';
import { type EventBatch, positionOf } from './event-batches.ts';
import type { Layer } from './layer.ts';

export interface GeneratedRecomputeOptions {
  readonly layer: Layer;
  readonly layout: ViewLayout;
  readonly next: ViewChanges;
  readonly late: LateRule;
  /** Whether an event at this time belongs to what is computed. */
  readonly wants: (eventTimeMs: number) => boolean;
}

export class GeneratedRecompute {
  readonly #options: GeneratedRecomputeOptions;
  readonly #compiled: CompiledView;
  readonly #rows = new Int32Array(BATCH_ROWS_MAX);
  /** What is being processed, and which rows of it. */
  #events: EventBatch | null = null;

  private constructor(options: GeneratedRecomputeOptions, compile: Compile) {
    this.#options = options;
    this.#compiled = compile(this);
  }

  /** Makes it; null where the interpreter has to compute. */
  static make(options: GeneratedRecomputeOptions): GeneratedRecompute | null {
    const { layer, layout } = options;
    if (layer.ports.jit === 'off' || !mayGenerate() || !isKnown(layer, layout)) return null;
    try {
      return new GeneratedRecompute(options, (view) => {
        const compiled = compileView(layer.plan, layout.view, {
          functions: codeOf(layer.plan),
          hooks: {
            error: (node, index, row, problem) => view.#reject(node, index, row as Row, problem),
            late: (index, startMs, endMs) => view.#takes(index, startMs, endMs),
          },
          allowedMs: layout.allowedMs,
          content: false,
          placed: layout.shape === 'events',
        });
        if ('unsupported' in compiled) throw new NotGenerated();
        return compiled;
      });
    } catch (error) {
      if (error instanceof NotGenerated) return null;
      throw error;
    }
  }

  #positionAt(index: number): Position {
    const events = this.#events as EventBatch;
    return positionOf(events, this.#rows[index] as number);
  }

  /** What an operator does with a late row: asks the rule, and tells it of one that is not taken. */
  #takes(index: number, startMs: number, endMs: number): boolean {
    const { late } = this.#options;
    const at = this.#positionAt(index);
    if (!late.isOverFor(at, endMs)) return true;
    late.late(at, startMs, endMs);
    return false;
  }

  #reject(node: number, index: number, row: Row, problem?: string): void {
    const { layer, layout } = this.#options;
    const reason = problem ?? whyNot(layer.plan, layout.view, codeOf(layer.plan), node, row);
    const at = index < 0 || this.#events === null ? null : this.#positionAt(index);
    layer.rejectRow(layout, at, row, new RowError(reason));
  }

  fieldsOf(source: string): readonly string[] {
    return this.#compiled.neededFields.get(source) ?? [];
  }

  process(events: EventBatch): void {
    const { source, batch, block, watermarks } = events;
    const names = this.#compiled.neededFields.get(source.name);
    if (names === undefined) return;
    const columns = names.map(
      (name) => batch.columns.find(({ column }) => column.name === name) as BatchColumn,
    );
    const count = this.#choose(batch);
    if (count === 0) return;
    const chosen = selectRows({ ...batch, columns }, watermarks, this.#rows, count);
    this.#events = events;
    this.#compiled.process(source.name, chosen.batch, chosen.watermarks);
    this.#events = null;
    if (this.#options.layout.shape === 'events') this.#take(block.partition, block.offset);
  }

  /** Which rows of a batch are wanted; returns how many. */
  #choose({ times, n }: ColumnBatch): number {
    const { wants } = this.#options;
    let count = 0;
    for (let row = 0; row < n; row++) if (wants(times[row] as number)) this.#rows[count++] = row;
    return count;
  }

  #take(partition: number, firstOffset: number): void {
    const { next } = this.#options;
    this.#compiled.changes((row, weight, timeMs, ordinal) => {
      const at =
        timeMs === undefined || ordinal === undefined
          ? null
          : { eventTimeMs: timeMs, partition, offset: firstOffset + ordinal };
      next.push(row, weight as Weight, at);
    });
    this.#compiled.clearChanges();
  }

  settle(watermarkMs: number): void {
    this.#compiled.advance(watermarkMs);
    this.#compiled.flush();
    this.#take(0, 0);
  }
}

type Compile = (view: GeneratedRecompute) => CompiledView;

class NotGenerated extends Error {}

/** Whether generated code judges the rows of a view as the interpreter does. */
function isKnown(layer: Layer, layout: ViewLayout): boolean {
  if (layout.slices !== null) return true;
  const takesLate = layout.sources.some(({ lateness }) => lateness.then === 'correct') || layer.hasAdmitted;
  return !takesLate || !judgesTime(layer, layout);
}

/** Whether a row may come too late for something in the view. */
function judgesTime({ plan }: Layer, { view }: ViewLayout): boolean {
  return nodesOf(view.node).some((node) => {
    if (node.kind === 'join') return node.how.kind !== 'regular' && node.how.kind !== 'lookup';
    if (node.kind === 'over' || node.kind === 'pattern' || node.kind === 'process') return true;
    return inferColumns(plan, node).some(({ type }) => type === 'window');
  });
}
