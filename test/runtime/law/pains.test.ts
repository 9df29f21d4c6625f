/**
 * What cost the users of other engines their trust, each by name: results that never come, rows that vanish, nulls that
 * should not be, memory that grows. Through the public interface.
 */
import { avg, count, hopping, type Pipeline, pipeline, session, sum, tumbling } from 'pipeline-runtime';
import { ManualClock, TestDriver } from 'pipeline-runtime/testing';
import { describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../../runtime/src/config/project.ts';
import { event, feed, from, lateTotal, ofPartition, open, readings, type Rules } from './pains.ts';

const perMinute = (rules?: Rules) =>
  readings('a', rules)
    .groupBy((r) => ({ window: tumbling(r.at, '1m') }))
    .aggregate(() => ({ rows: count() }));
const perTenMinutes = (rules?: Rules) =>
  readings('a', rules)
    .groupBy((r) => ({ window: tumbling(r.at, '10m') }))
    .aggregate((r) => ({ rows: count(), total: sum(r.value) }));

describe('late rows', () => {
  it('a row that is too late for one of its windows counts in those that end later', async () => {
    const sliding = readings('a')
      .groupBy((r) => ({ window: hopping(r.at, { size: '10m', slide: '5m' }) }))
      .aggregate(() => ({ rows: count() }));
    const driver = await open({ view: sliding.updates() });
    await feed(driver, 'x@10:01', 'x@10:11', 'x@10:09');
    expect(await driver.rows('view')).toEqual([
      { window: from('09:55', '10:05'), rows: 1 },
      { window: from('10:00', '10:10'), rows: 1 },
      { window: from('10:05', '10:15'), rows: 2 },
      { window: from('10:10', '10:20'), rows: 1 },
    ]);
    expect(await lateTotal(driver)).toBe(1);
  });

  it.for([
    ['10:01:09.998', 0],
    ['10:01:09.999', 1],
  ] as const)(
    'after x@%s, %d is too late: the watermark before the row, to the millisecond',
    async ([time, late]) => {
      const driver = await open({ view: perMinute({ delay: '10s' }).updates() });
      await feed(driver, `x@${time}`, 'x@10:00:59.999');
      expect(await lateTotal(driver)).toBe(late);
    },
  );

  it('a row is not late by itself, however far ahead it is', async () => {
    const driver = await open({ view: perMinute().updates() });
    await feed(driver, 'x@10:00', 'x@23:00');
    expect(await lateTotal(driver)).toBe(0);
    expect(await driver.rows('view')).toHaveLength(2);
  });

  it('there is one watermark over all kinds of events of a stream, also those that a view leaves out', async () => {
    const onlyX = readings('a')
      .filter((r) => r.key.eq('x'))
      .groupBy((r) => ({ window: tumbling(r.at, '1m') }))
      .aggregate(() => ({ rows: count() }));
    const driver = await open({ view: onlyX.final() });
    await feed(driver, 'x@10:00', 'other@10:05', 'x@10:00:30');
    expect(await driver.rows('view')).toEqual([{ window: from('10:00', '10:01'), rows: 1 }]);
    expect(await lateTotal(driver)).toBe(1);
  });

  it.for([
    ['correct', 2, ['a 2']],
    ['drop', 1, []],
    ['side-output', 1, ['a 2']],
  ] as const)('none is dropped without being counted: %s', async ([then, rows, kept]) => {
    const driver = await open({ view: perMinute({ then }).updates() });
    await feed(driver, 'x@10:00', 'x@10:01', 'x@10:00:30');
    expect(await driver.rows('view')).toMatchObject([{ rows }, { rows: 1 }]);
    expect(await lateTotal(driver)).toBe(1);
    expect((await driver.late()).map(({ source, offset }) => `${source} ${offset}`)).toEqual(kept);
  });

  it('what is out of order by less than the delay is never dropped', async () => {
    const times = ['x@10:00', 'x@10:02', 'x@10:04', 'x@10:05'];
    for (const [index, first] of times.entries()) {
      for (const rest of [times.toSpliced(index, 1), times.toSpliced(index, 1).toReversed()]) {
        const driver = await open({ view: perMinute({ delay: '5m' }).final() });
        await feed(driver, first, ...rest);
        await driver.end();
        await driver.settle();
        expect(await driver.rows('view')).toHaveLength(4);
        expect(await lateTotal(driver)).toBe(0);
      }
    }
  });

  it.for([
    ['0s', 1],
    ['1ms', 0],
  ] as const)(
    'with a delay of %s, %d of two rows of one time is late for what waits for single times',
    async ([delay, late]) => {
      const view = readings('a', { delay }).over({ frame: 'unbounded' }, (r) => ({ total: sum(r.value) }));
      const driver = await open({ view: view.updates() });
      await feed(driver, 'x@10:00 1', 'x@10:00 2');
      expect(await lateTotal(driver)).toBe(late);
    },
  );

  it('batch does not miss them, however long after its run they come', async () => {
    const driver = await open(
      { view: perTenMinutes({ then: 'correct' }).updates() },
      { architecture: 'batch' },
    );
    await feed(driver, 'x@10:01', 'x@14:00', 'x@10:02', 'x@18:00', 'x@10:03');
    expect((await driver.rows('view'))[0]).toEqual({ window: from('10:00', '10:10'), rows: 3, total: 3 });
  });
});

describe('idle partitions and sources', () => {
  /** Runs for a while on a clock that the test moves. */
  async function running(
    definition: Pipeline,
    partitions: number,
    during: (driver: TestDriver, clock: ManualClock) => Promise<void>,
  ): Promise<TestDriver> {
    const clock = new ManualClock(Date.UTC(2001, 0, 2));
    const driver = await TestDriver.open(definition, { clock, partitions });
    const controller = new AbortController();
    const work = driver.engine.run(controller.signal);
    await during(driver, clock);
    controller.abort();
    await clock.advance(0);
    await work;
    return driver;
  }

  const ofTwo = (): Pipeline => pipeline('idle', { view: perMinute({ idleAfter: '1m' }).final() });

  it('a partition that never had an event does not stall the rest', async () => {
    await running(ofTwo(), 2, async (driver, clock) => {
      await clock.advance(25_000);
      await driver.send('a', [ofPartition(0, 'x@10:00'), ofPartition(0, 'x@10:05')]);
      await clock.advance(34_000);
      expect(await driver.rows('view')).toEqual([]);
      await clock.advance(2_000);
      expect(await driver.rows('view')).toHaveLength(1);
    });
  });

  it('nobody falls asleep before the time that was set, nor while all are silent', async () => {
    await running(ofTwo(), 2, async (driver, clock) => {
      await driver.send('a', [
        ofPartition(0, 'x@10:00'),
        ofPartition(1, 'x@10:00'),
        ofPartition(0, 'x@10:05'),
      ]);
      await clock.advance(3_600_000);
      expect(await driver.rows('view')).toEqual([]);
      await driver.send('a', [ofPartition(1, 'x@10:20')]);
      await clock.advance(1_000);
      // Partition 0 has said 10:05.
      expect(await driver.rows('view')).toHaveLength(1);
      expect(await lateTotal(driver)).toBe(0);
    });
  });

  it('who wakes up is late for what the others have closed, and for nothing else', async () => {
    const driver = await running(ofTwo(), 2, async (each, clock) => {
      await each.send('a', [ofPartition(0, 'x@10:00'), ofPartition(1, 'x@10:00')]);
      await clock.advance(50_000);
      await each.send('a', [ofPartition(0, 'x@10:05')]);
      await clock.advance(50_000);
      // Partition 1 sleeps: 10:00 is closed, 10:05 is not.
      await each.send('a', [ofPartition(1, 'y@10:00:30'), ofPartition(1, 'y@10:05:30')]);
      await clock.advance(1_000);
    });
    expect(await lateTotal(driver)).toBe(1);
    await driver.end();
    await driver.settle();
    const rows = await driver.rows('view');
    expect(rows).toEqual([
      { window: from('10:00', '10:01'), rows: 2 },
      { window: from('10:05', '10:06'), rows: 2 },
    ]);
    // The log says when somebody slept, so a replay of any kind judges alike.
    for (const architecture of ARCHITECTURES) {
      await driver.restart(undefined, { architecture, rebuild: true });
      await driver.settle();
      expect(await driver.rows('view')).toEqual(rows);
      expect(await lateTotal(driver)).toBe(1);
    }
  });

  it('a source of a join that is silent does not stall the other', async () => {
    const [left, right] = [readings('a', { idleAfter: '1m' }), readings('b', { idleAfter: '1m' })];
    const joined = left.join(right, {
      type: 'left',
      how: { kind: 'interval', from: '0s', to: '5m' },
      on: (l, r) => [[l.key, r.key]],
      select: (l, r) => ({ key: l.key, partner: r.value }),
    });
    await running(pipeline('idle', { view: joined.updates() }), 1, async (driver, clock) => {
      await driver.send('a', [event('x@10:00')]);
      await clock.advance(50_000);
      await driver.send('a', [event('x@10:10')]);
      await clock.advance(1_000);
      expect(await driver.rows('view')).toEqual([]);
      await clock.advance(60_000);
      expect(await driver.rows('view')).toEqual([{ key: 'x', partner: null }]);
    });
  });
});

describe('windows', () => {
  it('sessions: rows exactly a gap apart are one, a millisecond more are two', async () => {
    const sessions = readings('a')
      .groupBy((r) => ({ session: session(r.at, '10m') }))
      .aggregate(() => ({ rows: count() }));
    const driver = await open({ view: sessions.updates() });
    await feed(driver, 'x@10:00', 'x@10:10', 'x@10:20:00.001');
    expect(await driver.rows('view')).toMatchObject([
      { session: from('10:00', '10:20'), rows: 2 },
      { session: { start: '2001-01-01T10:20:00.001Z' }, rows: 1 },
    ]);
  });

  it('sessions: a row that is late alone counts in one that is still open', async () => {
    const sessions = readings('a')
      .groupBy((r) => ({ session: session(r.at, '10m') }))
      .aggregate(() => ({ rows: count() }));
    const driver = await open({ view: sessions.updates() });
    // At 10:22 the watermark has passed 10:11 and its gap, but not the session of 10:20.
    await feed(driver, 'x@10:20', 'x@10:22', 'x@10:11', 'y@10:11');
    expect(await driver.rows('view')).toEqual([{ session: from('10:11', '10:32'), rows: 4 }]);
    expect(await lateTotal(driver)).toBe(0);
  });

  it('days are those of a place, also when the clocks change', async () => {
    const days = readings('a', { delay: '1d' })
      .groupBy((r) => ({ day: tumbling(r.at, '1d', { zone: 'America/New_York' }) }))
      .aggregate(() => ({ rows: count() }));
    const driver = await open({ view: days.updates() });
    const at = (time: string): object => ({ ...event('x@00:00'), at: time });
    await driver.send('a', [
      at('2001-04-01T04:59:59Z'),
      at('2001-04-01T05:00:00Z'),
      at('2001-04-02T03:59:59Z'),
    ]);
    await driver.settle();
    // 23 hours: midnight is at 05:00 in winter, at 04:00 in summer.
    expect(await driver.rows('view')).toEqual([
      { day: { start: '2001-03-31T05:00:00.000Z', end: '2001-04-01T05:00:00.000Z' }, rows: 1 },
      { day: { start: '2001-04-01T05:00:00.000Z', end: '2001-04-02T04:00:00.000Z' }, rows: 2 },
    ]);
  });

  it('the mean of whole numbers has a fraction, and loses it when told to', async () => {
    const means = readings('a')
      .groupBy((r) => ({ key: r.key }))
      .aggregate((r) => ({ mean: avg(r.value) }))
      .extend((g) => ({ whole: g.mean.toInteger() }));
    const driver = await open({ view: means.updates() });
    await feed(driver, 'x@10:00 1', 'x@10:00 2');
    expect(await driver.rows('view')).toEqual([{ key: 'x', mean: 1.5, whole: 1 }]);
  });
});

describe('ties', () => {
  it('the last of equal times is the later arrival, the first the earlier', async () => {
    const rows = readings('a');
    const driver = await open({
      last: rows.dedupe({ keys: ['key'], keep: 'last', by: 'time' }).updates(),
      first: rows.dedupe({ keys: ['key'], keep: 'first', by: 'time' }).updates(),
    });
    await feed(driver, 'x@10:00 1', 'x@10:00 2', 'x@10:00 3');
    expect(await driver.rows('last')).toMatchObject([{ value: 3 }]);
    expect(await driver.rows('first')).toMatchObject([{ value: 1 }]);
  });

  it('of equal prices the earlier bid ranks first, and a full top is not displaced by an equal one', async () => {
    const best = readings('a').top({ order: (r) => [r.value.descending()], limit: 2, rank: 'place' });
    const driver = await open({ view: best.updates() });
    await feed(driver, 'x@10:00 5', 'y@10:01 9', 'z@10:02 5', 'w@10:03 5');
    expect(await driver.rows('view')).toMatchObject([
      { key: 'y', place: 1 },
      { key: 'x', place: 2 },
    ]);
  });
});

describe('restarts and bad input', () => {
  it.for(ARCHITECTURES)(
    '%s: after a restart nothing is there twice, whoever sends again',
    async (architecture) => {
      const driver = await open({ view: perTenMinutes({ then: 'correct' }).updates() }, { architecture });
      const lines = ['x@10:00', 'x@10:01', 'x@10:02', 'x@10:03'].map((text) => JSON.stringify(event(text)));
      const sendUpTo = (rows: number): Promise<unknown> =>
        driver.engine.ingest('a', bytes(lines.slice(0, rows).join('\n')), 'sensor');
      for (const rows of [1, 2, 2, 4, 4]) {
        await sendUpTo(rows);
        await driver.restart();
        await driver.settle();
        await driver.restart();
        expect(await driver.rows('view')).toMatchObject([{ rows, total: rows }]);
      }
    },
  );

  it('Lambda loses and doubles nothing at the boundary of its layers', async () => {
    const driver = await open(
      { view: perTenMinutes({ then: 'correct', delay: '5m' }).updates() },
      { architecture: 'lambda', epochRows: 1 },
    );
    // Times that lie on the boundary of windows, before it and after it, late ones among them.
    const times = [
      '10:00',
      '10:09:59.999',
      '10:10',
      '10:19',
      '10:20',
      '10:10:00.001',
      '10:00',
      '10:40',
      '10:09',
    ];
    for (const [index, time] of times.entries()) {
      await feed(driver, `x@${time}`);
      const counted = (await driver.rows('view')).reduce((all, row) => all + Number(row['rows']), 0);
      expect(counted).toBe(index + 1);
    }
  });

  it('a bad record does not stop those behind it', async () => {
    const driver = await open({ view: perTenMinutes().updates() });
    const good = JSON.stringify(event('x@10:00'));
    await driver.send('a', [good, '{"key":', '[]', '{"key":"x","at":"yesterday","value":1}', good]);
    await driver.settle();
    expect(await driver.rows('view')).toMatchObject([{ rows: 2 }]);
    expect(await driver.rejected()).toHaveLength(3);
  });

  it('what must add up adds up after every epoch: the balances of all accounts are 0', async () => {
    // A transfer is one event that takes from one account and gives to another.
    const transfers = readings('a');
    const balances = transfers
      .map((t) => ({ account: t.key, amount: t.value.times(-1) }))
      .union(transfers.map((t) => ({ account: t.key.concat('2'), amount: t.value })))
      .groupBy((t) => ({ account: t.account }))
      .aggregate((t) => ({ balance: sum(t.amount) }));
    const total = balances
      .groupBy(() => ({}))
      .aggregate((b) => ({ total: sum(b.balance), accounts: count() }));
    const driver = await open({ total: total.updates() }, { epochRows: 1 });
    const seen: unknown[] = [];
    driver.engine.subscribe(
      'total',
      (changes) => void seen.push(...changes.map(({ row }) => row?.['total'])),
    );
    await driver.send('a', ['x@10:00 5', 'y@10:01 7', 'x@10:02 3', 'z@10:03 -4'].map(event));
    await driver.settle();
    expect(new Set(seen)).toEqual(new Set([0]));
    expect(await driver.rows('total')).toEqual([{ total: 0, accounts: 6 }]);
  });
});

async function* bytes(text: string): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}
