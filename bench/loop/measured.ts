/** What `bench:replay` and `bench:job` share: folders that are measured and removed, and how results are told. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { median } from '../nexmark/files.ts';
import type { DurableRun, Part } from './durable.ts';

const SCRIPT = fileURLToPath(new URL('durable.js', import.meta.url));

/** A measurement in a process of its own; see durable.ts. */
export function durable(kind: string, ...args: readonly string[]): DurableRun {
  return durableWith({}, kind, ...args);
}

export function durableWith(
  settings: Readonly<Record<string, string>>,
  kind: string,
  ...args: readonly string[]
): DurableRun {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, kind, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...settings },
  });
  if (status !== 0) throw new Error(`durable ${kind} ${args.join(' ')}: ${stderr}`);
  return JSON.parse(stdout) as DurableRun;
}

export function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'bench-job-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const bytesOf = (folder: string): number =>
  readdirSync(folder).reduce((total, name) => total + statSync(join(folder, name)).size, 0);

interface Rates {
  readonly eventsPerSecondPerCore: number;
  readonly cpuSecondsPerMillion: number;
  readonly eventsPerSecond: number;
}

/** Of several runs the one in the middle, by CPU time. */
export function ratesOf(parts: readonly Part[]): Rates {
  const cpuSecondsPerMillion = median(parts.map(({ cpuSeconds, events }) => (cpuSeconds / events) * 1e6));
  return {
    eventsPerSecondPerCore: Math.round(1e6 / cpuSecondsPerMillion),
    cpuSecondsPerMillion,
    eventsPerSecond: Math.round(median(parts.map(({ events, seconds }) => events / seconds))),
  };
}

export function millions(number: number): string {
  return (number / 1e6).toFixed(number < 1e6 ? 3 : 2);
}
