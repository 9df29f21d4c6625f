/**
 * Compares the nodes of two views of one name, from the view back to the sources. What is stored of a node depends on its
 * own settings, on the rows that came in, and on how these are laid out where they are kept. So each stretch of stateless
 * nodes is compared for who reads it:
 *
 *   view      rows are stored by position: columns may be added behind the others
 *   rows      the node keeps its rows by position: the same columns
 *   columns   the node keeps what it took from some columns: those by their names
 */
import { type Column, typeName } from '../data/value.ts';
import { inferExpr } from '../expr/evaluate.ts';
import type { Expr } from '../expr/node.ts';
import { eventTimeOf, inferColumns } from './infer.ts';
import type { NodeOf, Plan, PlanKind, PlanNode, ViewMode, ViewPlan } from './node.ts';
import { isAppendOnly, keyOf } from './traits.ts';
import { exprsOf, functionsOf, inputsOf, nodesOf } from './walk.ts';

export type Verdict = 'keeps' | 'starts' | 'drops' | 'from-now-on' | 'refused';

export interface PlanChange {
  /** Where in the definition: `view "hours", group, column "mean"`. */
  readonly where: string;
  readonly old: string;
  readonly new: string;
  readonly verdict: Verdict;
  readonly because: string;
}

export interface ViewContext {
  readonly old: Plan;
  readonly now: Plan;
  readonly mode: ViewMode;
  readonly where: string;
  readonly add: (change: PlanChange) => void;
}

type Reader = 'view' | 'rows' | 'columns';

export function compareViews(old: ViewPlan, now: ViewPlan, context: ViewContext): void {
  if (old.mode !== now.mode) {
    report(context, 'mode', old.mode, now.mode, 'refused', 'rows were shown at other times');
    return;
  }
  const shapes = [old, now].map(({ node }, index) =>
    JSON.stringify([keyOf(index === 0 ? context.old : context.now, node), isPlain(node)]),
  );
  if (shapes[0] !== shapes[1]) {
    const [before = '', after = ''] = [old, now].map(({ node }, index) => {
      const key = keyOf(index === 0 ? context.old : context.now, node);
      return key === null ? 'rows without a key' : `rows by (${key.join(', ')})`;
    });
    report(context, 'key', before, after, 'refused', 'rows are stored by it');
  }
  compareStretch(old.node, now.node, 'view', context);
}

function report(
  { where, add }: ViewContext,
  at: string,
  old: string,
  now: string,
  verdict: Verdict,
  because: string,
): void {
  add({ where: `${where}, ${at}`, old, new: now, verdict, because });
}

type Stateless = NodeOf<'filter'> | NodeOf<'map'> | NodeOf<'unnest'>;

/** Stateless nodes above a node that is none, the nearest to the reader first. */
function stretchOf(node: PlanNode): { readonly stretch: readonly Stateless[]; readonly base: PlanNode } {
  const stretch: Stateless[] = [];
  let base = node;
  while (base.kind === 'filter' || base.kind === 'map' || base.kind === 'unnest') {
    stretch.push(base);
    base = base.input;
  }
  return { stretch, base };
}

function compareStretch(old: PlanNode, now: PlanNode, reader: Reader, context: ViewContext): void {
  const before = stretchOf(old);
  const after = stretchOf(now);
  compareLayout(old, now, reader, context);
  const isAdditive = isAppendOnly(before.base, context.mode) && isAppendOnly(after.base, context.mode);
  const changed: Verdict = isAdditive ? 'from-now-on' : 'refused';
  const because = isAdditive
    ? 'rows so far were made by the old one'
    : 'rows so far were made by the old one and are still taken back';
  for (const [one, other] of pairsOf(before.stretch, after.stretch, context)) {
    const kind = one?.kind === 'unnest' ? 'unnest' : ((other ?? one)?.kind ?? '');
    if (one === null || other === null || one.kind !== other.kind) {
      const [a, b] = [one === null ? 'none' : textOf(one), other === null ? 'none' : textOf(other)];
      // Rows without unnested items are stored and corrected in another way.
      report(context, kind, a, b, kind === 'unnest' ? 'refused' : changed, because);
    } else compareStateless(one, other, reader, changed, because, context);
    if (one !== null && other !== null) compareTypes(one, other, changed, context);
  }
  compareBase(before.base, after.base, context);
}

