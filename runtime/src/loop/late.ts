import { isOver, type LateRule, type Position } from '../operators/operator.ts';
import type { LatePolicy } from '../plan/node.ts';
import type { Batch } from '../state/store.ts';
import type { ViewLayout } from '../views/layout.ts';
import type { Layer } from './layer.ts';

/**
 * The late rule of a view in a layer. In the live run a window that is over takes nothing. A recomputation takes a late
 * row all the same when its window is over for everybody and the policy is `correct`, or the row was admitted; it counts
 * the row as late like the live run does.
 */
export class LateRows implements LateRule {
  readonly allowedMs: number;
  readonly #layer: Layer;
  readonly #layout: ViewLayout;
  readonly #listsAll: boolean;
  #batch: Batch;
  #recomputes: boolean;

  /**
   * `listsAll`: events that were read before may not be listed as late yet: the view was not there, or their windows were
   * left out because they were not over for everybody.
   */
  constructor(
    layer: Layer,
    layout: ViewLayout,
    batch: Batch,
    options: { readonly recomputes: boolean; readonly listsAll?: boolean },
  ) {
    this.#listsAll = options.listsAll ?? false;
    this.allowedMs = layout.allowedMs;
    this.#layer = layer;
    this.#layout = layout;
    this.#batch = batch;
    this.#recomputes = options.recomputes;
  }

  /** Where late rows are kept from now on, in the live run. */
  goesOn(batch: Batch): void {
    this.#batch = batch;
    this.#recomputes = false;
  }

  isClosedFor(at: Position | null, windowEndMs: number): boolean {
    if (at === null || !isOver(windowEndMs, this.allowedMs, at.watermarkMs)) return false;
    return !this.#takes(at, windowEndMs);
  }

  isOverFor(at: Position | null, windowEndMs: number): boolean {
    if (at === null || !isOver(windowEndMs, this.allowedMs, at.watermarkMs)) return false;
    if (!this.#takes(at, windowEndMs)) return true;
    const startMs = windowEndMs - (this.#layout.slices?.windowMs ?? 1);
    this.late(at, startMs, windowEndMs);
    return false;
  }

  /** The next correction joins what a closed session keeps apart. */
  mayMiss(at: Position, windowEndMs: number): void {
    if (this.#recomputes || !at.firstReading || !isOver(windowEndMs, this.allowedMs, at.watermarkMs)) return;
    if (this.#policyOf(at) === 'correct')
      this.#layer.markDirty(this.#layout.view.name, windowEndMs, this.#batch);
  }

  #policyOf(at: Position): LatePolicy | undefined {
    return this.#layout.sources.find(({ name }) => name === at.source)?.lateness.then;
  }

  /** What is wanted but not over for everybody yet waits for a correction after that. */
  #takes(at: Position, windowEndMs: number): boolean {
    const layer = this.#layer;
    const layout = this.#layout;
    if (!this.#recomputes || (this.#policyOf(at) !== 'correct' && !layer.isAdmitted(at))) return false;
    if (isOver(windowEndMs, this.allowedMs, layer.viewWatermarkMs(layout))) return true;
    // A view that is new has no mark of its first reading.
    const markMs = layout.slices === null ? windowEndMs : windowEndMs - layout.slices.windowMs;
    layer.markAgain(layout.view.name, markMs, this.#batch);
    return false;
  }

  late(at: Position, windowStartMs: number, windowEndMs: number): void {
    const window = [windowStartMs, windowEndMs] as const;
    if (this.#listsAll && !at.firstReading) this.#layer.listLate(this.#layout, at, window, this.#batch);
    else this.#layer.late(this.#layout, at, window, this.#batch);
  }
}
