/**
 * Both readings of a plan: the engine's operators over events in the order of a log, and DuckDB over the exported SQL. Both
 * give the rows of a view as JSON texts, sorted.
 */
import {
  DuckDBArrayValue,
  type DuckDBConnection,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBStructValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { lower } from '../../../runtime/src/compile/lower.ts';
import { valueToJson } from '../../../runtime/src/data/json.ts';
import type { Column, Row, Value } from '../../../runtime/src/data/value.ts';
import { type DuckDbQuery, exportDuckDb } from '../../../runtime/src/export/sql/duckdb.ts';
import type { DuckDbInput } from '../../../runtime/src/export/sql/duckdb-source.ts';
import {
  identifier,
  literalText,
  timestampLiteral,
  typeText,
} from '../../../runtime/src/export/sql/duckdb-text.ts';
import { isOver, type LateRule, type Position } from '../../../runtime/src/operators/operator.ts';
import { codeOf } from '../../../runtime/src/plan/code.ts';
import { eventTimeReader, isTable } from '../../../runtime/src/plan/event-time.ts';
import { inferColumns } from '../../../runtime/src/plan/infer.ts';
import type { Plan, SourcePlan, ViewPlan } from '../../../runtime/src/plan/node.ts';
import { sourcesOf } from '../../../runtime/src/plan/walk.ts';

/** An event of a source, in the columns of its fields; the events of all sources are in the order of one log. */
export interface LoggedEvent {
  readonly source: string;
  readonly row: Row;
}

let connection: Promise<DuckDBConnection> | undefined;

async function connect(): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const made = await instance.connect();
  // What a query says must not depend on where it is asked.
  await made.run(`SET TimeZone = 'Asia/Tokyo'`);
  return made;
}

/** The rows of a query, whose columns have these types. */
export async function queried(sql: string, columns: readonly Column[]): Promise<string[]> {
  connection ??= connect();
  const reader = await (await connection).runAndReadAll(sql);
  const rows = reader
    .getRows()
    .map((row) => row.map((value, index) => valueOf(value, columns[index] as Column)));
  return shown(rows, columns);
}

export async function execute(sql: string): Promise<void> {
  connection ??= connect();
  await (await connection).run(sql);
}

/** A value of DuckDB as one of ours; the type that DuckDB gave must be the one that was promised. */
function valueOf(value: DuckDBValue, column: Pick<Column, 'name' | 'type' | 'scale' | 'item'>): Value {
  const wrong = (): never => {
    throw new Error(`${column.name}: ${String(value)} is no ${column.type}`);
  };
  if (value === null) return null;
  switch (column.type) {
    case 'integer':
      return typeof value === 'bigint' ? Number(value) : wrong();
    case 'double':
      return typeof value === 'number' ? value + 0 : wrong();
    case 'decimal':
      return value instanceof DuckDBDecimalValue && value.scale === column.scale
        ? Number(value.value)
        : wrong();
    case 'timestamp':
      return value instanceof DuckDBTimestampValue ? Number(value.micros / 1000n) : wrong();
    case 'string':
      return typeof value === 'string' ? value : wrong();
    case 'boolean':
      return typeof value === 'boolean' ? value : wrong();
    case 'window': {
      if (!(value instanceof DuckDBStructValue)) return wrong();
      const [start, end] = ['start', 'end'].map((name) => value.entries[name]);
      const time = { name: column.name, type: 'timestamp' } as const;
      return [valueOf(start ?? null, time) as number, valueOf(end ?? null, time) as number];
    }
    case 'list': {
      if (!(value instanceof DuckDBListValue || value instanceof DuckDBArrayValue)) return wrong();
      const item = { name: column.name, type: column.item ?? 'string' } as const;
      return { items: value.items.map((each) => valueOf(each, item) as string | number | boolean | null) };
    }
  }
}

function shown(rows: readonly Row[], columns: readonly Column[]): string[] {
  return rows
    .map((row) => JSON.stringify(row.map((value, index) => valueToJson(columns[index] as Column, value))))
    .sort();
}

