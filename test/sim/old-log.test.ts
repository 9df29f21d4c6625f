/** What seeds begin with is what version 0.1.0 wrote: byte for byte the files that it left in `test/fixtures/log-v1`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type OldBlock, oldBlock, oldHeader } from './old-log.ts';

const FIXTURE = join(import.meta.dirname, '../fixtures/log-v1');

test('the blocks of the fixture, written again, are the files of the fixture', () => {
  const expected = JSON.parse(readFileSync(join(FIXTURE, 'expected.json'), 'utf8')) as { blocks: OldBlock[] };
  const files = readdirSync(join(FIXTURE, 'log')).toSorted();
  expect(files.length).toBeGreaterThan(1);
  for (const [index, name] of files.entries()) {
    const bytes = readFileSync(join(FIXTURE, 'log', name));
    const [from, to] = [name, files[index + 1] ?? 'Infinity'].map((each) => Number.parseFloat(each));
    const blocks = expected.blocks.filter(
      ({ position }) => position >= Number(from) && position < Number(to),
    );
    const commits = commitsIn(bytes);
    const written = blocks.map((block, at) => oldBlock({ ...block, commit: commits[at] ?? 0 }));
    expect(Buffer.concat([oldHeader(Number(from)), ...written]).equals(bytes)).toBe(true);
  }
});

/** What `expected.json` does not say. */
function commitsIn(bytes: Buffer): number[] {
  return [...bytes.toString('latin1').matchAll(/"commit":(\d+)/g)].map(([, commit]) => Number(commit));
}
