/** What README.md says of the five architectures over the bundled flights is what `advisor prove` measures. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');

test('the table of README.md is current: npm run flights -- --write', { timeout: 600_000 }, () => {
  const { stdout, status } = spawnSync(process.execPath, [join(ROOT, 'scripts', 'flights.mjs')], {
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(stdout.split('\n').length).toBeGreaterThan(5);
  expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toContain(`\n${stdout}`);
});
