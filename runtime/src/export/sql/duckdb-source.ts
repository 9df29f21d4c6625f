/**
 * The events of a source as a relation with its columns: a table of the caller, or files of JSON lines or Parquet.
 *
 *   table     columns by their names (times TIMESTAMP in UTC), and what it says it has: "_position" BIGINT, the position in
 *             the log; "_watermark" TIMESTAMP, the watermark of the event's partition before it, NULL before the first
 *   json      the events as the source takes them, one partition in the order of files and lines
 *   parquet   columns as of a table, without "_position" and "_watermark"; one partition in the order of files and rows
 *
 * REQUIRES events that the source accepts. What SQL can tell of others is left out as the runtime does: a missing field,
 * a value that is none of those allowed, an event without a time. A value of a wrong type is an error of the query.
 */
import type { Field } from '../../data/decode.ts';
import type { Column } from '../../data/value.ts';
import type { SourcePlan } from '../../plan/node.ts';
import { isTable } from '../../plan/event-time.ts';
import { as, LOG, nested, OVER, POSITION, type Query, type Relation, select } from './duckdb-query.ts';
import { hasControls, identifier, intervalLiteral, textLiteral, typeText } from './duckdb-text.ts';

export const CASE_REASON = 'DuckDB takes names that differ in their case alone for one';

export type DuckDbInput = (
  | {
      readonly kind: 'table';
      readonly name: string;
      /** Whether it has "_position"; the positions of all tables are of one log. */
      readonly position: boolean;
      /** Has "_watermark"; or the watermark is that of one partition in the order of "_position"; or it is not known. */
      readonly watermark: 'column' | 'computed' | 'unknown';
    }
  | { readonly kind: 'json' | 'parquet'; readonly files: readonly string[] }
) & {
  /** It is known that no event is behind the watermark, so none is late. */
  readonly inTime?: boolean;
};

/** The tables that the inputs name. */
export function tablesOf(inputs: Iterable<DuckDbInput>): string[] {
  return [...inputs].flatMap((input) => (input.kind === 'table' ? [input.name] : []));
}

/** Adds the events of a source, with these columns, to a query. `allowedMs` is the allowed lateness of the view. */
export function sourceRelation(
  source: SourcePlan,
  columns: readonly Column[],
  input: DuckDbInput,
  query: Query,
  allowedMs: number,
): Relation {
  if (input.kind === 'json') refusePaths(source, query);
  const hasPosition = input.kind !== 'table' || input.position;
  const isReadable = query.unsupported.length === 0;
  const events = query.add(source.name, isReadable ? eventsSql(source, input) : '');
  const arrival: Relation['arrival'] = hasPosition
    ? {
        kind: 'columns',
        names: [POSITION],
        clock: input.kind === 'table' ? LOG : `files of ${source.name}`,
        mixed: false,
      }
    : {
        kind: 'unknown',
        reason: `the order of arrival decides among equals; ${identifier(source.name)} has no column "_position"`,
      };
  const relation = { from: events, columns, arrival, heldBackMs: 0 };
  if (input.inTime === true || source.lateness.then === 'correct' || isTable(source))
    return { ...relation, lateness: 'never' };
  const watermark = watermarkSql(source, input);
  if (watermark === null) return { ...relation, lateness: 'unknown' };
  // A window that ends at `end` is over when end - 1 ms + allowed <= watermark.
  const over = `${watermark} - ${intervalLiteral(allowedMs)} + ${intervalLiteral(1)}`;
  const names = [...columns.map(({ name }) => name), ...(hasPosition ? [POSITION] : [])];
  const sql = select({ columns: [...names.map(identifier), as(over, OVER)], from: events });
  return { ...relation, from: query.add(`${source.name}_over`, sql), lateness: 'column' };
}

function watermarkSql(source: SourcePlan, input: DuckDbInput): string | null {
  if (input.kind === 'table' && input.watermark === 'column') return identifier('_watermark');
  if (input.kind === 'table' && (input.watermark === 'unknown' || !input.position)) return null;
  const before = `OVER (ORDER BY ${identifier(POSITION)} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`;
  return `max(${eventTimeSql(source)}) ${before} - ${intervalLiteral(source.watermark.delayMs)}`;
}

function eventTimeSql({ eventTime }: SourcePlan): string {
  const names = eventTime.map(identifier);
  return names.length === 1 ? (names[0] as string) : `coalesce(${names.join(', ')})`;
}

