/** What may become of a field whose events are in the log already, rule by rule. */
import { expect, test } from 'vitest';
import type { Field } from '../../../runtime/src/data/decode.ts';
import { fieldChanges } from '../../../runtime/src/plan/evolve.ts';

const INTEGER: Field = { name: 'n', type: 'integer', nullable: false };

test.each<readonly [string, Field, Partial<Field>, string | null]>([
  ['becomes nullable', INTEGER, { nullable: true }, null],
  [
    'is no longer null',
    { ...INTEGER, nullable: true },
    { nullable: false },
    'may be null in events of the log',
  ],
  ['widens', INTEGER, { type: 'double' }, null],
  ['narrows', { ...INTEGER, type: 'double' }, { type: 'integer' }, 'another type'],
])('a field that %s', (_, old, change, problem) => {
  const changes = fieldChanges([old], [{ ...old, ...change }]);
  if (problem === null) expect(changes.every((each) => each.problem === null)).toBe(true);
  else expect(changes).toMatchObject([{ field: 'n', problem: expect.stringContaining(problem) as string }]);
});

test('a field that is new is refused unless it may be null', () => {
  const problemOf = (nullable: boolean) => fieldChanges([], [{ ...INTEGER, nullable }])[0]?.problem;
  expect(problemOf(true)).toBeNull();
  expect(problemOf(false)).toContain('make it .optional()');
});
