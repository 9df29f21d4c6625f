import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Column } from '../../../runtime/src/data/value.ts';
import type { JsonRow } from '../../../runtime/src/host/host.ts';
import { PostgresSink, type PostgresSinkOptions } from '../../../runtime/src/sinks/postgres/postgres-sink.ts';
import { timeText } from '../../../runtime/src/sinks/postgres/values.ts';
import { noPostgresBecause, Postgres } from '../../live/postgres.ts';
import { claimOf, DATA, sinkSuite } from '../../suites/sink.suite.ts';
import { TestView } from '../../suites/sink-views.ts';

const reason = noPostgresBecause();
let server: Postgres | undefined;
let client: Client | undefined;
beforeAll(async () => {
  if (reason !== null) return;
  server = await Postgres.start();
  client = await connected();
});
afterAll(async () => {
  await client?.end();
  await server?.remove();
});

async function connected(): Promise<Client> {
  const made = new Client({ connectionString: server?.url() ?? '' });
  await made.connect();
  return made;
}

const ask = async (text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> =>
  (await (client as Client).query<Record<string, unknown>>(text, [...values])).rows;

let tables = 0;
const newTable = (): string => `view ${++tables}`;

function open(table: string, options: Partial<PostgresSinkOptions> = {}): PostgresSink {
  const defaults = { url: server?.url() ?? '', schema: 'public', timeoutMs: 10_000, pipeline: 'things' };
  return new PostgresSink({ ...defaults, view: 'hours', sink: 's', table, ...options });
}

/** The rows as the API answers them, from what PostgreSQL itself makes of them. */
async function rowsOf(table: string, columns: readonly Column[]): Promise<JsonRow[]> {
  const [there] = await ask('SELECT to_regclass($1) AS name', [`"${table}"`]);
  if (there?.['name'] === null) return [];
  const iso = (name: string): string =>
    `to_char("${name}" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  const selected = columns.map(({ name, type }) => {
    if (type === 'window')
      return `json_build_object('start', ${iso(`${name}_start`)}, 'end', ${iso(`${name}_end`)})::text`;
    if (type === 'timestamp') return iso(name);
    return `"${name}"::text`;
  });
  const rows = await ask(
    `SELECT ${selected.map((text, i) => `${text} AS c${i}`).join(', ')} FROM "${table}"`,
  );
  return rows.map((row) =>
    Object.fromEntries(columns.map(({ name, type }, index) => [name, fromText(type, row[`c${index}`])])),
  );
}

function fromText(type: Column['type'], value: unknown): unknown {
  if (value === null || type === 'string' || type === 'timestamp' || type === 'decimal') return value;
  return JSON.parse(value as string);
}

describe.skipIf(reason !== null)('a real server', () => {
  sinkSuite('postgres', (view) => {
    const table = newTable();
    const sinks: PostgresSink[] = [];
    return Promise.resolve({
      open: () => {
        const sink = open(table, { view: view.layout.view.name });
        sinks.push(sink);
        return sink;
      },
      content: (of) => rowsOf(table, of.layout.columns),
      remove: async () => {
        for (const sink of sinks) await sink.close();
      },
    });
  });

  const HOUR = 3_600_000;
  const markerOf = (sequence: number) => ({ data: DATA, generation: 1, sequence, commits: 0, position: 0 });

  async function filled(
    table: string,
    options: Partial<PostgresSinkOptions> = {},
  ): Promise<[PostgresSink, TestView]> {
    const [sink, view] = [open(table, options), new TestView('hours')];
    view.put(['a', [0, HOUR], 1]);
    await sink.claim(claimOf(1));
    await sink.deliver(view.delivery(markerOf(3), { isWhole: true }));
    view.settled();
    return [sink, view];
  }

  it('the table has the columns of the view, with their types', async () => {
    const table = newTable();
    const sink = open(table, { view: 'events' });
    await sink.claim(claimOf(1));
    await sink.deliver(new TestView('events').delivery(markerOf(3), { isWhole: true }));
    const columns = await ask(
      `SELECT column_name AS name, data_type AS type, is_nullable AS nullable, numeric_precision AS p, numeric_scale AS s
       FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position`,
      [table],
    );
    expect(
      columns.map(({ name, type, nullable }) => `${String(name)} ${String(type)} ${String(nullable)}`),
    ).toEqual([
      '_key bytea NO',
      'at timestamp with time zone NO',
      'text text NO',
      'whole bigint NO',
      'real double precision NO',
      'yes boolean NO',
      'seen timestamp with time zone YES',
      'price numeric NO',
      'tags jsonb NO',
      'note text YES',
    ]);
    expect(columns.find(({ name }) => name === 'price')).toMatchObject({ p: 16, s: 3 });
    await sink.close();
  });

  it('what PostgreSQL has no value for is told apart and does not stop the rest', async () => {
    const table = newTable();
    const view = new TestView('events');
    const early = Date.UTC(-20_000, 0, 1);
    view.put([early, 'a\0b', 0, 0, true, 8.64e15, 0, { items: ['\0'] }, null], { at: [early, 0, 1] });
    const sink = open(table, { view: 'events' });
    await sink.claim(claimOf(1));
    await sink.deliver(view.delivery(markerOf(3), { isWhole: true }));
    expect(
      await ask(`SELECT at::text, text, tags, extract(epoch FROM seen)::text AS seen FROM "${table}"`),
    ).toEqual([{ at: '-infinity', text: 'a\uFFFDb', tags: ['\uFFFD'], seen: '8640000000000.000000' }]);
    await sink.close();
  });

  it.for([
    [Date.UTC(2001, 0, 2, 3, 4, 5, 6), '2001-01-02 03:04:05.006+00'],
    [Date.UTC(9999, 11, 31, 23, 59, 59, 999), '9999-12-31 23:59:59.999+00'],
    [Date.UTC(10_000, 0, 1), '10000-01-01 00:00:00+00'],
    [8.64e15, '275760-09-13 00:00:00+00'],
    [new Date('0000-01-01T00:00:00Z').getTime(), '0001-01-01 00:00:00+00 BC'],
    [new Date('-000099-02-03T00:00:00Z').getTime(), '0100-02-03 00:00:00+00 BC'],
    [new Date('-004711-01-01T00:00:00Z').getTime(), '4712-01-01 00:00:00+00 BC'],
    [-8.64e15, '-infinity'],
  ] as const)('the time %i is %s there', async ([ms, text]) => {
    await ask("SET timezone = 'UTC'");
    expect(await ask('SELECT $1::timestamptz::text AS t', [timeText(ms)])).toEqual([{ t: text }]);
  });

  it('an index by the key of the view is there when it is asked for, once, also when that was later', async () => {
    const indexesOf = async (table: string): Promise<unknown[]> =>
      (await ask('SELECT indexdef FROM pg_indexes WHERE tablename = $1', [table]))
        .map((row) => (row as { indexdef: string }).indexdef.replace(/^.*USING /, ''))
        .toSorted();
    const table = newTable();
    const [without, view] = await filled(table);
    expect(await indexesOf(table)).toEqual(['btree (_key)']);
    const sink = open(table, { index: true });
    expect(sink.shape).not.toBe(without.shape);
    await sink.check(view.layout, claimOf(1));
    for (const sequence of [4, 5]) {
      await sink.deliver(view.delivery(markerOf(sequence), { isWhole: true }));
      expect(await indexesOf(table)).toEqual(['btree (_key)', 'btree (text, hour_start)']);
    }
    expect(await rowsOf(table, view.layout.columns)).toEqual(view.json());
    const bag = open(newTable(), { index: true, view: 'bag' });
    await expect(bag.check(new TestView('bag').layout, claimOf(1))).rejects.toThrow('the view has no key');
    for (const each of [without, sink, bag]) await each.close();
  });

  it('a table that is there is used when it fits, more columns included', async () => {
    const table = newTable();
    await ask(`CREATE TABLE "${table}" (id serial, n bigint, text text NOT NULL, hour_end timestamptz NOT NULL,
      hour_start timestamptz NOT NULL, _key bytea PRIMARY KEY, noted timestamptz DEFAULT now())`);
    const [sink, view] = await filled(table);
    await sink.check(view.layout, claimOf(1));
    expect(await rowsOf(table, view.layout.columns)).toEqual(view.json());
    await sink.close();
  });

  it.for([
    ['(_key bytea PRIMARY KEY, text text)', 'it has no column "hour_start" of type timestamp with time zone'],
    [
      '(_key bytea PRIMARY KEY, text text, hour_start timestamptz, hour_end timestamptz, n integer)',
      'column "n" is integer, not bigint',
    ],
    [
      '(_key bytea, text text, hour_start timestamptz, hour_end timestamptz, n bigint)',
      'it has no primary key (_key)',
    ],
    [
      '(_key bytea PRIMARY KEY, text text, hour_start timestamptz, hour_end timestamptz, n bigint, who text NOT NULL)',
      'column "who" must have a value',
    ],
  ] as const)('a table that does not fit is refused and left alone: %s', async ([columns, problem]) => {
    const table = newTable();
    await ask(`CREATE TABLE "${table}" ${columns}`);
    const sink = open(table);
    const { layout } = new TestView('hours');
    await expect(sink.check(layout, claimOf(1))).rejects.toMatchObject({ code: 'SINK_FOREIGN', exitCode: 2 });
    await expect(sink.check(layout, claimOf(1))).rejects.toThrow(problem);
    await expect(sink.check(layout, claimOf(1))).rejects.toThrow('a table that fits: CREATE TABLE');
    await expect(filled(table)).rejects.toMatchObject({ code: 'SINK_FOREIGN' });
    await sink.close();
  });

  it('a table with rows of somebody else is refused', async () => {
    const table = newTable();
    const [sink] = await filled(table);
    await ask('DELETE FROM pipeline_sinks WHERE sink = $1', [table]);
    for (const work of [sink.claim(claimOf(2)), open(table).check(new TestView('hours').layout, null)])
      await expect(work).rejects.toThrow('it has rows and no marker');
    expect(await ask(`SELECT count(*)::int AS n FROM "${table}"`)).toEqual([{ n: 1 }]);
    await sink.close();
  });

  it('a view with other columns gets a new table, if we made the old one', async () => {
    const table = newTable();
    const [sink] = await filled(table);
    const other = new TestView('totals');
    other.put(['a', 1]);
    await sink.deliver(other.delivery(markerOf(4), { isWhole: true }));
    expect(await rowsOf(table, other.layout.columns)).toEqual(other.json());
    await sink.close();
  });

  it('a schema that is not there, a wrong database, a server that is not there: said, the password is not', async () => {
    const { layout } = new TestView('hours');
    const check = (options: Partial<PostgresSinkOptions>): Promise<void> =>
      open('t', options).check(layout, null);
    await expect(check({ schema: 'nowhere' })).rejects.toThrow('there is no schema "nowhere"');
    const wrong = server?.url().replace('/postgres', '/nothing') ?? '';
    await expect(check({ url: wrong })).rejects.toMatchObject({ code: 'SINK_FAILED' });
    const away = check({ url: server?.url(1) ?? '' });
    await expect(away).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE', retry: true });
    await expect(away).rejects.toThrow('ECONNREFUSED');
    for (const each of [check({ url: wrong }), away])
      await expect(each).rejects.toThrow(/^(?!.*not-a-secret)/s);
  });

  it('variables of the environment are put in; one that is missing is named', async () => {
    const { layout } = new TestView('hours');
    const environment = { HOST: `127.0.0.1:${server?.port ?? 0}` };
    await open('t', { url: 'postgres://tester@${HOST}/postgres', environment }).check(layout, null);
    const sink = open('t', { url: '${DATABASE_URL}', environment });
    await expect(sink.check(layout, null)).rejects.toThrow(
      'the environment variable DATABASE_URL is not set',
    );
    await expect(open('t', { url: 'mysql://h/d' }).check(layout, null)).rejects.toMatchObject({
      code: 'SINK_INVALID',
    });
  });
});
