/**
 * Real processes that deliver to files, to PostgreSQL and to a process that receives, hit at calls to the file system: killed,
 * torn, a sync that fails; the receiver is killed too. Readers look at all three all the while. Events are numbered, so every
 * answer tells how many of them it has seen, and must be the view of exactly those.
 */
import { cpSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { noPostgresBecause, Postgres } from '../live/postgres.ts';
import { ReceiverChild } from '../live/receiver-child.ts';
import { filesIn } from '../runtime/sinks/read-files.ts';
import { post, startRun } from './running.ts';
import { type Fault, Shim } from './shim.ts';
import { eventOf, Watched } from './watched.ts';

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
let open: Watched | undefined;
afterEach(async () => {
  open?.project.remove();
  await open?.receiver.remove();
});

async function watch(name: string, config: string): Promise<Watched> {
  if (server === undefined) throw new Error('no server');
  open = new Watched(name, config, { server, shim, receiver: await ReceiverChild.start() });
  return open;
}

const CHUNK = 60;

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
    ['batch', 6],
    ['micro-batch', 6],
    ['streaming', 12],
    ['lambda', 6],
    ['kappa', 6],
  ] as const)('%s, %i of them', { timeout: 400_000 }, async ([architecture, faults]) => {
    const config = `architecture: ${architecture}\ntrigger: { rows: 16 }`;
    const watched = await watch(`kills_${architecture}`, config);
    const client = await watched.watch();
    const { receiver } = watched;
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
      // Every third time the receiver dies too, whatever it is doing, and comes back.
      const back = index % 3 === 2 ? receiver.kill().then(() => receiver.up()) : Promise.resolve();
      const life = await watched.live({ calls: kind, at, does }, where);
      await back;
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
    expect(watched.seen).toEqual({ files: events, table: events, http: events });
    expect(hit).toBeGreaterThanOrEqual(faults - 2);
    expect(watched.looks).toBeGreaterThan(100);
    expect(filesIn(watched.folder).filter((name) => name.includes('.part'))).toEqual([]);
    expect(filesIn(watched.folder)).toHaveLength(2);
  });

  it(
    'a process that slept while its data were copied and taken over delivers nothing more',
    { timeout: 200_000 },
    async () => {
      const watched = await watch('zombie', 'architecture: streaming\ntrigger: { every: 20ms }');
      const client = await watched.watch();
      const until = async (events: number): Promise<void> => {
        while (Math.min(...Object.values(watched.seen)) < events) await wait(20);
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
      expect(watched.seen).toEqual({ files: 4, table: 4, http: 4 });
    },
  );
});
