/** A state that cannot be read is refused by name, and the way out that the message names is one. */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { TestProject } from '../runtime/crash/project.ts';

let project: TestProject | undefined;
afterEach(() => project?.remove());

const EVENTS = ['10:00', '10:20', '12:00'].map((time) =>
  JSON.stringify({ origin: 'ATL', destination: 'SAV', scheduled: `2001-01-16T${time}:00Z`, delay: 7 }),
);

function overwrite(file: string, bytes: Buffer): void {
  chmodSync(file, 0o600);
  writeFileSync(file, bytes);
}

describe.each([
  ['whose list of files is zeros', /^MANIFEST/, (bytes: Buffer) => Buffer.alloc(bytes.length)],
  [
    'with a block that is damaged',
    /\.sst$/,
    (bytes: Buffer) => bytes.map((byte, at) => (at < 64 ? byte ^ 1 : byte)),
  ],
])('a state %s', (_, names, damage) => {
  it('is refused, changes no event, and `run --rebuild` computes it again', async () => {
    const p = (project = new TestProject('architecture: streaming\n'));
    await p.run(['ingest', '-'], `${EVENTS.join('\n')}\n`);
    expect(await p.run(['run', '--once'])).toMatchObject({ code: 0 });
    const rows = await p.rows();
    expect(rows).toHaveLength(2);
    const state = join(p.folder, 'data', 'state');
    const damaged = readdirSync(state).filter((name) => names.test(name));
    expect(damaged.length).toBeGreaterThan(0);
    for (const name of damaged)
      overwrite(join(state, name), Buffer.from(damage(readFileSync(join(state, name)))));
    const refused = await p.run(['run', '--once']);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('pipeline run --rebuild') });
    expect(await p.run(['run', '--once', '--rebuild'])).toMatchObject({ code: 0 });
    expect(await p.rows()).toEqual(rows);
  });
});
