/** What a simulated pipeline computes: a result for each key and window, and the lines that its events are sent as. */
import { z } from 'zod';
import { count, countDistinct, sum } from '../dsl/aggregate.ts';
import { pipeline, type Pipeline } from '../dsl/pipeline.ts';
import { source } from '../dsl/source.ts';
import { tumbling } from '../dsl/window.ts';
import type { LatePolicy } from '../plan/node.ts';
import { SeededRandom } from '../sim/seeded-random.ts';
import type { Workload } from './workload.ts';

export const SOURCE = 'events';
export const VIEW = 'results';

export interface Computation {
  readonly windowMs: number;
  readonly watermarkDelayMs: number;
  readonly allowedLatenessMs: number;
  readonly policy: LatePolicy;
  /** Whether distinct values are counted. */
  readonly distinct: boolean;
}

const ms = (duration: number): string => `${Math.max(1, Math.round(duration))}ms`;

export function definitionOf(computation: Computation): Pipeline {
  const { windowMs, watermarkDelayMs, allowedLatenessMs, policy, distinct } = computation;
  const events = source(SOURCE, {
    schema: z.object({ key: z.string(), at: z.iso.datetime(), value: z.int(), rest: z.string() }),
    eventTime: 'at',
    watermark: { delay: ms(watermarkDelayMs), future: '520w' },
    lateness: { allowed: ms(allowedLatenessMs), then: policy },
  });
  const groups = events.groupBy((e) => ({ key: e.key, window: tumbling(e.at, ms(windowMs)) }));
  const results = distinct
    ? groups.aggregate((e) => ({ events: count(), total: sum(e.value), values: countDistinct(e.value) }))
    : groups.aggregate((e) => ({ events: count(), total: sum(e.value) }));
  return pipeline('prove', { [VIEW]: results.updates() });
}

const VALUES = 1000;
const REST_BYTES = 65_536;
/** An event is not made longer than this: what is missing is counted, not kept. */
const REST_BYTES_MAX = 1500;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Makes the lines of events: each as long as events are, with letters that do not repeat. */
export class Lines {
  readonly #workload: Workload;
  readonly #rest: string;
  /** Bytes that the lines so far are shorter than the events are. */
  missingBytes = 0;

  constructor(workload: Workload) {
    this.#workload = workload;
    const random = new SeededRandom(1);
    this.#rest = Array.from({ length: REST_BYTES }, () => LETTERS[random.below(64)]).join('');
  }

  /** The events [from, to) of the workload. */
  of(from: number, to: number): Buffer {
    const { keys, eventMs, bytesPerEvent } = this.#workload;
    const lines: string[] = [];
    for (let index = from; index < to; index++) {
      const at = new Date(eventMs[index] as number).toISOString();
      const value = (index * 7919) % VALUES;
      const line = `{"key":"k${keys[index]}","at":"${at}","value":${value},"rest":"`;
      const wanted = Math.max(0, Math.round(bytesPerEvent) - line.length - 2);
      const bytes = Math.min(wanted, REST_BYTES_MAX);
      this.missingBytes += wanted - bytes;
      const start = (index * 997) % (REST_BYTES - REST_BYTES_MAX);
      lines.push(`${line}${this.#rest.slice(start, start + bytes)}"}`);
    }
    return Buffer.from(`${lines.join('\n')}\n`);
  }
}
