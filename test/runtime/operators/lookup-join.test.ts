/** The lookup join against a naive recomputation, however its input is cut (O1, O2). */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Row } from '../../../runtime/src/data/value.ts';
import { LookupJoin } from '../../../runtime/src/operators/lookup-join.ts';
import {
  anyCuts,
  runScript,
  scriptOf,
  type Step,
  type Subject,
  type Surroundings,
} from '../../suites/operator.suite.ts';
import {
  anyEvents,
  both,
  isError,
  isPair,
  JOIN_TYPES,
  type JoinType,
  LEFT,
  RIGHT,
  specOf,
  subject,
} from './joins.ts';

const make =
  (type: JoinType) =>
  (given: Surroundings): Subject =>
    subject(
      new LookupJoin({ ...specOf(type, given), left: { keys: [0] }, right: { keys: [0] } }, given.next),
    );

function naive(type: JoinType, script: readonly Step[]): { changes: string[]; errors: number; keys: number } {
  const table = new Map<unknown, Row>();
  let errors = 0;
  const changes = script.flatMap(({ row, input }) => {
    if (input === RIGHT) {
      if (row[0] !== null) table.set(row[0], row);
      return [];
    }
    const found = table.get(row[0]);
    if (found !== undefined && isPair(row, found)) return [`+${JSON.stringify(both(row, found))}`];
    if (found !== undefined && isError(row, found)) errors++;
    return type === 'left' ? [`+${JSON.stringify(both(row, null))}`] : [];
  });
  return { changes, errors, keys: table.size };
}

test.each(JOIN_TYPES)(
  'O1, O2: %s, row by row in any epochs and restarts, is what a recomputation gives',
  async (type) => {
    await fc.assert(
      fc.asyncProperty(anyEvents, anyCuts, async (events, cuts) => {
        const script = scriptOf(events);
        const run = await runScript(make(type), script, { cuts });
        const { changes, errors, storedKeys, size, late } = run;
        const { keys, ...expected } = naive(type, script);
        expect({ changes, errors: errors.length }).toEqual(expected);
        expect({ storedKeys, size, late }).toEqual({ storedKeys: keys, size: keys, late: [] });
      }),
      { numRuns: 300 },
    );
  },
);

test('a row of the table that comes later changes nothing that was handed on', async () => {
  const rows = [
    { row: ['a', 1, 1], timeMs: 1, input: LEFT },
    { row: ['a', 2, 2], timeMs: 2, input: RIGHT },
    { row: ['a', 3, 1], timeMs: 3, input: LEFT },
    { row: ['a', 4, 4], timeMs: 4, input: RIGHT },
    { row: ['a', 1, 1], timeMs: 1, input: LEFT },
  ];
  const run = await runScript(make('left'), scriptOf(rows), { cuts: ['no', 'restart', 'no', 'restart'] });
  expect(run.changes).toEqual(['+["a",1,1,null,null]', '+["a",3,1,2,2]', '+["a",1,1,4,4]']);
});
