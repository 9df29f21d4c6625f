/** Bad usage of the benchmarks' commands: one line that says what is wrong, exit code 2, nothing written. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const DIST = join(import.meta.dirname, '..', '..', 'bench', 'dist');

test.each([
  ['main', ['--query', 'q99', '--input', 'x'], "'q99' is invalid. Allowed choices are q0, q1"],
  ['main', ['--query', 'q5', '--input', 'x', '--delay', '4'], 'say 4m or 4s'],
  ['main', ['--query', 'q5', '--input', '/not/there'], '/not/there: cannot be read'],
  ['main', ['--query', 'q5'], "'--input <file>' not specified"],
  ['main', ['--query', 'q13', '--input', import.meta.filename], 'q13 looks values up: --side FILE'],
  ['main', ['--query', 'q5', '--input', 'x', '--inptu', 'y'], "unknown option '--inptu'"],
  ['generate', ['--events', '0', '--output', 'not-written.jsonl'], 'a whole number from 1'],
  ['bench', ['--queries', 'q0,q98'], 'There is no q98; there are q0, q1'],
])('%s %j', (script, args, says) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(DIST, `${script}.js`), ...args], {
    encoding: 'utf8',
  });
  expect(stderr).toContain(says);
  expect(stderr).not.toContain('    at ');
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(existsSync('not-written.jsonl')).toBe(false);
});
