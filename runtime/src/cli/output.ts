/** How commands print: rows as tables, JSON, JSON lines or CSV; durations and counts for people. */
import process from 'node:process';
import { formatDuration } from '../base/durations.ts';
import { failure } from '../base/errors.ts';
import { formatSize } from '../base/sizes.ts';
import { formatTimestamp } from '../data/timestamp.ts';
import type { DiskStatus, JsonRow, LogStatus, SinkStatus, Status } from '../host/host.ts';
import { columnsOf, paint, printable, table } from './terminal.ts';

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

export const ROW_FORMATS = ['table', 'json', 'jsonl', 'csv'] as const;
export type RowFormat = (typeof ROW_FORMATS)[number];

/** Throws USAGE for a format that the command does not have. */
export function formatOf<F extends string>(given: string, known: readonly F[]): F {
  const format = known.find((candidate) => candidate === given);
  if (format === undefined)
    throw failure('USAGE', { message: `--format ${given}: there are ${known.join(', ')}.` });
  return format;
}

export function printRows(rows: readonly JsonRow[], format: RowFormat): void {
  if (format === 'json') return printJson(rows);
  if (format === 'jsonl') return rows.forEach((row) => print(JSON.stringify(row)));
  if (format === 'csv') return printCsv(rows);
  print(rows.length === 0 ? '(no rows)' : rowTable(rows));
}

/** Rows as a table; cut to the terminal's width on a terminal, whole in a pipe. */
export function rowTable(rows: readonly JsonRow[], indent = 0): string {
  const header = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => header.map((name) => cell(row[name])));
  return table(header, cells, process.stdout.isTTY ? columnsOf(process.stdout) - indent : undefined);
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(Math.round(value * 1000) / 1000);
  if (typeof value === 'object' && 'start' in value && 'end' in value) {
    const [start, end] = [String(value.start), String(value.end)].map((text) =>
      text.replace(':00.000Z', '').replace('T', ' '),
    );
    return start?.slice(0, 10) === end?.slice(0, 10)
      ? `${start ?? ''}–${end?.slice(11) ?? ''}`
      : `${start ?? ''} – ${end ?? ''}`;
  }
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}

function printCsv(rows: readonly JsonRow[]): void {
  const flat = rows.map(flatten);
  const header = Object.keys(flat[0] ?? {});
  if (header.length === 0) return;
  print(header.map(csvCell).join(','));
  for (const row of flat) print(header.map((name) => csvCell(row[name])).join(','));
}

/** A window becomes two columns. */
function flatten(row: JsonRow): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).flatMap(([name, value]): [string, unknown][] =>
      typeof value === 'object' && value !== null && 'start' in value && 'end' in value
        ? [
            [`${name}_start`, value.start],
            [`${name}_end`, value.end],
          ]
        : [[name, value]],
    ),
  );
}

