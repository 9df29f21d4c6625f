/**
 * The open windows of a group. Time is cut into panes, each with a table of its own; a window is one pane or several that
 * follow each other, so that a row of overlapping windows is added once. What is over is forgotten by dropping tables.
 *
 *   panes     |--|--|--|--|--|        a window of size 3 * slide: three panes        tumbling: one
 *
 * A row that is late for some of its windows only goes to another pane of the same time, which those windows do not take
 * (`fromMs`: the first start of a window that does). So a pane that begins with a window and that no other window takes may
 * hold anything of that window: what is saved of it, window by window, lies in such an own pane.
 */
import type { Hooks } from './stage.ts';
import type { Table, TableClass } from './table.ts';
import { Touched } from './touched.ts';

export interface Pane {
  startMs: number;
  endMs: number;
  /** The start of the next window that takes this pane. */
  fromMs: number;
  /** Whether it was made for one window alone. */
  isOwn: boolean;
  readonly table: Table;
  readonly sets: readonly Table[];
  readonly touched: Touched;
  /** For those who save it: see `SavedPane`. */
  readonly unsaved: Touched;
  readonly unsavedMembers: readonly Touched[];
  isSaved: boolean;
}

/** A window that is over, with the panes it consists of. */
export interface Due {
  readonly startMs: number;
  readonly endMs: number;
  readonly panes: readonly Pane[];
}

export interface PaneGrid {
  readonly sizeMs: number;
  /** Of the panes: the slide of hopping windows, the size of tumbling ones. */
  readonly slideMs: number;
  readonly offsetMs: number;
  readonly allowedMs: number;
}

const POOL_MAX = 8;

export class Panes {
  readonly #grid: PaneGrid;
  readonly #hooks: Hooks;
  readonly #table: TableClass;
  readonly #sets: readonly TableClass[];
  readonly #panes = new Map<number, Pane[]>();
  readonly #pool: Pane[] = [];
  /** The pane of the last row; most rows belong to the same. */
  current: Pane;
  /** Told of a pane before it is forgotten. */
  onDrop: (pane: Pane) => void = () => {};

  constructor(grid: PaneGrid, table: TableClass, sets: readonly TableClass[], hooks: Hooks) {
    this.#grid = grid;
    this.#table = table;
    this.#sets = sets;
    this.#hooks = hooks;
    this.current = this.#make(NaN, NaN, NaN);
  }

