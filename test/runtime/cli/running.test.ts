/** A pipeline that runs, asked and fed by other processes, over its socket file and over HTTP. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { DEFINITION, type Exit, TestProject } from '../crash/project.ts';

let project: TestProject | undefined;
afterEach(() => project?.remove());

function open(text = 'architecture: streaming\ntrigger: { every: 20ms }\n'): TestProject {
  project = new TestProject(text);
  return project;
}

interface Running {
  readonly url: string;
  readonly stop: (signal: NodeJS.Signals) => Promise<Exit>;
}

/** Starts `pipeline run` and waits until it says where its dashboard is. */
async function start(p: TestProject, args: readonly string[] = []): Promise<Running> {
  const { child, exit } = p.start(['run', '--port', '0', ...args]);
  const said: string[] = [];
  for (;;) {
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(said.join(''));
    if (address !== null) {
      return {
        url: address[0],
        stop: (signal) => {
          child.kill(signal);
          return exit;
        },
      };
    }
    const [text] = (await once(child.stderr ?? child, 'data')) as [string];
    said.push(text);
  }
}

/** Asks until the answer is the wanted one: progress is the pipeline's, not the clock's. */
async function until<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    await wait(20);
  }
}

const status = async (p: TestProject) =>
  JSON.parse((await p.run(['status', '--format', 'json'])).stdout) as {
    running: boolean;
    rejected: number;
    sources: { eventsIn: number; lagEvents: number }[];
    freshness: { holds: boolean; p99Seconds: number | null };
  };