/** The events with their positions, and the watermark of their source before them. */
function positions(plan: Plan, events: readonly LoggedEvent[]): readonly (readonly [Row, Position])[] {
  const latest = new Map<string, number>();
  return events.map(({ source: name, row }, position) => {
    const source = plan.sources.find((candidate) => candidate.name === name) as SourcePlan;
    const eventTimeMs = eventTimeReader(source)(row) ?? NaN;
    const watermarkMs = isTable(source)
      ? -Infinity
      : (latest.get(name) ?? -Infinity) - source.watermark.delayMs;
    latest.set(name, Math.max(latest.get(name) ?? -Infinity, eventTimeMs));
    const at = {
      source: name,
      partition: 0,
      offset: position,
      position,
      eventTimeMs,
      watermarkMs,
      event: row,
      firstReading: true,
    };
    return [row, at];
  });
}

/** The rows of a view when the input has ended. Under `correct` every event counts. */
export function streamed(plan: Plan, view: ViewPlan, events: readonly LoggedEvent[]): string[] {
  const allowedMs = Math.max(0, ...sourcesOf(plan, view.node).map(({ lateness }) => lateness.allowedMs));
  const counts = (at: Position): boolean =>
    plan.sources.find(({ name }) => name === at.source)?.lateness.then === 'correct';
  const isOverFor: LateRule['isOverFor'] = (at, endMs) =>
    at !== null && !counts(at) && isOver(endMs, allowedMs, at.watermarkMs);
  const late: LateRule = { allowedMs, isOverFor, isClosedFor: isOverFor, late: () => {} };
  const rows = new Map<string, { readonly row: Row; count: number }>();
  const next = {
    push(row: Row, weight: number): void {
      const name = JSON.stringify(row);
      const known = rows.get(name) ?? { row, count: 0 };
      known.count += weight;
      rows.set(name, known);
    },
  };
  const chain = lower({
    plan,
    view,
    code: codeOf(plan),
    late,
    onError: () => {},
    statePrefix: Buffer.from('s|'),
    next,
  });
  for (const [row, at] of positions(plan, events)) if (chain.reads(at.source)) chain.push(row, at);
  chain.settle(Infinity);
  const folded = [...rows.values()].flatMap(({ row, count }) => Array.from({ length: count }, () => row));
  return shown(folded, inferColumns(plan, view.node));
}

/** Makes a table for each source that is read, with the position and the watermark of each event. */
export async function loadTables(
  plan: Plan,
  events: readonly LoggedEvent[],
): Promise<Record<string, DuckDbInput>> {
  const read = new Set(plan.views.flatMap(({ node }) => sourcesOf(plan, node)));
  const all = positions(plan, events);
  const inputs: Record<string, DuckDbInput> = {};
  for (const source of read) {
    const fields = source.fields.map((field) => `${identifier(field.name)} ${typeText(field)}`);
    const name = `table of ${source.name}`;
    await execute(
      `CREATE OR REPLACE TABLE ${identifier(name)} (${[...fields, '"_position" BIGINT', '"_watermark" TIMESTAMP'].join(', ')})`,
    );
    const rows = all.filter(([, at]) => at.source === source.name);
    if (rows.length > 0) {
      const values = rows.map(
        ([row, at]) =>
          `(${[...row.map((value, index) => fieldLiteral(source, index, value)), at.position, watermarkLiteral(at)].join(', ')})`,
      );
      await execute(`INSERT INTO ${identifier(name)} VALUES ${values.join(',\n')}`);
    }
    inputs[source.name] = { kind: 'table', name, position: true, watermark: 'column' };
  }
  return inputs;
}

function fieldLiteral({ fields }: SourcePlan, index: number, value: Value): string {
  const field = fields[index] as Column;
  if (field.type !== 'list' || value === null) return literalText(field, value);
  const item = { type: field.item ?? 'string' };
  const items = (value as { items: readonly Value[] }).items.map((each) => literalText(item, each));
  return `[${items.join(', ')}]::${typeText(field)}`;
}

function watermarkLiteral({ watermarkMs }: Position): string {
  return Number.isFinite(watermarkMs) ? timestampLiteral(watermarkMs) : 'NULL';
}

/** The rows of a view from the exported SQL. @throws when something of it cannot be exported */
export async function exported(
  plan: Plan,
  view: ViewPlan,
  events: readonly LoggedEvent[],
): Promise<string[]> {
  const query = exportDuckDb(plan, view, await loadTables(plan, events));
  return queried(sqlOf(query), inferColumns(plan, view.node));
}

export function sqlOf(query: DuckDbQuery): string {
  if ('sql' in query) return query.sql;
  throw new Error(`not exported: ${JSON.stringify(query.unsupported)}`);
}