/** The accepted events: the fields under their names, "_at" where the order is known, "_watermark" where it is there. */
function eventsSql(source: SourcePlan, input: DuckDbInput): string {
  const where = acceptedSql(source);
  const names = source.fields.map(({ name }) => identifier(name));
  if (input.kind === 'table') {
    const isLate = input.inTime !== true && source.lateness.then !== 'correct' && !isTable(source);
    const columns = [
      ...names,
      ...(input.position ? [as(identifier('_position'), POSITION)] : []),
      ...(isLate && input.watermark === 'column' ? [identifier('_watermark')] : []),
    ];
    return select({ columns, from: identifier(input.name), where });
  }
  const position = as('row_number() OVER ()', POSITION);
  const files = `[${input.files.map(textLiteral).join(', ')}]`;
  if (input.kind === 'parquet')
    return select({ columns: [...names, position], from: `read_parquet(${files})`, where });
  const read = select({
    columns: source.fields.map((field) => as(jsonField(field), field.name)),
    from: `read_json(${files}, format = 'newline_delimited', columns = ${columnsOfJson(source.fields)})`,
  });
  return select({ columns: [...names, position], from: nested(read), where });
}

function acceptedSql(source: SourcePlan): string[] {
  const conditions = source.fields.flatMap(({ name, nullable, oneOf }) => {
    const column = identifier(name);
    const isThere = nullable ? [] : [`${column} IS NOT NULL`];
    if (oneOf === undefined) return isThere;
    const isOne = `${column} IN (${oneOf.map(textLiteral).join(', ')})`;
    return nullable ? [`(${column} IS NULL OR ${isOne})`] : [isOne];
  });
  const isSure = source.eventTime.some((name) =>
    source.fields.some((field) => field.name === name && !field.nullable),
  );
  return source.eventTime.length === 0 || isSure
    ? conditions
    : [...conditions, `${eventTimeSql(source)} IS NOT NULL`];
}

/** A path is written as names of DuckDB, of which not every text is one. */
function refusePaths({ fields }: SourcePlan, query: Query): void {
  const known = new Map<string, string>();
  for (const path of fields.map(pathOf)) {
    for (const [depth, part] of path.entries()) {
      const written = JSON.stringify(path.slice(0, depth + 1));
      const other = known.get(written.toLowerCase()) ?? written;
      if (other !== written) query.refuse('source', `paths ${other} and ${written}`, CASE_REASON);
      if (hasControls(part))
        query.refuse('source', `path ${written}`, 'DuckDB takes no control characters in a name');
      known.set(written.toLowerCase(), written);
    }
  }
}

/** The type of a JSON value, as a tree of objects down to the fields. */
type Shape = { readonly type: string } | { readonly members: Map<string, Shape> };

function columnsOfJson(fields: readonly Field[]): string {
  const root = new Map<string, Shape>();
  for (const field of fields) {
    const path = pathOf(field);
    let members = root;
    for (const part of path.slice(0, -1)) {
      const known = members.get(part);
      const next = known !== undefined && 'members' in known ? known.members : new Map<string, Shape>();
      members.set(part, { members: next });
      members = next;
    }
    members.set(path.at(-1) as string, { type: jsonType(field) });
  }
  return `{${[...root].map(([name, shape]) => `${textLiteral(name)}: ${textLiteral(shapeText(shape))}`).join(', ')}}`;
}

function shapeText(shape: Shape): string {
  if ('type' in shape) return shape.type;
  return `STRUCT(${[...shape.members].map(([name, member]) => `${identifier(name)} ${shapeText(member)}`).join(', ')})`;
}

export function pathOf(field: Field): readonly string[] {
  return field.path ?? [field.name];
}

/** Times with a zone are read as text: DuckDB's reader passes over the zone. */
function jsonType(field: Field): string {
  if (field.type === 'list' && field.item === 'timestamp') return 'VARCHAR[]';
  return field.type === 'timestamp' && field.format !== 'sql' ? 'VARCHAR' : typeText(field);
}

function jsonField(field: Field): string {
  const column = pathOf(field).map(identifier).join('.');
  if (field.type === 'list' && field.item === 'timestamp')
    return `list_transform(${column}, lambda _v: ${isoTime('_v')})`;
  if (field.type !== 'timestamp') return column;
  return field.format === 'sql' ? truncated(column) : isoTime(column);
}

/** To the millisecond, also before 1970. */
function truncated(time: string): string {
  return `date_trunc('millisecond', ${time})`;
}

/** Seconds may be missing, and DuckDB reads a zone other than Z in a time with a zone only. */
function isoTime(text: string): string {
  const full = `CASE WHEN ${text}[17] = ':' THEN ${text} ELSE ${text}[:16] || ':00' || ${text}[17:] END`;
  const [utc, other] = [`CAST(${full} AS TIMESTAMP)`, `timezone('UTC', CAST(${full} AS TIMESTAMPTZ))`];
  return truncated(`CASE WHEN suffix(${text}, 'Z') THEN ${utc} ELSE ${other} END`);
}
