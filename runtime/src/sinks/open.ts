/** Makes the sinks that the config names. */
import type { SinkConfig } from '../config/sinks.ts';
import type { Disk } from '../ports/disk.ts';
import { FileSink } from './files/file-sink.ts';
import { HttpSink } from './http/http-sink.ts';
import type { Journal } from './journal.ts';
import { PostgresSink } from './postgres/postgres-sink.ts';
import type { Sink } from './sink.ts';

export interface OpenSinkOptions {
  readonly disk: Disk;
  readonly pipeline: string;
  /** For what keeps no marker itself; null to look only. */
  readonly journal: Journal | null;
}

/** Reaches for nothing yet. */
export function openSink(config: SinkConfig, { disk, pipeline, journal }: OpenSinkOptions): Sink {
  const { to, view } = config;
  if (to.kind === 'files') return new FileSink({ ...to, disk, pipeline, view, sink: config.name });
  if (to.kind === 'http') return new HttpSink({ ...to, pipeline, view, sink: config.name, journal });
  return new PostgresSink({ ...to, pipeline, view, sink: config.name });
}
