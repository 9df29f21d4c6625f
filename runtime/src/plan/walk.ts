import { invariant } from '../base/invariant.ts';
import type { GroupKey, GroupNode, Plan, PlanNode, SourcePlan, TumblingWindow } from './node.ts';

/** The nodes from the source to the end of a view. */
export function chainOf(node: PlanNode): readonly PlanNode[] {
  return node.kind === 'source' ? [node] : [...chainOf(node.input), node];
}

export function sourceOf(plan: Plan, node: PlanNode): SourcePlan {
  const [first] = chainOf(node);
  const source = plan.sources.find(
    (candidate) => first?.kind === 'source' && candidate.name === first.source,
  );
  invariant(source !== undefined, 'a validated plan names only sources it has');
  return source;
}

export function groupOf(node: PlanNode): GroupNode | undefined {
  return chainOf(node).find((candidate) => candidate.kind === 'group');
}

export function isWindowKey(key: GroupKey): key is Extract<GroupKey, { window: TumblingWindow }> {
  return 'window' in key;
}

/** The window of a view, or undefined for one without. */
export function windowOf(node: PlanNode): TumblingWindow | undefined {
  return groupOf(node)?.keys.find(isWindowKey)?.window;
}
