import type { NamedExpr, NodeOf } from '../../../plan/node.ts';
import { isWindowKey } from '../../../plan/walk.ts';

/** The keys that are expressions: all but a window that the group itself assigns. */
export function plainKeys(node: NodeOf<'group'>): readonly NamedExpr[] {
  return node.keys.flatMap((key) => (isWindowKey(key) ? [] : [{ name: key.name, expr: key.expr }]));
}
