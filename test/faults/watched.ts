/** A project whose sinks are watched while its processes die: every answer must be the view of exactly so many events. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import type { Postgres } from '../live/postgres.ts';
import type { ReceiverChild } from '../live/receiver-child.ts';
import { CLI, TestProject } from '../runtime/crash/project.ts';
import { readRows } from '../runtime/sinks/read-files.ts';
import type { Fault, Shim, Tally } from './shim.ts';

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

export const eventOf = (n: number): object => ({
  at: '2001-01-01T00:00:00Z',
  bucket: String(n % BUCKETS),
  n,
});

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

type Place = 'files' | 'table' | 'http';

/** A project with three sinks, and readers of them that never look away. */
export class Watched {
  readonly project: TestProject;
  readonly table: string;
  readonly problems: string[] = [];
  readonly seen = { files: 0, table: 0, http: 0 };
  readonly receiver: ReceiverChild;
  readonly #server: Postgres;
  readonly #shim: Shim;
  looks = 0;
  #isOver = false;
  #complete: object | null = null;
  #reading: Promise<void>[] = [];

  constructor(
    name: string,
    config: string,
    {
      server,
      receiver,
      shim,
    }: { readonly server: Postgres; readonly receiver: ReceiverChild; readonly shim: Shim },
  ) {
    this.#server = server;
    this.#shim = shim;
    this.receiver = receiver;
    this.table = name.replaceAll('-', '_');
    this.project = new TestProject(
      `${config}
ingest: { source: numbers, file: numbers.jsonl }
sinks:
  - { view: buckets, every: 0s, to: { files: out } }
  - { view: buckets, every: 0s, to: { postgres: '${server.url()}', table: ${this.table} } }
  - { view: buckets, every: 0s, to: { http: '${receiver.url}', rows: 3 } }
`.replace(':not-a-secret@', '@'),
      DEFINITION,
    );
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
    const client = new Client({ connectionString: this.#server.url() });
    await client.connect();
    const look = async (which: 'files' | 'table', read: () => Promise<Bucket[]>): Promise<void> => {
      while (!this.#isOver) {
        this.note(which, await read());
        await wait(1);
      }
    };
    const listen = async (): Promise<void> => {
      while (!this.#isOver) {
        this.heard();
        await wait(1);
      }
    };
    this.#reading = [
      look('files', () => this.filesNow()),
      look('table', () => this.tableNow(client)),
      listen(),
    ];
    return client;
  }

  note(which: Place, rows: readonly Bucket[]): void {
    this.looks++;
    const seen = seenBy(rows);
    if (typeof seen === 'string') this.problems.push(`${which}: ${seen}`);
    else if (seen < this.seen[which]) this.problems.push(`${which}: ${seen} after ${this.seen[which]}`);
    else this.seen[which] = seen;
  }

  /** Looks at what the receiver has whenever it was told that it has everything. */
  heard(): void {
    const { state } = this.receiver;
    this.receiver.read(() => {
      if (state.complete === null || state.complete === this.#complete) return;
      this.#complete = state.complete;
      this.note('http', state.complete.content as unknown as readonly Bucket[]);
    });
  }

  async end(client: Client): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#reading);
    this.heard();
    for (const problem of this.receiver.state.problems) this.problems.push(`http: ${problem}`);
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
        ...this.#shim.environment(where === 'out' ? this.folder : this.project.folder, fault),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const said: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    return { code, signal, stderr: said.join(''), tally: this.#shim.tally() };
  }
}
