/**
 * By what the state of a node is found again: its kind and its place among the nodes of that kind in its view, inputs
 * before those that read them: `group1`, `join1`, `group2`. So a filter more or less moves no state; whether the node of one
 * name still means the same is for `comparePlans` to say.
 */
import type { PlanNode } from './node.ts';
import { isStateful } from './traits.ts';
import { nodesOf } from './walk.ts';

/** The ids of the nodes of a view that remember something. */
export function stateIdsOf(root: PlanNode): ReadonlyMap<PlanNode, string> {
  const ids = new Map<PlanNode, string>();
  const counts = new Map<string, number>();
  for (const node of nodesOf(root)) {
    if (!isStateful(node)) continue;
    const place = (counts.get(node.kind) ?? 0) + 1;
    counts.set(node.kind, place);
    ids.set(node, `${node.kind}${place}`);
  }
  return ids;
}
