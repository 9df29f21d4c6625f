/** Sources in SQL: tables with and without what the log knows, JSON lines, Parquet. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { exportDuckDb } from '../../../runtime/src/export/sql/duckdb.ts';
import type { DuckDbInput } from '../../../runtime/src/export/sql/duckdb-source.ts';
import { inferColumns } from '../../../runtime/src/plan/infer.ts';
import type { PlanNode, SourcePlan } from '../../../runtime/src/plan/node.ts';
import { execute, loadTables, queried, sqlOf, streamed } from './duckdb.ts';
import { event, events, EVENTS, f, group, planOf, type PlanOptions } from './plans.ts';

const folder = mkdtempSync(join(tmpdir(), "it's a folder "));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, lines: readonly object[]): string {
  const file = join(folder, name);
  writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'));
  return file;
}

async function rowsOf(
  node: PlanNode,
  options: PlanOptions,
  inputs: Readonly<Record<string, DuckDbInput>>,
): Promise<string[]> {
  const { plan, view } = planOf(node, options);
  return queried(sqlOf(exportDuckDb(plan, view, inputs)), inferColumns(plan, view.node));
}

const NESTED: SourcePlan = {
  ...EVENTS,
  name: 'nested',
  fields: [
    { name: 'kind', type: 'string', nullable: false, oneOf: ['bid', "it's"] },
    { name: 'bid_time', type: 'timestamp', nullable: true, format: 'sql', path: ['bid', 'at "x"'] },
    { name: 'ask_time', type: 'timestamp', nullable: true, path: ['ask', 'deep', 'at'] },
    { name: 'price', type: 'decimal', nullable: true, scale: 3, path: ['bid', 'price'] },
    { name: 'tags', type: 'list', nullable: true, item: 'string', path: ['bid', 'tags'] },
    { name: 'times', type: 'list', nullable: true, item: 'timestamp' },
    { name: 'size', type: 'double', nullable: true },
  ],
  eventTime: ['bid_time', 'ask_time'],
};
const nested: PlanNode = { kind: 'source', source: 'nested' };

test('JSON lines: nested paths, both kinds of time, decimals and lists; unknown fields are passed over', async () => {
  const file = fileOf('a.jsonl', [
    {
      kind: 'bid',
      bid: { 'at "x"': '2015-07-15 00:00:01.120', price: '12.5', tags: ['a', 'b'], more: { x: [1] } },
      other: { y: 1 },
      size: 2,
    },
    {
      kind: "it's",
      ask: { deep: { at: '2015-07-15T02:00:00.9999+02:00' } },
      times: ['1969-12-31T23:59:59.9999Z', '2015-07-15T00:00Z'],
    },
    { kind: 'bid', bid: null, ask: { deep: { at: '2015-07-15T00:00-00:30' } } },
  ]);
  expect(await rowsOf(nested, { sources: [NESTED] }, { nested: { kind: 'json', files: [file] } })).toEqual([
    '["bid","2015-07-15T00:00:01.120Z",null,"12.500",["a","b"],null,2]',
    '["bid",null,"2015-07-15T00:30:00.000Z",null,null,null,null]',
    `["it's",null,"2015-07-15T00:00:00.999Z",null,null,["1969-12-31T23:59:59.999Z","2015-07-15T00:00:00.000Z"],null]`,
  ]);
});

test('JSON lines: what the source rejects is left out, if it is no wrong type', async () => {
  const time = { ask: { deep: { at: '2015-07-15T00:00:00Z' } } };
  const file = fileOf('b.jsonl', [
    { kind: 'bid', ...time },
    { kind: 'other', ...time },
    { ...time },
    { kind: 'bid' },
  ]);
  const inputs = { nested: { kind: 'json', files: [file] } } as const;
  expect(
    await rowsOf(group(nested, [], [{ name: 'n', fn: 'count', arg: null }]), { sources: [NESTED] }, inputs),
  ).toEqual(['[1]']);
  const wrong = fileOf('c.jsonl', [{ kind: 'bid', ...time, size: 'large' }]);
  await expect(
    rowsOf(nested, { sources: [NESTED] }, { nested: { kind: 'json', files: [wrong] } }),
  ).rejects.toThrow(/large/);
});

const counted = group(
  events,
  [{ name: 'w', window: { kind: 'tumbling', time: f('t'), sizeMs: 10, offsetMs: 0, zone: null } }],
  [
    { name: 'n', fn: 'count', arg: null },
    { name: 'last', fn: 'last', arg: f('n'), by: f('t') },
  ],
);
/** Delay 5: the third is late when nothing is allowed. The last two are equal but for their arrival. */
const LOG = [
  event({ t: 1, n: 1 }),
  event({ t: 17, n: 2 }),
  event({ t: 9, n: 3 }),
  event({ t: 18, n: 5 }),
  event({ t: 18, n: 4 }),
];
const DROP: PlanOptions = { lateness: { then: 'drop', allowedMs: 0 } };
const IN_TIME = [
  '[{"start":"1970-01-01T00:00:00.000Z","end":"1970-01-01T00:00:00.010Z"},1,1]',
  '[{"start":"1970-01-01T00:00:00.010Z","end":"1970-01-01T00:00:00.020Z"},3,4]',
];
const ALL = [IN_TIME[0]?.replace('1,1]', '2,3]'), IN_TIME[1]];

