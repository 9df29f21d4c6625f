/**
 * What generic passes may ask of a node instead of comparing kinds: whether it takes rows back, what identifies a row,
 * when a row can no longer change. All are total tables, so that a new kind must answer.
 */
import {
  applyTable,
  type NodeOf,
  type Plan,
  type PlanKind,
  type PlanNode,
  type PlanTable,
  type ViewMode,
} from './node.ts';
import type { Expr } from '../expr/node.ts';
import { isWindowKey } from './walk.ts';

const IS_STATEFUL: { readonly [K in PlanKind]: boolean } = {
  source: false,
  filter: false,
  map: false,
  unnest: false,
  union: false,
  dedupe: true,
  group: true,
  top: true,
  over: true,
  join: true,
  pattern: true,
  process: true,
};

/** Whether a node remembers rows. */
export function isStateful(node: PlanNode): boolean {
  return IS_STATEFUL[node.kind];
}

const APPEND_ONLY: PlanTable<boolean, ViewMode> = {
  source: () => true,
  filter: (node, mode) => isAppendOnly(node.input, mode),
  map: (node, mode) => isAppendOnly(node.input, mode),
  unnest: (node, mode) => isAppendOnly(node.input, mode),
  union: (node, mode) => node.inputs.every((input) => isAppendOnly(input, mode)),
  // The first to arrive stays the first, if arrival is a place in the log; an earlier time or a later row replaces what was
  // handed on. What belongs to a window of a final view is handed on once, when the window is over.
  dedupe: (node, mode) => {
    if (mode === 'final' && windowColumnOf(node) !== null) return true;
    return isFirstToArrive(node) && isAppendOnly(node.input, mode);
  },
  group: (node, mode) => mode === 'final' && windowColumnOf(node) !== null,
  top: (node, mode) => mode === 'final' && windowColumnOf(node) !== null,
  over: () => true,
  // A left join waits with its nulls until no partner can come, but for a regular one, whose partner may always come.
  join: (node, mode) => {
    if (node.how.kind === 'regular' && node.type === 'left') return false;
    return isAppendOnly(node.left, mode) && isAppendOnly(node.right, mode);
  },
  pattern: () => true,
  process: () => true,
};

/** Whether a node of a view of this mode never takes back a row that it handed on. */
export function isAppendOnly(node: PlanNode, mode: ViewMode): boolean {
  return applyTable(APPEND_ONLY, node, mode);
}

const OF_EVENTS: PlanTable<boolean> = {
  source: () => true,
  filter: (node) => isOfEvents(node.input),
  map: (node) => isOfEvents(node.input),
  unnest: (node) => isOfEvents(node.input),
  union: (node) => node.inputs.every(isOfEvents),
  dedupe: isFirstToArrive,
  group: () => false,
  top: () => false,
  over: () => false,
  join: ({ left, right, how, type }) => {
    if (how.kind === 'lookup') return isOfEvents(left);
    const isAtOnce = how.kind === 'regular' || how.kind === 'interval';
    return isAtOnce && type === 'inner' && isOfEvents(left) && isOfEvents(right);
  },
  pattern: () => false,
  process: () => false,
};

/** Whether a dedupe hands on each row at once, with its event, and never another instead. */
export function isFirstToArrive(node: NodeOf<'dedupe'>): boolean {
  return node.keep === 'first' && node.by === 'arrival' && isOfEvents(node.input);
}

/** Whether each row that a node hands on comes with the event that caused it, as opposed to with time or a flush. */
export function isOfEvents(node: PlanNode): boolean {
  return applyTable(OF_EVENTS, node, undefined);
}

const IN_ORDER: PlanTable<boolean> = {
  source: () => false,
  filter: (node) => isInOrder(node.input),
  map: (node) => isInOrder(node.input),
  unnest: (node) => isInOrder(node.input),
  union: () => false,
  dedupe: () => false,
  group: () => false,
  top: () => false,
  over: () => true,
  join: ({ how }) => how.kind === 'temporal',
  pattern: () => false,
  process: () => false,
};

/** Whether all rows of a node are caused by time and come in the order of their event time. */
export function isInOrder(node: PlanNode): boolean {
  return applyTable(IN_ORDER, node, undefined);
}

