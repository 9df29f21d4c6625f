/**
 * Which windows a time belongs to, for windows that lie on a grid (a session depends on the other rows: `session.ts`).
 *
 *   tumbling    |-------|-------|-------|        [n * size, (n + 1) * size)
 *   hopping     |-------|                        starts every slide, lasts size
 *                   |-------|
 *   cumulating  |--|                             from each n * size, ends every step
 *               |-----|
 *               |--------|
 *
 * The grid lies in local time: its points are `offset + n * step` on the clocks of the zone, and a boundary is the first
 * instant at which the clocks show that point or a later one. So a day has 23 or 25 hours when the clocks change, a
 * window of an hour that the clocks skip does not exist, and an hour that they show twice is one window of two hours.
 *
 * Invariant  The windows of `tumbling` partition time, in every zone.
 */
import type { WindowValue } from '../data/value.ts';
import { localMs, utcMs } from '../data/zone.ts';
import type { WindowGrid, WindowPlan } from '../plan/node.ts';

type WithoutTime<W> = W extends unknown ? Omit<W, 'time'> : never;

/** A window of a plan that lies on a grid. REQUIRES slide <= size, and a size that is a whole number of steps. */
export type GridWindow = WithoutTime<Exclude<WindowPlan, { kind: 'session' }>>;

export interface WindowAssigner {
  /** All windows with this time, by their start, then by their end; at least one. */
  assign(timeMs: number): readonly WindowValue[];
  /** The smallest start of a window with this time. */
  firstStartMs(timeMs: number): number;
  /**
   * The largest end of a window with this time. So the windows that touch [from, to) lie in
   * [firstStartMs(from), lastEndMs(to - 1)), and no other time decides about their content.
   */
  lastEndMs(timeMs: number): number;
}

export function windowAssigner(window: GridWindow): WindowAssigner {
  const find = FIND[window.kind](window as never);
  let stretch: Stretch = { from: 0, to: 0, windows: [] };
  // Times come in clusters: most lie in the stretch of the one before.
  const assign = (timeMs: number): readonly WindowValue[] => {
    if (timeMs < stretch.from || timeMs >= stretch.to) stretch = find(timeMs);
    return stretch.windows;
  };
  return {
    assign,
    firstStartMs: (timeMs) => (assign(timeMs)[0] as WindowValue)[0],
    lastEndMs: (timeMs) => (assign(timeMs).at(-1) as WindowValue)[1],
  };
}

/** A stretch of time [from, to) all of which has the same windows. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly windows: readonly WindowValue[];
}

type Find = (timeMs: number) => Stretch;
type GridOf<K> = Extract<GridWindow, { kind: K }>;

const FIND: { readonly [K in GridWindow['kind']]: (window: GridOf<K>) => Find } = {
  tumbling: ({ sizeMs, ...grid }) => {
    const starts = new Points(grid, sizeMs);
    return (timeMs) => {
      const n = starts.lastAt(timeMs);
      const [from, to] = [starts.at(n), starts.at(n + 1)];
      return { from, to, windows: [[from, to]] };
    };
  },
  hopping: ({ sizeMs, slideMs, ...grid }) => {
    const starts = new Points(grid, slideMs);
    const ends = new Points({ ...grid, offsetMs: grid.offsetMs + sizeMs }, slideMs);
    return (timeMs) => {
      const last = starts.lastAt(timeMs);
      const first = ends.lastAt(timeMs) + 1;
      const windows: WindowValue[] = [];
      for (let n = first; n <= last; n++) windows.push([starts.at(n), ends.at(n)]);
      return {
        from: Math.max(starts.at(last), ends.at(first - 1)),
        to: Math.min(starts.at(last + 1), ends.at(first)),
        windows: withoutRepeats(windows),
      };
    };
  },
  cumulating: ({ sizeMs, stepMs, ...grid }) => {
    const starts = new Points(grid, sizeMs);
    const ends = new Points(grid, stepMs);
    const steps = sizeMs / stepMs;
    return (timeMs) => {
      const n = starts.lastAt(timeMs);
      const step = ends.lastAt(timeMs);
      const windows: WindowValue[] = [];
      for (let end = step + 1; end <= (n + 1) * steps; end++) windows.push([starts.at(n), ends.at(end)]);
      return { from: ends.at(step), to: ends.at(step + 1), windows: withoutRepeats(windows) };
    };
  },
};

/** The points of a grid in local time, as instants. They do not decrease; where the clocks skip some, those are equal. */
class Points {
  readonly #zone: string | null;
  readonly #offsetMs: number;
  readonly #stepMs: number;

  constructor({ zone, offsetMs }: WindowGrid, stepMs: number) {
    this.#zone = zone;
    this.#offsetMs = offsetMs;
    this.#stepMs = stepMs;
  }

  at(n: number): number {
    return utcMs(this.#zone, this.#offsetMs + n * this.#stepMs);
  }

  /** The last point at or before an instant. */
  lastAt(instantMs: number): number {
    let low = Math.floor((localMs(this.#zone, instantMs) - this.#offsetMs) / this.#stepMs);
    if (this.#zone === null) return low;
    // While the clocks show an hour again, points that they have shown before are behind us: go on in growing steps.
    let stride = 1;
    while (this.at(low + stride) <= instantMs) {
      low += stride;
      stride *= 2;
    }
    while (stride > 1) {
      stride /= 2;
      if (this.at(low + stride) <= instantMs) low += stride;
    }
    return low;
  }
}

/** Windows between points that the clocks skip are the same window. */
function withoutRepeats(windows: readonly WindowValue[]): readonly WindowValue[] {
  return windows.filter(([start, end], index) => {
    const before = windows[index - 1];
    return before === undefined || before[0] !== start || before[1] !== end;
  });
}
