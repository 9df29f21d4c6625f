/** What happens on the way to the database: answers are lost at every byte, it goes away, it falls silent. */
import { count, pipeline, source, sum } from 'pipeline-runtime';
import { TestDriver } from 'pipeline-runtime/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { SinkConfig } from '../../../runtime/src/config/sinks.ts';
import { type Clock, systemClock } from '../../../runtime/src/ports/clock.ts';
import { CLAIM_STEP, type Marker } from '../../../runtime/src/sinks/sink.ts';
import { PostgresSink } from '../../../runtime/src/sinks/postgres/postgres-sink.ts';
import { claimOf, DATA } from '../../suites/sink.suite.ts';
import { TestView } from '../../suites/sink-views.ts';
import { noPostgresBecause, Postgres } from '../../live/postgres.ts';
import { Proxy } from '../../live/proxy.ts';

const reason = noPostgresBecause();
let server: Postgres | undefined;
beforeAll(async () => {
  if (reason === null) server = await Postgres.start();
});
afterAll(() => server?.remove());

const clicks = source('clicks', {
  schema: z.object({ at: z.iso.datetime(), user: z.string(), n: z.int() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '1h', then: 'drop' },
});
const definition = pipeline('clicks', {
  users: clicks
    .groupBy((c) => ({ user: c.user }))
    .aggregate((c) => ({ clicks: count(), n: sum(c.n) }))
    .updates(),
});

/** What is tried again is tried again at once. */
const quickClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) => (ms < 3_600_000 ? systemClock.turn() : systemClock.sleep(ms, signal)),
};

const sinkTo = (table: string, port: number, timeoutMs = 10_000): SinkConfig => ({
  view: 'users',
  name: 'users_postgres',
  to: { kind: 'postgres', url: server?.url(port) ?? '', schema: 'public', table, timeoutMs },
  every: 0,
  buffer: 1_000_000,
  giveUpAfter: 60_000,
});

const open = (sink: SinkConfig): Promise<TestDriver> =>
  TestDriver.open(definition, { clock: quickClock, config: { sinks: [sink] } });

const click = (user: string, n: number): object => ({ at: '2001-01-01T00:00:00Z', user, n });

async function untilFailing(driver: TestDriver): Promise<void> {
  while ((await driver.engine.status()).sinks?.[0]?.failing !== true) await systemClock.turn();
}

/** The rows of a table, and its marker. */
async function look(table: string): Promise<{ rows: unknown[]; sequence: number }> {
  const client = new Client({ connectionString: server?.url() ?? '' });
  await client.connect();
  try {
    const { rows } = await client.query(`SELECT "user", clicks::int, n::int FROM ${table} ORDER BY "user"`);
    const marker = await client.query<{ sequence: string }>(
      'SELECT sequence FROM pipeline_sinks WHERE sink = $1',
      [table],
    );
    return { rows, sequence: Number(marker.rows[0]?.sequence) };
  } finally {
    await client.end();
  }
}

