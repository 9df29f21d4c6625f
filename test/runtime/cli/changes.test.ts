/** A project whose definition changes, through the command line. */
import { afterEach, expect, it } from 'vitest';
import { DEFINITION, TestProject } from '../crash/project.ts';

let project: TestProject | undefined;
afterEach(() => project?.remove());

it('shows what a change means, refuses it without a word written, and takes it from now on', async () => {
  const p = new TestProject('architecture: streaming\ningest: { source: flights, file: flights.jsonl }');
  project = p;
  expect(await p.run(['plan', '--changes'])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('no stored results'),
  });
  expect(await p.run(['run', '--once', '--ingest'])).toMatchObject({ code: 0 });
  const rows = await p.rows();
  p.write('pipeline.ts', DEFINITION.replace("'departures', {", "'departures', {\n  all: flights.updates(),"));
  const shown = await p.run(['plan', '--changes', '--format', 'json']);
  expect(JSON.parse(shown.stdout)).toMatchObject([{ where: 'view "all"', verdict: 'starts' }]);

  p.write('pipeline.ts', DEFINITION.replace("then: 'correct'", "then: 'drop'"));
  expect(await p.run(['run', '--once', '--from-now-on'])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('source "flights", lateness, then: correct → drop'),
  });

  p.write(
    'pipeline.ts',
    DEFINITION.replace('delays: flights', 'delays: flights.filter((f) => f.delay.gt(0))'),
  );
  const refused = await p.run(['run', '--once']);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain('view "delays", filter: none → gt(delay, 0)');
  expect(refused.stderr).toContain('--from-now-on');
  expect(await p.run(['run', '--once', '--from-now-on'])).toMatchObject({ code: 0 });
  expect(await p.rows()).toEqual(rows);
  expect(await p.run(['plan', '--changes'])).toMatchObject({
    stderr: expect.stringContaining('that of the stored results'),
  });
});
