/**
 * Measures the log on this disk: `npm run bench:log [-- --events 2000000 --interval 0s,10ms]`.
 *
 * Method. Senders append blocks of 1,000 events of 200 bytes as text, each the next one when the last is durable, so that no
 * event is acknowledged before its fsync. Events a second, how long an append took, CPU seconds; then the log is opened again,
 * and read from its beginning with every checksum and every text.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseDuration } from '../../runtime/src/base/durations.ts';
import { runProgram } from '../../runtime/src/cli/exit.ts';
import { DiskLog } from '../../runtime/src/log/disk-log.ts';
import { systemClock } from '../../runtime/src/ports/clock.ts';
import { realDisk } from '../../runtime/src/ports/disk.ts';
import { benchCommand, listOf, wholeNumber } from '../command.ts';
import { printLine, report } from '../nexmark/files.ts';

const BLOCK_EVENTS = 1000;
const EVENT_BYTES = 200;

interface Flags {
  readonly events: number;
  readonly senders: readonly string[];
  readonly interval: readonly string[];
  readonly folder: string;
  readonly output?: string;
}

const command = benchCommand('bench:log', 'Measures appends and reads of the log on this disk.')
  .option('--events <number>', 'how many', wholeNumber, 2_000_000)
  .option('--senders <list>', 'how many at once', listOf(), ['1', '4', '32'])
  .option('--interval <list>', 'log.commitEvery', listOf(), ['0s', '10ms'])
  .option('--folder <folder>', 'where the log is written', tmpdir())
  .option('--output <file>', 'where the results go (default: bench/results/log.json)');

await runProgram(
  command.action(async ({ events, senders, interval, folder, output }: Flags) => {
    printLine(['', 'senders', 'k ev/s', 'p50 ms', 'p99 ms', 'CPU s/M', 'open ms', 'read M/s']);
    const runs = [];
    for (const every of interval)
      for (const count of senders) {
        const run = await measureLog(folder, { events, senders: Number(count), every });
        printLine([
          every,
          count,
          (run.appendsPerSecond / 1e3).toFixed(0),
          run.p50Ms.toFixed(1),
          run.p99Ms.toFixed(1),
          ((run.cpuSeconds / events) * 1e6).toFixed(2),
          run.openMs.toFixed(0),
          (run.readsPerSecond / 1e6).toFixed(2),
        ]);
        runs.push(run);
      }
    const what = `text blocks of ${BLOCK_EVENTS} events of ${EVENT_BYTES} bytes, each acknowledged after its fsync`;
    report('log', output, { what, events, runs });
  }),
);

async function measureLog(
  parent: string,
  { events, senders, every }: { events: number; senders: number; every: string },
): Promise<{
  every: string;
  senders: number;
  appendsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  cpuSeconds: number;
  openMs: number;
  readsPerSecond: number;
}> {
  const folder = mkdtempSync(join(parent, 'bench-log-'));
  const ports = { disk: realDisk, clock: systemClock, commitEveryMs: parseDuration(every, 'value') };
  try {
    const log = await DiskLog.open(join(folder, 'log'), ports);
    const records = Array.from(
      { length: BLOCK_EVENTS },
      (_, i) => `{"id":${i},"text":"`.padEnd(EVENT_BYTES - 2, 'x') + '"}',
    );
    const tookMs: number[] = [];
    let left = Math.ceil(events / BLOCK_EVENTS);
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    const send = async (partition: number): Promise<void> => {
      while (left-- > 0) {
        const atMs = performance.now();
        await log.append({ kind: 'events', source: 'events', partition, partitions: senders, records });
        tookMs.push(performance.now() - atMs);
      }
    };
    await Promise.all(Array.from({ length: senders }, (_, partition) => send(partition)));
    const seconds = (performance.now() - startedMs) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const { end } = log;
    await log.close();

    const openedMs = performance.now();
    const again = await DiskLog.open(join(folder, 'log'), ports);
    const openMs = performance.now() - openedMs;
    let read = 0;
    for await (const block of again.read(0)) read += block.records.length;
    if (read !== end) throw new Error(`${end} events were written and ${read} read`);
    const readSeconds = (performance.now() - openedMs - openMs) / 1000;
    await again.close();
    tookMs.sort((a, b) => a - b);
    const at = (share: number): number => tookMs[Math.floor(share * (tookMs.length - 1))] ?? NaN;
    return {
      every,
      senders,
      appendsPerSecond: end / seconds,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      cpuSeconds: (user + system) / 1e6,
      openMs,
      readsPerSecond: end / readSeconds,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