/** Equal nodes at both ends belong together; what is between is paired in its order where the kinds are the same. */
function pairsOf(
  old: readonly Stateless[],
  now: readonly Stateless[],
  context: ViewContext,
): readonly (readonly [Stateless | null, Stateless | null])[] {
  const isEqual = (a: Stateless | undefined, b: Stateless | undefined): boolean =>
    a !== undefined && b !== undefined && ownText(a, context.old) === ownText(b, context.now);
  let head = 0;
  while (isEqual(old[head], now[head])) head++;
  let tail = 0;
  const most = Math.min(old.length, now.length) - head;
  while (tail < most && isEqual(old.at(-1 - tail), now.at(-1 - tail))) tail++;
  const middleOld = old.slice(head, old.length - tail);
  const middleNow = now.slice(head, now.length - tail);
  const same = middleOld.length === middleNow.length;
  const middle = same
    ? middleOld.map((node, index) => [node, middleNow[index] ?? null] as const)
    : [...middleOld.map((node) => [node, null] as const), ...middleNow.map((node) => [null, node] as const)];
  const equal = [...old.slice(0, head).keys()].map((at) => [old[at] ?? null, now[at] ?? null] as const);
  const ends = [...Array(tail).keys()].map(
    (at) => [old.at(-1 - at) ?? null, now.at(-1 - at) ?? null] as const,
  );
  return [...equal, ...middle, ...ends];
}

function compareStateless(
  old: Stateless,
  now: Stateless,
  reader: Reader,
  changed: Verdict,
  because: string,
  context: ViewContext,
): void {
  if (ownText(old, context.old) === ownText(now, context.now)) return;
  if (old.kind !== 'map' || now.kind !== 'map')
    return report(context, old.kind, textOf(old), textOf(now), changed, because);
  for (const column of old.columns) {
    const next = now.columns.find(({ name }) => name === column.name);
    const at = `map, column "${column.name}"`;
    if (next === undefined) {
      if (reader !== 'columns') report(context, at, exprText(column.expr), 'gone', 'refused', LAYOUT);
    } else if (exprId(column.expr, context.old) !== exprId(next.expr, context.now))
      report(context, at, exprText(column.expr), exprText(next.expr), changed, because);
  }
}

const LAYOUT = 'stored rows have it in its place';

/** Whether the columns that a reader takes lie where they lay, with the same types or wider ones. */
function compareLayout(old: PlanNode, now: PlanNode, reader: Reader, context: ViewContext): void {
  const before = inferColumns(context.old, old);
  const after = inferColumns(context.now, now);
  if (reader !== 'view') {
    const [one, other] = [eventTimeOf(before), eventTimeOf(after)].map((time) => JSON.stringify(time));
    const sure = (columns: readonly Column[]): string =>
      columns.flatMap(({ name, nullable, eventTime }) => (eventTime === true && nullable ? name : [])).join();
    if (one !== other || sure(before) !== sure(after))
      report(context, 'event time', one ?? '', other ?? '', 'refused', 'time closed windows by it');
  }
  if (reader === 'columns') return;
  for (const [index, column] of before.entries()) {
    const next = after[index];
    if (next?.name !== column.name) {
      const shown = next === undefined ? 'gone' : columnText(next);
      report(context, `column ${index + 1}`, columnText(column), shown, 'refused', LAYOUT);
    } else if (!holds(next, column))
      report(context, `column "${column.name}"`, columnText(column), columnText(next), 'refused', UNITS);
  }
  for (const column of after.slice(before.length)) {
    const isFound = keyOf(context.old, old) !== null || isPlain(old);
    const verdict = reader === 'view' && isFound ? 'from-now-on' : 'refused';
    const why =
      verdict === 'refused' ? 'stored rows do not have it' : 'rows so far do not have it: it is null there';
    report(context, `column "${column.name}"`, 'none', columnText(column), verdict, why);
  }
}

function columnText(column: Column): string {
  return `${column.name} ${typeName(column)}${column.nullable ? ', may be null' : ''}`;
}

/** Whether rows of one event each are shown as they are. */
function isPlain(node: PlanNode): boolean {
  return nodesOf(node).every(({ kind }) => kind === 'source' || kind === 'filter' || kind === 'map');
}

const UNITS = 'stored values have the old type';

