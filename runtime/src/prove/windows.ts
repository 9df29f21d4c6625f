/**
 * What readers find in the result of each window: how much of it is in when it is read at the promised age, when it is
 * final, when it holds all that it ever will.
 *
 *   commit ─► how many events the rows of a window count ─► of two layers, the one that serves the window
 */
import type { LayerCommit } from '../loop/layer.ts';
import { isOver } from '../operators/operator.ts';
import type { RowChange } from '../views/changes.ts';
import type { ViewLayout } from '../views/layout.ts';
import { VIEW } from './definition.ts';
import type { Workload } from './workload.ts';

interface Window {
  readonly startMs: number;
  readonly endMs: number;
  /** Events of the workload that belong to it. */
  events: number;
  seen: number;
  /** What a reader found at the promised age; null before. */
  read: number | null;
  changedAtMs: number | null;
  finalAtMs: number | null;
}

export interface WindowFigures {
  readonly windows: number;
  /** Events that belong to the windows, events that were in when they were read, and in the end. */
  readonly events: number;
  readonly read: number;
  readonly inTheEnd: number;
  /** Windows that changed after they had been read. */
  readonly corrected: number;
  /** From the end of each window until its result held all that it ever will, and until it was final. */
  readonly completeAfterMs: readonly number[];
  readonly finalAfterMs: readonly number[];
}

export class Windows {
  readonly #promiseMs: number;
  /** In the order of their times. */
  readonly #windows: readonly Window[];
  readonly #byStart: ReadonlyMap<number, Window>;
  /** Layer → start of a window → events that its rows count. */
  readonly #counts = new Map<string, Map<number, number>>();
  /** Windows that start before this are the batch layer's; null while there is one layer. */
  #boundaryMs: number | null = null;
  #unread = 0;
  #unfinal = 0;

  constructor(workload: Workload, windowMs: number, promiseMs: number) {
    this.#promiseMs = promiseMs;
    const byStart = new Map<number, Window>();
    for (const timeMs of workload.eventMs) {
      const startMs = Math.floor(timeMs / windowMs) * windowMs;
      const window = byStart.get(startMs) ?? {
        startMs,
        endMs: startMs + windowMs,
        events: 0,
        seen: 0,
        read: null,
        changedAtMs: null,
        finalAtMs: null,
      };
      window.events++;
      byStart.set(startMs, window);
    }
    this.#byStart = byStart;
    this.#windows = [...byStart.values()].sort((a, b) => a.startMs - b.startMs);
  }

  /** When the last window is read. */
  get readUntilMs(): number {
    return (this.#windows.at(-1)?.endMs ?? 0) + this.#promiseMs;
  }

  /** Takes what a commit changed. `boundaryMs` is up to where the batch layer of two serves. */
  commit(nowMs: number, { layer, changes }: LayerCommit, boundaryMs: number | null): void {
    this.#readBefore(nowMs);
    const layout = layer.layouts.find(({ view }) => view.name === VIEW) as ViewLayout;
    const touched = this.#count(layer.name, layout, changes.get(VIEW) ?? []);
    const moved = boundaryMs !== this.#boundaryMs;
    this.#boundaryMs = boundaryMs;
    for (const window of moved ? this.#windows : touched) {
      const seen = this.#seenOf(window, layer.name);
      if (seen !== window.seen) window.changedAtMs = nowMs;
      window.seen = seen;
    }
    if (boundaryMs !== null && layer.name !== 'speed') return;
    const watermarkMs = layer.viewWatermarkMs(layout);
    for (let next = this.#windows[this.#unfinal]; next !== undefined; next = this.#windows[this.#unfinal]) {
      if (!isOver(next.endMs, layout.allowedMs, watermarkMs)) break;
      next.finalAtMs = nowMs;
      this.#unfinal++;
    }
  }

  /** Readers who come before this moment see what is there now. */
  #readBefore(nowMs: number): void {
    for (let next = this.#windows[this.#unread]; next !== undefined; next = this.#windows[this.#unread]) {
      if (next.endMs + this.#promiseMs >= nowMs) return;
      next.read = next.seen;
      this.#unread++;
    }
  }

  #count(layer: string, layout: ViewLayout, changes: readonly RowChange[]): Set<Window> {
    const counts = this.#counts.get(layer) ?? new Map<number, number>();
    this.#counts.set(layer, counts);
    const column = layout.columns.findIndex(({ name }) => name === 'events');
    const touched = new Set<Window>();
    for (const { old, row } of changes) {
      const shown = row ?? old;
      const startMs = shown === null ? undefined : layout.windowOf(shown)?.[0];
      const window = startMs === undefined ? undefined : this.#byStart.get(startMs);
      if (window === undefined) continue;
      const more = Number(row?.[column] ?? 0) - Number(old?.[column] ?? 0);
      counts.set(window.startMs, (counts.get(window.startMs) ?? 0) + more);
      touched.add(window);
    }
    return touched;
  }

  #seenOf({ startMs }: Window, layer: string): number {
    const serves = this.#boundaryMs === null ? layer : startMs < this.#boundaryMs ? 'batch' : 'speed';
    return this.#counts.get(serves)?.get(startMs) ?? 0;
  }

  figures(): WindowFigures {
    this.#readBefore(Infinity);
    const sum = (of: (window: Window) => number): number =>
      this.#windows.reduce((total, window) => total + of(window), 0);
    return {
      windows: this.#windows.length,
      events: sum(({ events }) => events),
      read: sum(({ read }) => read ?? 0),
      inTheEnd: sum(({ seen }) => seen),
      corrected: this.#windows.filter(({ read, seen }) => read !== seen).length,
      completeAfterMs: this.#windows.map(({ changedAtMs, endMs }) =>
        Math.max(0, (changedAtMs ?? endMs) - endMs),
      ),
      finalAfterMs: this.#windows.flatMap(({ finalAtMs, endMs }) =>
        finalAtMs === null ? [] : [Math.max(0, finalAtMs - endMs)],
      ),
    };
  }
}
