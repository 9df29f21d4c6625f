import type { NodeOf } from '../../../plan/node.ts';
import type { NodeContext, Stage } from '../stage.ts';
import { Unsupported } from '../unsupported.ts';

export function groupStage(_: NodeOf<'group'>, __: NodeContext): Stage {
  throw new Unsupported('group');
}
