/** The tables of faults and regressions name tests that are there, each fault of the list once, and every failpoint. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { REGRESSIONS } from './regressions.ts';
import { FAULTS } from './table.ts';

const TESTS = join(import.meta.dirname, '..');

/** What is wrong with the name of a test in a file; undefined when it is there. */
function missing(file: string, name: string): string | undefined {
  const path = join(TESTS, file);
  if (!existsSync(path)) return `${file} is not there`;
  const source = readFileSync(path, 'utf8');
  return ["'", '`', '"'].some((quote) => source.includes(`${quote}${name}${quote}`))
    ? undefined
    : `${file} has no test "${name}"`;
}

test('every row is there once, and names tests that are there', () => {
  const numbers = [...Array.from({ length: 25 }, (_, i) => i + 1), 31, 32, 33, 34, 35, 36, 37, 38];
  expect(FAULTS.map(({ number }) => number)).toEqual(numbers);
  const problems = FAULTS.flatMap(({ number, tests }) =>
    Object.entries(tests).flatMap(([file, names]) =>
      names.flatMap((name) => {
        const problem = missing(file, name);
        return problem === undefined ? [] : [`fault ${number}: ${problem}`];
      }),
    ),
  );
  expect(problems).toEqual([]);
  for (const { number, tests } of FAULTS)
    expect(Object.keys(tests).length, `fault ${number}`).toBeGreaterThan(0);
});

test('every regression names tests that are there, or says why it cannot happen', () => {
  const problems = REGRESSIONS.flatMap(({ report, tests }) =>
    Object.entries(tests).flatMap(([file, name]: [string, string]) => {
      const problem = file === 'cannot' ? undefined : missing(file, name);
      return problem === undefined ? [] : [`${report}: ${problem}`];
    }),
  );
  expect(problems).toEqual([]);
});

test('a name that is not there is found missing', () => {
  expect(missing('faults/table.test.ts', 'nobody has this name'.toUpperCase())).toContain('has no test');
  expect(missing('faults/none.test.ts', 'x')).toContain('is not there');
});