const WINDOW_COLUMN: PlanTable<string | null> = {
  source: () => null,
  filter: (node) => windowColumnOf(node.input),
  map: (node) => passed(node, windowColumnOf(node.input)),
  unnest: (node) => windowColumnOf(node.input),
  union: ({ inputs }) => {
    const [first = null, ...others] = inputs.map(windowColumnOf);
    return others.every((other) => other === first) ? first : null;
  },
  dedupe: (node) => within(node.keys, windowColumnOf(node.input)),
  group: (node) => {
    const input = windowColumnOf(node.input);
    const key =
      node.keys.find(isWindowKey) ??
      node.keys.find((candidate) => 'expr' in candidate && isField(candidate.expr, input));
    return key?.name ?? null;
  },
  top: (node) => within(node.partition, windowColumnOf(node.input)),
  over: () => null,
  join: (node) => {
    const left = windowColumnOf(node.left);
    if (node.how.kind === 'lookup') return joined(node, 'left', left);
    if (node.how.kind !== 'window') return null;
    // The two windows of a pair are equal; without a partner the right one is null.
    const right = node.type === 'inner' ? windowColumnOf(node.right) : null;
    return joined(node, 'left', left) ?? joined(node, 'right', right);
  },
  pattern: () => null,
  process: () => null,
};

/** The column that holds a window after whose end a row no longer changes, or null. */
export function windowColumnOf(node: PlanNode): string | null {
  return applyTable(WINDOW_COLUMN, node, undefined);
}

const FINAL: PlanTable<boolean> = {
  source: () => false,
  filter: (node) => isFinal(node.input),
  map: (node) => isFinal(node.input),
  unnest: (node) => isFinal(node.input),
  union: (node) => node.inputs.every(isFinal),
  dedupe: (node) => isFinal(node.input) && isAppendOnly(node, 'final'),
  group: (node) => isAppendOnly(node, 'final'),
  top: (node) => isFinal(node.input) && isAppendOnly(node, 'final'),
  over: () => true,
  join: (node) => {
    if (!isAppendOnly(node, 'final')) return false;
    if (node.how.kind === 'interval' || node.how.kind === 'temporal') return true;
    return isFinal(node.left) && (node.how.kind === 'lookup' || isFinal(node.right));
  },
  pattern: () => true,
  process: () => true,
};

/** Whether the rows of a view of mode `final` come when time has passed, once, and never change. */
export function isFinal(node: PlanNode): boolean {
  return applyTable(FINAL, node, undefined);
}

const KEY: PlanTable<readonly string[] | null, Plan> = {
  source: () => null,
  filter: (node, plan) => keyOf(plan, node.input),
  map: (node, plan) => allOf(keyOf(plan, node.input)?.map((name) => passed(node, name))),
  unnest: () => null,
  union: () => null,
  // Forgotten keys come again: beside what was handed on, if that is never replaced.
  dedupe: (node) => (node.ttlMs !== null && isFirstToArrive(node) ? null : node.keys),
  group: (node) => node.keys.map(({ name }) => name),
  top: (node, plan) => {
    if (node.rank !== null) return [...node.partition, node.rank];
    const key = keyOf(plan, node.input);
    return key === null ? null : [...new Set([...node.partition, ...key])];
  },
  over: (node, plan) => keyOf(plan, node.input),
  join: (node, plan) => {
    const left = allOf(keyOf(plan, node.left)?.map((name) => identified(node, 'left', name)));
    // At most one row of the right belongs to one of the left.
    if (left === null || node.how.kind === 'lookup' || node.how.kind === 'temporal') return left;
    const right = allOf(keyOf(plan, node.right)?.map((name) => identified(node, 'right', name)));
    return right === null ? null : [...new Set([...left, ...right])];
  },
  pattern: () => null,
  process: () => null,
};

/** The columns that identify a row among those that leave a node: none for a single row, null when no columns do. */
export function keyOf(plan: Plan, node: PlanNode): readonly string[] | null {
  return applyTable(KEY, node, plan);
}

function isField(expr: Expr, name: string | null): boolean {
  return name !== null && expr.kind === 'field' && expr.name === name;
}

/** The name under which a column of the input leaves a map. */
function passed(node: NodeOf<'map'>, name: string | null): string | null {
  return node.columns.find(({ expr }) => isField(expr, name))?.name ?? null;
}

/** The name under which a column of a side leaves a join. */
function joined(node: NodeOf<'join'>, side: 'left' | 'right', from: string | null): string | null {
  return node.columns.find((column) => column.side === side && column.from === from)?.name ?? null;
}

/**
 * The column of a join's output that has the value of a key column of a side: itself, or the one it is equal to. A left
 * join has nulls on the right, so there no column of the right stands for one of the left.
 */
function identified(node: NodeOf<'join'>, side: 'left' | 'right', name: string): string | null {
  const own = joined(node, side, name);
  if (own !== null || (side === 'left' && node.type === 'left')) return own;
  const other = side === 'left' ? 'right' : 'left';
  const pairs = node.on.filter((pair) => pair[side] === name);
  return pairs.map((pair) => joined(node, other, pair[other])).find((found) => found !== null) ?? null;
}

function within(names: readonly string[], name: string | null): string | null {
  return name !== null && names.includes(name) ? name : null;
}

function allOf(names: readonly (string | null)[] | undefined): readonly string[] | null {
  return names?.every((name) => name !== null) === true ? names : null;
}