  #make(startMs: number, endMs: number, fromMs: number): Pane {
    const pooled = this.#pool.pop();
    if (pooled !== undefined) return Object.assign(pooled, { startMs, endMs, fromMs, isOwn: false });
    const sets = this.#sets.map((set) => new set());
    return {
      startMs,
      endMs,
      fromMs,
      isOwn: false,
      table: new this.#table(),
      sets,
      touched: new Touched(),
      unsaved: new Touched(),
      unsavedMembers: sets.map(() => new Touched()),
      isSaved: false,
    };
  }

  /** The pane of a time, for a row that is late for no window. */
  of(timeMs: number): Pane {
    const { sizeMs, slideMs, offsetMs } = this.#grid;
    const startMs = Math.floor((timeMs - offsetMs) / slideMs) * slideMs + offsetMs;
    this.current = this.#at(startMs, startMs + slideMs, startMs + slideMs - sizeMs);
    return this.current;
  }

  /** The pane of a window that is a column. */
  ending(endMs: number): Pane {
    this.current = this.#at(endMs, endMs, endMs);
    return this.current;
  }

  /** The pane that was made for the window that begins then. */
  own(startMs: number): Pane {
    const panes = this.#panes.get(startMs) ?? [];
    const known = panes.find(({ isOwn }) => isOwn);
    if (known !== undefined) return known;
    const made = this.#make(startMs, startMs + this.#grid.slideMs, startMs);
    made.isOwn = true;
    this.#panes.set(startMs, [...panes, made]);
    return made;
  }

  /** All other panes that hold anything, each with the own panes of the windows that still take it. */
  shared(): readonly { readonly pane: Pane; readonly own: readonly Pane[] }[] {
    const { slideMs } = this.#grid;
    const shared = this.open().filter(({ isOwn, table }) => !isOwn && table.count > 0);
    return shared.map((pane) => {
      const own: Pane[] = [];
      for (let start = pane.fromMs; start <= pane.startMs; start += slideMs) own.push(this.own(start));
      return { pane, own };
    });
  }

  /** The window that takes a pane of its own. */
  windowOf({ startMs, endMs }: Pick<Pane, 'startMs' | 'endMs'>): readonly [number, number] {
    return [startMs, Math.max(endMs, startMs + this.#grid.sizeMs)];
  }

  /** Forgets a pane whose content is elsewhere. REQUIRES one of which nothing is saved. */
  empty(pane: Pane): void {
    this.#drop(pane);
  }

  #at(startMs: number, endMs: number, fromMs: number): Pane {
    let panes = this.#panes.get(startMs);
    if (panes === undefined) this.#panes.set(startMs, (panes = []));
    let pane = panes.find((candidate) => candidate.fromMs === fromMs);
    if (pane === undefined) panes.push((pane = this.#make(startMs, endMs, fromMs)));
    return pane;
  }

  /** The pane for a row that is late for the first window of this one; null when it is late for all. */
  late(pane: Pane, watermarkMs: number, index: number): Pane | null {
    const { sizeMs, slideMs, allowedMs } = this.#grid;
    let fromMs = pane.startMs + slideMs - sizeMs;
    for (; fromMs <= pane.startMs; fromMs += slideMs) {
      if (fromMs + sizeMs - 1 + allowedMs > watermarkMs) return this.#at(pane.startMs, pane.endMs, fromMs);
      // A computation that reads the event again may take it all the same.
      if (this.#hooks.late(index, fromMs, fromMs + sizeMs) && sizeMs === slideMs) return pane;
    }
    return null;
  }

  /** The windows that are over, earliest first. */
  due(watermarkMs: number): readonly Due[] {
    const { sizeMs, slideMs, allowedMs } = this.#grid;
    const starts = new Set<number>();
    for (const panes of this.#panes.values()) {
      for (const { startMs, fromMs } of panes) {
        for (let start = fromMs; start <= startMs; start += slideMs) {
          if (start + sizeMs - 1 + allowedMs > watermarkMs) break;
          starts.add(start);
        }
      }
    }
    return [...starts].sort((a, b) => a - b).map((start) => this.#dueOf(start));
  }

  #dueOf(start: number): Due {
    const { sizeMs, slideMs } = this.#grid;
    const panes: Pane[] = [];
    for (let at = start; at < start + sizeMs || at === start; at += slideMs) {
      for (const pane of this.#panes.get(at) ?? []) if (pane.fromMs <= start) panes.push(pane);
    }
    return { startMs: start, endMs: start + sizeMs, panes };
  }

  /** Forgets what no later window takes. */
  close({ startMs, panes }: Due): void {
    for (const pane of panes) {
      pane.fromMs = startMs + this.#grid.slideMs;
      if (pane.fromMs > pane.startMs) this.#drop(pane);
    }
  }

  #drop(pane: Pane): void {
    this.onDrop(pane);
    const panes = this.#panes.get(pane.startMs) ?? [];
    panes.splice(panes.indexOf(pane), 1);
    if (panes.length === 0) this.#panes.delete(pane.startMs);
    if (this.current === pane) this.current = this.#make(NaN, NaN, NaN);
    pane.startMs = NaN;
    pane.endMs = NaN;
    if (this.#pool.length >= POOL_MAX) return;
    pane.table.clear();
    for (const set of pane.sets) set.clear();
    pane.touched.n = 0;
    pane.unsaved.n = 0;
    for (const unsaved of pane.unsavedMembers) unsaved.n = 0;
    this.#pool.push(pane);
  }

  /** All panes, earliest first. */
  open(): readonly Pane[] {
    return [...this.#panes.values()].flat().sort((a, b) => a.startMs - b.startMs || a.fromMs - b.fromMs);
  }

  get records(): number {
    return this.open().reduce((sum, { table }) => sum + table.count, 0);
  }

  get sizeBytes(): number {
    const sizeOf = (pane: Pane): number =>
      [pane.table, ...pane.sets].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return [...this.open(), ...this.#pool].reduce((sum, pane) => sum + sizeOf(pane), 0);
  }
}
