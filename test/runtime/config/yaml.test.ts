/** YAML that a stranger wrote: read, or refused with a code and a place; never a crash, never a wait. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodedError } from '../../../runtime/src/base/coded-error.ts';
import { readYaml } from '../../../runtime/src/config/yaml.ts';

function problem(text: string): string {
  try {
    readYaml(text, 'f.yaml');
    return '';
  } catch (error) {
    expect(error).toMatchObject({ code: 'FILE_INVALID', exitCode: 2 });
    return (error as Error).message;
  }
}

describe('a file is refused with its place', () => {
  test.each<[string, string, RegExp]>([
    ['a key twice', 'a: 1\nb: 2\na: 3\n', /^f\.yaml:3:1: .*unique/],
    ['a key twice, deep inside', 'x:\n  - a: 1\n    a: 2\n', /^f\.yaml:3:5: .*unique/],
    ['a key twice, in braces', '{a: 1, a: 2}', /^f\.yaml:1:8: .*unique/],
    ['an alias', 'a: &x 1\nb: *x\n', /^f\.yaml:2:4: aliases \(\*x\) are not allowed/],
    ['a list as a key', '? [a]\n: 1\n', /^f\.yaml:1:3: a list or a map cannot be a key/],
    [
      'a bomb of aliases',
      `a0: &a0 [x]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join('\n')}`,
      /aliases/,
    ],
    ['a tag of a program', 'a: !!js/function "x"\n', /^f\.yaml:1:4: /],
    ['two documents', 'a: 1\n---\nb: 2\n', /more than one document/],
    ['a tab as indentation', 'a:\n\tb: 1\n', /^f\.yaml:2:/],
    ['an open bracket', 'a: [1, 2\n', /^f\.yaml:/],
    ['an open quote', 'a: "x\n', /^f\.yaml:/],
    ['brackets without an end', '['.repeat(100_000), /^f\.yaml:1:1: brackets nest deeper than 64 levels/],
    ['lists in lists without an end', '- '.repeat(1000), /nest deeper than 64 levels/],
    [
      'indentation without an end',
      Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      /nest deeper than 64 levels/,
    ],
    ['more than a megabyte', `a: ${'x'.repeat(1_000_001)}`, /the file is over 1 MB/],
  ])('%s', (_, text, message) => {
    expect(problem(text)).toMatch(message);
  });

  test('a key twice among very many is found at once', () => {
    const many = Array.from({ length: 30_000 }, (_, i) => `k${i}: 1`).join('\n');
    expect(readYaml(many, 'f.yaml').value).toHaveProperty('k29999', 1);
    expect(problem(`${many}\nk7: 2\n`)).toMatch(/^f\.yaml:30001:1: /);
  }, 10_000);
});

test('what is plain is read: no value is a date, a merge or a prototype', () => {
  const { value } = readYaml('a: 2001-01-10\nb: yes\nc: 012\n<<: {d: 1}\n__proto__: {e: 1}\n', 'f.yaml');
  expect(JSON.stringify(value)).toBe('{"a":"2001-01-10","b":"yes","c":12,"<<":{"d":1},"__proto__":{"e":1}}');
  expect((value as { e?: unknown }).e).toBeUndefined();
});

test('a place is that of the key, or of its nearest parent', () => {
  const yaml = readYaml('a:\n  b:\n    - c: 1\n', 'f.yaml');
  expect(yaml.placeOf(['a', 'b', 0, 'c'])).toEqual({ line: 3, column: 7 });
  expect(yaml.placeOf(['a', 'nope', 'c'])).toEqual({ line: 1, column: 1 });
  expect(readYaml('', 'f.yaml').placeOf(['a'])).toEqual({ line: 1, column: 1 });
});

test('any text is read or refused with a code', () => {
  const pieces = fc.constantFrom(
    ...'a: - [ ] { } , ? & * ! | > \' " # % @ ` \n'.split(' '),
    ' ',
    '  ',
    '\t',
    '---',
    '...',
    '<<',
    '&a',
    '*a',
    '!!binary',
    '!t',
    '\0',
    '\u2028',
    '\ud800',
    '0x1',
    '.inf',
    '~',
    '%YAML 1.1',
    '\r\n',
  );
  const text = fc.oneof(
    fc.array(pieces, { maxLength: 25 }).map((all) => all.join('')),
    fc.string({ unit: 'binary', maxLength: 60 }),
  );
  fc.assert(
    fc.property(text, (hostile) => {
      try {
        const { value } = readYaml(hostile, 'f.yaml');
        JSON.stringify(value);
      } catch (error) {
        expect(error).toBeInstanceOf(CodedError);
        expect(error).toMatchObject({ code: 'FILE_INVALID' });
        expect((error as Error).message).toMatch(/^f\.yaml:\d+:\d+: /);
      }
    }),
    { numRuns: 1000 },
  );
});
