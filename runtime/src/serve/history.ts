/**
 * The last minutes of a pipeline, so that a page that is opened now can show how it got here: a ring of samples of the
 * status, taken while the server runs. Sampling reads the status and nothing else.
 */
import type { Host, Status } from '../host/host.ts';
import { every } from '../ports/timers.ts';
import type { ServeLimits } from './limits.ts';

export interface Sample {
  readonly atMs: number;
  readonly eventsIn: number;
  readonly lagEvents: number;
  readonly freshnessSeconds: number;
}

export interface History {
  samples(): readonly Sample[];
  stop(): void;
}

export function startHistory(host: Host, limits: ServeLimits): History {
  const samples: Sample[] = [];
  let asking = false;
  const take = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    try {
      samples.push(sampleOf(await host.status()));
      if (samples.length > limits.historySamplesMax) samples.shift();
    } catch {
      // A pipeline that cannot say its status leaves a gap; /readyz and /api/status say why.
    } finally {
      asking = false;
    }
  };
  void take();
  return { samples: () => samples, stop: every(limits.historyEveryMs, () => void take()) };
}

export function sampleOf(status: Status): Sample {
  return {
    atMs: status.nowMs,
    eventsIn: sum(status.sources.map((source) => source.eventsIn)),
    lagEvents: sum(status.sources.map((source) => source.lagEvents)),
    freshnessSeconds: status.freshness.seconds,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
