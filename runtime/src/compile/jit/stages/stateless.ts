/** Nodes without memory: conditions and values in the middle of a loop. */
import type { NodeOf } from '../../../plan/node.ts';
import { Lazy } from '../emitter.ts';
import { holds, mayFail } from '../expressions.ts';
import { evaluating, type NodeContext, type Stage } from '../stage.ts';
import type { Symbol_ } from '../symbol.ts';

export function filterStage(node: NodeOf<'filter'>, context: NodeContext): Stage {
  const { emitter } = context.code;
  return {
    inputs: [
      (flow) => {
        evaluating(context, flow, [node.predicate], (evaluated) => {
          const condition = holds(evaluated(node.predicate));
          emitter.block(`if (${condition})`, () => context.out(flow));
        });
      },
    ],
  };
}

export function mapStage(node: NodeOf<'map'>, context: NodeContext): Stage {
  const { code, inputColumns, needed } = context;
  const columns = node.columns.filter(
    ({ name, expr }) => needed.has(name) || mayFail(expr, inputColumns[0] ?? []),
  );
  return {
    inputs: [
      (flow) => {
        const exprs = columns.map(({ expr }) => expr);
        evaluating(context, flow, exprs, (evaluated) => {
          const row = new Map<string, Lazy<Symbol_>>();
          for (const { name, expr } of columns) row.set(name, new Lazy(code.emitter, () => evaluated(expr)));
          context.out({ ...flow, row });
        });
      },
    ],
  };
}

export function unionStage(node: NodeOf<'union'>, context: NodeContext): Stage {
  return { inputs: node.inputs.map(() => (flow) => context.out(flow)) };
}