test('the watermark is computed from the positions of one partition, and every file is one', async () => {
  const { plan, view } = planOf(counted, DROP);
  const { events: table } = await loadTables(plan, LOG);
  expect(streamed(plan, view, LOG)).toEqual(IN_TIME);
  expect(await rowsOf(counted, DROP, { events: { ...table, watermark: 'computed' } as DuckDbInput })).toEqual(
    IN_TIME,
  );
  const lines = LOG.map(({ row }) =>
    Object.fromEntries(
      EVENTS.fields.map(({ name }, index) => [
        name,
        name === 't' ? new Date(row[index] as number).toISOString() : row[index],
      ]),
    ),
  );
  const files = [fileOf('first.jsonl', lines.slice(0, 2)), fileOf('second.jsonl', lines.slice(2))];
  expect(await rowsOf(counted, DROP, { events: { kind: 'json', files } })).toEqual(IN_TIME);
  const parquet = join(folder, 'all.parquet');
  const quoted = `'${parquet.replaceAll("'", "''")}'`;
  await execute(
    `COPY (SELECT * EXCLUDE ("_position", "_watermark") FROM "table of events" ORDER BY "_position") TO ${quoted} (FORMAT parquet)`,
  );
  expect(await rowsOf(counted, DROP, { events: { kind: 'parquet', files: [parquet] } })).toEqual(IN_TIME);
  expect(
    await rowsOf(counted, DROP, { events: { kind: 'parquet', files: [parquet], inTime: true } }),
  ).toEqual(ALL);
  expect(
    await rowsOf(
      counted,
      { lateness: { then: 'correct', allowedMs: 0 } },
      { events: { kind: 'parquet', files: [parquet] } },
    ),
  ).toEqual(ALL);
});

test('an event is not late by its own time', async () => {
  const log = [event({ t: 9, n: 1 }), event({ t: 8, n: 2 }), event({ t: 7, n: 3 })];
  const sources = [{ ...EVENTS, watermark: { ...EVENTS.watermark, delayMs: 0 } }];
  const { plan, view } = planOf(counted, { ...DROP, sources });
  const { events: table } = await loadTables(plan, log);
  // The first closes the window for the others.
  const rows = ['[{"start":"1970-01-01T00:00:00.000Z","end":"1970-01-01T00:00:00.010Z"},1,1]'];
  expect(streamed(plan, view, log)).toEqual(rows);
  expect(
    await rowsOf(
      counted,
      { ...DROP, sources },
      { events: { ...table, watermark: 'computed' } as DuckDbInput },
    ),
  ).toEqual(rows);
});

test('paths that DuckDB cannot tell apart are refused', () => {
  const [time, ...others] = NESTED.fields.slice(1, 4);
  const fields = [
    time,
    ...others,
    { name: 'other', type: 'string', nullable: true, path: ['BID', 'x'] },
    { name: 'odd', type: 'string', nullable: true, path: ['a\nb'] },
  ];
  const { plan, view } = planOf(nested, { sources: [{ ...NESTED, fields } as SourcePlan] });
  expect(exportDuckDb(plan, view, { nested: { kind: 'json', files: ['x'] } })).toMatchObject({
    unsupported: [
      { node: 'source', what: 'paths ["bid"] and ["BID"]' },
      { node: 'source', what: 'path ["a\\nb"]' },
    ],
  });
});

test('a table is read by any name, and names of subqueries never hide it', async () => {
  await execute(
    'CREATE OR REPLACE TABLE "events_1" AS SELECT TIMESTAMP \'1970-01-01\' AS "t", 7::BIGINT AS "n"',
  );
  await execute('ALTER TABLE "events_1" RENAME TO "Events_1"');
  const fields = EVENTS.fields.filter(({ name }) => name === 't' || name === 'n');
  const inputs = {
    events: { kind: 'table', name: 'Events_1', position: false, watermark: 'unknown' },
  } as const;
  expect(await rowsOf(events, { sources: [{ ...EVENTS, fields }] }, inputs)).toEqual([
    '["1970-01-01T00:00:00.000Z",7]',
  ]);
});
