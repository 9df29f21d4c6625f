/** Whatever is wrong: exit code 2, a message that names the place and the remedy, and nothing has changed. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { DEFINITION, TestProject } from '../crash/project.ts';

let project: TestProject | undefined;
afterEach(() => project?.remove());

const config = 'architecture: streaming\n';
function open(text = config, definition = DEFINITION): TestProject {
  project = new TestProject(text, definition);
  return project;
}

describe('pipeline.config.yaml', () => {
  it.for([
    [
      'an unknown key',
      'architecture: batch\nfreshnes: 5m\n',
      'pipeline.config.yaml:3:1: unknown key "freshnes". Did you mean "freshness"?',
    ],
    [
      'a bare number',
      'architecture: batch\nfreshness: 15\n',
      'pipeline.config.yaml:3:1: freshness: "15" is not a duration. A bare number has no unit: say 15m or 15s.',
    ],
    [
      'a nested one',
      'architecture: batch\ntrigger: { every: 5 }\n',
      'pipeline.config.yaml:3:12: trigger.every: "5" is not a duration.',
    ],
    [
      'a key twice',
      'architecture: batch\narchitecture: kappa\n',
      'pipeline.config.yaml:3:1: key "architecture" is not unique',
    ],
    [
      'no architecture',
      'freshness: 5m\n',
      'architecture: must be one of batch, micro-batch, streaming, lambda, kappa',
    ],
    [
      'a path outside',
      'architecture: batch\ndata: ../elsewhere\n',
      'data: must be a path inside the project',
    ],
    [
      'an alias',
      'architecture: &a batch\ndata: *a\n',
      'pipeline.config.yaml:3:7: aliases (*a) are not allowed; write the value out',
    ],
    ['deep nesting', `architecture: ${'['.repeat(1000)}\n`, 'brackets nest deeper than 64 levels'],
    ['a huge file', `architecture: batch\n# ${'x'.repeat(1_000_001)}\n`, 'the file is over 1 MB'],
    ['two documents', 'architecture: batch\n---\nversion: 1\n', 'more than one document'],
    ['no YAML', 'architecture: [batch\n', 'pipeline.config.yaml:'],
  ] as const)('%s', async ([, text, message]) => {
    const { code, stdout, stderr } = await open(text).run(['run', '--once']);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(existsSync(join(project?.folder ?? '', 'data'))).toBe(false);
  });
});

describe('pipeline.ts', () => {
  it.for([
    ['a syntax error', 'export default pipeline(', 'pipeline.ts: cannot be loaded (line 1, column'],
    ['no default export', 'export const x = 1;', 'its default export is not a pipeline'],
    ['an unknown package', "import x from 'no-such-package';\nexport default x;", 'no-such-package'],
    ['code that throws', "throw new Error('out of coffee');", 'out of coffee'],
    [
      'a window over something else',
      DEFINITION.replace('tumbling(f.scheduled', 'tumbling(f.delay'),
      'view "delays": window "window" is not over the event time of its source: say tumbling(f.scheduled, …)',
    ],
    [
      'a type error',
      DEFINITION.replace('avg(f.delay)', 'avg(f.origin)'),
      'aggregate "meanDelay", avg: needs a number, not string',
    ],
    [
      'no late policy',
      DEFINITION.replace("lateness: { allowed: '1h', then: 'correct' },", ''),
      'say what becomes of late events',
    ],
    [
      'a bare duration',
      DEFINITION.replace("'15m'", "'15'"),
      'source "flights", watermark.delay: "15" is not a duration',
    ],
  ] as const)('%s', async ([, definition, message]) => {
    const { code, stderr } = await open(config, definition).run(['run', '--once']);
    expect(stderr).toContain(message);
    expect(stderr.split('\n').length).toBeLessThan(5);
    expect(code).toBe(2);
    expect(existsSync(join(project?.folder ?? '', 'data'))).toBe(false);
  });
});

describe('events', () => {
  it('malformed ones are rejected one by one, counted, kept and can be offered again', async () => {
    const p = open();
    const good = { origin: 'ATL', destination: 'SAV', scheduled: '2001-01-16T06:00:00Z', delay: 1 };
    const without = ({ [0]: field }: readonly [keyof typeof good]): object =>
      Object.fromEntries(Object.entries(good).filter(([name]) => name !== field));
    const lines = [
      JSON.stringify(good),
      '{"origin":"ATL"',
      JSON.stringify(without(['scheduled'])),
      JSON.stringify({ ...good, scheduled: '1901-01-16T06:00:00Z' }),
      JSON.stringify({ ...good, scheduled: '2101-01-16T06:00:00Z' }),
      JSON.stringify({ ...good, delay: 'late' }),
      JSON.stringify({ ...good, origin: 'x'.repeat(1_000_000) }),
      '[1,2]',
      JSON.stringify({ ...good, delay: 2 }),
    ];
    const sent = await p.run(['ingest', '-', '--format', 'json'], lines.join('\n'));
    expect(sent.code).toBe(0);
    expect(JSON.parse(sent.stdout)).toEqual({
      source: 'flights',
      accepted: 2,
      rejected: 7,
      known: 0,
      problems: [
        { line: 2, reason: expect.stringContaining('not JSON') as string },
        { line: 3, reason: 'field "scheduled" is missing' },
        { line: 4, reason: 'scheduled is 1901-01-16T06:00:00.000Z, before 1970' },
        { line: 5, reason: 'scheduled is 2101-01-16T06:00:00.000Z, more than 1d ahead of the clock' },
        { line: 6, reason: 'field "delay" is "late", not a number up to 2^970' },
        { line: 7, reason: expect.stringContaining('over the 1 MB') as string },
        { line: 8, reason: 'the event is an array, not a JSON object' },
      ],
    });
    const kept = JSON.parse((await p.run(['rejected', '--format', 'json'])).stdout) as unknown[];
    expect(kept).toHaveLength(7);

    // A definition that takes a delay as text takes the sixth line.
    p.write(
      'pipeline.ts',
      DEFINITION.replace('delay: z.number()', 'delay: z.number().optional()').replace(
        "'1h', then",
        "'2h', then",
      ),
    );
    const refused = await p.run(['rejected', '--replay']);
    expect(refused.code).toBe(0);
    expect(refused.stderr).toContain('0 events were accepted now, 7 are still rejected');
  });
});

describe('the command line', () => {
  it.for([
    [['run', '--port', 'x'], '--port x: say a number from 0 to 65535'],
    [
      ['run', '--architecture', 'zeta'],
      '--architecture zeta: there are batch, micro-batch, streaming, lambda, kappa',
    ],
    [['query', 'nothing'], 'There is no view "nothing". There are: delays.'],
    [['query', 'delays', '--where', 'origin'], '--where origin: say COLUMN=VALUE'],
    [
      ['query', 'delays', '--where', 'from=x'],
      'View "delays" has no column "from". It has: origin, window, flights, meanDelay, destinations.',
    ],
    [['query', 'delays', '--from', 'yesterday'], '--from yesterday: say an ISO 8601 time'],
    [['query', 'delays', '--limit', '0'], '--limit 0: say a whole number above 0'],
    [['query', 'delays', '--format', 'xml'], '--format xml: there are table, json, jsonl, csv'],
    [['ingest', 'nothing.jsonl'], 'nothing.jsonl: cannot be read (there is no such file)'],
    [['ingest', 'pipeline.ts'], 'pipeline.ts: events are read from .jsonl, .ndjson, .csv, .parquet'],
    [['ingest', 'flights.jsonl', '--source', 'x'], 'There is no source "x". There are: flights.'],
    [['ingest', 'flights.jsonl', '--rate', '-1'], '--rate -1: say a number above 0'],
    [
      ['backfill', '--from', '2001-01-01', '--to', '2001-01-02'],
      '"backfill" has no meaning under streaming: it belongs to batch and lambda',
    ],
    [['promote', 'v2'], '"promote" has no meaning under streaming: it belongs to kappa'],
    [['fly'], "unknown command 'fly'"],
    [['query'], "missing required argument 'view'"],
    [['run', '--once', '--pipeline', 'pipeline.ts'], 'A source has no events: add --input flights=FILE'],
    [['run', '--pipeline', 'pipeline.ts'], 'needs --once'],
  ] as const)('%j', async ([args, message]) => {
    const { code, stdout, stderr } = await open().run(args);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('outside a project: says where to be', async () => {
    const p = open();
    mkdirSync(join(p.folder, 'empty'));
    const { status, stderr } = spawnSync(
      process.execPath,
      [new URL('../../../runtime/dist/cli/main.js', import.meta.url).pathname, 'status'],
      { cwd: '/', encoding: 'utf8' },
    );
    expect(status).toBe(2);
    expect(stderr).toContain('There is no pipeline.config.yaml in / or above it');
  });

  it('a port in use', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const { code, stderr } = await open().run(['run', '--port', String(port)]);
    await new Promise((resolve) => server.close(resolve));
    expect(stderr).toContain(`${port}`);
    expect(stderr).toContain('--port');
    expect(code).toBe(2);
  });

  it('an address that is not loopback needs a token', async () => {
    const { code, stderr } = await open(`${config}serve: { host: 0.0.0.0, port: 0 }\n`).run(['run']);
    expect(stderr).toContain('PIPELINE_TOKEN');
    expect(code).toBe(2);
  });
});

describe('a data folder that is not ours', () => {
  it.for([
    ['a symbolic link', (data: string) => symlinkSync('/tmp', data), 'it is a symbolic link'],
    ['a file', (data: string) => writeFileSync(data, ''), 'it is not a folder'],
    [
      'another log',
      (data: string) => {
        mkdirSync(join(data, 'log'), { recursive: true });
        writeFileSync(join(data, 'log', 'notes.txt'), '');
      },
      'it holds "notes.txt"',
    ],
  ] as const)('%s', async ([, make, message]) => {
    const p = open();
    make(join(p.folder, 'data'));
    const { code, stderr } = await p.run(['run', '--once']);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});

describe('a full disk', () => {
  it('accepts nothing that is not durable, and goes on where it stopped', async () => {
    const p = open('architecture: streaming\n');
    const cli = new URL('../../../runtime/dist/cli/main.js', import.meta.url).pathname;
    // The largest file that the process may write, in blocks of 512 bytes or 1 KB: less than the sample needs.
    const limited = spawnSync(
      'sh',
      ['-c', `ulimit -f 900; exec "$0" "$@"`, process.execPath, cli, 'ingest', 'flights.jsonl'],
      { cwd: p.folder, encoding: 'utf8' },
    );
    expect(limited.stderr).toContain('could not be made durable');
    expect(limited.status).toBe(1);
    const rest = await p.run(['ingest', 'flights.jsonl', '--format', 'json']);
    const { accepted, known } = JSON.parse(rest.stdout) as { accepted: number; known: number };
    expect(known).toBeGreaterThanOrEqual(1_000);
    expect(accepted + known).toBe(16_805);
    await p.run(['run', '--once']);
    const { stdout } = await p.run(['status', '--format', 'json']);
    expect((JSON.parse(stdout) as { sources: { eventsIn: number }[] }).sources[0]?.eventsIn).toBe(16_805);
  });
});