/** A text that a spreadsheet would take for a formula gets an apostrophe in front. */
function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text =
    typeof value === 'string' && /^[=+\-@\t\r]/.test(value)
      ? `'${value}`
      : typeof value === 'string'
        ? value
        : JSON.stringify(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function statusText(status: Status): string {
  const color = paint(process.stdout);
  const { freshness, late, epochs, state } = status;
  const verdict = freshness.holds ? color.green('fresh') : color.red('stale');
  const lines: [string, string][] = [
    ['pipeline', `${status.pipeline}, ${status.architecture}, ${status.running ? 'running' : 'stopped'}`],
    [
      'freshness',
      `${verdict}: ${ago(freshness.seconds)} old, promised ${ago(freshness.slaSeconds)}${quantiles(status)}`,
    ],
    ...status.sources.map((source): [string, string] => [
      `source ${source.name}`,
      `${count(source.eventsIn)} events in, ${count(source.lagEvents)} behind, watermark ${time(source.watermarkMs)}`,
    ]),
    ...status.views.map((view): [string, string] => [
      `view ${view.name}`,
      `${count(view.rows)} rows (${view.mode}), updated ${time(view.updatedAtMs)}`,
    ]),
    [
      'late',
      `${count(late.total)} events; ${late.waiting > 0 ? `${late.waiting} windows wait for the next correction; ` : ''}policy ${Object.values(late.policy).join(', ')}${unreachableText(late.unreachable ?? 0)}`,
    ],
    ['rejected', `${count(status.rejected)} events${removedText(status)}`],
    [
      'epochs',
      `${count(epochs.committed)} committed${epochs.lastDurationMs === null ? '' : `, the last took ${formatDuration(epochs.lastDurationMs)} for ${count(epochs.lastRows ?? 0)} events`}`,
    ],
    [
      'state',
      `${count(state.keys)} keys, ${formatSize(state.memoryBytes)} in memory, ${formatSize(state.sizeBytes)} on disk`,
    ],
  ];
  if (status.log !== undefined) lines.push(['log', logText(status.log)]);
  if (status.disk !== undefined && status.disk.freeBytes !== null)
    lines.push(['disk', diskText(status.disk)]);
  if (status.nextRunAtMs !== null) lines.push(['next run', time(status.nextRunAtMs)]);
  if (status.lambda !== undefined)
    lines.push([
      'batch layer',
      `covers windows up to ${time(status.lambda.coveredUntilMs)}, ${status.lambda.batchRuns} runs`,
    ]);
  for (const sink of status.sinks ?? []) lines.push([`sink ${sink.name}`, sinkText(sink)]);
  for (const version of status.versions ?? [])
    lines.push([`version ${version.name}`, `${version.role}, ${count(version.lagEvents)} events behind`]);
  const width = Math.max(...lines.map(([label]) => label.length));
  return lines.map(([label, text]) => `${color.dim(label.padEnd(width))}  ${text}`).join('\n');
}

/** What is gone of what was rejected. */
export function removedText({ rejectedLog }: Pick<Status, 'rejectedLog'>): string {
  if (rejectedLog === undefined || rejectedLog.removed === 0) return '';
  const { removed, limitBytes } = rejectedLog;
  return `; the oldest ${count(removed)} were removed: rejected.size keeps ${formatSize(limitBytes)}`;
}

function unreachableText(events: number): string {
  return events === 0 ? '' : `; ${count(events)} came after the events of their windows were removed`;
}

function logText(log: LogStatus): string {
  const { start, end, sizeBytes, coldBytes, oldestAtMs, heldBy, lastFailure } = log;
  const cold = coldBytes === 0 ? '' : `, ${formatSize(coldBytes)} of it cold`;
  const kept = `${count(end - start)} records, ${formatSize(sizeBytes)}${cold}`;
  const since = start === 0 ? '' : `, since ${time(oldestAtMs)}`;
  const held = heldBy === null ? '' : `; more is kept than retention says: ${heldBy}`;
  return `${kept}${since}${held}${lastFailure === null ? '' : `; ${lastFailure}`}`;
}

function diskText({ freeBytes, reserveBytes, intake, epochs }: DiskStatus): string {
  const room = `${formatSize(freeBytes ?? 0)} free, ${formatSize(reserveBytes)} kept in reserve`;
  if (intake === 'open') return room;
  const paused = epochs === 'paused' ? ', epochs pause' : '';
  return paint(process.stdout).red(`full: ${room}; events are refused${paused} until there is room`);
}

function sinkText({ place, guarantee, lagEvents, lagSeconds, deliveredAtMs, ...sink }: SinkStatus): string {
  const behind =
    lagEvents === 0 && lagSeconds === 0
      ? 'has everything'
      : `${count(lagEvents)} events behind${lagSeconds > 0 ? `, ${ago(lagSeconds)}` : ''}`;
  const failed = sink.failing ? `; failing: ${sink.lastFailure ?? ''}` : '';
  return `${place}, ${guarantee}: ${behind}, last delivery ${time(deliveredAtMs)}${failed}`;
}

function quantiles({ freshness: { p50Seconds, p99Seconds } }: Status): string {
  return p50Seconds === null || p99Seconds === null
    ? ''
    : `; an event is visible after ${ago(p50Seconds)} (p50), ${ago(p99Seconds)} (p99)`;
}

function ago(seconds: number): string {
  return formatDuration(Math.round(seconds * 1000));
}

export function count(number: number): string {
  return number.toLocaleString('en-US');
}

function time(ms: number | null): string {
  return ms === null || ms > 8.64e15 ? 'never' : formatTimestamp(ms).replace('.000Z', 'Z');
}
