/**
 * Batch: a scheduled run over what arrived since the last one. Each partition of event time that it touches is computed
 * again from the log and overwritten, so a run that is repeated changes nothing, and a backfill is a run over more
 * partitions.
 */
import { Layer } from '../loop/layer.ts';
import { holdsOf } from '../loop/reach.ts';
import { EVERYTHING } from '../loop/recompute.ts';
import { ScheduledLayer } from '../loop/scheduled.ts';
import {
  type Arrangement,
  type ArrangementOptions,
  runsOf,
  unreachableOf,
  wholeView,
} from './arrangement.ts';
import { Schedule, sinksKeepUp } from './pace.ts';
import { rangeOf } from './range.ts';

const LAYER = 'scheduled';

export async function batch({
  plan,
  config,
  ports,
  turns,
  adopt = false,
  allowed,
}: ArrangementOptions): Promise<Arrangement> {
  const layer = await Layer.open(LAYER, plan, ports, { adopt, allowed, isIncremental: false });
  const scheduled = new ScheduledLayer(layer, { partitionMs: config.batch.partition, closedOnly: false });
  const schedule = new Schedule(config.batch.every, ports.clock);
  const dueInMs = (): number => schedule.dueInMs(layer.progress.lastRunAtMs);
  return {
    serving: layer,
    jobs: [],
    locate: (_, view) => wholeView(layer, view),
    get nextRunAtMs() {
      return ports.clock.nowMs() + dueInMs();
    },
    waitingLate: 0,
    get unreachableLate() {
      return unreachableOf(layer);
    },
    holds: () => holdsOf(layer, { partitionMs: config.batch.partition }),
    get corrections() {
      return runsOf(layer);
    },
    async settle(signal) {
      if (layer.position < ports.log.end && (await sinksKeepUp(ports, signal)))
        await turns.take(() => scheduled.run({ to: ports.log.end }));
    },
    async run(signal) {
      while (!signal.aborted) {
        if (dueInMs() === 0 && (await sinksKeepUp(ports, signal)))
          await turns.take(() => scheduled.run({ to: ports.log.end }));
        await ports.clock.sleep(dueInMs(), signal);
      }
    },
    commands: {
      backfill: (params) =>
        turns.take(() => scheduled.run({ to: ports.log.end, also: rangeOf(params, plan) ?? EVERYTHING })),
    },
  };
}
