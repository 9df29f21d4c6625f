import type { NodeOf } from '../../../plan/node.ts';
import type { NodeContext, Stage } from '../stage.ts';
import { Unsupported } from '../unsupported.ts';

export function dedupeStage(_: NodeOf<'dedupe'>, __: NodeContext): Stage {
  throw new Unsupported('dedupe');
}
