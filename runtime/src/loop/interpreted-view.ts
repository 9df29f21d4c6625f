import { type Chain, lower } from '../compile/lower.ts';
import type { Row } from '../data/value.ts';
import type { Collector, Position } from '../operators/operator.ts';
import { codeOf } from '../plan/code.ts';
import { prefixOf } from '../state/keys.ts';
import { type Batch, readWanted } from '../state/store.ts';
import type { ViewLayout } from '../views/layout.ts';
import { type EventBatch, positionOf } from './event-batches.ts';
import { LateRows } from './late.ts';
import type { Layer } from './layer.ts';
import type { ViewRun } from './view-run.ts';

export interface InterpretedOptions {
  readonly layer: Layer;
  readonly layout: ViewLayout;
  readonly next: Collector;
  /** Where late events go. */
  readonly batch: Batch;
  readonly recomputes: boolean;
  readonly because: string;
}

/** A view that operators with interpreted expressions run. */
export class InterpretedView implements ViewRun {
  readonly interpretedBecause: string;
  readonly chain: Chain;
  readonly #layer: Layer;
  readonly #late: LateRows;

  constructor({ layer, layout, next, batch, recomputes, because }: InterpretedOptions) {
    this.interpretedBecause = because;
    this.#layer = layer;
    this.#late = new LateRows(layer, layout, batch, { recomputes });
    this.chain = lower({
      plan: layer.plan,
      view: layout.view,
      code: codeOf(layer.plan),
      statePrefix: prefixOf('s', layer.name, layout.view.name),
      next,
      late: this.#late,
      onError: (error, at, row) => layer.rejectRow(layout, at, row, error),
    });
  }

  /** REQUIRES a new one. Goes on from what the store has. */
  restore(): Promise<void> {
    return this.chain.restore((range) => readWanted(this.#layer.ports.store, [range]));
  }

  goesOn(batch: Batch): void {
    this.#late.goesOn(batch);
  }

  takes(source: string): boolean {
    return this.chain.reads(source);
  }

  fieldsOf(source: string): readonly string[] | null {
    return this.takes(source) ? null : [];
  }

  push(row: Row, at: Position): void {
    this.chain.push(row, at);
  }

  process(events: EventBatch): void {
    const { source, batch } = events;
    if (!this.takes(source.name)) return;
    for (let row = 0; row < batch.n; row++) {
      const at = positionOf(events, row);
      this.chain.push(at.event, at);
    }
  }

  settle(watermarkMs: number): Promise<void> {
    return this.chain.settleSpilled(watermarkMs, (wanted) => readWanted(this.#layer.ports.store, wanted));
  }

  persist(batch: Batch): void {
    this.chain.persist(batch);
  }

  get size(): number {
    return this.chain.size;
  }

  get memoryBytes(): number {
    return this.chain.memoryBytes;
  }
}
