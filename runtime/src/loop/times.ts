/**
 * The clocks of all sources of a plan. Sources that meet in a view share how far time has come: windows and joins over
 * both close by the smallest watermark, so a source that was asleep must not come back with events from before that.
 *
 *   joint watermark   the smallest over the sources of the group that are awake; never falls; tables have no time
 */
import type { Plan } from '../plan/node.ts';
import { sourcesOf } from '../plan/walk.ts';
import { type SavedSourceTime, SourceTime } from './watermark.ts';

export interface SavedTime extends SavedSourceTime {
  /** Of the group that the source belongs to. */
  readonly jointMs?: number | null;
}

export class Times {
  readonly #times = new Map<string, SourceTime>();
  readonly #joints = new Map<string, Joint>();

  constructor(plan: Plan, saved: Readonly<Record<string, SavedTime>> = {}) {
    for (const names of groupsOf(plan)) {
      const joint = new Joint(names.map((name) => saved[name]?.jointMs ?? -Infinity));
      for (const name of names) {
        const delayMs = plan.sources.find((source) => source.name === name)?.watermark.delayMs ?? 0;
        const time = new SourceTime(delayMs, saved[name], () => joint.watermarkMs);
        joint.add(time);
        this.#joints.set(name, joint);
        this.#times.set(name, time);
      }
    }
  }

  /** The clock of a source; undefined for a table. */
  of(source: string): SourceTime | undefined {
    return this.#times.get(source);
  }

  /** What closes the windows of views over this source. */
  jointMs(source: string): number {
    return this.#joints.get(source)?.watermarkMs ?? -Infinity;
  }

  save(): Record<string, SavedTime> {
    return Object.fromEntries([...this.#times.keys()].map((name) => [name, this.saveOf(name)]));
  }

  /** REQUIRES a source with a clock. */
  saveOf(source: string): SavedTime {
    const time = this.#times.get(source);
    const jointMs = this.jointMs(source);
    return {
      ...(time?.save() ?? { watermarkMs: null, ended: false, partitions: [] }),
      ...(this.#joints.get(source)?.isShared === true && {
        jointMs: Number.isFinite(jointMs) ? jointMs : null,
      }),
    };
  }
}

class Joint {
  readonly #times: SourceTime[] = [];
  #watermarkMs: number;

  constructor(savedMs: readonly number[]) {
    this.#watermarkMs = Math.max(...savedMs);
  }

  add(time: SourceTime): void {
    this.#times.push(time);
  }

  get isShared(): boolean {
    return this.#times.length > 1;
  }

  get watermarkMs(): number {
    const [first] = this.#times;
    if (first !== undefined && !this.isShared) return first.watermarkMs;
    let smallest = Infinity;
    let anyAwake = false;
    for (const time of this.#times) {
      if (time.isAsleep) continue;
      anyAwake = true;
      smallest = Math.min(smallest, time.watermarkMs);
    }
    if (anyAwake && smallest > this.#watermarkMs) this.#watermarkMs = smallest;
    return this.#watermarkMs;
  }
}

/** The sources with a time, in groups that meet in a view, directly or through others. */
export function groupsOf(plan: Plan): readonly (readonly string[])[] {
  let groups = plan.sources.filter(({ eventTime }) => eventTime.length > 0).map(({ name }) => [name]);
  for (const view of plan.views) {
    const met = new Set(sourcesOf(plan, view.node).map(({ name }) => name));
    const touched = groups.filter((group) => group.some((name) => met.has(name)));
    groups = [...groups.filter((group) => !touched.includes(group)), touched.flat()];
  }
  return groups.filter((group) => group.length > 0);
}
