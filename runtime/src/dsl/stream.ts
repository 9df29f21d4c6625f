/**
 * A stream of rows on its way from sources to a view. Every step returns a new stream and computes nothing: it describes
 * a node of the plan.
 *
 *   source ─► filter, map, join, … ─► groupBy ─► aggregate ─► filter, join, … ─► updates() or final()
 */
import { parseDuration } from '../base/durations.ts';
import type { Expr } from '../expr/node.ts';
import type { Frame, GroupKey, PlanNode, ViewMode } from '../plan/node.ts';
import { type Aggregate, aggregatesOf } from './aggregate.ts';
import { columnsOf, type Definition, functionsOfAll, sourcesOfAll, wrong } from './definition.ts';
import { type Expression, type Fields, fieldsOf, nodeOf, type ValueOf } from './expression.ts';
import { joined, type JoinOptions } from './join.ts';
import { type Keys, keysOf } from './keys.ts';
import { patterned, type PatternOptions } from './pattern.ts';
import type { Plain, Process } from './process.ts';
import type { View } from './view.ts';
import { Window } from './window.ts';

type Condition = Expression<boolean> | Expression<boolean | null>;
type Typed<T = unknown> = { readonly node: Expr; readonly of?: T };
type Columns = Readonly<Record<string, Typed>>;
type Aggregates = Readonly<Record<string, Aggregate<unknown, unknown>>>;

/** The row that columns, keys or aggregates make. */
type RowFrom<C> = { readonly [K in keyof C]: ValueOf<C[K]> };
/** Shown by an editor as one row. */
type Flat<R> = { readonly [K in keyof R]: R[K] };
type Row<R, More> = Flat<Omit<R, keyof More> & More>;

export interface DedupeOptions<R> {
  /** The columns whose values are the same in repeats. */
  readonly keys: Keys<R>;
  /** Which of the repeats stays. */
  readonly keep: 'first' | 'last';
  /** What comes first: by event time, or as it arrived in the log. Repeats by arrival never change what was shown. */
  readonly by: 'time' | 'arrival';
  /** A key that was silent for so long is forgotten. Without it, every key is remembered for ever. */
  readonly ttl?: string;
}

/** What an order goes by: `f.price.descending()`. */
export type Order = Typed & { readonly isDescending?: boolean };

export interface TopOptions<R, N extends string> {
  /** One top for each value of these columns; without it, one for all rows. */
  readonly by?: Keys<R>;
  readonly order: (row: Fields<R>) => readonly Order[];
  readonly limit: number;
  /** The name of a column for the place of a row, from 1. Without it, rows that only change places do not change. */
  readonly rank?: N;
}

export interface OverOptions<R> {
  /** The columns whose values the rows share that look back at each other; without it, all rows do. */
  readonly partition?: Keys<R>;
  /** How far a row looks back, itself included: so many rows or so much time before it, or to the beginning. */
  readonly frame: { readonly rows: number } | { readonly range: string } | 'unbounded';
}

export class Stream<R> implements Definition {
  /** @internal */
  readonly sources: Definition['sources'];
  /** @internal */
  readonly node: PlanNode;
  /** @internal */
  readonly functions: Definition['functions'];
  /** @internal Carries the row type. */
  declare readonly of?: R;

  /** @internal */
  constructor({ sources, node, functions }: Definition) {
    this.sources = sources;
    this.node = node;
    this.functions = functions;
  }