/** Whether values of the old column are values of the new one, alike in the store. */
function holds(now: Column, old: Column): boolean {
  if (old.nullable && !now.nullable) return false;
  if (old.type !== now.type) return old.type === 'integer' && now.type === 'double';
  const isWiderItem = old.item === 'integer' && now.item === 'double';
  return old.scale === now.scale && (old.item === now.item || isWiderItem);
}

/** Functions that are called with another type compute something else: `7 / 2` of integers and of doubles. */
function compareTypes(old: PlanNode, now: PlanNode, verdict: Verdict, context: ViewContext): void {
  const columnsOf = (plan: Plan, node: PlanNode): readonly Column[] =>
    inputsOf(node).flatMap((input) => inferColumns(plan, input));
  const before = columnsOf(context.old, old);
  const after = columnsOf(context.now, now);
  for (const call of exprsOf(old).flatMap(callsOf)) {
    for (const arg of call.args) {
      const [one, other] = [typeText(arg, before), typeText(arg, after)];
      if (one !== other && other !== null)
        report(
          context,
          `${old.kind}, ${exprText(call)}`,
          one ?? '',
          other,
          verdict,
          'it computes with another type',
        );
    }
  }
}

/** What a group keeps of its rows has the types that it had, or wider ones. */
function compareKept(old: NodeOf<'group'>, now: NodeOf<'group'>, context: ViewContext): void {
  const before = inferColumns(context.old, old.input);
  const after = inferColumns(context.now, now.input);
  for (const expr of exprsOf(old)) {
    const [one, other] = [inferExpr(expr, before), inferExpr(expr, after)];
    if (typeof one === 'string' || typeof other === 'string') continue;
    const [was, is] = [
      { name: exprText(expr), ...one },
      { name: exprText(expr), ...other },
    ];
    if (!holds(is, was)) report(context, `group, ${was.name}`, typeName(was), typeName(is), 'refused', UNITS);
  }
}

function callsOf(expr: Expr): readonly Extract<Expr, { args: unknown }>[] {
  return 'args' in expr ? [expr, ...expr.args.flatMap(callsOf)] : [];
}

function typeText(expr: Expr, columns: readonly Column[]): string | null {
  const type = inferExpr(expr, columns);
  return typeof type === 'string' ? null : `${type.type} ${type.scale ?? ''}${type.item ?? ''}`.trim();
}

type Compare<K extends PlanKind> = (old: NodeOf<K>, now: NodeOf<K>, context: ViewContext) => void;

const OTHER_STATE = 'what is stored was kept by the old one';

/** Nodes that remember something, and those where streams begin or meet. */
const BASES: { readonly [K in Exclude<PlanKind, Stateless['kind']>]: Compare<K> } = {
  source: (old, now, context) => setting('source', old.source, now.source, context),
  union: (old, now, context) => {
    setting('union, inputs', old.inputs.length, now.inputs.length, context);
    for (const [index, input] of old.inputs.entries()) {
      const next = now.inputs[index];
      if (next !== undefined) compareStretch(input, next, 'rows', context);
    }
  },
  dedupe: (old, now, context) => {
    for (const key of ['keys', 'keep', 'by', 'ttlMs'] as const)
      setting(`dedupe, ${key}`, old[key], now[key], context);
    compareStretch(old.input, now.input, 'rows', context);
  },
  group: (old, now, context) => {
    setting('group, keys', old.keys.map(keyId), now.keys.map(keyId), context);
    setting('group, ttl', old.ttlMs, now.ttlMs, context);
    compareAggregates('group', old, now, context);
    compareTypes(old, now, 'refused', context);
    compareKept(old, now, context);
    compareStretch(old.input, now.input, 'columns', context);
  },
  top: (old, now, context) => {
    for (const key of ['partition', 'limit', 'rank'] as const)
      setting(`top, ${key}`, old[key], now[key], context);
    setting('top, order', old.order, now.order, context);
    compareExprs('top', old, now, context);
    compareTypes(old, now, 'refused', context);
    compareStretch(old.input, now.input, 'rows', context);
  },
  over: (old, now, context) => {
    setting('over, partition', old.partition, now.partition, context);
    setting('over, frame', old.frame, now.frame, context);
    compareAggregates('over', old, now, context);
    compareTypes(old, now, 'refused', context);
    compareStretch(old.input, now.input, 'rows', context);
  },
  join: (old, now, context) => {
    for (const key of ['type', 'how', 'on', 'columns', 'condition'] as const)
      setting(`join, ${key}`, old[key], now[key], context);
    compareExprs('join', old, now, context);
    compareStretch(old.left, now.left, 'rows', context);
    compareStretch(old.right, now.right, 'rows', context);
  },
  pattern: (old, now, context) => {
    for (const key of ['partition', 'steps', 'withinMs', 'columns'] as const)
      setting(`pattern, ${key}`, old[key], now[key], context);
    compareExprs('pattern', old, now, context);
    compareTypes(old, now, 'refused', context);
    compareStretch(old.input, now.input, 'rows', context);
  },
  process: (old, now, context) => {
    setting('process, keys', old.keys, now.keys, context);
    setting('process, columns', old.columns, now.columns, context);
    const [one, other] = [digestOf(old.function, context.old), digestOf(now.function, context.now)];
    if (one !== other) {
      const why = 'the states of its keys were made by the old one';
      report(context, `process "${now.function}"`, 'its code', 'other code', 'from-now-on', why);
    }
    compareStretch(old.input, now.input, 'rows', context);
  },
};

