/** Which columns of each node somebody reads: the others are neither parsed nor kept. */
import type { Column } from '../../data/value.ts';
import { applyTable, type PlanNode, type PlanTable } from '../../plan/node.ts';
import { exprsOf, inputsOf, isWindowKey, nodesOf } from '../../plan/walk.ts';
import { fieldsOf, mayFail } from './expressions.ts';

export type Needs = ReadonlyMap<PlanNode, ReadonlySet<string>>;

type ColumnsOf = (node: PlanNode) => readonly Column[];

interface NeedsContext {
  readonly out: ReadonlySet<string>;
  readonly columnsOf: ColumnsOf;
  /** The rows that a node keeps are saved: all of them, as an interpreter keeps them. */
  readonly isSaved: boolean;
}

/** What a node reads of each of its inputs, when so much of its own columns is read. */
const NEEDS: PlanTable<readonly (readonly string[])[], NeedsContext> = {
  source: () => [],
  filter: (node, { out }) => [[...out, ...fieldsOf(node.predicate)]],
  // An expression that may fail is computed whether it is read or not: its row is left out either way.
  map: (node, { out, columnsOf }) => [
    node.columns
      .filter(({ name, expr }) => out.has(name) || mayFail(expr, columnsOf(node.input)))
      .flatMap(({ expr }) => fieldsOf(expr)),
  ],
  unnest: (node, { out }) => [[...out, ...fieldsOf(node.list)].filter((name) => name !== node.as)],
  union: (node, { out }) => node.inputs.map(() => [...out]),
  dedupe: (node, { out, columnsOf, isSaved }) => [
    [
      ...(isSaved ? namesOf(columnsOf(node.input)) : []),
      ...out,
      ...node.keys,
      ...(node.by === 'time' || node.ttlMs !== null ? timesOf(columnsOf(node.input)) : []),
    ],
  ],
  group: (node) => [
    [
      ...exprsOf(node).flatMap(fieldsOf),
      ...node.keys.flatMap((key) => (isWindowKey(key) ? fieldsOf(key.window.time) : [])),
    ],
  ],
  top: (node, { out, columnsOf, isSaved }) => [
    isSaved
      ? namesOf(columnsOf(node.input))
      : [...out, ...node.partition, ...node.order.flatMap(({ expr }) => fieldsOf(expr))].filter(
          (name) => name !== node.rank,
        ),
  ],
  over: all,
  join: (node, { out, columnsOf }) => {
    const read = new Set([...out, ...(node.condition === null ? [] : fieldsOf(node.condition))]);
    return (['left', 'right'] as const).map((side) => [
      ...node.columns
        .filter((column) => column.side === side && read.has(column.name))
        .map(({ from }) => from),
      ...node.on.map((pair) => pair[side]),
      ...(node.how.kind === 'regular' && node.how.ttlMs === null ? [] : timesOf(columnsOf(node[side]))),
    ]);
  },
  pattern: all,
  process: all,
};

function all(node: PlanNode, { columnsOf }: NeedsContext): readonly (readonly string[])[] {
  return inputsOf(node).map((input) => namesOf(columnsOf(input)));
}

function namesOf(columns: readonly Column[]): readonly string[] {
  return columns.map(({ name }) => name);
}

function timesOf(columns: readonly Column[]): readonly string[] {
  return columns.filter(({ eventTime }) => eventTime === true).map(({ name }) => name);
}

export function needsOf(root: PlanNode, columnsOf: ColumnsOf, isSaved: boolean): Needs {
  const needs = new Map<PlanNode, Set<string>>();
  for (const node of nodesOf(root)) needs.set(node, new Set());
  needs.set(root, new Set(namesOf(columnsOf(root))));
  for (const node of [...nodesOf(root)].toReversed()) {
    const out = needs.get(node) ?? new Set();
    const read = applyTable(NEEDS, node, { out, columnsOf, isSaved });
    for (const [index, input] of inputsOf(node).entries())
      for (const name of read[index] ?? []) needs.get(input)?.add(name);
  }
  return needs;
}
