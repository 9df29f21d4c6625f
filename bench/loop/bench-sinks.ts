/** The sinks that a measured job has: none, one that is away for ever, so that all of it is only noted, and files. */
import { failure } from '../../runtime/src/base/errors.ts';
import type { SinkConfig } from '../../runtime/src/config/sinks.ts';
import type { Sink } from '../../runtime/src/sinks/sink.ts';

export const BENCH_SINKS = ['none', 'noted', 'files'] as const;
export type BenchSink = (typeof BENCH_SINKS)[number];

export function benchSinks(which: BenchSink, folder: string): SinkConfig[] {
  if (which === 'none') return [];
  const to = { kind: 'files', folder, format: 'jsonl', partition: undefined } as const;
  return [{ view: 'view', name: 'bench', to, every: 1000, buffer: 1e12, giveUpAfter: 1e9 }];
}

const away = (): Promise<never> =>
  Promise.reject(failure('SINK_UNAVAILABLE', { place: 'nowhere', reason: 'it is away' }));

export class AwaySink implements Sink {
  readonly guarantee = 'exactly-once';
  readonly place = 'nowhere';
  readonly shape = 'nowhere';
  check = away;
  claim = away;
  marker = away;
  deliver = away;

  close(): Promise<void> {
    return Promise.resolve();
  }
}
