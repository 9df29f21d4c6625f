/** Sequences of rows of one key. */
import { parseDuration } from '../base/durations.ts';
import type { Expr } from '../expr/node.ts';
import type { PlanNode } from '../plan/node.ts';
import { columnsOf, type Definition, wrong } from './definition.ts';
import { type Expression, type Fields, fieldsOf, nodeOf } from './expression.ts';
import { fieldsOfPlaces, mapped, placeOf, selected } from './sides.ts';

type Condition = Expression<boolean> | Expression<boolean | null>;
type Named = Readonly<Record<string, { readonly node: Expr }>>;
type Steps<R> = Readonly<Record<string, (row: Fields<R>) => Condition>>;

export interface PatternOptions<R, P extends string, S extends Steps<R>, C extends Named> {
  /** The columns whose values the rows of a match share; they leave with each match. */
  readonly partition: readonly P[];
  /** Conditions in their order. Each takes the next row after the step before that it accepts; others are skipped. */
  readonly steps: S;
  /** The longest time from the first row of a match to the last. */
  readonly within: string;
  /** What else leaves with each match, from the rows of its steps. */
  readonly select: (steps: { readonly [K in keyof S]: Fields<R> }) => C;
}

/** @throws DEFINITION_INVALID, DURATION_INVALID */
export function patterned<R, P extends string, S extends Steps<R>, C extends Named>(
  input: Definition,
  options: PatternOptions<R, P, S, C>,
): PlanNode {
  const columns = columnsOf(input);
  const row = fieldsOf<R>(columns);
  const steps = Object.entries(options.steps).map(([name, condition]) => ({
    name,
    predicate: nodeOf(condition(row), `the condition of step "${name}"`),
  }));
  if (steps.length === 0) wrong('pattern: it needs at least one step');
  const places = fieldsOfPlaces(steps.map(({ name }) => ({ name, columns })));
  const { partition } = options;
  const values = options.select(places as { readonly [K in keyof S]: Fields<R> });
  const { columns: taken, computed } = selected('pattern', values, partition);
  const node: PlanNode = {
    kind: 'pattern',
    input: input.node,
    partition,
    steps,
    withinMs: parseDuration(options.within, 'pattern, within'),
    columns: taken.map(({ name, field }) => {
      const { place, column } = placeOf(field);
      return { name, step: place, expr: { kind: 'field', name: column } };
    }),
  };
  if (computed === null) return node;
  const kept = partition.map((name) => ({ name, expr: { kind: 'field', name } as const }));
  return mapped(node, [...kept, ...computed]);
}
