/**
 * The table of a sink and its statements. Rows are told by `_key`, the hash of their key in the view, which is there for
 * every view: some keys are no columns (the place of an event), and texts may be longer than an index takes.
 *
 *   delays          _key bytea, [_copy integer,] origin text, window_start timestamptz, …      primary key (_key [, _copy])
 *   pipeline_sinks  sink text, data, generation, sequence, commits, position, …                the markers of a schema
 */
import { failure } from '../../base/errors.ts';
import type { Row } from '../../data/value.ts';
import type { ViewLayout } from '../../views/layout.ts';
import { clashOf, flatColumns, hashOf } from '../columns.ts';
import type { KeyedRow } from '../sink.ts';
import type { Rows } from './connection.ts';
import { type PostgresColumn, postgresColumns } from './values.ts';

export const MARKERS = 'pipeline_sinks';
const NAME_BYTES_MAX = 63;

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export const CREATE_MARKERS = (schema: string): string =>
  `CREATE TABLE ${quoted(schema)}.${quoted(MARKERS)} (
     sink text PRIMARY KEY, data text, generation bigint, sequence bigint, commits bigint, position bigint,
     pipeline text NOT NULL, view text NOT NULL, made boolean NOT NULL DEFAULT false, delivered_at timestamptz)`;

/** A table as it is: its columns, and the columns of its unique indexes. */
export const DESCRIBE = `
  SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
         a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '' AS has_default
  FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`;
export const UNIQUE_KEYS = `
  SELECT (SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY AS k(num, n)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num) AS columns
  FROM pg_index i WHERE i.indrelid = $1::regclass AND i.indisunique AND i.indpred IS NULL AND i.indimmediate`;

/** The columns of every index that is there, in its order. */
export const INDEXES = `
  SELECT (SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY AS k(num, n)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num) AS columns
  FROM pg_index i WHERE i.indrelid = $1::regclass AND i.indpred IS NULL`;

export class Table {
  readonly name: string;
  readonly columns: readonly PostgresColumn[];
  readonly #isBag: boolean;
  readonly #viewKey: readonly string[];

  constructor(schema: string, table: string, layout: ViewLayout, sink: string) {
    this.name = `${quoted(schema)}.${quoted(table)}`;
    this.columns = postgresColumns(layout.columns);
    this.#isBag = layout.shape === 'bag';
    const windows = new Set(layout.columns.filter(({ type }) => type === 'window').map(({ name }) => name));
    this.#viewKey = layout.keyNames.map((name) => (windows.has(name) ? `${name}_start` : name));
    const clash = clashOf(flatColumns(layout.columns));
    const long = this.columns.find(({ name }) => Buffer.byteLength(name) > NAME_BYTES_MAX);
    const problem =
      clash !== undefined
        ? `two columns would be named "${clash}"`
        : long !== undefined
          ? `column "${long.name}" is longer than the ${NAME_BYTES_MAX} bytes that PostgreSQL takes`
          : undefined;
    if (problem !== undefined)
      throw failure('SINK_INVALID', { sink, problem: `view "${layout.view.name}": ${problem}; rename it.` });
  }

  get #keys(): readonly string[] {
    return this.#isBag ? ['_key', '_copy'] : ['_key'];
  }

  get create(): string {
    const columns = [
      '_key bytea NOT NULL',
      ...(this.#isBag ? ['_copy integer NOT NULL'] : []),
      ...this.columns.map(
        ({ name, type, nullable }) => `${quoted(name)} ${type}${nullable ? '' : ' NOT NULL'}`,
      ),
    ];
    return `CREATE TABLE ${this.name} (${columns.join(', ')}, PRIMARY KEY (${this.#keys.join(', ')}))`;
  }

  /** What keeps rows from going into a table that is there. */
  problemsOf(found: Rows, uniqueKeys: Rows): string[] {
    const there = new Map(found.map((column) => [String(column['name']), column]));
    const wanted = [
      { name: '_key', type: 'bytea', nullable: false },
      ...(this.#isBag ? [{ name: '_copy', type: 'integer', nullable: false }] : []),
      ...this.columns,
    ];
    const problems = wanted.flatMap(({ name, type, nullable }) => {
      const column = there.get(name);
      if (column === undefined) return [`it has no column "${name}" of type ${type}`];
      if (column['type'] !== type) return [`column "${name}" is ${String(column['type'])}, not ${type}`];
      return nullable && column['not_null'] === true ? [`column "${name}" may not be null there`] : [];
    });
    for (const [name, column] of there) {
      const isOurs = wanted.some((each) => each.name === name);
      if (!isOurs && column['not_null'] === true && column['has_default'] !== true)
        problems.push(`column "${name}" must have a value, and the view has none for it`);
    }
    const keys = this.#keys.join(',');
    if (problems.length === 0 && !uniqueKeys.some(({ columns }) => columns === keys))
      problems.push(`it has no primary key (${this.#keys.join(', ')})`);
    return problems;
  }

  /** Null when there is such an index, or one that begins so. Throws SINK_INVALID for a view without a key. */
  createIndex(found: Rows, sink: string): string | null {
    const columns = this.#viewKey.join(',');
    if (columns === '')
      throw failure('SINK_INVALID', { sink, problem: '"index": the view has no key. Leave "index" out.' });
    if (found.some((index) => `${String(index['columns'])},`.startsWith(`${columns},`))) return null;
    return `CREATE INDEX ON ${this.name} (${this.#viewKey.map(quoted).join(', ')})`;
  }

  get deleteAll(): string {
    return `DELETE FROM ${this.name}`;
  }

  get deleteKeys(): string {
    return `DELETE FROM ${this.name} WHERE _key IN (SELECT decode(k, 'hex') FROM unnest($1::text[]) AS u(k))`;
  }

  /** Adds rows, or replaces those of their keys; of a bag only adds. */
  get insert(): string {
    const names = this.columns.map(({ name }) => quoted(name));
    const casts = this.columns.map(({ type }, index) => `u.c${index}::${type}`);
    const arrays = ['$1::text[]', ...(this.#isBag ? ['$2::text[]'] : [])];
    for (const _ of this.columns) arrays.push(`$${arrays.length + 1}::text[]`);
    const fields = ['k', ...(this.#isBag ? ['copies'] : []), ...this.columns.map((_, index) => `c${index}`)];
    const from = `unnest(${arrays.join(', ')}) AS u(${fields.join(', ')})`;
    const into = `INSERT INTO ${this.name} (${[...this.#keys, ...names].join(', ')})`;
    if (this.#isBag)
      return `${into} SELECT decode(u.k, 'hex'), g, ${casts.join(', ')} FROM ${from}, generate_series(1, u.copies::integer) AS g`;
    const updates = names.map((name) => `${name} = EXCLUDED.${name}`);
    return `${into} SELECT decode(u.k, 'hex'), ${casts.join(', ')} FROM ${from} ON CONFLICT (_key) DO UPDATE SET ${updates.join(', ')}`;
  }

  valuesOf(rows: readonly KeyedRow[]): (string | null)[][] {
    const texts = (textOf: (row: Row) => string | null): (string | null)[] =>
      rows.map(({ row }) => textOf(row));
    return [
      rows.map(({ key }) => hashOf(key)),
      ...(this.#isBag ? [rows.map(({ count }) => String(count))] : []),
      ...this.columns.map(({ textOf }) => texts(textOf)),
    ];
  }

  /** Whether rows of a key must go before others of it come. */
  get replacesByDeleting(): boolean {
    return this.#isBag;
  }
}
