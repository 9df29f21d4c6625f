/**
 * Batch runs, corrections and Lambda's batch layer compute with generated code where it judges late events as the
 * interpreter does; their rows and late events are the same (R1, R2, J1).
 */
import * as fc from 'fast-check';
import { count, max, pipeline, session, source, sum, tumbling } from 'pipeline-runtime';
import { TestDriver } from 'pipeline-runtime/testing';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { GeneratedRecompute } from '../../../runtime/src/loop/generated-recompute.ts';
import { LateRows } from '../../../runtime/src/loop/late.ts';
import { Batch } from '../../../runtime/src/state/store.ts';
import { ViewChanges } from '../../../runtime/src/views/changes.ts';

const readingsOf = (then: 'correct' | 'side-output') =>
  source('readings', {
    schema: z.object({ at: z.iso.datetime(), sensor: z.string().nullable(), n: z.int() }),
    eventTime: 'at',
    watermark: { delay: '1m' },
    lateness: { allowed: '2m', then },
  });

const definitionOf = (then: 'correct' | 'side-output') => {
  const readings = readingsOf(then);
  const quarters = readings
    .groupBy((r) => ({ sensor: r.sensor, quarter: tumbling(r.at, '15m') }))
    .aggregate((r) => ({ readings: count(), all: sum(r.n), most: max(r.n) }));
  return pipeline('readings', {
    updates: quarters.updates(),
    final: quarters.final(),
    each: readings
      .filter((r) => r.n.gt(0))
      .map((r) => ({ sensor: r.sensor, tenth: r.n.integerDividedBy(r.n.minus(2)) }))
      .updates(),
    latest: readings.dedupe({ keys: ['sensor'], keep: 'last', by: 'time' }).updates(),
    sessions: readings
      .groupBy((r) => ({ window: session(r.at, '5m') }))
      .aggregate(() => ({ readings: count() }))
      .final(),
  });
};

const anyParts = fc
  .array(
    fc.array(
      fc.record({
        step: fc.constantFrom(0, 1, 2, 7, 20, -2, -9, -25, -60),
        sensor: fc.constantFrom('a', 'b', 'é', null),
        n: fc.integer({ min: -2, max: 3 }),
      }),
      { minLength: 1, maxLength: 10 },
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((parts) => {
    let minute = 60;
    return parts.map((part) =>
      part.map(({ step, ...event }) => {
        minute = Math.max(0, minute + step);
        return { ...event, at: new Date(Date.UTC(2001, 0, 1, 0, minute)).toISOString() };
      }),
    );
  });

describe.each(['correct', 'side-output'] as const)('late events: %s', (then) => {
  const definition = definitionOf(then);
  const names = definition.plan.views.map(({ name }) => name);

  test.each(['batch', 'lambda', 'streaming'] as const)('%s', async (architecture) => {
    const run = async (parts: readonly (readonly object[])[], jit: 'on' | 'off'): Promise<object> => {
      const driver = await TestDriver.open(definition, { architecture, config: { runtime: { jit } } });
      for (const events of parts) {
        await driver.send('readings', events);
        await driver.settle();
      }
      await driver.end();
      await driver.settle();
      const { late } = await driver.engine.status();
      const rejected = (await driver.rejected()).map(({ reason }) => reason).sort();
      const rows: Record<string, object> = {};
      for (const name of names) rows[name] = await driver.rows(name);
      return { rows, rejected, late: late.total };
    };
    await fc.assert(
      fc.asyncProperty(anyParts, async (parts) => {
        expect(await run(parts, 'on')).toEqual(await run(parts, 'off'));
      }),
      { numRuns: 15 },
    );
  });

  test('what generated code computes', async () => {
    const driver = await TestDriver.open(definition, { architecture: 'batch' });
    const { serving: layer } = driver.engine.arrangement;
    const made = layer.layouts.map((layout) => {
      const late = new LateRows(layer, layout, new Batch(), { recomputes: true });
      const options = { layer, layout, next: new ViewChanges(layout), late, wants: () => true };
      return [layout.view.name, GeneratedRecompute.make(options) !== null];
    });
    // A late event that a session takes all the same makes it longer, which the interpreter alone computes.
    expect(Object.fromEntries(made)).toEqual({
      updates: true,
      final: true,
      each: true,
      latest: true,
      sessions: then !== 'correct',
    });
  });
});
