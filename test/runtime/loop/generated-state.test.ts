/**
 * The state of generated code: the entries that the interpreter writes, so that at any restart either goes on from what the
 * other left (J3). GENERATED_STATES=200 tries so many streams for each view.
 */
import * as fc from 'fast-check';
import { count, hopping, max, min, type Pipeline, pipeline, session, source, sum } from 'pipeline-runtime';
import { TestDriver } from 'pipeline-runtime/testing';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { prefixOf } from '../../../runtime/src/state/keys.ts';
import { prefixRange } from '../../../runtime/src/state/store.ts';

const clicksOf = (then: 'drop' | 'correct') =>
  source('clicks', {
    schema: z.object({
      at: z.iso.datetime(),
      user: z.string().nullable(),
      page: z.string(),
      n: z.int().nullable(),
      isNew: z.boolean(),
      x: z.number(),
    }),
    eventTime: 'at',
    watermark: { delay: '2s' },
    lateness: { allowed: '1s', then },
  });
const clicks = clicksOf('drop');
const key = ['user', 'isNew'] as const;

const VIEWS = {
  'dedupe, the first to arrive': clicks.dedupe({ keys: key, keep: 'first', by: 'arrival' }).updates(),
  'dedupe, the last to arrive': clicks.dedupe({ keys: key, keep: 'last', by: 'arrival' }).updates(),
  'dedupe, the first by time': clicks.dedupe({ keys: key, keep: 'first', by: 'time' }).updates(),
  'dedupe, the last by time': clicks.dedupe({ keys: key, keep: 'last', by: 'time' }).updates(),
  'dedupe, and some columns of it': clicks
    .dedupe({ keys: ['user'], keep: 'last', by: 'time' })
    .map((c) => ({ user: c.user, page: c.page.upper() }))
    .updates(),
  'dedupe, then a group': clicks
    .dedupe({ keys: ['user'], keep: 'last', by: 'time' })
    .groupBy((c) => ({ page: c.page }))
    .aggregate((c) => ({ users: count(), all: sum(c.n) }))
    .updates(),
  'top, with places': clicks
    .top({ by: ['user'], order: (c) => [c.n.descending(), c.x], limit: 3, rank: 'place' })
    .updates(),
  'top, without places': clicks.top({ by: ['isNew'], order: (c) => [c.x], limit: 2 }).updates(),
  sessions: clicks
    .groupBy((c) => ({ user: c.user, window: session(c.at, '5s') }))
    .aggregate((c) => ({ clicks: count(), pages: max(c.page), all: sum(c.n), least: min(c.x) }))
    .final(),
  'sessions, corrected': clicksOf('correct')
    .groupBy((c) => ({ window: session(c.at, '4s'), isNew: c.isNew }))
    .aggregate(() => ({ clicks: count() }))
    .final(),
  'hopping windows': clicks
    .groupBy((c) => ({ user: c.user, window: hopping(c.at, { size: '9s', slide: '3s' }) }))
    .aggregate((c) => ({ clicks: count(), pages: max(c.page), all: sum(c.n), least: min(c.x) }))
    .final(),
  'hopping windows, corrected': clicksOf('correct')
    .groupBy((c) => ({ window: hopping(c.at, { size: '4s', slide: '1s' }) }))
    .aggregate(() => ({ clicks: count() }))
    .final(),
} as const;

const anyClick = fc.record({
  step: fc.constantFrom(0, 0, 1, 1, 2, 4, 9, -1, -3, -6),
  user: fc.constantFrom('ann', 'bob', 'zoë', null),
  page: fc.constantFrom('/', '/a', '/b'),
  n: fc.option(fc.integer({ min: -2, max: 3 })),
  isNew: fc.boolean(),
  x: fc.constantFrom(0, 0.5, -1.25),
});

/** Parts of a stream, and what runs each: one restart before each. */
const anyParts = fc
  .array(
    fc.record({
      events: fc.array(anyClick, { minLength: 1, maxLength: 12 }),
      jit: fc.constantFrom('on' as const, 'off' as const),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => {
    let second = 30;
    return parts.map(({ events, jit }) => ({
      jit,
      events: events.map(({ step, ...event }) => {
        second = Math.max(0, second + step);
        return { ...event, at: new Date(Date.UTC(2001, 0, 1) + second * 1000).toISOString() };
      }),
    }));
  });
type Parts = ReturnType<typeof anyParts.generate>['value'];

const withJit = (jit: 'on' | 'off') => ({ config: { runtime: { jit } } });

async function runIn(definition: Pipeline, parts: Parts, jitOf: (jit: 'on' | 'off') => 'on' | 'off') {
  const driver = await TestDriver.open(definition, { epochRows: 5, ...withJit('on') });
  const saved: (readonly string[])[] = [];
  for (const { events, jit } of parts) {
    await driver.restart(definition, withJit(jitOf(jit)));
    await driver.send('clicks', events);
    await driver.settle();
    const { views } = await driver.engine.status();
    // Nothing of a view may be left to the interpreter unless that was asked for.
    expect(views[0]?.interpretedBecause ?? 'on').toBe(
      jitOf(jit) === 'on' ? 'on' : 'generated code is switched off',
    );
    saved.push(await entriesOf(driver));
  }
  await driver.end();
  await driver.settle();
  const [rows, late] = [await driver.rows('view'), await driver.late()];
  return { rows, late: late.length, saved };
}

async function entriesOf(driver: TestDriver): Promise<readonly string[]> {
  const range = prefixRange(prefixOf('s', 'live', 'view'));
  const entries: string[] = [];
  for await (const { key: name, value } of driver.engine.data.store.scan(range)) {
    const id = name.toString('latin1');
    // How many rows a group has is counted where rows may be taken back; a sum of zeros may have a part that is zero.
    entries.push(/\|group\d+\|[^\xff]/.test(id) ? id : `${id} ${value.toString()}`);
  }
  return entries;
}

describe.each(Object.entries(VIEWS))('%s', (name, view) => {
  const definition = pipeline('clicks', { view });

  test('at each restart, either goes on from what the other left', async () => {
    await fc.assert(
      fc.asyncProperty(anyParts, async (parts) => {
        const expected = await runIn(definition, parts, () => 'off');
        const [mixed, generated] = [
          await runIn(definition, parts, (jit) => jit),
          await runIn(definition, parts, () => 'on'),
        ];
        const { saved, ...shown } = expected;
        expect(mixed).toMatchObject(shown);
        expect(generated).toMatchObject(shown);
        // The numbers of rows of a top tell their order alone: the interpreter counts all rows, generated code those it keeps.
        if (name.startsWith('top')) return;
        expect(generated.saved).toEqual(saved);
        expect(mixed.saved).toEqual(saved);
      }),
      { numRuns: Number(process.env['GENERATED_STATES'] ?? 6) },
    );
  });
});
