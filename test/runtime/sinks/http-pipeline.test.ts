/** HTTP sinks behind whole pipelines, in every architecture: nothing is lost, and what comes twice is the same message (E7). */
import * as fc from 'fast-check';
import { count, pipeline, type Pipeline, source, sum, tumbling } from 'pipeline-runtime';
import { TestDriver, type TestOptions } from 'pipeline-runtime/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ARCHITECTURES } from '../../../runtime/src/config/project.ts';
import type { SinkConfig } from '../../../runtime/src/config/sinks.ts';
import type { JsonRow } from '../../../runtime/src/host/host.ts';
import { type Clock, systemClock } from '../../../runtime/src/ports/clock.ts';
import { HttpSink } from '../../../runtime/src/sinks/http/http-sink.ts';
import type { Journal } from '../../../runtime/src/sinks/journal.ts';
import { Receiver } from '../../suites/receiver.ts';

const clicks = source('clicks', {
  schema: z.object({ at: z.iso.datetime(), user: z.string(), n: z.int() }),
  eventTime: 'at',
  watermark: { delay: '0s' },
  lateness: { allowed: '1h', then: 'correct' },
});

function definition(atLeast = 0): Pipeline {
  const wanted = clicks.filter((c) => c.n.gte(atLeast));
  return pipeline('clicks', {
    hours: wanted
      .groupBy((c) => ({ user: c.user, hour: tumbling(c.at, '1h') }))
      .aggregate((c) => ({ clicks: count(), n: sum(c.n) }))
      .updates(),
    users: wanted
      .groupBy((c) => ({ user: c.user }))
      .aggregate((c) => ({ clicks: count(), n: sum(c.n) }))
      .updates(),
    large: wanted.filter((c) => c.n.gte(50)).updates(),
  });
}

const VIEWS = ['hours', 'users', 'large'] as const;

const config = (view: string): SinkConfig => ({
  view,
  name: `${view}_http`,
  to: { kind: 'http', url: 'https://example.com/rows', headers: {}, rows: 2, timeoutMs: 60_000 },
  every: 0,
  buffer: 1_000_000,
  giveUpAfter: 60_000,
});

/** Nobody waits long: what is tried again is tried again at once. */
const quickClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) => (ms < 3_600_000 ? systemClock.turn() : systemClock.sleep(ms, signal)),
};

/** Receivers behind a platform whose answers a test decides. */
class Outside {
  readonly receivers = new Map(VIEWS.map((view) => [view as string, new Receiver()]));
  /** So many messages from now one is answered with a status, whether it was taken or not. */
  failing: { in: number; readonly status: number; readonly isTaken: boolean } | null = null;

  #open(of: SinkConfig, journal: Journal): HttpSink {
    const receiver = this.receivers.get(of.view);
    if (of.to.kind !== 'http' || receiver === undefined) throw new Error(of.view);
    return new HttpSink({
      ...of.to,
      pipeline: 'clicks',
      view: of.view,
      sink: of.name,
      journal,
      fetch: (_, { headers, body } = {}) => {
        const isFailing = this.failing !== null && this.failing.in-- <= 0;
        const { status, isTaken } =
          isFailing && this.failing !== null ? this.failing : { status: 204, isTaken: true };
        if (isFailing) this.failing = null;
        const key = (headers as Record<string, string>)['idempotency-key'] ?? null;
        if (isTaken) receiver.take(key, typeof body === 'string' ? body : '');
        return Promise.resolve(new Response(null, { status }));
      },
    });
  }

  options(architecture: TestOptions['architecture'] = 'streaming'): TestOptions {
    return {
      architecture,
      epochRows: 3,
      clock: quickClock,
      config: { sinks: VIEWS.map(config) },
      sinkPorts: { makeSink: (of, journal) => this.#open(of, journal) },
    };
  }

  get problems(): string[] {
    return [...this.receivers.values()].flatMap(({ problems }) => problems);
  }
}

const sorted = (rows: readonly JsonRow[]): string[] => rows.map((row) => JSON.stringify(row)).toSorted();

async function expectAlike(driver: TestDriver, outside: Outside): Promise<void> {
  const [seen, there, complete]: Record<string, string[]>[] = [{}, {}, {}];
  for (const [view, receiver] of outside.receivers) {
    Object.assign(seen ?? {}, { [view]: sorted(await driver.rows(view)) });
    Object.assign(there ?? {}, { [view]: sorted(receiver.content()) });
    Object.assign(complete ?? {}, { [view]: sorted(receiver.complete?.content ?? []) });
  }
  expect(outside.problems).toEqual([]);
  expect(there).toEqual(seen);
  expect(complete).toEqual(seen);
}

const click = (user: string, hour: number, n: number): object => ({
  at: new Date(Date.UTC(2001, 0, 1, hour, n % 60)).toISOString(),
  user,
  n,
});

