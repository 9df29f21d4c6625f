/** A definition over finite files, in one pass: what is read, what is said, and that generated code changes nothing. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { count, pipeline, source, sum, tumbling, type View } from 'pipeline-runtime';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FileRun, type FileRunOptions } from '../../../runtime/src/engine/file-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'file-run-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function clicks(then: 'correct' | 'drop' | 'side-output' = 'drop') {
  return source('clicks', {
    schema: z.object({ page: z.string(), at: z.iso.datetime(), ms: z.int() }),
    eventTime: 'at',
    watermark: { delay: '0s' },
    lateness: { allowed: '0s', then },
  });
}

const perMinute = (then?: 'correct' | 'drop' | 'side-output') =>
  clicks(then)
    .groupBy((c) => ({ page: c.page, window: tumbling(c.at, '1m') }))
    .aggregate((c) => ({ clicks: count(), ms: sum(c.ms) }))
    .updates();

/** `a@10:00:05 3` is a click on a at that time that took 3 ms. */
function click(text: string): string {
  const [, page, at, ms] = /^(\w+)@([\d:]+) (\d+)$/.exec(text) ?? [];
  return JSON.stringify({ page, at: `2026-01-01T${at}Z`, ms: Number(ms) });
}

const CLICKS = ['b@10:00:05 3', 'a@10:00:06 4', 'a@10:01:00 5', 'a@10:00:59 6', 'a@10:01:30 7'].map(click);

interface Outcome {
  readonly rows: readonly unknown[];
  readonly problems: readonly string[];
  readonly run: FileRun;
}

async function run(
  view: View<unknown>,
  file: string,
  text: string | Buffer,
  options: Partial<FileRunOptions> = {},
): Promise<Outcome> {
  const path = join(folder, file);
  writeFileSync(path, text);
  const { plan } = pipeline('clicks', { view });
  const problems: string[] = [];
  const files = new FileRun({
    plan,
    jit: 'on',
    ordered: true,
    onProblem: (_, line, problem) => void problems.push(`${line}: ${problem}`),
    ...options,
  });
  for (const each of plan.sources) await files.feedFile(each, path);
  files.end();
  const [first] = files.views;
  const rows = [...(first?.rows() ?? [])].map((row) => first?.toJson(row));
  return { rows, problems, run: files };
}

const minute = (start: string, end: string) => ({
  start: `2026-01-01T${start}.000Z`,
  end: `2026-01-01T${end}.000Z`,
});
const TEN = minute('10:00:00', '10:01:00');
const ONE_PAST = minute('10:01:00', '10:02:00');
const IN_TIME = [
  { page: 'a', window: TEN, clicks: 1, ms: 4 },
  { page: 'a', window: ONE_PAST, clicks: 2, ms: 12 },
  { page: 'b', window: TEN, clicks: 1, ms: 3 },
];

describe.for(['on', 'off'] as const)('with generated code %s', (jit) => {
  it('rows come in the order of their keys, and late ones are counted', async () => {
    const { rows, run: files } = await run(perMinute(), 'clicks.jsonl', CLICKS.join('\n'), { jit });
    expect(rows).toEqual(IN_TIME);
    expect(files.views[0]?.late).toBe(1);
    expect(files.views[0]?.isCompiled).toBe(jit === 'on');
  });

  it('under `correct` every event counts, whenever it comes', async () => {
    const { rows, run: files } = await run(
      perMinute('correct'),
      'clicks.jsonl',
      `${CLICKS.join('\r\n')}\r\n`,
      { jit },
    );
    expect(rows).toEqual([{ page: 'a', window: TEN, clicks: 2, ms: 10 }, ...IN_TIME.slice(1)]);
    expect(files.views[0]?.late).toBe(0);
  });

  it('a line that is no event is told with its number, and the rest goes on', async () => {
    const text = [
      '{"page":1}',
      '',
      ...CLICKS,
      'nonsense',
      `{"page":"${'x'.repeat(1_000_001)}"}`,
      CLICKS[0],
    ].join('\n');
    const { rows, problems, run: files } = await run(perMinute(), 'clicks.jsonl', text, { jit });
    expect(rows).toEqual(IN_TIME);
    expect(problems).toHaveLength(3);
    expect(problems[0]).toBe('1: field "page" is 1, not a string');
    expect(problems[1]).toMatch(/^7: not JSON/);
    expect(problems[2]).toMatch(/^8: the event has .* bytes, over the 1 MB/);
    expect(files.rejected).toBe(3);
  });

  it('times that cannot be right are rejected', async () => {
    const plausible = () => ({ fromMs: 0, toMs: Date.UTC(2026, 0, 1, 10, 1, 15), problem: () => 'too soon' });
    const { problems } = await run(perMinute(), 'clicks.jsonl', CLICKS.join('\n'), { jit, plausible });
    expect(problems).toEqual(['5: too soon']);
  });

  it('a row that cannot be computed is rejected with the words of the interpreter', async () => {
    const huge = clicks().map((c) => ({ page: c.page, at: c.at, ms: c.ms.times(9_007_199_254_740_991) }));
    const { rows, run: files } = await run(huge.updates(), 'clicks.jsonl', CLICKS.slice(0, 2).join('\n'), {
      jit,
      ordered: false,
    });
    expect(rows).toEqual([]);
    expect(files.views[0]?.rejected).toBe(2);
    expect(files.views[0]?.reasons[0]).toBe('3 * 9007199254740991 overflows integer');
  });

  it('a row for each event comes in the order of event time', async () => {
    const { rows } = await run(
      clicks()
        .map((c) => ({ ms: c.ms }))
        .updates(),
      'clicks.jsonl',
      CLICKS.join('\n'),
      { jit },
    );
    expect(rows).toEqual([3, 4, 6, 5, 7].map((ms) => ({ ms })));
  });

  it('CSV has the same events', async () => {
    const csv = [
      'page,at,ms',
      ...CLICKS.map((line) => Object.values(JSON.parse(line) as object).join(',')),
    ].join('\n');
    expect((await run(perMinute(), 'clicks.csv', csv, { jit })).rows).toEqual(IN_TIME);
  });

  it('an empty file gives an empty view', async () => {
    expect((await run(perMinute(), 'clicks.jsonl', '', { jit })).rows).toEqual([]);
  });
});