function compareBase(old: PlanNode, now: PlanNode, context: ViewContext): void {
  if (old.kind !== now.kind)
    return report(context, 'step', old.kind, now.kind, 'refused', 'it remembers other things');
  (BASES[old.kind as keyof typeof BASES] as (a: PlanNode, b: PlanNode, c: ViewContext) => void)(
    old,
    now,
    context,
  );
}

function setting(at: string, old: unknown, now: unknown, context: ViewContext): void {
  const [one, other] = [JSON.stringify(old), JSON.stringify(now)];
  if (one !== other) report(context, at, one, other, 'refused', OTHER_STATE);
}

/** Functions of the definition that conditions call by name may have other code. */
function compareExprs(at: string, old: PlanNode, now: PlanNode, context: ViewContext): void {
  const names = exprsOf(old).flatMap(functionsOf);
  for (const name of names)
    if (digestOf(name, context.old) !== digestOf(name, context.now) && exprsOf(now).length > 0)
      report(context, `${at}, function "${name}"`, 'its code', 'other code', 'refused', OTHER_STATE);
}

/** Aggregates are kept by their place: others may come behind them. */
function compareAggregates(
  at: string,
  old: NodeOf<'group'> | NodeOf<'over'>,
  now: NodeOf<'group'> | NodeOf<'over'>,
  context: ViewContext,
): void {
  compareExprs(at, old, now, context);
  for (const [index, call] of old.aggregates.entries()) {
    const next = now.aggregates[index];
    const text = JSON.stringify(call);
    if (text !== JSON.stringify(next))
      report(
        context,
        `${at}, column "${call.name}"`,
        text,
        JSON.stringify(next) ?? 'gone',
        'refused',
        OTHER_STATE,
      );
  }
  for (const { name, fn } of now.aggregates.slice(old.aggregates.length)) {
    const verdict = at === 'group' ? 'from-now-on' : 'refused';
    report(context, `${at}, column "${name}"`, 'none', fn, verdict, 'it knows nothing of the rows so far');
  }
}

const keyId = (key: NodeOf<'group'>['keys'][number]): unknown => key;

function digestOf(name: string, plan: Plan): string | undefined {
  return plan.functions.find((each) => each.name === name)?.digest;
}

function exprId(expr: Expr, plan: Plan): string {
  return JSON.stringify([expr, functionsOf(expr).map((name) => digestOf(name, plan))]);
}

/** What a stateless node does by itself. */
function ownText(node: Stateless, plan: Plan): string {
  const { input: _, ...own } = node;
  return JSON.stringify([own, exprsOf(node).map((expr) => exprId(expr, plan))]);
}

function textOf(node: Stateless): string {
  if (node.kind === 'filter') return exprText(node.predicate);
  if (node.kind === 'unnest') return exprText(node.list);
  return node.columns.map(({ name }) => name).join(', ');
}

function exprText(expr: Expr): string {
  if (expr.kind === 'field') return expr.name;
  if (expr.kind === 'literal') return JSON.stringify(expr.value);
  return `${expr.kind === 'udf' ? expr.name : expr.fn}(${expr.args.map(exprText).join(', ')})`;
}
