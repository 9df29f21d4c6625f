/**
 * Real processes that deliver to files and to PostgreSQL, hit at calls to the file system: killed, torn, a sync that fails.
 * A reader looks at both all the while. Events are numbered, so every answer tells how many of them it has seen, and must be
 * the view of exactly those.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { noPostgresBecause, Postgres } from '../live/postgres.ts';
import { CLI, TestProject } from '../runtime/crash/project.ts';
import { filesIn, readRows } from '../runtime/sinks/read-files.ts';
import { post, startRun } from './running.ts';
import { type Fault, Shim, type Tally } from './shim.ts';

const shim = new Shim();
const reason = shim.build() ?? noPostgresBecause();
if (reason !== null) process.stderr.write(`no faults of sinks are injected: ${reason}\n`);
let server: Postgres | undefined;
beforeAll(async () => {
  if (reason === null) server = await Postgres.start();
});
afterAll(async () => {
  shim.remove();
  await server?.remove();
});
let project: TestProject | undefined;
afterEach(() => project?.remove());

const DEFINITION = `
import { count, pipeline, source, sum } from 'pipeline-runtime';
import { z } from 'zod';
const numbers = source('numbers', {
  schema: z.object({ at: z.iso.datetime(), bucket: z.string(), n: z.int() }),
  eventTime: 'at',
  watermark: { delay: '15m' },
  lateness: { allowed: '1h', then: 'correct' },
});
export default pipeline('sinks', {
  buckets: numbers.groupBy((f) => ({ bucket: f.bucket })).aggregate((f) => ({ events: count(), total: sum(f.n) })).updates(),
});
`;

const BUCKETS = 7;
const CHUNK = 60;
const COLUMNS = [
  { name: 'bucket', type: 'string', nullable: false },
  { name: 'events', type: 'integer', nullable: false },
  { name: 'total', type: 'integer', nullable: false },
] as const;

interface Bucket {
  readonly bucket: string;
  readonly events: number;
  readonly total: number;
}

const eventOf = (n: number): object => ({ at: '2001-01-01T00:00:00Z', bucket: String(n % BUCKETS), n });

/** How many of the events the rows are the view of, or what is wrong with them. */
function seenBy(rows: readonly Bucket[]): number | string {
  const events = rows.reduce((sum, row) => sum + row.events, 0);
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const numbers = Array.from({ length: events }, (_, n) => n).filter((n) => n % BUCKETS === bucket);
    const row = rows.filter((each) => each.bucket === String(bucket));
    const total = numbers.reduce((sum, n) => sum + n, 0);
    const isRight = numbers.length === 0 ? row.length === 0 : row.length === 1;
    if (!isRight || (row[0]?.events ?? 0) !== numbers.length || (row[0]?.total ?? 0) !== total)
      return `not the view of ${events} events: ${JSON.stringify(rows)}`;
  }
  return events;
}

/** A project with two sinks, and readers of them that never look away. */
class Watched {
  readonly project: TestProject;
  readonly table: string;
  readonly problems: string[] = [];
  readonly seen = { files: 0, table: 0 };
  looks = 0;
  #isOver = false;
  #reading: Promise<void>[] = [];

  constructor(name: string, config: string) {
    this.table = name.replaceAll('-', '_');
    this.project = new TestProject(
      `${config}
ingest: { source: numbers, file: numbers.jsonl }
sinks:
  - { view: buckets, every: 0s, to: { files: out } }
  - { view: buckets, every: 0s, to: { postgres: '${server?.url() ?? ''}', table: ${this.table} } }
`.replace(':not-a-secret@', '@'),
      DEFINITION,
    );
    project = this.project;
    mkdirSync(join(this.project.folder, 'out'));
    writeFileSync(join(this.project.folder, 'numbers.jsonl'), '');
  }

  get folder(): string {
    return join(this.project.folder, 'out');
  }

  filesNow(): Promise<Bucket[]> {
    return readRows(this.folder, COLUMNS) as unknown as Promise<Bucket[]>;
  }

  async tableNow(client: Client): Promise<Bucket[]> {
    const [there] = (
      await client.query<{ is: boolean }>('SELECT to_regclass($1) IS NOT NULL AS is', [this.table])
    ).rows;
    if (there?.is !== true) return [];
    return (await client.query<Bucket>(`SELECT bucket, events::int, total::int FROM ${this.table}`)).rows;
  }

  async watch(): Promise<Client> {
    const client = new Client({ connectionString: server?.url() ?? '' });
    await client.connect();
    const look = async (which: 'files' | 'table', read: () => Promise<Bucket[]>): Promise<void> => {
      while (!this.#isOver) {
        this.note(which, await read());
        await wait(1);
      }
    };
    this.#reading = [look('files', () => this.filesNow()), look('table', () => this.tableNow(client))];
    return client;
  }

  note(which: 'files' | 'table', rows: readonly Bucket[]): void {
    this.looks++;
    const seen = seenBy(rows);
    if (typeof seen === 'string') this.problems.push(`${which}: ${seen}`);
    else if (seen < this.seen[which]) this.problems.push(`${which}: ${seen} after ${this.seen[which]}`);
    else this.seen[which] = seen;
  }

