/** The nodes of a view, each with its stage, and who reads the rows of whom. */
import type { Column } from '../../data/value.ts';
import { inferColumns } from '../../plan/infer.ts';
import { applyTable, type Plan, type PlanNode, type PlanTable, type ViewPlan } from '../../plan/node.ts';
import { isAppendOnly, isStateful } from '../../plan/traits.ts';
import { inputsOf, nodesOf } from '../../plan/walk.ts';
import { nodePrefixes } from '../state-prefix.ts';
import { needsOf } from './needs.ts';
import type { CompileOptions } from './options.ts';
import type { Consumer, NodeContext, Stage } from './stage.ts';
import { dedupeStage } from './stages/dedupe.ts';
import { groupStage } from './stages/group.ts';
import { joinStage } from './stages/join.ts';
import { filterStage, mapStage, unionStage } from './stages/stateless.ts';
import { topStage } from './stages/top.ts';
import type { Code } from './symbol.ts';
import { Unsupported } from './unsupported.ts';

const STAGES: PlanTable<Stage, NodeContext> = {
  source: () => ({ inputs: [] }),
  filter: filterStage,
  map: mapStage,
  union: unionStage,
  group: groupStage,
  join: joinStage,
  dedupe: dedupeStage,
  top: topStage,
  unnest: refuse,
  over: refuse,
  pattern: refuse,
  process: refuse,
};

function refuse(node: PlanNode): never {
  throw new Unsupported(node.kind);
}

export interface Part {
  readonly node: PlanNode;
  /** The columns that leave it and that somebody reads. */
  readonly columns: readonly Column[];
  readonly out: Consumer;
  /** Whether the view is read from its state. */
  readonly isRead: boolean;
  readonly stage: Stage;
  /** The keys of its state start with this; null when it is not saved. */
  readonly prefix: Buffer | null;
}

interface Wired {
  readonly node: PlanNode;
  readonly users: { readonly user: Wired; readonly place: number }[];
  stage: Stage;
}

/** The parts of a view, inputs before those that read them. Its rows go to `view`. */
export function partsOf(
  plan: Plan,
  { node: root, mode }: ViewPlan,
  code: Code,
  options: CompileOptions,
  view: Consumer,
): readonly Part[] {
  const columnsOf = remembered((node: PlanNode) => inferColumns(plan, node));
  const needs = needsOf(root, columnsOf, options.statePrefix !== undefined);
  const wired = wire(root);
  const { statePrefix } = options;
  const prefixOf = statePrefix === undefined ? () => null : nodePrefixes(statePrefix, root);
  const parts = [...wired.entries()].toReversed().map(([index, part]): Part => {
    const { node, users } = part;
    const out: Consumer = (flow) => {
      for (const { user, place } of users) user.stage.inputs[place]?.(flow);
      if (node === root) view(flow);
    };
    const inputs = inputsOf(node);
    const needed = needs.get(node) ?? new Set();
    const isRead = options.content && isReadFrom(part, root);
    const prefix = prefixOf(node);
    part.stage = applyTable(STAGES, node, {
      code,
      plan,
      mode,
      functions: options.functions,
      index,
      columns: columnsOf(node),
      inputColumns: inputs.map(columnsOf),
      appendOnly: inputs.map((input) => isAppendOnly(input, mode)),
      needed,
      out,
      isRead,
      allowedMs: options.allowedMs,
      hooks: options.hooks,
      statePrefix: prefix,
    });
    if (prefix !== null && isStateful(node) && part.stage.memory === undefined)
      throw new Unsupported(`the state of ${node.kind} is not saved by generated code`);
    const columns = columnsOf(node).filter(({ name }) => needed.has(name));
    return { node, columns, out, isRead, stage: part.stage, prefix };
  });
  return parts.toReversed();
}

function wire(root: PlanNode): readonly Wired[] {
  const wired = new Map<PlanNode, Wired>();
  for (const node of nodesOf(root)) {
    const part: Wired = { node, users: [], stage: { inputs: [] } };
    for (const [place, input] of inputsOf(node).entries())
      wired.get(input)?.users.push({ user: part, place });
    wired.set(node, part);
  }
  return [...wired.values()];
}

/** Whether all that leaves a part reaches the view through nothing that remembers. */
function isReadFrom({ node, users }: Wired, root: PlanNode): boolean {
  if (node === root) return true;
  const [only] = users;
  return (
    users.length === 1 && only !== undefined && !isStateful(only.user.node) && isReadFrom(only.user, root)
  );
}

function remembered<K, V>(make: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const value = known.get(key) ?? make(key);
    known.set(key, value);
    return value;
  };
}
