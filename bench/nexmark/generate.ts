/** Writes Nexmark events as JSON lines: `npm run nexmark:generate -- --events 1000000 --output FILE`. */
import { closeSync, openSync, writeSync } from 'node:fs';
import process from 'node:process';
import { parseDuration } from '../../runtime/src/base/durations.ts';
import { benchCommand, durationText, fraction, instant, wholeNumber } from '../command.ts';
import { runProgram } from '../../runtime/src/cli/exit.ts';
import { nexmarkLines } from './generator.ts';

const CHUNK_BYTES = 1 << 20;

interface Flags {
  readonly events: number;
  readonly rate: number;
  readonly start: number;
  readonly seed: number;
  readonly late: number;
  readonly lateMax: string;
  readonly output: string;
}

const command = benchCommand('nexmark:generate', 'Writes Nexmark events as lines of JSON.')
  .option('--events <n>', 'how many', wholeNumber, 1_000_000)
  .option('--rate <n>', 'events a second in event time', wholeNumber, 10_000)
  .option('--start <time>', 'event time of the first one', instant, Date.parse('2015-07-14T23:59:10Z'))
  .option('--seed <n>', 'the same seed writes the same events', wholeNumber, 42)
  .option('--late <fraction>', 'this part of them arrives later than in order', fraction, 0)
  .option('--late-max <duration>', 'and by so much at most', durationText, '10s')
  .option('--output <file>', 'where they go; - is standard output', '-');

await runProgram(
  command.action(({ events, rate, start, seed, late, lateMax, output }: Flags) => {
    const file = output === '-' ? process.stdout.fd : openSync(output, 'w');
    let chunk = '';
    const disorder = { fraction: late, maxMs: parseDuration(lateMax, '--late-max') };
    for (const line of nexmarkLines({ events, eventsPerSecond: rate, startMs: start, seed, disorder })) {
      chunk += `${line}\n`;
      if (chunk.length < CHUNK_BYTES) continue;
      writeSync(file, chunk);
      chunk = '';
    }
    writeSync(file, chunk);
    if (output !== '-') closeSync(file);
  }),
);
