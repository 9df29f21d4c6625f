/**
 * The status as Prometheus metrics: prefix `pipeline_`, base units, `_total` for what only grows. Values are read at
 * scrape time, so the numbers are those of `pipeline status`. Labels are names of the definition or numbers of
 * partitions; nothing that comes from an event is ever a label.
 */
import process from 'node:process';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Status } from '../host/host.ts';

type Labels = Readonly<Record<string, string | number>>;
type Value = number | null;

/** Writes one value; null leaves the series out, since Prometheus has no "not yet". */
type Set = (value: Value, labels?: Labels) => void;

interface StatusMetric {
  readonly name: string;
  readonly kind: 'gauge' | 'total';
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (status: Status, set: Set) => void;
}

const STATUS_METRICS: readonly StatusMetric[] = [
  gauge('info', 'The pipeline and its architecture.', ['pipeline', 'architecture'], (s, set) =>
    set(1, { pipeline: s.pipeline, architecture: s.architecture }),
  ),
  gauge('running', '1 while the pipeline runs.', [], (s, set) => set(s.running ? 1 : 0)),
  gauge('start_timestamp_seconds', 'When it was started.', [], (s, set) => set(seconds(s.startedAtMs))),
  gauge('freshness_seconds', 'Age of the oldest event that readers cannot see yet.', [], (s, set) =>
    set(s.freshness.seconds),
  ),
  gauge('freshness_sla_seconds', 'The promise that freshness is held against.', [], (s, set) =>
    set(s.freshness.slaSeconds),
  ),
  gauge('freshness_holds', '1 while the promise is kept.', [], (s, set) => set(s.freshness.holds ? 1 : 0)),
  gauge('visibility_delay_seconds', 'From append to visible, by quantile.', ['quantile'], (s, set) => {
    set(s.freshness.p50Seconds, { quantile: '0.5' });
    set(s.freshness.p99Seconds, { quantile: '0.99' });
  }),
  total('source_events_total', 'Events in the log of a source.', ['source'], (s, set) => {
    for (const source of s.sources) set(source.eventsIn, { source: source.name });
  }),
  gauge('source_lag_events', 'Events of a source that readers cannot see yet.', ['source'], (s, set) => {
    for (const source of s.sources) set(source.lagEvents, { source: source.name });
  }),
  gauge(
    'source_watermark_timestamp_seconds',
    'The watermark of a source, in event time.',
    ['source'],
    (s, set) => {
      for (const source of s.sources) set(seconds(source.watermarkMs), { source: source.name });
    },
  ),
  gauge('partition_lag_events', 'Events of a partition not read yet.', ['source', 'partition'], (s, set) => {
    for (const { partition, labels } of partitionsOf(s))
      set(partition.endOffset - partition.nextOffset, labels);
  }),
  gauge(
    'partition_idle',
    '1 while a partition does not hold the watermark back.',
    ['source', 'partition'],
    (s, set) => {
      for (const { partition, labels } of partitionsOf(s)) set(partition.idle ? 1 : 0, labels);
    },
  ),
  gauge('view_rows', 'Rows of a view.', ['view'], (s, set) => {
    for (const view of s.views) set(view.rows, { view: view.name });
  }),
  gauge('view_updated_timestamp_seconds', 'When a view last changed.', ['view'], (s, set) => {
    for (const view of s.views) set(seconds(view.updatedAtMs), { view: view.name });
  }),
  total('late_events_total', 'Events that came after their window had closed.', [], (s, set) =>
    set(s.late.total),
  ),
  gauge('late_waiting_events', 'Late events that the next correction folds in.', [], (s, set) =>
    set(s.late.waiting),
  ),
  total('rejected_removed_total', 'Rejected events that are not kept any more.', [], (s, set) =>
    set(s.rejectedLog?.removed ?? null),
  ),
  gauge('rejected_size_bytes', 'What is kept of them.', [], (s, set) =>
    set(s.rejectedLog?.sizeBytes ?? null),
  ),
  total('rejected_events_total', 'Events that were malformed.', [], (s, set) => set(s.rejected)),
  total('epochs_total', 'Epochs committed.', [], (s, set) => set(s.epochs.committed)),
  gauge('epoch_last_timestamp_seconds', 'When the last epoch was committed.', [], (s, set) =>
    set(seconds(s.epochs.lastAtMs)),
  ),
  gauge('epoch_last_duration_seconds', 'How long the last epoch took.', [], (s, set) =>
    set(seconds(s.epochs.lastDurationMs)),
  ),
  gauge('epoch_last_rows', 'Events of the last epoch.', [], (s, set) => set(s.epochs.lastRows)),
  gauge('state_keys', 'Keys in the state.', [], (s, set) => set(s.state.keys)),
  gauge('state_memory_bytes', 'Estimate of what the state takes in memory.', [], (s, set) =>
    set(s.state.memoryBytes),
  ),
  gauge('state_size_bytes', 'Size of the state on disk.', [], (s, set) => set(s.state.sizeBytes)),
  gauge('disk_free_bytes', 'Room left where the data is.', [], (s, set) => set(s.disk?.freeBytes ?? null)),
  gauge('disk_reserve_bytes', 'Below so much room nothing is taken in.', [], (s, set) =>
    set(s.disk?.reserveBytes ?? null),
  ),
  gauge('disk_intake_refused', '1 while the disk is too full to take events in.', [], (s, set) =>
    set(s.disk === undefined ? null : Number(s.disk.intake === 'refused')),
  ),
  gauge('disk_epochs_paused', '1 while the disk is too full to compute.', [], (s, set) =>
    set(s.disk === undefined ? null : Number(s.disk.epochs === 'paused')),
  ),
  total('disk_refusals_total', 'Appends that were refused for want of room.', [], (s, set) =>
    set(s.disk?.refusals ?? null),
  ),
  gauge('next_run_timestamp_seconds', 'When the next scheduled run starts.', [], (s, set) =>
    set(seconds(s.nextRunAtMs)),
  ),
  total('corrections_total', 'Corrections that folded late events in.', [], (s, set) =>
    set(s.corrections.runs),
  ),
  total('lambda_batch_runs_total', 'Runs of the batch layer.', [], (s, set) =>
    set(s.lambda?.batchRuns ?? null),
  ),
  gauge(
    'lambda_covered_until_timestamp_seconds',
    'Windows up to this event time come from batch.',
    [],
    (s, set) => set(seconds(s.lambda?.coveredUntilMs ?? null)),
  ),
  gauge('version_lag_events', 'Events that a version has not read yet.', ['version', 'role'], (s, set) => {
    for (const version of s.versions ?? [])
      set(version.lagEvents, { version: version.name, role: version.role });
  }),
  gauge(
    'sink_info',
    'A sink, where it is and what it promises.',
    ['sink', 'view', 'kind', 'guarantee'],
    (s, set) => {
      for (const { name, view, kind, guarantee } of s.sinks ?? [])
        set(1, { sink: name, view, kind, guarantee });
    },
  ),
  gauge(
    'sink_lag_events',
    'Events that readers of the view see and the sink does not.',
    ['sink'],
    (s, set) => {
      for (const sink of s.sinks ?? []) set(sink.lagEvents, { sink: sink.name });
    },
  ),
  gauge('sink_lag_seconds', 'Age of the oldest change that a sink does not have.', ['sink'], (s, set) => {
    for (const sink of s.sinks ?? []) set(sink.lagSeconds, { sink: sink.name });
  }),
  gauge('sink_waiting_rows', 'Changed rows that wait to be delivered.', ['sink'], (s, set) => {
    for (const sink of s.sinks ?? []) set(sink.waitingRows, { sink: sink.name });
  }),
  gauge('sink_waiting_bytes', 'What waits to be delivered.', ['sink'], (s, set) => {
    for (const sink of s.sinks ?? []) set(sink.waitingBytes, { sink: sink.name });
  }),
  gauge('sink_delivered_timestamp_seconds', 'When a sink got its last delivery.', ['sink'], (s, set) => {
    for (const sink of s.sinks ?? []) set(seconds(sink.deliveredAtMs), { sink: sink.name });
  }),
  total('sink_failures_total', 'Attempts to deliver that failed.', ['sink'], (s, set) => {
    for (const sink of s.sinks ?? []) set(sink.failures, { sink: sink.name });
  }),
  total('process_cpu_seconds_total', 'Processor time of the process.', [], (_, set) => {
    const usage = process.cpuUsage();
    set((usage.user + usage.system) / 1e6);
  }),
  gauge('process_resident_memory_bytes', 'Memory of the process.', [], (_, set) =>
    set(process.memoryUsage.rss()),
  ),
];

