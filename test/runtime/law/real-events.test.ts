/**
 * The law on a day of real flights, 16,805 of them, with genuine lateness: all five architectures end with the rows that a
 * recomputation from scratch gives, with every event counted or accounted for as late.
 */
import * as fc from 'fast-check';
import { TestDriver, type TestOptions } from 'pipeline-runtime/testing';
import { describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../../runtime/src/config/project.ts';
import { flightsPipeline, readFlights } from './flights.ts';
import { type Flight, oracle, type OracleRules } from './oracle.ts';

const MINUTE_MS = 60_000;
const flights = readFlights();
const rulesOf = (policy: OracleRules['policy'], mode: OracleRules['mode']): OracleRules => ({
  delayMs: 15 * MINUTE_MS,
  allowedMs: 60 * MINUTE_MS,
  policy,
  mode,
});

interface Cut {
  /** Events until this one are sent and settled before the next; then the pipeline crashes, or not. */
  readonly at: number;
  readonly crash: boolean;
}

async function run(
  rules: OracleRules,
  events: readonly Flight[],
  options: TestOptions,
  cuts: readonly Cut[],
) {
  const driver = await TestDriver.open(flightsPipeline(rules), options);
  let from = 0;
  for (const { at, crash } of [...cuts, { at: events.length, crash: true }]) {
    await driver.send('flights', events.slice(from, at));
    await driver.settle();
    if (crash) await driver.restart();
    from = at;
  }
  const lateOffsets = (await driver.late()).map(({ offset }) => offset).sort((a, b) => a - b);
  return { rows: await driver.rows('delays'), lateOffsets, status: await driver.engine.status() };
}

describe('a day of real flights', () => {
  const cases = (['correct', 'drop', 'side-output'] as const).flatMap((policy) =>
    (['updates', 'final'] as const).flatMap((mode) =>
      ARCHITECTURES.map((architecture) => ({ architecture, policy, mode })),
    ),
  );

  it('has late events under these rules, and windows that are still open at its end', () => {
    const late = oracle(flights, rulesOf('drop', 'updates'));
    expect(late.lateOffsets.length).toBeGreaterThan(500);
    expect(oracle(flights, rulesOf('correct', 'final')).rows.length).toBeLessThan(
      oracle(flights, rulesOf('correct', 'updates')).rows.length,
    );
  });

  it.for(cases)(
    '$architecture, $policy, $mode: the rows of a recomputation from scratch',
    async ({ architecture, policy, mode }) => {
      const rules = rulesOf(policy, mode);
      const expected = oracle(flights, rules);
      const cuts = [2_000, 9_000, 9_001, 15_000].map((at, index) => ({ at, crash: index % 2 === 0 }));
      const found = await run(rules, flights, { architecture, epochRows: 1_500 }, cuts);
      expect(found.rows).toEqual(expected.rows);
      expect(found.status.late.total).toBe(expected.lateOffsets.length);
      expect(found.lateOffsets).toEqual(policy === 'drop' ? [] : expected.lateOffsets);
    },
  );
});

describe('random cuts, crashes and orders', () => {
  const few = flights.filter((_, index) => index % 16 === 0);

  it.for(ARCHITECTURES)('%s ends with the same rows', async (architecture) => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('correct' as const, 'drop' as const, 'side-output' as const),
        fc.constantFrom('updates' as const, 'final' as const),
        fc.uniqueArray(fc.record({ at: fc.integer({ min: 1, max: few.length - 1 }), crash: fc.boolean() }), {
          maxLength: 8,
          selector: ({ at }) => at,
        }),
        fc.integer({ min: 1, max: 700 }),
        async (policy, mode, cuts, epochRows) => {
          const rules = rulesOf(policy, mode);
          const expected = oracle(few, rules);
          const sorted = cuts.toSorted((a, b) => a.at - b.at);
          const found = await run(rules, few, { architecture, epochRows }, sorted);
          expect(found.rows).toEqual(expected.rows);
          expect(found.status.late.total).toBe(expected.lateOffsets.length);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('an order within the allowed lateness changes nothing', async () => {
    const rules = rulesOf('drop', 'updates');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: rules.allowedMs }), { minLength: 500, maxLength: 500 }),
        async (jitter) => {
          const inOrder = few
            .slice(0, 500)
            .toSorted((a, b) => Date.parse(a.scheduled) - Date.parse(b.scheduled));
          const shuffled = inOrder
            .map((event, index) => ({ event, arrivalMs: Date.parse(event.scheduled) + (jitter[index] ?? 0) }))
            .toSorted((a, b) => a.arrivalMs - b.arrivalMs)
            .map(({ event }) => event);
          const [first, second] = [await run(rules, inOrder, {}, []), await run(rules, shuffled, {}, [])];
          expect(second.rows).toEqual(first.rows);
        },
      ),
      { numRuns: 10 },
    );
  });
});
