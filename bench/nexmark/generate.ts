/**
 * Writes Nexmark events as JSON lines: `npm run nexmark:generate -- --events 1000000 --output FILE`.
 *
 *   --rate 10000  events a second in event time     --start 2015-07-14T23:59:10Z     --seed 42
 *   --late 0.05 --late-max 10s  this fraction arrives up to so much later (default: none)
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { parseDuration } from '../../runtime/src/base/durations.ts';
import { nexmarkLines } from './generator.ts';

const CHUNK_BYTES = 1 << 20;

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '10000' },
    start: { type: 'string', default: '2015-07-14T23:59:10Z' },
    seed: { type: 'string', default: '42' },
    late: { type: 'string', default: '0' },
    'late-max': { type: 'string', default: '10s' },
    output: { type: 'string', default: '-' },
  },
});

const file = values.output === '-' ? process.stdout.fd : openSync(values.output, 'w');
let chunk = '';
for (const line of nexmarkLines({
  events: Number(values.events),
  eventsPerSecond: Number(values.rate),
  startMs: Date.parse(values.start),
  seed: Number(values.seed),
  disorder: { fraction: Number(values.late), maxMs: parseDuration(values['late-max'], '--late-max') },
})) {
  chunk += `${line}\n`;
  if (chunk.length < CHUNK_BYTES) continue;
  writeSync(file, chunk);
  chunk = '';
}
writeSync(file, chunk);
if (values.output !== '-') closeSync(file);
