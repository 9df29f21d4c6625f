/**
 * Lambda: a speed layer that shows every event soon, and a batch layer that recomputes on a schedule what is over and
 * replaces what the speed layer said. Both run the one definition.
 *
 *   log ─┬─► speed layer (incremental) ──► windows after the boundary ──┐
 *        └─► batch layer (scheduled)   ──► windows up to the boundary ──┴─► one view
 *
 * The boundary of a view is where windows were over at the batch layer's last run. A batch run moves it and removes the
 * speed layer's rows behind it in one commit, so a reader sees one consistent cut. Late events are the batch layer's
 * business. A view without windows comes whole from the layer that has seen more; the batch layer wins a tie.
 */
import { Job } from '../loop/job.ts';
import { Layer } from '../loop/layer.ts';
import { holdsOf } from '../loop/reach.ts';
import { EVERYTHING, type Slice } from '../loop/recompute.ts';
import { ScheduledLayer } from '../loop/scheduled.ts';
import { metaKey, progressKey } from '../state/keys.ts';
import type { Batch, Reads } from '../state/store.ts';
import type { ViewLayout } from '../views/layout.ts';
import { WHOLE } from '../views/reader.ts';
import {
  type Arrangement,
  type ArrangementOptions,
  type Command,
  layoutOf,
  type Located,
  runsOf,
  unreachableOf,
} from './arrangement.ts';
import { drain, Schedule, sinksKeepUp, waitForData } from './pace.ts';
import { rangeOf } from './range.ts';

const SPEED = 'speed';
const BATCH = 'batch';
const BOUNDARY = metaKey('lambda');

/** Up to where the batch layer serves each view: windows that start before; null is none. And whether it has seen as much. */
interface Boundary {
  readonly startsBeforeMs: Readonly<Record<string, number | null>>;
  readonly position: number;
}

export async function lambda({
  plan,
  config,
  ports,
  turns,
  allowed,
}: ArrangementOptions): Promise<Arrangement> {
  const speed = await Job.open(await Layer.open(SPEED, plan, ports, { allowed }));
  const layer = await Layer.open(BATCH, plan, ports, { allowed, isIncremental: false, closedOnly: true });
  const scheduled = new ScheduledLayer(layer, { partitionMs: config.batch.partition, closedOnly: true });
  const runBatch = async (also?: Slice): Promise<unknown> =>
    turns.take(() =>
      scheduled.run({
        to: speed.layer.position,
        ...(also !== undefined && { also }),
        finish: (commit) => moveBoundary(speed.layer, layer, commit),
      }),
    );
  const backfill: Command = async (params) => {
    await drain(speed, config.trigger, turns, new AbortController().signal);
    return runBatch(rangeOf(params, plan) ?? EVERYTHING);
  };
  const schedule = new Schedule(config.batch.every, ports.clock);
  const dueInMs = (): number => schedule.dueInMs(layer.progress.lastRunAtMs);
  return {
    serving: speed.layer,
    jobs: [speed],
    locate: (reads, view) => locate(reads, layoutOf(layer, view)),
    get nextRunAtMs() {
      return ports.clock.nowMs() + dueInMs();
    },
    rowsBeside: (view) => (hasBoundary(layoutOf(layer, view)) ? (layer.progress.rows[view] ?? 0) : 0),
    get waitingLate() {
      return speed.layer.waitingLate;
    },
    get unreachableLate() {
      return unreachableOf(layer);
    },
    holds: () => [
      ...holdsOf(speed.layer, 'nothing'),
      ...holdsOf(layer, { partitionMs: config.batch.partition }),
    ],
    get corrections() {
      return runsOf(layer);
    },
    get lambda() {
      const { runs, lastRunAtMs } = layer.progress;
      return { coveredUntilMs: coveredUntilMs(layer), batchRuns: runs, lastBatchAtMs: lastRunAtMs };
    },
    async settle(signal) {
      await drain(speed, config.trigger, turns, signal);
      if (layer.position < speed.layer.position) await runBatch();
    },
    async run(signal) {
      while (!signal.aborted) {
        await drain(speed, config.trigger, turns, signal);
        if (dueInMs() === 0 && (await sinksKeepUp(ports, signal))) await runBatch();
        const atMostMs = dueInMs();
        await waitForData(
          ports,
          speed.layer.position,
          { gatherMs: config.trigger.every, rowsMax: config.trigger.rows, atMostMs },
          signal,
        );
      }
    },
    commands: { backfill },
  };
}

/** Only windows that are computed one by one can be taken over by the batch layer one by one. */
function hasBoundary(layout: ViewLayout): boolean {
  return layout.slices !== null && layout.shape === 'windowed';
}

/** Windows of a view that start before this are over for the batch layer; null for a view without windows. */
function boundaryOf(layer: Layer, layout: ViewLayout): number | null {
  if (!hasBoundary(layout)) return null;
  return layer.viewWatermarkMs(layout) - layout.allowedMs - (layout.slices?.windowMs ?? 0) + 2;
}

/** Up to where the batch layer serves every view that it takes over window by window. */
function coveredUntilMs(layer: Layer): number | null {
  const covered = layer.layouts.map((layout) => boundaryOf(layer, layout)).filter((each) => each !== null);
  return covered.length === 0 || layer.progress.runs === 0 ? null : Math.min(...covered);
}

/** Moves the boundary to what the batch layer has just computed and removes the speed layer's rows behind it. */
async function moveBoundary(speed: Layer, batch: Layer, commit: Batch): Promise<void> {
  const startsBeforeMs: Record<string, number | null> = {};
  for (const layout of batch.layouts) {
    const boundaryMs = boundaryOf(batch, layout);
    // JSON has no infinity: once time is over, any finite number beyond every window does.
    startsBeforeMs[layout.view.name] =
      boundaryMs === null ? null : Math.min(boundaryMs, Number.MAX_SAFE_INTEGER);
    if (boundaryMs === null) continue;
    const range = layout.range(SPEED, -Infinity, boundaryMs);
    let rows = 0;
    for await (const entry of speed.ports.store.scan(range)) rows += entry.key.length > 0 ? 1 : 0;
    if (rows > 0) commit.deleteRange(range);
    speed.addRows(layout.view.name, -rows);
    for (const markMs of speed.correctable(layout)) speed.clearDirty(layout.view.name, markMs, commit);
  }
  const boundary: Boundary = { startsBeforeMs, position: speed.position };
  commit.put(BOUNDARY, JSON.stringify(boundary));
  speed.save(commit);
}

async function locate(reads: Reads, layout: ViewLayout): Promise<Located> {
  const bytes = await reads.get(BOUNDARY);
  if (bytes === null) return { layout, parts: [{ layer: SPEED, ...WHOLE }] };
  const { startsBeforeMs, position } = JSON.parse(bytes.toString()) as Boundary;
  if (!hasBoundary(layout)) {
    const speed = await reads.get(progressKey(SPEED));
    const behind =
      position < (JSON.parse(speed?.toString() ?? '{"position":0}') as { position: number }).position;
    return { layout, parts: [{ layer: behind ? SPEED : BATCH, ...WHOLE }] };
  }
  const boundaryMs = startsBeforeMs[layout.view.name] ?? -Infinity;
  const parts = [
    { layer: BATCH, fromMs: -Infinity, toMs: boundaryMs },
    { layer: SPEED, fromMs: boundaryMs, toMs: Infinity },
  ];
  return { layout, parts };
}
