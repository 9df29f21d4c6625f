/** What `pipeline status`, `/api/status` and the dashboard show, from the layer that readers see. */
import type { Layer } from '../loop/layer.ts';
import type { Freshness, SourceStatus, Status, ViewStatus } from '../host/host.ts';
import type { ViewLayout } from '../views/layout.ts';
import type { Engine } from './engine.ts';

export async function statusOf(engine: Engine): Promise<Status> {
  const { arrangement, config, clock, plan } = engine;
  const layer = arrangement.serving;
  const { progress, committed } = layer;
  const nowMs = clock.nowMs();
  const { room } = engine.data;
  if (room?.status.freeBytes === null) await room.look();
  const serving = arrangement.jobs.find((each) => each.layer === layer);
  return {
    version: 1,
    pipeline: plan.name,
    architecture: config.architecture,
    running: engine.running,
    startedAtMs: engine.running ? engine.startedAtMs : null,
    nowMs,
    freshness: await freshnessOf(engine, layer, nowMs),
    sources: layer.plan.sources.map((source) => sourceStatus(engine, layer, source.name)),
    views: layer.layouts.map((layout): ViewStatus => {
      const { name, mode } = layout.view;
      const batchRows = arrangement.rowsBeside?.(name) ?? 0;
      return {
        name,
        mode,
        columns: layout.columns.map((column) => column.name),
        keys: layout.keyNames,
        rows: (progress.rows[name] ?? 0) + batchRows,
        updatedAtMs: progress.lastAtMs,
        ...(layout.shape === 'windowed' && { closedUntilMs: closedUntilMs(layer, layout) }),
        ...(serving !== undefined && { interpretedBecause: serving.interpretedBecause(name) }),
      };
    }),
    late: {
      total: progress.late,
      policy: Object.fromEntries(layer.plan.sources.map(({ name, lateness }) => [name, lateness.then])),
      waiting: arrangement.waitingLate,
      ...(arrangement.unreachableLate > 0 && { unreachable: arrangement.unreachableLate }),
    },
    rejected: engine.rejectedCount,
    ...(engine.data.rejectedBytes !== undefined && {
      rejectedLog: {
        kept: engine.data.rejected.end - engine.data.rejected.start,
        removed: engine.data.rejected.start,
        sizeBytes: engine.data.rejectedBytes(),
        limitBytes: engine.config.rejected.size,
      },
    }),
    epochs: {
      committed: committed.epochs,
      lastAtMs: committed.lastAtMs,
      lastDurationMs: committed.lastDurationMs,
      lastRows: committed.lastRows,
    },
    state: {
      keys: arrangement.jobs.reduce((sum, job) => sum + job.stateKeys, 0),
      memoryBytes: Math.round(arrangement.jobs.reduce((sum, job) => sum + job.memoryBytes, 0)),
      sizeBytes: (await engine.data.sizeBytes?.()) ?? 0,
    },
    ...(engine.retention.status !== null && { log: engine.retention.status }),
    ...(room !== undefined && { disk: room.status }),
    nextRunAtMs: engine.running ? arrangement.nextRunAtMs : null,
    corrections: arrangement.corrections,
    ...(engine.snapshots.status !== null && { snapshots: engine.snapshots.status }),
    ...(arrangement.lambda !== undefined && { lambda: arrangement.lambda }),
    ...(engine.sinks !== null && { sinks: engine.sinks.status(layer.position) }),
    ...(arrangement.versions !== undefined && { versions: arrangement.versions }),
  };
}

/** Windows that end at or before this are over; null before the first event. */
function closedUntilMs(layer: Layer, layout: ViewLayout): number | null {
  const untilMs = layer.viewWatermarkMs(layout) - layout.allowedMs + 1;
  return Number.isFinite(untilMs) ? untilMs : null;
}

async function freshnessOf(
  { data, latency, config }: Engine,
  layer: Layer,
  nowMs: number,
): Promise<Freshness> {
  let oldestMs = nowMs;
  if (layer.position < data.log.end) {
    for await (const block of data.log.read(layer.position)) {
      oldestMs = block.appendedAtMs;
      break;
    }
  }
  const seconds = Math.max(0, nowMs - oldestMs) / 1000;
  const slaSeconds = config.freshness / 1000;
  const inSeconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);
  return {
    seconds,
    slaSeconds,
    holds: seconds <= slaSeconds,
    p50Seconds: inSeconds(latency.quantile(0.5)),
    p99Seconds: inSeconds(latency.quantile(0.99)),
  };
}

function sourceStatus({ data: { log }, config }: Engine, layer: Layer, name: string): SourceStatus {
  const time = layer.times.of(name);
  const finite = (ms: number | null | undefined): number | null =>
    ms !== null && ms !== undefined && Number.isFinite(ms) ? ms : null;
  const eventsIn = layer.committed.eventsIn[name] ?? 0;
  const partitions = Array.from({ length: config.log.partitions }, (_, partition) => ({
    partition,
    endOffset: log.endOffset(name, partition),
    nextOffset: layer.nextOffset(name, partition),
    watermarkMs: finite(time?.partitionWatermarkMs(partition)),
    idle: time?.isIdle(partition) ?? true,
  }));
  return {
    name,
    watermarkMs: finite(time?.watermarkMs),
    eventsIn,
    lagEvents: partitions.reduce((sum, { endOffset, nextOffset }) => sum + endOffset - nextOffset, 0),
    partitions,
  };
}
