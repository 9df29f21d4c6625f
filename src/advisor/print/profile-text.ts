/** A profile of events for a terminal or a pipe, and the answers that it could write. */
import { formatDuration, formatSize, table, wrap } from 'pipeline-runtime/kit';
import type { Inferred, Profile } from '../profile.ts';
import { percent } from './phrases.ts';
import type { Colors } from './text.ts';

const BAR = 24;

export function profileText(profile: Profile, columns: number, colors: Colors): string {
  const parts = [
    `${colors.bold('Events')}\n${figures(profile)
      .map((each) => figureText(each, columns))
      .join('\n')}`,
    `${colors.bold('How long to wait')}\n${wrap('A result that waits so long behind the newest event has this share of the events, and is older by as much.', columns)}\n\n${waits(profile, columns)}`,
    `${colors.bold('Answers that they give')}\n${profile.inferred.map((each) => `  ${wrap(answerLine(each), columns - 4, '    ')}`).join('\n')}`,
    wrap(
      'Not to be seen in events: freshness, reprocessing.every, maturity. `advisor recommend --answers FILE` takes them as flags.',
      columns,
    ),
  ];
  return `${parts.join('\n\n')}\n`;
}

function answerLine({ path, value, from }: Inferred): string {
  return `${path}: ${value} (${from})`;
}

const LABEL = 16;

function figureText([label = '', value = '']: readonly string[], columns: number): string {
  const margin = ' '.repeat(LABEL);
  return label.padEnd(LABEL) + wrap(value, columns - LABEL).replaceAll('\n', `\n${margin}`);
}

function figures({ measures }: Profile): string[][] {
  const { rates, delayMs, disorderMs, keys } = measures;
  const [from, to] = measures.eventTimeMs;
  const shares = (count: number): string =>
    `${count.toLocaleString('en-US')} (${percent(count / measures.events)})`;
  const rows = [
    [
      '  events',
      `${measures.events.toLocaleString('en-US')}, ${formatSize(Math.round(measures.bytesPerEvent))} each`,
    ],
    ['  event time', `${new Date(from).toISOString()} to ${new Date(to).toISOString()}`],
    [
      '  a second',
      `${short(rates.mean)} on average; ${short(rates.p99)} in one of a hundred stretches of ${formatDuration(rates.bucketSeconds * 1000)}, ${short(rates.max)} in the fullest`,
    ],
    ['  longest gap', formatDuration(measures.longestGapMs)],
    ['  out of order', shares(measures.outOfOrder)],
    ['  behind newest', quantileText(disorderMs)],
    ...(delayMs === null ? [] : [['  delay', quantileText(delayMs)]]),
    ...(measures.early === 0
      ? []
      : [['  arrived early', `${shares(measures.early)}: before they happened, by their own times`]]),
    ['  duplicates', shares(measures.duplicates)],
    ...(keys === null
      ? []
      : [
          [
            '  keys',
            `${keys.distinct.toLocaleString('en-US')}, the largest with ${percent(keys.largestShare)}`,
          ],
        ]),
    ...(measures.rejected === 0 ? [] : [['  not readable', measures.rejected.toLocaleString('en-US')]]),
    ...measures.problems.map(({ line, problem }) => ['', `line ${line}: ${problem}`]),
  ];
  return rows;
}

function quantileText({ p50, p99, p999, max }: Profile['measures']['disorderMs']): string {
  const [half, most, nearly, all] = [p50, p99, p999, max].map((ms) => formatDuration(Math.round(ms)));
  return `${half} half of them, ${most} 99 %, ${nearly} 99.9 %, ${all} the last`;
}

/** `0.17`, `12`, `3,400` */
function short(rate: number): string {
  return Number(rate.toPrecision(2)).toLocaleString('en-US');
}

function waits({ waits: all }: Profile, columns: number): string {
  const longest = Math.max(1, ...all.map(({ delayMs }) => delayMs));
  // From half of the shortest wait that is one, so that the steps between them can be seen.
  const shortest =
    Math.min(longest, ...all.map(({ delayMs }) => delayMs).filter((delayMs) => delayMs > 0)) / 2;
  const rows = all.map(({ completeness, delayMs }) => [
    `  ${completeness === 1 ? '100 %' : percent(completeness)}`,
    delayMs === 0 ? 'none' : formatDuration(delayMs),
    '█'.repeat(
      delayMs <= 0
        ? 0
        : Math.max(1, Math.round((Math.log(delayMs / shortest) / Math.log(longest / shortest)) * BAR)),
    ),
  ]);
  return table(['  complete', 'older by', 'on a logarithmic scale'], rows, columns);
}

/** The answers as a file: each with what it was inferred from. */
export function profileAnswers({ inferred, answers }: Profile, file: string): string {
  const lines = [`# Inferred by advisor profile from ${JSON.stringify(file)}.`];
  let group = '';
  for (const { path, value, from } of inferred) {
    const [first = '', rest] = path.split('.');
    if (rest !== undefined && first !== group) lines.push(`${first}:`);
    group = rest === undefined ? '' : first;
    const indent = rest === undefined ? '' : '  ';
    lines.push(`${indent}${rest ?? first}: ${value} # ${from}`);
  }
  const { measured } = answers;
  if (measured !== undefined) {
    lines.push(
      'measured: # what predictions are made with; without it they are for events as they usually come',
    );
    for (const [name, value] of Object.entries(measured)) lines.push(`  ${name}: ${JSON.stringify(value)}`);
  }
  return `${lines.join('\n')}\n`;
}
