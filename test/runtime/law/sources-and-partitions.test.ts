/**
 * Two sources in one log, each with its own clock, and sources of several partitions: one source's time never closes the
 * other's windows, and what is late does not depend on the cut or on the architecture.
 */
import * as fc from 'fast-check';
import { count, type Pipeline, pipeline, source, sum, tumbling } from 'pipeline-runtime';
import { TestDriver, type TestOptions } from 'pipeline-runtime/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ARCHITECTURES } from '../../../runtime/src/config/project.ts';

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2001, 0, 1);

function readings(name: string, delay: string, then: 'correct' | 'drop' | 'side-output') {
  const events = source(name, {
    schema: z.object({ key: z.string(), at: z.iso.datetime(), value: z.int() }),
    eventTime: 'at',
    watermark: { delay },
    lateness: { allowed: '5m', then },
  });
  return events
    .groupBy((e) => ({ key: e.key, window: tumbling(e.at, '10m') }))
    .aggregate((e) => ({ events: count(), total: sum(e.value) }));
}

const fastViews = () => ({ fast: readings('fast', '0s', 'drop').updates() });
const slowViews = () => {
  const grouped = readings('slow', '30m', 'correct');
  return { slow: grouped.final(), soon: grouped.updates() };
};
const both = (): Pipeline => pipeline('both', { ...fastViews(), ...slowViews() });

interface Sent {
  readonly source: 'fast' | 'slow';
  readonly key: string;
  readonly minute: number;
}

const sent: fc.Arbitrary<Sent> = fc.record({
  source: fc.constantFrom('fast' as const, 'slow' as const),
  key: fc.constantFrom('a', 'b', 'c'),
  minute: fc.integer({ min: 0, max: 120 }),
});

interface Step {
  readonly events: readonly Sent[];
  readonly settle: boolean;
  readonly crash: boolean;
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({ events: fc.array(sent, { maxLength: 12 }), settle: fc.boolean(), crash: fc.boolean() }),
  { maxLength: 8 },
);

/** Sends the steps; `only` leaves one source out of the log. What is settled between them is up to `cuts`. */
async function run(
  definition: Pipeline,
  given: readonly Step[],
  options: TestOptions & { cuts: boolean; only?: string },
) {
  const driver = await TestDriver.open(definition, options);
  let value = 0;
  for (const { events, settle, crash } of given) {
    for (const { source: name, key, minute } of events) {
      value++;
      if (options.only !== undefined && name !== options.only) continue;
      const at = new Date(START_MS + minute * MINUTE_MS).toISOString();
      await driver.send(name, [{ key, at, value }]);
    }
    if (options.cuts && settle) await driver.settle();
    if (options.cuts && crash) await driver.restart();
  }
  await driver.settle();
  const rows: Record<string, unknown> = {};
  for (const { name } of definition.plan.views) rows[name] = await driver.rows(name);
  const late = (await driver.late()).map(
    ({ view, source: name, partition, offset }) => `${view} ${name} ${partition} ${offset}`,
  );
  return { rows, late: late.sort(), total: (await driver.engine.status()).late.total };
}

describe.for(ARCHITECTURES)('%s', (architecture) => {
  it('each source is what it would be alone', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 20 }), async (given, epochRows) => {
        const together = await run(both(), given, { architecture, epochRows, cuts: true });
        const alone = {
          fast: await run(pipeline('alone', fastViews()), given, { cuts: false, only: 'fast' }),
          slow: await run(pipeline('alone', slowViews()), given, { cuts: false, only: 'slow' }),
        };
        expect(together.rows).toEqual({ ...alone.fast.rows, ...alone.slow.rows });
        expect(together.total).toBe(alone.fast.total + alone.slow.total);
        expect(together.late).toEqual([...alone.fast.late, ...alone.slow.late].sort());
      }),
      { numRuns: 40 },
    );
  });

  it('with three partitions, any cut gives what no cut gives', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 20 }), async (given, epochRows) => {
        const cut = await run(both(), given, { architecture, epochRows, partitions: 3, cuts: true });
        const whole = await run(both(), given, { partitions: 3, cuts: false });
        expect(cut).toEqual(whole);
      }),
      { numRuns: 120 },
    );
  });
});
