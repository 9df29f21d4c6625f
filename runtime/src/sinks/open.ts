/** Makes the sinks that the config names. */
import type { SinkConfig } from '../config/sinks.ts';
import type { Disk } from '../ports/disk.ts';
import { FileSink } from './files/file-sink.ts';
import { PostgresSink } from './postgres/postgres-sink.ts';
import type { Sink } from './sink.ts';

export interface OpenSinkOptions {
  readonly disk: Disk;
  readonly pipeline: string;
}

/** Reaches for nothing yet. */
export function openSink(config: SinkConfig, { disk, pipeline }: OpenSinkOptions): Sink {
  const { to, view } = config;
  if (to.kind === 'files') return new FileSink({ ...to, disk, pipeline, view, sink: config.name });
  return new PostgresSink({ ...to, pipeline, view, sink: config.name });
}
