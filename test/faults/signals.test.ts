/** Being stopped: finish what was begun and leave; asked twice, leave at once. Half a result is none. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FileRun } from '../../runtime/src/engine/file-run.ts';
import { loadDefinition } from '../../runtime/src/cli/load-definition.ts';
import { DEFINITION, TestProject } from '../runtime/crash/project.ts';
import { post, startRun } from './running.ts';

let project: TestProject | undefined;
afterEach(() => project?.remove());

function open(): TestProject {
  project = new TestProject('architecture: streaming\ntrigger: { every: 20ms }\n');
  return project;
}

const EVENT = { origin: 'ATL', destination: 'SAV', scheduled: '2001-01-16T23:58:00Z', delay: 7 };

describe('pipeline run', () => {
  it('two signals at once end it at once, and nothing that was acknowledged is lost', async () => {
    const p = open();
    const running = await startRun(p);
    expect(await post(running.url, 'flights', EVENT)).toBe(true);
    // Both are delivered when it goes on, before anything could be finished.
    running.child.kill('SIGSTOP');
    running.child.kill('SIGTERM');
    running.child.kill('SIGINT');
    running.child.kill('SIGCONT');
    expect(await running.exit).toMatchObject({ code: 130 });
    await p.run(['run', '--once']);
    expect(await p.rows()).toMatchObject([{ origin: 'ATL', flights: 1 }]);
  });
});

describe('a run over files', () => {
  it('that is interrupted says so, before it would show half of the events', async () => {
    const p = open();
    writeFileSync(join(p.folder, 'broken.jsonl'), `no event\n${JSON.stringify(EVENT)}\n`);
    const stop = new AbortController();
    const plan = await loadDefinition(join(p.folder, 'pipeline.ts'));
    const [source] = plan.sources;
    const run = new FileRun({ plan, jit: 'on', onProblem: () => stop.abort() });
    if (source === undefined) throw new Error('the definition has a source');
    await expect(run.feedFile(source, join(p.folder, 'broken.jsonl'), stop.signal)).rejects.toMatchObject({
      name: 'AbortError',
    });
  });

  it.for([[], ['--workers', '2'], ['--architecture', 'streaming']])(
    '%s: 130, and no file of results, whole or half',
    async (args) => {
      const p = open();
      // Signals from its own code: the first moment at which there is something to interrupt.
      const signalling = 'process.nextTick(() => setTimeout(() => process.kill(process.pid, "SIGINT"), 0));';
      p.write('pipeline.ts', `${DEFINITION}\n${signalling}`);
      const inputs = [
        '--pipeline',
        'pipeline.ts',
        '--input',
        'flights=flights.jsonl',
        '--output',
        'rows.jsonl',
      ];
      const { code, signal } = await p.run(['run', '--once', ...inputs, ...args]);
      // Before the handlers are there the signal itself ends it.
      expect(signal === 'SIGINT' || code === 130).toBe(true);
      expect(existsSync(join(p.folder, 'rows.jsonl'))).toBe(false);
      expect(existsSync(join(p.folder, 'rows.jsonl.partial'))).toBe(false);
    },
  );
});
