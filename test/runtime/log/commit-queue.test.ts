/** What waits for the disk is bounded in bytes: an append that does not fit stays with its sender, and none goes past it. */
import { expect, test } from 'vitest';
import { CommitQueue } from '../../../runtime/src/log/commit-queue.ts';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import type { Append, TextAppend } from '../../../runtime/src/log/log.ts';
import { systemClock } from '../../../runtime/src/ports/clock.ts';
import { ManualClock } from '../../../runtime/src/testing/manual-clock.ts';
import { events, recordsOf } from '../../suites/log.suite.ts';
import { SimDisk } from '../../suites/sim-disk.ts';

/** Commits wait until they are let go, one after the other. */
function gated(queueBytesMax: number, commitEveryMs = 0) {
  const begun: string[][] = [];
  const gates: (() => void)[] = [];
  let peakBytes = 0;
  const queue: CommitQueue = new CommitQueue({
    clock: commitEveryMs === 0 ? systemClock : new ManualClock(),
    commitEveryMs,
    queueBytesMax,
    commit: (appends: readonly Append[]) => {
      begun.push(appends.map((append) => (append as TextAppend).records[0]?.trim() ?? ''));
      peakBytes = Math.max(peakBytes, queue.queueBytes);
      return new Promise((resolve) => gates.push(resolve));
    },
    onCommit: () => {},
  });
  const letGo = async (): Promise<void> => {
    while (gates.length === 0) await systemClock.turn();
    gates.shift()?.();
  };
  return { queue, begun, letGo, peak: () => peakBytes };
}

const ten = (name: string): Append => events(name.padEnd(10));

test('an append that does not fit waits outside until there is room, in its order', async () => {
  const { queue, begun, letGo, peak } = gated(30);
  const done: string[] = [];
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const sends = names.map((name) => queue.append(ten(name)).then(() => done.push(name)));
  expect(queue.queueBytes).toBe(30);
  while (done.length < names.length) {
    expect(queue.queueBytes).toBeLessThanOrEqual(30);
    await letGo();
    await systemClock.turn();
  }
  await Promise.all(sends);
  expect(begun).toEqual([
    ['a', 'b', 'c'],
    ['d', 'e', 'f'],
    ['g', 'h'],
  ]);
  expect(peak()).toBe(30);
  expect(done).toEqual(names);
});

test('a small one does not go past a large one that waits', async () => {
  const { queue, begun, letGo } = gated(30);
  const sends = [ten('a'), events('b'.padEnd(25)), events('c')].map((append) => queue.append(append));
  expect(queue.queueBytes).toBe(10);
  for (let i = 0; i < 2; i++) await letGo();
  await Promise.all(sends);
  expect(begun).toEqual([['a'], ['b', 'c']]);
});

test('one that is larger than the queue is taken alone', async () => {
  const { queue, begun, letGo } = gated(30);
  const sends = [ten('a'), events('b'.padEnd(100)), ten('c')].map((append) => queue.append(append));
  for (let i = 0; i < 3; i++) await letGo();
  await Promise.all(sends);
  expect(begun).toEqual([['a'], ['b'], ['c']]);
});

test('nobody waits for the interval while others wait for room', async () => {
  const { queue, begun, letGo } = gated(10, 1_000_000);
  const [first] = ['a', 'b'].map((name) => queue.append(ten(name)));
  await letGo();
  await first;
  expect(begun[0]).toEqual(['a']);
});

test('L1, L4: a log with room for one append at a time has all of them, each once', async () => {
  const disk = new SimDisk();
  const log = await DiskLog.open('/log', { disk, clock: new ManualClock(), queueBytesMax: 1 });
  const texts = Array.from({ length: 200 }, (_, i) => `record ${i}`);
  await Promise.all(texts.map((text, i) => log.append({ ...events(text), producer: 'p', sequence: i + 1 })));
  expect(await recordsOf(log)).toEqual(texts);
  expect(log.queueBytes).toBe(0);
});

test('nobody waits for the interval once enough waits to be worth an fsync', async () => {
  const large = events('a'.padEnd(600_000));
  for (const appends of [[ten('b'), large], [large]]) {
    const { queue, begun, letGo } = gated(10_000_000, 1_000_000);
    const [first] = appends.map((append) => queue.append(append));
    await letGo();
    await first;
    expect(begun).toHaveLength(1);
    expect(begun[0]).toHaveLength(appends.length);
  }
});
