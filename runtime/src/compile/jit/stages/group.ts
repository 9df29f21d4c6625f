/** Which code runs a group: by a window on a grid, by sessions, or by plain keys. */
import type { NodeOf } from '../../../plan/node.ts';
import { windowColumnOf } from '../../../plan/traits.ts';
import { isWindowKey } from '../../../plan/walk.ts';
import type { NodeContext, Stage } from '../stage.ts';
import { Unsupported } from '../unsupported.ts';
import { keyedGroupStage } from './keyed-group.ts';
import { windowGroupStage } from './window-group.ts';
import { sessionStage } from './session.ts';

export function groupStage(node: NodeOf<'group'>, context: NodeContext): Stage {
  if (node.ttlMs !== null) throw new Unsupported('a group with a time-to-live');
  const window = node.keys.find(isWindowKey)?.window;
  if (window?.kind === 'session') return sessionStage(node, window, context);
  if (window !== undefined || windowColumnOf(node) !== null)
    return windowGroupStage(node, window ?? null, context);
  return keyedGroupStage(node, context);
}
