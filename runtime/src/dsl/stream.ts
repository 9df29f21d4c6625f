/**
 * A stream of rows on its way from a source to a view. Every step returns a new value and computes nothing.
 *
 *   source ─► filter, map ─► groupBy ─► aggregate ─► filter ─► updates() or final()
 */
import { parseDuration } from '../base/durations.ts';
import { failure } from '../base/errors.ts';
import { inferColumns } from '../plan/infer.ts';
import type { AggregateCall, GroupKey, Plan, PlanNode, SourcePlan, ViewMode } from '../plan/node.ts';
import { Aggregate } from './aggregate.ts';
import {
  type Expression,
  fieldsOf,
  type Fields,
  nodeOf,
  type Timestamp,
  type ValueOf,
} from './expression.ts';

type Rows<C> = { readonly [K in keyof C]: ValueOf<C[K]> };
type Condition = Expression<boolean> | Expression<boolean | null>;

/** The bounds of a window, as ISO 8601 strings in the rows of a view: start inclusive, end exclusive. */
export interface WindowBounds {
  readonly start: string;
  readonly end: string;
}

/** A window as a group key. */
export class Window {
  declare readonly of?: WindowBounds;
  readonly time: unknown;
  readonly sizeMs: number;

  constructor(time: unknown, size: string) {
    this.time = time;
    this.sizeMs = parseDuration(size, 'tumbling window');
    if (this.sizeMs === 0)
      throw failure('DEFINITION_INVALID', { problem: 'a tumbling window of 0 holds nothing; say 1h' });
  }
}

/** Windows of one size, end to end, aligned to the epoch in UTC: `tumbling(f.scheduled, '1h')`. */
export function tumbling(time: Expression<Timestamp>, size: string): Window {
  return new Window(time, size);
}

/** A finished view: what `pipeline` takes. */
export interface View<R> {
  readonly mode: ViewMode;
  readonly node: PlanNode;
  readonly source: SourcePlan;
  /** @internal Carries the row type. */
  readonly of?: R;
}

abstract class Step<R> {
  /** @internal */
  readonly source: SourcePlan;
  /** @internal */
  readonly node: PlanNode;

  constructor(source: SourcePlan, node: PlanNode) {
    this.source = source;
    this.node = node;
  }

  protected fields(): Fields<R> {
    const plan: Plan = { version: 1, name: 'definition', sources: [this.source], views: [] };
    const columns = inferColumns(plan, this.node, (problem) => {
      throw failure('DEFINITION_INVALID', { problem: `source "${this.source.name}": ${problem}` });
    });
    return fieldsOf<R>(columns);
  }

  protected filtered(predicate: (row: Fields<R>) => Condition): PlanNode {
    return {
      kind: 'filter',
      input: this.node,
      predicate: nodeOf(predicate(this.fields()), 'the result of filter'),
    };
  }

  protected view(mode: ViewMode): View<R> {
    return { mode, node: this.node, source: this.source };
  }
}

export class Stream<R> extends Step<R> {
  /** Keeps the rows for which the condition is true; neither false nor null. */
  filter(predicate: (row: Fields<R>) => Condition): Stream<R> {
    return new Stream(this.source, this.filtered(predicate));
  }

  /** Rows with these columns and no others. Keep the event time if a window follows. */
  map<C extends Record<string, { readonly node: unknown }>>(columns: (row: Fields<R>) => C): Stream<Rows<C>> {
    const named = Object.entries(columns(this.fields())).map(([name, value]) => ({
      name,
      expr: nodeOf(value, `column "${name}"`),
    }));
    return new Stream(this.source, { kind: 'map', input: this.node, columns: named });
  }

  /** Groups rows by these keys, at most one of them a window. A group without a window keeps its state for ever. */
  groupBy<K extends Record<string, { readonly node: unknown } | Window>>(
    keys: (row: Fields<R>) => K,
  ): Grouped<R, Rows<K>> {
    const named = Object.entries(keys(this.fields())).map(([name, key]): GroupKey =>
      key instanceof Window
        ? {
            name,
            window: {
              kind: 'tumbling',
              time: nodeOf(key.time, `the time of window "${name}"`),
              sizeMs: key.sizeMs,
            },
          }
        : { name, expr: nodeOf(key, `group key "${name}"`) },
    );
    return new Grouped(this.source, this.node, named, () => this.fields());
  }

  /** Ends the view: a row for each event, shown as it arrives. */
  updates(): View<R> {
    return this.view('updates');
  }
}

/** Rows in groups, waiting for what to compute of each. */
export class Grouped<R, K> {
  readonly #source: SourcePlan;
  readonly #input: PlanNode;
  readonly #keys: readonly GroupKey[];
  readonly #fields: () => Fields<R>;

  constructor(source: SourcePlan, input: PlanNode, keys: readonly GroupKey[], fields: () => Fields<R>) {
    this.#source = source;
    this.#input = input;
    this.#keys = keys;
    this.#fields = fields;
  }

  aggregate<A extends Record<string, Aggregate<unknown>>>(
    aggregates: (row: Fields<R>) => A,
  ): Aggregated<K & Rows<A>> {
    const calls = Object.entries(aggregates(this.#fields())).map(([name, call]): AggregateCall => {
      if (!(call instanceof Aggregate)) {
        throw failure('DEFINITION_INVALID', {
          problem: `aggregate "${name}" is not count(), sum(…), avg(…), min(…), max(…) or countDistinct(…)`,
        });
      }
      return { name, fn: call.fn, arg: call.arg };
    });
    return new Aggregated(this.#source, {
      kind: 'group',
      input: this.#input,
      keys: this.#keys,
      aggregates: calls,
    });
  }
}

export class Aggregated<R> extends Step<R> {
  /** Keeps the groups for which the condition is true: SQL's HAVING. */
  filter(predicate: (row: Fields<R>) => Condition): Aggregated<R> {
    return new Aggregated(this.source, this.filtered(predicate));
  }

  /** Ends the view: each group's row is shown at once and changes with its events. */
  updates(): View<R> {
    return this.view('updates');
  }

  /** Ends the view: each window's rows are shown once, when the watermark has passed it and the allowed lateness. */
  final(): View<R> {
    return this.view('final');
  }
}
