/**
 * Which row of one event comes first when it reaches a node through several of its inputs. The runtime hands an event to the
 * readers of its source in the order in which these stand in the plan, inputs before those that read them.
 */
import type { PlanNode } from '../../plan/node.ts';
import { inputsOf, nodesOf } from '../../plan/walk.ts';

export const SHARED_REASON =
  'some of its events come through several inputs that share a step, so which row is first is not known';

/**
 * The place of each input of a node among them, in the order in which they get their rows of one event; their own order
 * where they share none. Null when they share more than sources, so that their rows come mixed.
 */
export function placesOf(root: PlanNode, node: PlanNode): readonly number[] | null {
  const inputs = inputsOf(node);
  const below = inputs.map((input) => nodesOf(input));
  const isMixed = inputs.some((input, index) =>
    inputs.some((other, otherIndex) => {
      if (otherIndex <= index || other === input) return false;
      return (
        below[otherIndex]?.some((each) => each.kind !== 'source' && below[index]?.includes(each)) === true
      );
    }),
  );
  if (isMixed) return null;
  const all = nodesOf(root);
  const sources = new Set(below.flat().filter((each) => each.kind === 'source'));
  const shared = [...sources].filter((source) => below.filter((nodes) => nodes.includes(source)).length > 1);
  const orders = shared.map((source) => {
    const first = inputs.map((input, index) =>
      input === source
        ? all.indexOf(node) + index / inputs.length
        : firstReader(all, below[index] ?? [], source),
    );
    return inputs.map((_, index) => first.filter((each) => each < (first[index] as number)).length);
  });
  const [order, ...others] = orders;
  if (order === undefined) return inputs.map((_, index) => index);
  // Inputs that are one node get their rows in their own order.
  const places = order.map((place, index) => place + index / inputs.length);
  return others.some((other) => JSON.stringify(other) !== JSON.stringify(order))
    ? null
    : places.map((place) => places.filter((each) => each < place).length);
}

/** The place in the plan of the first node that reads a source; beyond all when none does. */
function firstReader(all: readonly PlanNode[], nodes: readonly PlanNode[], source: PlanNode): number {
  const readers = nodes.filter((each) => inputsOf(each).includes(source));
  return Math.min(Infinity, ...readers.map((reader) => all.indexOf(reader)));
}
