/**
 * The table of README.md about the five architectures over the bundled day of flights: `npm run flights` prints it, `-- --write`
 * puts it into README.md. Needs a build. The figures are of virtual time, so they are the same on every machine.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const README = join(root, 'README.md');
const FIRST = '| flights |';

const proof = JSON.parse(
  execFileSync(
    process.execPath,
    [
      join('dist', 'advisor.js'),
      'prove',
      '--answers',
      'templates/examples/flights.yaml',
      '--events',
      'templates/base/sample/flights.jsonl',
      '--event-time',
      'scheduled',
      '--arrival-time',
      'arrived',
      '--key',
      'origin',
      '--format',
      'json',
    ],
    { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'ignore'] },
  ),
);
const table = tableOf(proof);
if (process.argv.includes('--write')) {
  const lines = readFileSync(README, 'utf8').split('\n');
  const from = lines.findIndex((line) => line.startsWith(FIRST));
  const to = lines.findIndex((line, index) => index > from && !line.startsWith('|'));
  writeFileSync(README, lines.toSpliced(from, to - from, ...table).join('\n'));
} else process.stdout.write(`${table.join('\n')}\n`);

function tableOf({ architectures }) {
  const rows = new Map();
  for (const { architecture, settings, measured } of architectures) {
    const { corrections, work } = measured;
    const cells = [
      `${timeText(measured.freshnessP50Seconds)}, ${timeText(measured.freshnessP99Seconds)}`,
      `${(Math.floor(measured.completenessAtRead * 1000) / 10).toFixed(1)} %`,
      `${corrections.windowsCorrected} of ${corrections.windows}`,
      `${timeText(corrections.completeAfterP50Seconds)}, ${timeText(corrections.completeAfterP99Seconds)}`,
      `${work.readsPerEvent.toFixed(1)} ×`,
      String(work.commits),
    ];
    // Architectures that do not differ share a row.
    const key = [timeText(settings.triggerEverySeconds), ...cells].join(' | ');
    rows.set(key, [...(rows.get(key) ?? []), architecture]);
  }
  const header = [
    'flights',
    'age of the newest result: half of the time, 99 % of it',
    'of an hour is in when it is read',
    'hours that change after that',
    'hours hold everything after: half, 99 %',
    'each event is read',
    'commits',
  ];
  const lines = [...rows].map(([cells, names]) => `| ${names.join(', ')}: ${cells} |`);
  return [`| ${header.join(' | ')} |`, `|${header.map(() => '---').join('|')}|`, ...lines];
}

/** Two digits of the largest unit. */
function timeText(seconds) {
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
    ['ms', 0.001],
  ];
  if (seconds === 0) return '0';
  const [unit, size] = units.find(([, each]) => seconds >= each) ?? units.at(-1);
  return `${Number((seconds / size).toPrecision(2))} ${unit}`;
}
