/**
 * Real processes, killed with SIGKILL while they ingest and compute, then started again until they finish: no event is
 * lost and none is counted twice, in each architecture. The kills are placed by what the process has done, not by time.
 */
import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../../runtime/src/config/project.ts';
import { readFlights } from '../law/flights.ts';
import { oracle } from '../law/oracle.ts';
import { TestProject } from './project.ts';

const MINUTE_MS = 60_000;
const flights = readFlights();
const expected = oracle(flights, {
  delayMs: 15 * MINUTE_MS,
  allowedMs: 60 * MINUTE_MS,
  policy: 'correct',
  mode: 'updates',
});

let project: TestProject | undefined;
afterEach(() => project?.remove());

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce(
      (sum, entry) =>
        sum + (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
}

/** Kills the process as soon as its data folder has grown by so many bytes; false when it ended before. */
async function runAndKill(p: TestProject, growBytes: number): Promise<boolean> {
  const data = join(p.folder, 'data');
  const { child, exit } = p.start(['run', '--once', '--ingest']);
  const before = sizeOrZero(data);
  const watchers: FSWatcher[] = [];
  const check = (): void => {
    if (sizeOrZero(data) - before >= growBytes) child.kill('SIGKILL');
  };
  watchers.push(watch(p.folder, { recursive: true }, check));
  const { signal, stderr } = await exit;
  for (const watcher of watchers) watcher.close();
  if (signal === null) expect(stderr).toBe('');
  return signal === 'SIGKILL';
}

function sizeOrZero(folder: string): number {
  try {
    return bytesIn(folder);
  } catch {
    return 0;
  }
}

describe('kill -9 in the middle', () => {
  it.for(ARCHITECTURES)(
    '%s continues without loss or double count',
    { timeout: 120_000 },
    async (architecture) => {
      project = new TestProject(
        [
          `architecture: ${architecture}`,
          'trigger: { every: 1s, rows: 900, catchUpRows: 900 }',
          'ingest: { source: flights, file: flights.jsonl, arrivalTime: arrived }',
        ].join('\n'),
      );
      let kills = 0;
      for (const growBytes of [150_000, 700_000, 1_400_000, 300_000])
        if (await runAndKill(project, growBytes)) kills++;
      const end = await project.run(['run', '--once', '--ingest']);
      expect(end).toMatchObject({ code: 0, stderr: '' });
      expect(kills).toBeGreaterThanOrEqual(2);
      expect(await project.rows()).toEqual(expected.rows);
      const { stdout } = await project.run(['status', '--format', 'json']);
      const status = JSON.parse(stdout) as { sources: { eventsIn: number }[]; late: { total: number } };
      expect(status.sources[0]?.eventsIn).toBe(flights.length);
      expect(status.late.total).toBe(expected.lateOffsets.length);
    },
  );
});
