/**
 * Batch over Parquet: DuckDB runs the SQL of the plan on the files themselves, within a limit of memory, and spills what
 * does not fit. What SQL cannot say exactly, or where DuckDB is not installed, the engine computes instead, and says why.
 */
import { tmpdir } from 'node:os';
import type * as DuckDb from '@duckdb/node-api';
import { invariant } from '../base/invariant.ts';
import { type Column, type Row, type Value } from '../data/value.ts';
import { exportDuckDb } from '../export/sql/duckdb.ts';
import type { DuckDbInput } from '../export/sql/duckdb-source.ts';
import type { Plan, ViewPlan } from '../plan/node.ts';
import { ViewLayout } from '../views/layout.ts';

const MEMORY_LIMIT = '1GB';

/** The rows of a view in the order of their keys, or why DuckDB does not compute them. */
export type DuckDbRows =
  | { readonly layout: ViewLayout; readonly rows: readonly Row[] }
  | { readonly because: string };

/** Runs the views over the Parquet files of their sources. */
export async function runOnParquet(
  plan: Plan,
  views: readonly ViewPlan[],
  files: Readonly<Record<string, readonly string[]>>,
): Promise<readonly DuckDbRows[]> {
  const duckdb = await load();
  if (duckdb === null)
    return views.map(() => ({ because: '@duckdb/node-api is not installed beside the runtime' }));
  const instance = await duckdb.DuckDBInstance.create(':memory:', {
    memory_limit: MEMORY_LIMIT,
    temp_directory: tmpdir(),
  });
  const connection = await instance.connect();
  try {
    await connection.run(`SET TimeZone = 'UTC'`);
    const inputs = Object.fromEntries(
      Object.entries(files).map(([name, paths]): [string, DuckDbInput] => [
        name,
        { kind: 'parquet', files: paths },
      ]),
    );
    const results: DuckDbRows[] = [];
    for (const view of views) results.push(await runView(duckdb, connection, plan, view, inputs));
    return results;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function load(): Promise<typeof DuckDb | null> {
  try {
    return await import('@duckdb/node-api');
  } catch {
    return null;
  }
}

async function runView(
  duckdb: typeof DuckDb,
  connection: DuckDb.DuckDBConnection,
  plan: Plan,
  view: ViewPlan,
  inputs: Readonly<Record<string, DuckDbInput>>,
): Promise<DuckDbRows> {
  const layout = new ViewLayout(plan, view);
  if (layout.shape === 'events') return { because: 'its rows are shown in the order of their events' };
  const query = exportDuckDb(plan, view, inputs);
  if ('unsupported' in query)
    return { because: query.unsupported.map(({ what, reason }) => `${what}: ${reason}`).join('; ') };
  let answer: readonly (readonly DuckDb.DuckDBValue[])[];
  try {
    answer = (await connection.streamAndReadAll(query.sql)).getRows();
  } catch (error) {
    // A file that is not as the source says: the engine tells its rows apart.
    return { because: (error as Error).message.split('\n', 1)[0] ?? '' };
  }
  const rows = answer.map((row): Row =>
    row.map((value, index) => valueOf(duckdb, value, layout.columns[index] as Column)),
  );
  return { layout, rows: rows.toSorted((a, b) => layout.compare(a, b)) };
}

/** A value of DuckDB as one of ours. */
function valueOf(
  duckdb: typeof DuckDb,
  value: DuckDb.DuckDBValue,
  column: Pick<Column, 'type' | 'item'>,
): Value {
  if (value === null) return null;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number') return value + 0;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (value instanceof duckdb.DuckDBDecimalValue) return Number(value.value);
  if (value instanceof duckdb.DuckDBTimestampValue) return Number(value.micros / 1000n);
  if (value instanceof duckdb.DuckDBStructValue) {
    const bound = (name: string): number =>
      valueOf(duckdb, value.entries[name] ?? null, { type: 'timestamp' }) as number;
    return [bound('start'), bound('end')];
  }
  invariant(
    value instanceof duckdb.DuckDBListValue || value instanceof duckdb.DuckDBArrayValue,
    `DuckDB gives ${column.type} in a form that is known`,
  );
  const item = { type: column.item ?? 'string' } as const;
  return {
    items: value.items.map((each) => valueOf(duckdb, each, item) as string | number | boolean | null),
  };
}