describe.skipIf(reason !== null)('on the way to the database', () => {
  it(
    'an answer that is cut at any byte is neither lost nor delivered twice',
    { timeout: 300_000 },
    async () => {
      const proxy = await Proxy.start(server?.port ?? 0);
      /** Delivers twice, the second time with a cut; how many bytes the server said in it. */
      const runCut = async (table: string, cutAfter: number): Promise<number> => {
        const driver = await open(sinkTo(table, proxy.port));
        try {
          await driver.send('clicks', [click('a', 1), click('b', 2)]);
          await driver.settle();
          proxy.bytes = 0;
          proxy.cutAfter = cutAfter;
          await driver.send('clicks', [click('b', 3), click('c', 4)]);
          await driver.settle();
          return proxy.bytes;
        } finally {
          proxy.cutAfter = Infinity;
          await driver.engine.close();
        }
      };
      const expected = [
        { user: 'a', clicks: 1, n: 1 },
        { user: 'b', clicks: 2, n: 5 },
        { user: 'c', clicks: 1, n: 4 },
      ];
      const whole = await runCut('cut_none', Infinity);
      expect(await look('cut_none')).toEqual({ rows: expected, sequence: CLAIM_STEP + 2 });
      let runs = 0;
      const before = proxy.cuts;
      for (let cutAfter = 1; cutAfter <= whole; cutAfter += cutAfter + 60 < whole ? 23 : 1) {
        const table = `cut_${cutAfter}`;
        await runCut(table, cutAfter);
        runs++;
        // Once and not twice, whether the answer to COMMIT came or not.
        expect([cutAfter, await look(table)]).toEqual([
          cutAfter,
          { rows: expected, sequence: CLAIM_STEP + 2 },
        ]);
      }
      expect(runs).toBeGreaterThan(60);
      expect(proxy.cuts - before).toBe(runs);
      await proxy.stop();
    },
  );

  it(
    'a claim whose answer is lost is made again, and all rows are delivered',
    { timeout: 120_000 },
    async () => {
      const proxy = await Proxy.start(server?.port ?? 0);
      const run = async (table: string, cutAfter: number): Promise<number> => {
        const driver = await open(sinkTo(table, proxy.port));
        try {
          await driver.send('clicks', [click('a', 1)]);
          proxy.bytes = 0;
          proxy.cutAfter = cutAfter;
          await driver.settle();
          expect((await look(table)).rows).toEqual([{ user: 'a', clicks: 1, n: 1 }]);
          return proxy.bytes;
        } finally {
          proxy.cutAfter = Infinity;
          await driver.engine.close();
        }
      };
      const whole = await run('claim_none', Infinity);
      const before = proxy.cuts;
      let runs = 0;
      for (let cutAfter = 1; cutAfter <= whole; cutAfter += 61, runs++)
        await run(`claim_${cutAfter}`, cutAfter);
      expect(proxy.cuts - before).toBe(runs);
      expect(runs).toBeGreaterThan(20);
      await proxy.stop();
    },
  );

  it('a server that crashes and comes back has everything afterwards', { timeout: 120_000 }, async () => {
    const driver = await open(sinkTo('away', server?.port ?? 0));
    await driver.send('clicks', [click('a', 1)]);
    await driver.settle();
    await server?.down();
    await driver.send('clicks', [click('a', 2), click('b', 3)]);
    const settling = driver.settle();
    await untilFailing(driver);
    expect((await driver.engine.status()).sinks).toMatchObject([{ lagEvents: 2, failing: true }]);
    await server?.up();
    await settling;
    expect((await look('away')).rows).toEqual([
      { user: 'a', clicks: 2, n: 3 },
      { user: 'b', clicks: 1, n: 3 },
    ]);
    expect((await driver.engine.status()).sinks).toMatchObject([{ lagEvents: 0, failing: false }]);
    await driver.engine.close();
  });

  it('silence ends in an error that is tried again', { timeout: 60_000 }, async () => {
    const proxy = await Proxy.start(server?.port ?? 0);
    const driver = await open(sinkTo('silent', proxy.port, 500));
    await driver.send('clicks', [click('a', 1)]);
    await driver.settle();
    proxy.isSilent = true;
    await driver.send('clicks', [click('a', 2)]);
    const settling = driver.settle();
    await untilFailing(driver);
    proxy.isSilent = false;
    await settling;
    expect((await look('silent')).rows).toEqual([{ user: 'a', clicks: 2, n: 3 }]);
    await driver.engine.close();
    await proxy.stop();
  });

  it('an owner that sleeps in a transaction holds the sink no longer than its timeout, and is refused then', async () => {
    const options = {
      url: server?.url() ?? '',
      schema: 'public',
      table: 'asleep',
      pipeline: 'p',
      view: 'totals',
      sink: 's',
    };
    const view = new TestView('totals');
    const old = new PostgresSink({ ...options, timeoutMs: 500 });
    await old.claim(claimOf(1));
    const markerOf = (sequence: number, generation: number): Marker => {
      return { data: DATA, generation, sequence, commits: 0, position: 0 };
    };
    await old.deliver(view.delivery(markerOf(3, 1), { isWhole: true }));
    view.put(['a', 1]);
    let wake: () => void = () => {};
    const asleep = new Promise<void>((resolve) => {
      wake = resolve;
    });
    let onAsleep: () => void = () => {};
    const falls = new Promise<void>((resolve) => {
      onAsleep = resolve;
    });
    const delivery = view.delivery(markerOf(4, 1));
    const sleeping = old.deliver({
      ...delivery,
      async *changes() {
        yield* delivery.changes();
        onAsleep();
        await asleep;
      },
    });
    const end = sleeping.then(
      () => 'delivered',
      (error: { code: string }) => error.code,
    );
    await falls;
    const next = new PostgresSink({ ...options, timeoutMs: 20_000 });
    expect(await next.claim(claimOf(2))).toMatchObject({ generation: 1, sequence: 3 });
    wake();
    expect(await end).toBe('SINK_UNAVAILABLE');
    await expect(old.deliver(view.delivery(markerOf(4, 1)))).rejects.toMatchObject({ code: 'SINK_FENCED' });
    const client = new Client({ connectionString: server?.url() ?? '' });
    await client.connect();
    expect((await client.query('SELECT text FROM asleep')).rows).toEqual([]);
    await client.end();
    await old.close();
    await next.close();
  });

  it('a table that somebody emptied or set back is filled anew', async () => {
    const driver = await open(sinkTo('set_back', server?.port ?? 0));
    await driver.send('clicks', [click('a', 1), click('b', 1)]);
    await driver.settle();
    const client = new Client({ connectionString: server?.url() ?? '' });
    await client.connect();
    await client.query('DELETE FROM set_back WHERE "user" = \'a\'');
    await client.query("UPDATE pipeline_sinks SET sequence = sequence - 1 WHERE sink = 'set_back'");
    await client.end();
    await driver.send('clicks', [click('b', 1)]);
    await driver.settle();
    expect((await look('set_back')).rows).toEqual([
      { user: 'a', clicks: 1, n: 1 },
      { user: 'b', clicks: 2, n: 2 },
    ]);
    await driver.engine.close();
  });
});