const LOST = { in: 0, isTaken: false, status: 503 } as const;
const some = fc.array(fc.tuple(fc.nat(5), fc.nat(9), fc.nat(99)), { minLength: 1, maxLength: 12 });
const trouble = fc.record({
  in: fc.nat(4),
  isTaken: fc.boolean(),
  // What may pass is tried again by the same process, what does not ends it.
  status: fc.constantFrom<503 | 400>(503, 400),
});
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: some },
    { weight: 3, arbitrary: trouble },
    fc.constantFrom('restart', 'rebuild', 'other'),
  ),
  { minLength: 2, maxLength: 12 },
);

describe.each(ARCHITECTURES)('%s', (architecture) => {
  it(
    'after random changes, lost answers and deaths the receiver has what readers see',
    { timeout: 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(steps, async (all) => {
          const outside = new Outside();
          let atLeast = 0;
          const driver = await TestDriver.open(definition(), outside.options(architecture));
          for (const step of all) {
            if (Array.isArray(step))
              await driver.send(
                'clicks',
                step.map(([user, hour, n]) => click(`u${user}`, hour, n)),
              );
            else if (step === 'restart') await driver.restart(definition(atLeast));
            else if (step === 'rebuild') {
              atLeast = 40 - atLeast;
              await driver.restart(definition(atLeast), { rebuild: true });
            } else if (step === 'other') await another(driver, architecture);
            else outside.failing = { ...step };
            try {
              await driver.settle();
            } catch (error) {
              expect(error).toMatchObject({ code: 'SINK_REFUSED' });
              await driver.restart(definition(atLeast));
              // Half of the deaths find more to deliver than there was.
              continue;
            }
            await expectAlike(driver, outside);
          }
          await driver.settle().catch(() => driver.restart(definition(atLeast)));
          outside.failing = null;
          await driver.settle();
          await expectAlike(driver, outside);
        }),
        {
          numRuns: 10,
          // Readers of Lambda move to the other layer between a reset and what should follow it.
          examples: [[[[[0, 0, 0]], LOST, [[1, 0, 0]], LOST, LOST]]],
        },
      );
    },
  );
});

async function another(driver: TestDriver, architecture: string): Promise<void> {
  if (architecture === 'batch' || architecture === 'lambda') await driver.engine.command('backfill', {});
  if (architecture !== 'kappa') return;
  const versions = (await driver.engine.command('versions', {})) as { name: string; role: string }[];
  const other = versions.find(({ role }) => role !== 'live');
  if (other === undefined) await driver.engine.command('replay', { plan: definition(30).plan });
  else if (other.role === 'previous') await driver.engine.command('rollback', {});
  else await driver.engine.command('promote', { version: other.name });
}

describe('a death in the middle of a delivery', () => {
  it.for([true, false])(
    'sends again what was under way, and of the rest only what was not taken (E7); it was taken: %s',
    async (isTaken) => {
      for (let at = 0; at < 8; at++) {
        const outside = new Outside();
        const driver = await TestDriver.open(definition(), outside.options());
        const events = Array.from({ length: 11 }, (_, n) => click(`user${n}`, 1, n));
        await driver.send('clicks', events);
        outside.failing = { in: at, status: 400, isTaken };
        await driver.settle().catch(() => {});
        await driver.restart();
        await driver.settle();
        const { echoes, repeats, problems } = outside.receivers.get('users') ?? new Receiver();
        expect([at, problems, echoes]).toEqual([at, [], 0]);
        expect(repeats).toBeLessThanOrEqual(isTaken ? 1 : 0);
        await expectAlike(driver, outside);
      }
    },
  );

  it('a receiver that was told everything again is told first that nothing counts any more', async () => {
    const outside = new Outside();
    const driver = await TestDriver.open(definition(), outside.options());
    await driver.send('clicks', [click('a', 1, 10), click('b', 1, 60)]);
    await driver.settle();
    await driver.restart(definition(40), { rebuild: true });
    await driver.settle();
    expect(outside.receivers.get('users')?.content()).toEqual([{ user: 'b', clicks: 1, n: 60 }]);
    await expectAlike(driver, outside);
  });

  it('status says what it promises and where it stands', async () => {
    const outside = new Outside();
    const driver = await TestDriver.open(definition(), outside.options());
    await driver.send('clicks', [click('a', 1, 10), click('b', 1, 60)]);
    await driver.settle();
    const { sinks, epochs } = await driver.engine.status();
    expect(sinks?.[1]).toMatchObject({
      name: 'users_http',
      kind: 'http',
      guarantee: 'at-least-once',
      place: 'POST https://example.com/rows',
      position: 2,
      epoch: epochs.committed,
      lagEvents: 0,
      waitingRows: 0,
    });
  });
});
