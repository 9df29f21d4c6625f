/**
 * A query in the making: a chain of named subqueries (`WITH a AS (…), b AS (…) SELECT …`), each the rows that leave a
 * node, and what the rows know besides their columns.
 *
 *   hidden column   of                     meaning
 *   "_at", …        rows of events         the order of arrival: the position in the log, then the order within one event
 *   "_over"         rows that can be late  windows that end at or before it are over for this row; NULL: none is
 *
 * No column of a plan begins with an underscore. Rows that a change or time caused (`isOfEvents` of the plan says which)
 * have no arrival; of equal ones the order is that of their content.
 */
import type { Column } from '../../data/value.ts';
import type { PlanKind } from '../../plan/node.ts';
import { identifier } from './duckdb-text.ts';
import type { Unsupported } from './unsupported.ts';

/** What decides among equal rows. */
export type Arrival =
  /**
   * These hidden columns, in turn. Positions of one clock can be compared. In a mixed relation they are NULL for rows that
   * time caused: those come behind the others, by content.
   */
  | {
      readonly kind: 'columns';
      readonly names: readonly string[];
      readonly clock: string;
      readonly mixed: boolean;
    }
  /** The values of the row. */
  | { readonly kind: 'content' }
  /** Nothing that the query can see. */
  | { readonly kind: 'unknown'; readonly reason: string };

/** Whether a row can be late, and where that stands: in "_over", or nowhere that the query can see. */
export type Lateness = 'never' | 'column' | 'unknown';

export interface Relation {
  /** As it stands in FROM. */
  readonly from: string;
  readonly columns: readonly Column[];
  readonly arrival: Arrival;
  readonly lateness: Lateness;
  /** How long after their event time rows may come, beyond what the sources allow: what follows waits longer. */
  readonly heldBackMs: number;
}

export const POSITION = '_at';
/** The clock of tables with positions. */
export const LOG = 'the log';
export const OVER = '_over';

export class Query {
  readonly unsupported: Unsupported[] = [];
  readonly #parts: { readonly name: string; readonly sql: string }[] = [];
  readonly #taken: Set<string>;

  /** `taken` are names of tables that the query reads. */
  constructor(taken: Iterable<string>) {
    this.#taken = new Set([...taken].map((name) => name.toLowerCase()));
  }

  /** Names a subquery; returns the name as it stands in FROM. */
  add(label: string, sql: string): string {
    let name = `${label}_${this.#parts.length + 1}`;
    while (this.#taken.has(name.toLowerCase())) name += '_';
    this.#parts.push({ name, sql });
    return identifier(name);
  }

  /** Says that a part of a node cannot be said; the query goes on, so that everything is said at once. */
  refuse(node: PlanKind, what: string, reason: string): void {
    if (
      this.unsupported.some((known) => known.node === node && known.what === what && known.reason === reason)
    )
      return;
    this.unsupported.push({ node, what, reason });
  }

  /** The whole, with this SELECT at its end. */
  text(last: string): string {
    const parts = this.#parts.map(({ name, sql }) => `${identifier(name)} AS (\n${indented(sql)}\n)`);
    return parts.length === 0 ? last : `WITH ${parts.join(',\n')}\n${last}`;
  }
}

function indented(sql: string): string {
  return sql.replaceAll(/^/gm, '  ');
}

/** A subquery without a name. */
export function nested(sql: string): string {
  return `(\n${indented(sql)}\n)`;
}

export interface Select {
  readonly columns: readonly string[];
  readonly from: string;
  readonly where?: readonly string[];
  readonly groupBy?: readonly string[];
  readonly having?: readonly string[];
  readonly qualify?: readonly string[];
}

export function select({
  columns,
  from,
  where = [],
  groupBy = [],
  having = [],
  qualify = [],
}: Select): string {
  const list = columns.join(', ');
  const lines = [`SELECT ${list.length > 100 ? columns.join(',\n       ') : list}`, `FROM ${from}`];
  if (where.length > 0) lines.push(`WHERE ${where.join('\n  AND ')}`);
  if (groupBy.length > 0) lines.push(`GROUP BY ${groupBy.join(', ')}`);
  if (having.length > 0) lines.push(`HAVING ${having.join('\n   AND ')}`);
  if (qualify.length > 0) lines.push(`QUALIFY ${qualify.join('\n    AND ')}`);
  return lines.join('\n');
}

export function as(sql: string, name: string): string {
  const alias = identifier(name);
  return sql === alias ? alias : `${sql} AS ${alias}`;
}

/** The hidden columns of a relation. */
export function hiddenOf({ arrival, lateness }: Pick<Relation, 'arrival' | 'lateness'>): readonly string[] {
  return [...(arrival.kind === 'columns' ? arrival.names : []), ...(lateness === 'column' ? [OVER] : [])];
}

/** Everything that a relation has, for a SELECT that adds to it. */
export function allOf(relation: Relation): readonly string[] {
  return [...relation.columns.map(({ name }) => identifier(name)), ...hiddenOf(relation).map(identifier)];
}

/** The name of a hidden column of the order of arrival; the first is the position. */
export function arrivalName(index: number): string {
  return index === 0 ? POSITION : `${POSITION}${index + 1}`;
}

/** Null comes before every value, as the runtime compares. */
export function ordered(sql: string, descending = false): string {
  return descending ? `${sql} DESC NULLS LAST` : `${sql} ASC NULLS FIRST`;
}

/** ORDER BY among equal rows, from the first to arrive on or the other way around. Undefined where nothing decides. */
export function arrivalOrder(
  { arrival, columns }: Relation,
  descending = false,
): readonly string[] | undefined {
  const content = (): string[] => columns.map(({ name }) => ordered(identifier(name), descending));
  switch (arrival.kind) {
    case 'columns': {
      const direction = descending ? ' DESC' : '';
      if (!arrival.mixed) return arrival.names.map((name) => `${identifier(name)}${direction}`);
      const nulls = descending ? ' DESC NULLS FIRST' : ' ASC NULLS LAST';
      return [...arrival.names.map((name) => `${identifier(name)}${nulls}`), ...content()];
    }
    case 'content':
      return content();
    case 'unknown':
      return undefined;
  }
}