  /** Keeps the rows for which the condition is true; neither false nor null. After a group it is SQL's HAVING. */
  filter(predicate: (row: Fields<R>) => Condition): Stream<R> {
    const condition = nodeOf(predicate(this.#fields()), 'the result of filter');
    return this.#then({ kind: 'filter', input: this.node, predicate: condition });
  }

  /** Rows with these columns and no others. Keep the event time if a window follows. */
  map<C extends Columns>(columns: (row: Fields<R>) => C): Stream<RowFrom<C>> {
    const named = namedExprs(columns(this.#fields()));
    return this.#then({ kind: 'map', input: this.node, columns: named });
  }

  /** Rows with these columns behind those that they have. */
  extend<C extends Columns>(columns: (row: Fields<R>) => C): Stream<Row<R, RowFrom<C>>> {
    const kept = columnsOf(this).map(({ name }) => ({ name, expr: { kind: 'field', name } as const }));
    const added = namedExprs(columns(this.#fields()));
    return this.#then({ kind: 'map', input: this.node, columns: [...kept, ...added] });
  }

  /** A row for each item of a list, with the item as a column behind the others. An empty list gives no row. */
  unnest<T, N extends string>(
    list: (row: Fields<R>) => Typed<readonly T[]> | Typed<readonly T[] | null>,
    as: N,
  ): Stream<Row<R, { readonly [K in N]: T }>> {
    const expr = nodeOf(list(this.#fields()), 'the list of unnest');
    return this.#then({ kind: 'unnest', input: this.node, list: expr, as });
  }

  /** The rows of all streams, which have the same columns. Repeats stay. */
  union(...others: readonly [Stream<R>, ...Stream<R>[]]): Stream<R> {
    const inputs = [this, ...others].map(({ node }) => node);
    return this.#then({ kind: 'union', inputs }, others);
  }

  /** One row for each key. */
  dedupe({ keys, keep, by, ttl }: DedupeOptions<R>): Stream<R> {
    return this.#then({
      kind: 'dedupe',
      input: this.node,
      keys: keysOf('dedupe', keys, () => this.#fields()),
      keep,
      by,
      ttlMs: ttlOf('dedupe', ttl),
    });
  }

  /**
   * Groups rows by these keys, at most one of them a window. A group without a window keeps its state for ever, or until it
   * was silent for `ttl` of event time.
   */
  groupBy<K extends Readonly<Record<string, Typed | Window>>>(
    keys: (row: Fields<R>) => K,
    { ttl }: { readonly ttl?: string } = {},
  ): Grouped<R, RowFrom<K>> {
    const named = Object.entries(keys(this.#fields())).map(([name, key]): GroupKey =>
      key instanceof Window ? { name, window: key.plan } : { name, expr: nodeOf(key, `group key "${name}"`) },
    );
    return new Grouped(this, named, ttlOf('group', ttl));
  }

  /** The first rows in an order, of all or of each partition. Of equal rows the earlier arrival comes first. */
  top<N extends string = never>({
    by,
    order,
    limit,
    rank,
  }: TopOptions<R, N>): Stream<Row<R, { readonly [K in N]: number }>> {
    const fields = this.#fields();
    return this.#then({
      kind: 'top',
      input: this.node,
      partition: keysOf('top', by, () => fields),
      order: order(fields).map((value) => ({
        expr: nodeOf(value, 'the order of top'),
        descending: value.isDescending === true,
      })),
      limit,
      rank: rank ?? null,
    });
  }

  /** Each row with aggregates over the rows before it in event time and itself. */
  over<A extends Aggregates>(
    { partition, frame }: OverOptions<R>,
    aggregates: (row: Fields<R>) => A,
  ): Stream<Row<R, RowFrom<A>>> {
    return this.#then({
      kind: 'over',
      input: this.node,
      partition: keysOf('over', partition, () => this.#fields()),
      frame: frameOf(frame),
      aggregates: aggregatesOf(aggregates(this.#fields()), columnsOf(this)),
    });
  }

  /** The pairs of rows of this stream and another one that belong together. */
  join<O, C extends Columns, T extends 'inner' | 'left' = 'inner'>(
    other: Stream<O>,
    options: JoinOptions<R, O, T, C>,
  ): Stream<RowFrom<C>> {
    return this.#then(joined(this, other, options), [other]);
  }

  /** A row for each sequence of rows, within a time, whose steps meet their conditions one after the other. */
  pattern<
    P extends keyof R & string,
    S extends Readonly<Record<string, (row: Fields<R>) => Condition>>,
    C extends Columns,
  >(options: PatternOptions<R, P, S, C>): Stream<Row<Pick<R, P>, RowFrom<C>>> {
    return this.#then(patterned(this, options));
  }

  /** What a function of yours makes of the rows of each key; see `defineProcess`. */
  process<Out>(keys: Keys<R>, { defined, columns }: Process<Plain<R>, Out>): Stream<Out> {
    const node: PlanNode = {
      kind: 'process',
      input: this.node,
      function: defined.plan.name,
      keys: keysOf(`process "${defined.plan.name}"`, keys, () => this.#fields()),
      columns,
    };
    return this.#then(node, [{ sources: [], functions: [defined] }]);
  }

  /** Ends the view: rows are shown at once and change with the events. */
  updates(): View<R> {
    return this.#view('updates');
  }

  /** Ends the view: rows are shown once, when the watermark has passed their window and the allowed lateness. */
  final(): View<R> {
    return this.#view('final');
  }

  #fields(): Fields<R> {
    return fieldsOf<R>(columnsOf(this));
  }

  #then<Next>(node: PlanNode, others: readonly Omit<Definition, 'node'>[] = []): Stream<Next> {
    return new Stream({
      node,
      sources: sourcesOfAll([this, ...others]),
      functions: functionsOfAll([this, ...others]),
    });
  }

  #view(mode: ViewMode): View<R> {
    return { mode, node: this.node, sources: this.sources, functions: this.functions };
  }
}

/** Rows in groups, waiting for what to compute of each. */
export class Grouped<R, K> {
  readonly #input: Stream<R>;
  readonly #keys: readonly GroupKey[];
  readonly #ttlMs: number | null;

  /** @internal */
  constructor(input: Stream<R>, keys: readonly GroupKey[], ttlMs: number | null) {
    this.#input = input;
    this.#keys = keys;
    this.#ttlMs = ttlMs;
  }

  /** A row for each group: its keys and what is computed of its rows. */
  aggregate<A extends Aggregates>(aggregates: (row: Fields<R>) => A): Stream<Flat<K & RowFrom<A>>> {
    const columns = columnsOf(this.#input);
    const node: PlanNode = {
      kind: 'group',
      input: this.#input.node,
      keys: this.#keys,
      aggregates: aggregatesOf(aggregates(fieldsOf<R>(columns)), columns),
      ttlMs: this.#ttlMs,
    };
    const { sources, functions } = this.#input;
    return new Stream({ sources, node, functions });
  }
}

function namedExprs(columns: Columns): { name: string; expr: Expr }[] {
  return Object.entries(columns).map(([name, value]) => ({ name, expr: nodeOf(value, `column "${name}"`) }));
}

function ttlOf(what: string, ttl: string | undefined): number | null {
  return ttl === undefined || ttl === 'forever' ? null : parseDuration(ttl, `${what}, ttl`);
}

function frameOf(frame: OverOptions<unknown>['frame'] | undefined): Frame {
  if (frame === 'unbounded') return { kind: 'unbounded' };
  if (frame !== undefined && 'rows' in frame) return { kind: 'rows', preceding: frame.rows };
  if (frame !== undefined && 'range' in frame)
    return { kind: 'range', precedingMs: parseDuration(frame.range, 'over, frame.range') };
  return wrong("over: say how far a row looks back: frame: { rows: 10 }, { range: '1h' } or 'unbounded'");
}