export interface Metrics {
  readonly contentType: string;
  /** The text of one scrape. */
  render(status: Status): Promise<string>;
  readonly httpRequests: Counter<'route' | 'method' | 'status'>;
  readonly streams: Gauge;
  readonly streamsDropped: Counter;
}

/** One registry for each server: two servers in one process never share a number. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const series = STATUS_METRICS.map((metric) => {
    const settings = {
      name: `pipeline_${metric.name}`,
      help: metric.help,
      labelNames: metric.labels,
      registers,
    };
    return { metric, target: metric.kind === 'total' ? new Counter(settings) : new Gauge(settings) };
  });
  return {
    contentType: registry.contentType,
    httpRequests: new Counter({
      name: 'pipeline_http_requests_total',
      help: 'Answered requests.',
      labelNames: ['route', 'method', 'status'],
      registers,
    }),
    streams: new Gauge({ name: 'pipeline_http_streams', help: 'Open streams of changes.', registers }),
    streamsDropped: new Counter({
      name: 'pipeline_http_streams_dropped_total',
      help: 'Streams that were closed because the client did not read.',
      registers,
    }),
    async render(status) {
      // No await between reset and set: a second scrape at the same time never sees half of the values.
      for (const { metric, target } of series) {
        target.reset();
        if (metric.labels.length === 0) target.remove();
        metric.read(status, (value, labels = {}) => {
          if (value !== null) target.inc(labels, value);
        });
      }
      return registry.metrics();
    },
  };
}

function gauge(
  name: string,
  help: string,
  labels: readonly string[],
  read: StatusMetric['read'],
): StatusMetric {
  return { name, kind: 'gauge', help, labels, read };
}

function total(
  name: string,
  help: string,
  labels: readonly string[],
  read: StatusMetric['read'],
): StatusMetric {
  return { name, kind: 'total', help, labels, read };
}

function seconds(ms: Value): Value {
  return ms === null ? null : ms / 1000;
}

function partitionsOf(status: Status) {
  return status.sources.flatMap((source) =>
    source.partitions.map((partition) => ({
      partition,
      labels: { source: source.name, partition: partition.partition },
    })),
  );
}
