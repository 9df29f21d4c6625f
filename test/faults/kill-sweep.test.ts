/**
 * Real processes, hit at calls to the file system that are spread over all they do: killed before or after one, in the
 * middle of a write, a sync that fails, a disk that is full. Nothing acknowledged is lost and nothing counts twice, in the
 * views and in the files of sinks, while the log loses its beginning and has cold files.
 */
import process from 'node:process';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../runtime/src/config/project.ts';
import { problemsOf } from './chunks.ts';
import { Shim } from './shim.ts';
import { Workload } from './workload.ts';

const shim = new Shim();
const reason = shim.build();
if (reason !== undefined) process.stderr.write(`no faults are injected: ${reason}\n`);
afterAll(() => shim.remove());

let workload: Workload | undefined;
afterEach(() => workload?.remove());

describe.skipIf(reason !== undefined)('faults at any call', () => {
  it.for(ARCHITECTURES)('%s', { timeout: 300_000 }, async (architecture) => {
    workload = new Workload(architecture, shim);
    const { faults, kills, isTrimmed, isCold, violations } = await workload.sweep(26);
    expect(violations).toEqual([]);
    expect({ isTrimmed, isCold }).toEqual({ isTrimmed: true, isCold: true });
    expect(kills).toBeGreaterThanOrEqual(21);
    expect(Object.values(faults).reduce((sum, count) => sum + count, 0)).toBe(26);
  });
});

describe('the oracle', () => {
  const window = { start: '2001-01-01T00:00:00.000Z' };
  const row = (bucket: number, total: number) => ({ bucket: String(bucket), window, events: 8, total });
  const seen = {
    chunks: [{ chunk: 0, window, events: 40, total: 780 }],
    buckets: [140, 148, 156, 164, 172].map((total, bucket) => row(bucket, total)),
    eventsIn: 40,
  };
  const zero = new Set([0]);

  it('is content with what is right, acknowledged or not', () => {
    expect(problemsOf(seen, zero, zero)).toEqual([]);
    expect(problemsOf(seen, new Set(), zero)).toEqual([]);
  });

  it('finds what is lost, doubled, half, in one view only, or was never sent', () => {
    expect(problemsOf(seen, new Set([0, 1]), new Set([0, 1]))).toEqual([
      'chunk 1 was acknowledged and is lost',
    ]);
    expect(problemsOf({ ...seen, chunks: [] }, new Set(), zero)).toHaveLength(6);
    for (const events of [20, 80])
      expect(
        problemsOf({ ...seen, chunks: [{ chunk: 0, window, events, total: 780 }] }, zero, zero),
      ).toHaveLength(1);
    expect(problemsOf({ ...seen, eventsIn: 80 }, zero, zero)).toHaveLength(1);
    expect(problemsOf(seen, new Set(), new Set())).toEqual(['chunk 0 was never sent']);
  });
});