describe('a running pipeline', () => {
  it('is fed and asked by other commands, by HTTP too, and stops cleanly on SIGTERM', async () => {
    const p = open();
    const running = await start(p);
    const fed = await p.run(['ingest', 'flights.jsonl', '--format', 'json']);
    expect(JSON.parse(fed.stdout)).toMatchObject({ accepted: 16_805, rejected: 0 });
    const again = await p.run(['ingest', 'flights.jsonl', '--format', 'json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ accepted: 0, known: 16_805 });
    const event = { origin: 'ATL', destination: 'SAV', scheduled: '2001-01-16T23:58:00Z', delay: 7 };
    const posted = await fetch(`${running.url}/api/events/flights`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([event, { ...event, delay: null }]),
    });
    expect(await posted.json()).toMatchObject({ accepted: 1, rejected: 1 });

    const caughtUp = await until(
      () => status(p),
      ({ sources }) => sources[0]?.eventsIn === 16_806,
    );
    expect(caughtUp).toMatchObject({ running: true, rejected: 1, freshness: { holds: true } });
    expect(caughtUp.freshness.p99Seconds).not.toBeNull();
    const query = `origin=ATL&from=2001-01-16T23:00:00Z`;
    const served = (await (await fetch(`${running.url}/api/views/delays?${query}`)).json()) as {
      rows: unknown[];
    };
    const asked = await p.run([
      'query',
      'delays',
      '--where',
      'origin=ATL',
      '--from',
      '2001-01-16T23:00:00Z',
      '--format',
      'json',
    ]);
    expect(served.rows).toHaveLength(1);
    expect(JSON.parse(asked.stdout)).toEqual(served.rows);

    expect(await running.stop('SIGTERM')).toMatchObject({ code: 0 });
    expect(await status(p)).toMatchObject({ running: false, sources: [{ eventsIn: 16_806, lagEvents: 0 }] });
  });

  it('an ingest that is cut off goes on where it stopped, through the socket as well', async () => {
    const p = open();
    const running = await start(p);
    const slow = p.start(['ingest', 'flights.jsonl', '--rate', '2000']);
    await until(
      () => status(p),
      ({ sources }) => (sources[0]?.eventsIn ?? 0) > 500,
    );
    slow.child.kill('SIGKILL');
    await slow.exit;
    const rest = JSON.parse((await p.run(['ingest', 'flights.jsonl', '--format', 'json'])).stdout) as {
      accepted: number;
      known: number;
    };
    expect(rest.known).toBeGreaterThan(500);
    expect(rest.accepted + rest.known).toBe(16_805);
    await until(
      () => status(p),
      ({ sources }) => sources[0]?.eventsIn === 16_805 && sources[0].lagEvents === 0,
    );
    await running.stop('SIGTERM');
  });

  it('SIGINT ends it with 0: to be stopped is how it ends', async () => {
    const running = await start(open());
    expect(await running.stop('SIGINT')).toMatchObject({ code: 0 });
  });

  it('a stale socket of a killed process does not stop the next start', async () => {
    const p = open();
    await (await start(p)).stop('SIGKILL');
    const running = await start(p);
    expect(await status(p)).toMatchObject({ running: true });
    await running.stop('SIGTERM');
  });

  it('kappa: replay, promote and rollback while it runs', async () => {
    const p = open('architecture: kappa\ntrigger: { every: 20ms }\n');
    const running = await start(p);
    await p.run(['ingest', 'flights.jsonl']);
    const total = async (): Promise<number> => {
      const rows = JSON.parse((await p.run(['query', 'delays', '--format', 'json'])).stdout) as {
        flights: number;
      }[];
      return rows.reduce((sum, { flights }) => sum + flights, 0);
    };
    const all = await until(total, (sum) => sum > 16_000);
    p.write(
      'pipeline.ts',
      DEFINITION.replace('delays: flights', 'delays: flights.filter((f) => f.delay.gt(0))'),
    );
    expect(await p.run(['replay', '--as', 'late_only'])).toMatchObject({ code: 0 });
    expect(await total()).toBe(all);
    const versions = async (): Promise<{ name: string; lagEvents: number }[]> =>
      JSON.parse((await p.run(['versions', '--format', 'json'])).stdout) as {
        name: string;
        lagEvents: number;
      }[];
    await until(versions, (list) =>
      list.some(({ name, lagEvents }) => name === 'late_only' && lagEvents === 0),
    );
    expect(await p.run(['promote', 'late_only'])).toMatchObject({ code: 0 });
    expect(await total()).toBeLessThan(all / 2 + 1_000);
    expect(await p.run(['rollback'])).toMatchObject({ code: 0 });
    expect(await total()).toBe(all);
    await running.stop('SIGTERM');
  });
});

describe('a definition over finite files', () => {
  it('every architecture prints the same final rows, in the order of their keys', async () => {
    const p = open();
    const outputs: string[] = [];
    for (const architecture of ['batch', 'micro-batch', 'streaming', 'lambda', 'kappa']) {
      const args = [
        'run',
        '--once',
        '--pipeline',
        'pipeline.ts',
        '--input',
        'flights=flights.jsonl',
        '--output',
        '-',
      ];
      const { code, stdout, stderr } = await p.run([...args, '--architecture', architecture]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      outputs.push(stdout);
    }
    expect(new Set(outputs).size).toBe(1);
    const rows = (outputs[0] ?? '')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { origin: string; window: { start: string } });
    expect(rows).toHaveLength(2_362);
    const keys = rows.map(({ origin, window }) => `${origin} ${window.start}`);
    expect(keys).toEqual(keys.toSorted());
  });

  it('CSV is read like JSON lines', async () => {
    const p = open();
    const sample = readFileSync(join(p.folder, 'flights.jsonl'), 'utf8').split('\n').slice(0, 50);
    const events = sample.map((line) => JSON.parse(line) as Record<string, unknown>);
    p.write('few.jsonl', sample.join('\n'));
    p.write(
      'few.csv',
      [
        'origin,destination,scheduled,delay',
        ...events.map((e) => [e['origin'], e['destination'], e['scheduled'], e['delay']].join(',')),
      ].join('\r\n'),
    );
    const run = (file: string): Promise<Exit> =>
      p.run(['run', '--once', '--pipeline', 'pipeline.ts', '--input', `flights=${file}`]);
    const [fromJson, fromCsv] = [await run('few.jsonl'), await run('few.csv')];
    expect(fromJson.stdout).not.toBe('');
    expect(fromCsv).toEqual(fromJson);
  });
});
