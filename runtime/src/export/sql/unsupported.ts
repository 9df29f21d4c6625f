import type { PlanKind } from '../../plan/node.ts';

/** Something of a view that a target cannot say exactly; an exporter that meets one writes nothing. */
export interface Unsupported {
  readonly node: PlanKind;
  /** The part of the node: a function, an aggregate, a column, an option. */
  readonly what: string;
  /** A sentence for the person who asked. */
  readonly reason: string;
}