  async end(client: Client): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#reading);
    await client.end();
  }

  /** One `pipeline run --once` that takes in what was added to the file, perhaps with a fault. */
  async live(
    fault: Fault,
    where: 'project' | 'out' = 'project',
  ): Promise<{
    readonly code: number | null;
    readonly signal: string | null;
    readonly stderr: string;
    readonly tally: Tally;
  }> {
    const child = spawn(process.execPath, [CLI, 'run', '--once', '--ingest'], {
      cwd: this.project.folder,
      env: {
        ...process.env,
        NO_COLOR: '1',
        ...shim.environment(where === 'out' ? this.folder : this.project.folder, fault),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const said: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    return { code, signal, stderr: said.join(''), tally: shim.tally() };
  }
}

/** Every other one hits what is written to the sink's own folder. */
const FAULTS = [
  ['project', 'all', 'kill-before'],
  ['out', 'all', 'kill-before'],
  ['project', 'all', 'kill-after'],
  ['out', 'all', 'kill-after'],
  ['project', 'sync', 'error:5'],
  ['out', 'all', 'torn'],
] as const satisfies readonly (readonly ['project' | 'out', Fault['calls'], string])[];

describe.skipIf(reason !== null)('sinks and faults at any call', () => {
  it.for([
    ['streaming', 12],
    ['lambda', 6],
  ] as const)('%s, %i of them', { timeout: 400_000 }, async ([architecture, faults]) => {
    const watched = new Watched(
      `kills_${architecture}`,
      `architecture: ${architecture}\ntrigger: { rows: 16 }`,
    );
    const client = await watched.watch();
    let events = 0;
    /** What the last life was to take in is in the log, and there is more. */
    const add = async (isDead: boolean): Promise<void> => {
      if (isDead) expect(await watched.project.run(['ingest', 'numbers.jsonl'])).toMatchObject({ code: 0 });
      const lines = Array.from({ length: CHUNK }, () => `${JSON.stringify(eventOf(events++))}\n`);
      watched.project.write('numbers.jsonl', lines.join(''));
    };
    await add(false);
    const calls: Record<string, number> = {};
    for (const [where, kind] of FAULTS) {
      if (calls[`${where} ${kind}`] !== undefined) continue;
      const { code, stderr, tally } = await watched.live({ calls: kind, at: 0, does: 'count' }, where);
      expect([code, stderr]).toEqual([0, stderr]);
      calls[`${where} ${kind}`] = tally.counted;
      await add(false);
    }
    let hit = 0;
    for (let index = 0; index < faults; index++) {
      const [where, kind, does] = FAULTS[index % FAULTS.length] ?? FAULTS[0];
      const at = 1 + Math.floor((((index + 1) * 0.618_034) % 1) * (calls[`${where} ${kind}`] ?? 0));
      const life = await watched.live({ calls: kind, at, does }, where);
      hit += life.tally.hit > 0 ? 1 : 0;
      if (life.tally.hit > 0 && does.startsWith('error'))
        expect([life.code, life.stderr]).toEqual([1, life.stderr]);
      else if (life.tally.hit > 0) expect([life.signal, life.stderr]).toEqual(['SIGKILL', life.stderr]);
      await add(life.code !== 0);
    }
    const { code, stderr } = await watched.live({ calls: 'all', at: 0, does: 'count' });
    expect([code, stderr]).toEqual([0, stderr]);
    await watched.end(client);
    expect(watched.problems.slice(0, 3)).toEqual([]);
    expect(watched.seen).toEqual({ files: events, table: events });
    expect(hit).toBeGreaterThanOrEqual(faults - 2);
    expect(watched.looks).toBeGreaterThan(100);
    expect(filesIn(watched.folder).filter((name) => name.includes('.part'))).toEqual([]);
    expect(filesIn(watched.folder)).toHaveLength(2);
  });

  it(
    'a process that slept while its data were copied and taken over delivers nothing more',
    { timeout: 200_000 },
    async () => {
      const watched = new Watched('zombie', 'architecture: streaming\ntrigger: { every: 20ms }');
      const client = await watched.watch();
      const until = async (events: number): Promise<void> => {
        while (watched.seen.files < events || watched.seen.table < events) await wait(20);
      };
      const p = watched.project;
      const old = await startRun(p);
      expect(await post(old.url, 'numbers', eventOf(0))).toBe(true);
      await until(1);
      // On its way to the sinks while it falls asleep, or not: whatever it does later must not count.
      expect(await post(old.url, 'numbers', eventOf(1))).toBe(true);
      old.child.kill('SIGSTOP');
      renameSync(join(p.folder, 'data'), join(p.folder, 'moved'));
      cpSync(join(p.folder, 'moved'), join(p.folder, 'data'), {
        recursive: true,
        filter: (path) => !path.endsWith('.sock'),
      });
      const next = await startRun(p);
      expect(await post(next.url, 'numbers', eventOf(2))).toBe(true);
      await until(3);
      old.child.kill('SIGCONT');
      expect(await old.exit).toMatchObject({ code: 1 });
      expect(await post(next.url, 'numbers', eventOf(3))).toBe(true);
      await until(4);
      next.child.kill('SIGTERM');
      expect(await next.exit).toMatchObject({ code: 0 });
      await watched.end(client);
      expect(watched.problems).toEqual([]);
      expect(watched.seen).toEqual({ files: 4, table: 4 });
    },
  );
});
