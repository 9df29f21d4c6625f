import type { NodeOf, WindowPlan } from '../../../plan/node.ts';
import type { NodeContext, Stage } from '../stage.ts';
import { Unsupported } from '../unsupported.ts';

export function sessionStage(_: NodeOf<'group'>, __: WindowPlan, ___: NodeContext): Stage {
  throw new Unsupported('sessions');
}
