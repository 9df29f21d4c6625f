/** The constants of the model that claim to be measured, against the committed results of the benchmarks. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  BATCH_RATE_PER_CORE,
  RECOVERY_SECONDS_PER_GB,
  REPLAY_RATE_PER_CORE,
  STREAM,
  WORK,
} from '../../src/advisor/model/limits.ts';

function results(file: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'bench', 'results', file), 'utf8'));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** How far a constant is from the figure that it stands for; rounded as a person would, it is within a tenth. */
function off(constant: number, figure: number): number {
  return Math.abs(constant / figure - 1);
}

const nexmark = results('nexmark.json') as { events: number; results: { cpuSeconds: number }[] };
const rates = nexmark.results.map(({ cpuSeconds }) => nexmark.events / cpuSeconds);

test('a batch reads as fast as the median query', () => {
  expect(off(BATCH_RATE_PER_CORE, median(rates))).toBeLessThan(0.1);
});

test('a replay is half as fast as the slowest query', () => {
  expect(off(REPLAY_RATE_PER_CORE, Math.min(...rates) / 2)).toBeLessThan(0.1);
});

test('a restart takes as long for a GB as the recovery run took', () => {
  const { visibleSeconds, stateBytes } = results('recovery.json') as {
    visibleSeconds: number;
    stateBytes: number;
  };
  const perGb = visibleSeconds / (stateBytes / 1e9);
  expect(off(RECOVERY_SECONDS_PER_GB, perGb)).toBeLessThan(0.1);
});

test('what work costs is what was measured', () => {
  const { costs } = results('costs.json') as { costs: Record<'eventUs' | 'entryUs' | 'commitUs', number> };
  expect(off(WORK.eventSeconds * 1e6, costs.eventUs)).toBeLessThan(0.1);
  expect(off(WORK.entrySeconds * 1e6, costs.entryUs)).toBeLessThan(0.1);
  expect(off(WORK.commitSeconds * 1e6, costs.commitUs)).toBeLessThan(0.1);
});

test('a commit takes as long as a block took to be on disk, and the floor of a stream leaves room for the slowest', () => {
  const { runs } = results('log.json') as {
    runs: { every: string; senders: number; p50Ms: number; p99Ms: number }[];
  };
  const few = runs.find(({ every, senders }) => every === '0s' && senders === 4);
  expect(off(STREAM.startSeconds * 1000, few?.p50Ms ?? NaN)).toBeLessThan(0.1);
  const promiseMs = STREAM.intervalMinSeconds * STREAM.intervals * 1000;
  expect(promiseMs).toBeGreaterThanOrEqual((few?.p99Ms ?? Infinity) + STREAM.intervalMinSeconds * 1000);
});
