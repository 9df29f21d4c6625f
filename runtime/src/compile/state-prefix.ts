import type { PlanNode } from '../plan/node.ts';
import { stateIdsOf } from '../plan/state-ids.ts';

/** Where the state of the nodes of a view lies below that of the view; a node without state has no place of its own. */
export function nodePrefixes(statePrefix: Buffer, root: PlanNode): (node: PlanNode) => Buffer {
  const ids = stateIdsOf(root);
  return (node) => {
    const id = ids.get(node);
    return id === undefined ? statePrefix : Buffer.concat([statePrefix, Buffer.from(`${id}|`)]);
  };
}