it('a file that is not there is told', async () => {
  const { plan } = pipeline('clicks', { view: perMinute() });
  const missing = join(folder, 'nothing.jsonl');
  const feeding = new FileRun({ plan, jit: 'on' }).feedFile(plan.sources[0] as never, missing);
  await expect(feeding).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
});

describe('the command', () => {
  const definition = join(folder, 'pipeline.ts');
  const input = join(folder, 'input.jsonl');
  const cli = new URL('../../../runtime/dist/cli/main.js', import.meta.url).pathname;
  const command = (flags: readonly string[], args: readonly string[]) => {
    writeFileSync(input, CLICKS.join('\n'));
    writeFileSync(
      definition,
      `import { count, pipeline, source, sum, tumbling } from 'pipeline-runtime';
import { z } from 'zod';
const clicks = source('clicks', {
  schema: z.object({ page: z.string(), at: z.iso.datetime(), ms: z.int() }),
  eventTime: 'at', watermark: { delay: '0s' }, lateness: { allowed: '0s', then: 'drop' },
});
export default pipeline('clicks', {
  view: clicks.groupBy((c) => ({ page: c.page, window: tumbling(c.at, '1m') }))
    .aggregate((c) => ({ clicks: count(), ms: sum(c.ms) })).updates(),
});`,
    );
    return spawnSync(process.execPath, [...flags, cli, ...args], { encoding: 'utf8' });
  };
  const once = ['run', '--once', '--pipeline', definition, '--input', `clicks=${input}`, '--output', '-'];
  const shown = IN_TIME.map((row) => `${JSON.stringify(row)}\n`).join('');

  it.for([
    [[], once],
    [['--disallow-code-generation-from-strings'], once],
    [[], [...once, '--jit', 'off']],
    [[], [...once, '--architecture', 'lambda']],
  ])('node %j pipeline %j prints the final rows', ([flags = [], args = []]) => {
    const { status, stdout, stderr } = command(flags, args);
    expect({ status, stdout }).toEqual({ status: 0, stdout: shown });
    if (!args.includes('lambda')) expect(stderr).toContain('1 times an event came too late');
  });

  it('plan --code shows the code, or why there is none', () => {
    const args = ['plan', '--code', '--pipeline', definition];
    expect(command([], args).stdout).toMatch(/^\/\/ view view\n'use strict';\n[^]*function process0\(/);
    const forbidden = command(['--disallow-code-generation-from-strings'], args);
    expect(forbidden.stdout).toBe('// view view\n// interpreted: this process forbids generated code\n');
  });

  it('plan --sql shows the query of each view, or why there is none', () => {
    const shownSql = command([], ['plan', '--sql', '--pipeline', definition]);
    expect(shownSql.status).toBe(0);
    expect(shownSql.stdout).toMatch(/^-- view view\n[^]*"clicks"[^]*;\n$/);
    const udf = join(folder, 'udf.ts');
    writeFileSync(
      udf,
      `import { pipeline, source, udf } from 'pipeline-runtime';
import { z } from 'zod';
const twice = udf('twice', { args: ['integer'], result: 'integer' }, (n) => 2 * n);
const clicks = source('clicks', {
  schema: z.object({ at: z.iso.datetime(), ms: z.int() }),
  eventTime: 'at', watermark: { delay: '0s' }, lateness: { allowed: '0s', then: 'drop' },
});
export default pipeline('clicks', { view: clicks.map((c) => ({ ms: twice(c.ms) })).updates() });`,
    );
    const refused = command([], ['plan', '--sql', '--pipeline', udf]);
    expect(refused.status).toBe(3);
    expect(refused.stderr).toContain('twice');
  });

  describe('batch over Parquet', () => {
    const parquet = join(folder, 'clicks.parquet');
    const batch = [
      'run',
      '--once',
      '--pipeline',
      definition,
      '--input',
      `clicks=${parquet}`,
      '--architecture',
      'batch',
    ];
    const write = async (ms: string): Promise<void> => {
      const connection = await (await DuckDBInstance.create(':memory:')).connect();
      writeFileSync(input, CLICKS.join('\n'));
      await connection.run(
        `COPY (SELECT page, "at"::TIMESTAMP AS "at", ${ms} AS ms FROM read_json('${input}')) TO '${parquet}' (FORMAT parquet)`,
      );
    };

    it('is done by DuckDB, with the same rows', async () => {
      await write('ms');
      const { stdout, stderr } = command([], batch);
      expect({ stdout, stderr }).toEqual({ stdout: shown, stderr: '' });
      expect(command([], [...batch.slice(0, -1), 'streaming']).stdout).toBe(shown);
    });

    it('is done by the engine where the file is not as the source says, row by row', async () => {
      await write(`CASE ms WHEN 3 THEN 'three' ELSE ms::VARCHAR END`);
      const { status, stdout, stderr } = command([], batch);
      expect(stderr).toMatch(/^view view is computed by the engine, not by DuckDB: /);
      expect(stderr).toContain('5 lines rejected, the first is line 1: field "ms" is "three"');
      expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    });
  });
});
