import type { Column } from '../../data/value.ts';
import type { Plan, PlanNode, ViewPlan } from '../../plan/node.ts';
import type { Query, Relation } from './duckdb-query.ts';

/** What the writers of all nodes share. */
export interface Context {
  readonly plan: Plan;
  readonly view: ViewPlan;
  readonly query: Query;
  /** The rows that leave a node; a node that several others use is written once. */
  readonly relationOf: (node: PlanNode) => Relation;
  readonly columnsOf: (node: PlanNode) => readonly Column[];
}

export const TTL_REASON = 'what is forgotten depends on when rows came, and a query sees them all at once';
