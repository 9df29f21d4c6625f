/** The simulations of a plan: each architecture over the whole, and some over a slice as well. */
import type { Costs, Stretch, Task, Workload } from 'pipeline-runtime/kit';
import type { Architecture } from '../answers.ts';
import { SIMPLEST_FIRST } from '../model/limits.ts';
import {
  computationOf,
  promiseMsOf,
  type ProvePlan,
  readersIn,
  simulatedSettings,
  type Slice,
} from './plan.ts';

export interface Part {
  readonly architecture: Architecture;
  readonly of: 'horizon' | 'slice';
  readonly task: Task;
}

export function partsOf(
  plan: ProvePlan,
  given: {
    readonly whole: Workload;
    readonly sliceOf: (slice: Slice) => {
      readonly workload: Workload;
      readonly stretches: readonly Stretch[];
    };
    readonly costs: Costs;
  },
): readonly Part[] {
  const { whole, sliceOf, costs } = given;
  const common = { computation: computationOf(plan), promiseMs: promiseMsOf(plan) };
  // An event stands for others, which are work as well.
  const share = plan.oneIn / plan.cores;
  const { eventUs, againUs, entryUs } = costs;
  const scaled = {
    eventUs: eventUs * share,
    againUs: againUs * share,
    entryUs: (entryUs * plan.rowsOneIn) / plan.cores,
  };
  const wholeCosts = { ...costs, ...scaled };
  const ofWhole = SIMPLEST_FIRST.map((architecture): Part => {
    const settings = simulatedSettings(architecture, plan);
    const task = {
      ...common,
      workload: whole,
      settings,
      tickMs: plan.tickMs,
      reprocess: true,
      costs: wholeCosts,
    };
    return { architecture, of: 'horizon', task };
  });
  const ofSlice = SIMPLEST_FIRST.flatMap((architecture): Part[] => {
    const slice = plan.slices[architecture];
    if (slice === null) return [];
    const settings = simulatedSettings(architecture, plan);
    const { tickMs } = slice;
    const { workload, stretches } = sliceOf(slice);
    const readers = readersIn(stretches, slice);
    return [
      {
        architecture,
        of: 'slice',
        task: { ...common, workload, settings, tickMs, readers, reprocess: false, costs },
      },
    ];
  });
  return [...ofWhole, ...ofSlice];
}
