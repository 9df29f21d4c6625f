/**
 * What must hold of a node beyond its types, so that it can be computed in any cut and with bounded or stated memory. Each
 * broken rule is a sentence that says what to do instead.
 */
import { zoneProblem } from '../data/zone.ts';
import { type Column, nameProblem, typeName } from '../data/value.ts';
import { isKeyType } from './aggregates.ts';
import { eventTimeOf, inferColumns } from './infer.ts';
import { inferExpr } from '../expr/evaluate.ts';
import { joinProblems } from './join-rules.ts';
import {
  applyTable,
  type NodeOf,
  type Plan,
  type PlanNode,
  type PlanTable,
  type ViewPlan,
  type WindowPlan,
} from './node.ts';
import { isAppendOnly, isFinal, isInOrder, isOfEvents, isStateful, windowColumnOf } from './traits.ts';
import { exprsOf, functionsOf, inputsOf, isOfTables, isWindowKey, nodesOf } from './walk.ts';

/** A row of a sliding window belongs to so many windows; beyond that it is a mistake, or an attack. */
const WINDOWS_OF_A_ROW_MAX = 10_000;

export interface RuleContext {
  readonly plan: Plan;
  readonly view: ViewPlan;
  readonly problem: (what: string) => void;
}

const RULES: PlanTable<void, RuleContext> = {
  source: () => {},
  filter: () => {},
  map: (node, { problem }) => unique('map', namesIn(node.columns), problem),
  unnest: (node, context) =>
    unique('unnest', [...columnNames(node.input, context), node.as], context.problem),
  union: (node, context) => {
    const mixes = new Set(node.inputs.map((input) => isOfTables(context.plan, input))).size > 1;
    if (mixes)
      context.problem("union: a table and a stream cannot be one; join the table with how: 'lookup'");
  },
  dedupe: dedupeRules,
  group: groupRules,
  top: (node, context) => {
    const columns = inferColumns(context.plan, node.input);
    keyColumns('top, partition', node.partition, columns, context.problem);
    for (const { expr } of node.order) {
      const type = inferExpr(expr, columns);
      if (typeof type !== 'string' && !isKeyType(type))
        context.problem(`top, order: values of type ${typeName(type)} have no order`);
    }
    if (node.rank !== null) unique('top', [...namesIn(columns), node.rank], context.problem);
  },
  over: (node, context) => {
    const columns = inferColumns(context.plan, node.input);
    keyColumns('over, partition', node.partition, columns, context.problem);
    unique('over', [...namesIn(columns), ...namesIn(node.aggregates)], context.problem);
    timedRules('over', node.input, context);
  },
  join: (node, { plan, view, problem }) => {
    unique('join', namesIn(node.columns), problem);
    joinProblems(node, plan, view.mode).forEach(problem);
  },
  pattern: patternRules,
  process: (node, context) => {
    const { plan, problem } = context;
    const columns = inferColumns(plan, node.input);
    const what = `process "${node.function}"`;
    const isKnown = plan.functions.some(({ name, kind }) => name === node.function && kind === 'process');
    if (!isKnown) problem(`${what}: the plan has no such process function`);
    keyColumns(`${what}, key`, node.keys, columns, problem);
    unique(what, namesIn(node.columns), problem);
    for (const { name, type, scale, item } of node.columns) {
      const lacks =
        (type === 'decimal') !== (scale !== undefined) || (type === 'list') !== (item !== undefined);
      if (lacks)
        problem(`${what}, column "${name}": a decimal has a scale, a list an item, nothing else has`);
    }
    timedRules(what, node.input, context);
  },
};

function dedupeRules(node: NodeOf<'dedupe'>, context: RuleContext): void {
  const { plan, problem } = context;
  const columns = inferColumns(plan, node.input);
  keyColumns('dedupe, key', node.keys, columns, problem);
  if (node.by === 'time') timeRules('dedupe by time', columns, problem, "or say by: 'arrival'");
  if (node.ttlMs === null) return;
  ttlRules('dedupe', node, context);
  const isReplaced = node.keep === 'last' || node.by === 'time';
  if (isReplaced && isUsedByState(node, context.view))
    problem(
      'dedupe: with a time-to-live it must be the last step that remembers rows, or keep the first by arrival',
    );
}

function groupRules(node: NodeOf<'group'>, context: RuleContext): void {
  const { plan, view, problem } = context;
  const columns = inferColumns(plan, node.input);
  unique('group', [...namesIn(node.keys), ...namesIn(node.aggregates)], problem);
  const windows = node.keys.filter(isWindowKey);
  if (windows.length > 1)
    problem(`more than one window in a group: ${windows.map(({ name }) => name).join(', ')}`);
  for (const { name, window } of windows)
    windowProblems(window).forEach((what) => problem(`window "${name}": ${what}`));
  for (const key of node.keys) {
    if (isWindowKey(key)) continue;
    const type = inferExpr(key.expr, columns);
    if (typeof type === 'string') continue;
    if (!isKeyType(type)) problem(`group key "${key.name}": a ${typeName(type)} cannot be a key`);
    if (type.type === 'window' && windows.some(({ window }) => window.kind === 'session'))
      problem(`group key "${key.name}": a session cannot share a group with another window`);
  }
  const approximates = node.aggregates.find(({ fn }) => fn === 'approxCountDistinct');
  if (approximates !== undefined && !isAppendOnly(node.input, view.mode))
    problem(
      `aggregate "${approximates.name}": approxCountDistinct cannot take back rows that change; say countDistinct`,
    );
  if (node.ttlMs === null) return;
  if (windowColumnOf(node) !== null)
    problem('group: a window is forgotten when it is over; leave out the time-to-live');
  ttlRules('group', node, context);
  if (isUsedByState(node, view))
    problem(
      'group: with a time-to-live it must be the last step that remembers rows: what it forgets is not taken back from later ones',
    );
}

function patternRules(node: NodeOf<'pattern'>, context: RuleContext): void {
  const { plan, problem } = context;
  keyColumns('pattern, partition', node.partition, inferColumns(plan, node.input), problem);
  unique('pattern, step', namesIn(node.steps), problem);
  unique('pattern', [...node.partition, ...namesIn(node.columns)], problem);
  const steps = namesIn(node.steps);
  for (const { name, step } of node.columns) {
    if (!steps.includes(step))
      problem(`pattern, column "${name}": there is no step "${step}"; there are ${steps.join(', ')}`);
  }
  timedRules('pattern', node.input, context);
}

function windowProblems(window: WindowPlan): string[] {
  if (window.kind === 'session') return [];
  const problems: string[] = [];
  if (window.offsetMs >= window.sizeMs) problems.push('its offset must be smaller than its size');
  const zone = window.zone === null ? undefined : zoneProblem(window.zone);
  if (zone !== undefined) problems.push(zone);
  if (window.kind === 'tumbling') return problems;
  const [word, partMs] = window.kind === 'hopping' ? ['slide', window.slideMs] : ['step', window.stepMs];
  if (window.sizeMs % partMs !== 0) problems.push(`its size must be a multiple of its ${word}`);
  if (window.sizeMs / partMs > WINDOWS_OF_A_ROW_MAX)
    problems.push(`a row would be in more than ${WINDOWS_OF_A_ROW_MAX} windows; choose a longer ${word}`);
  return problems;
}

/** An operator that waits for time and cannot take back what it handed on. */
function timedRules(what: string, input: PlanNode, { plan, view, problem }: RuleContext): void {
  if (isAppendOnly(input, view.mode)) timeRules(what, inferColumns(plan, input), problem);
  else
    problem(
      `${what}: its input takes rows back (a group, a top or a left join that changes); put it before them`,
    );
}

function timeRules(
  what: string,
  columns: readonly Column[],
  problem: (what: string) => void,
  otherwise = '',
): void {
  const time = eventTimeOf(columns);
  const type = time === null ? null : inferExpr(time, columns);
  const remedy = otherwise === '' ? '' : `, ${otherwise}`;
  if (type === null) problem(`${what} needs the event time: keep it in the steps before${remedy}`);
  else if (typeof type !== 'string' && type.nullable)
    problem(`${what}: the event time may be null; map it to .required() where it is there${remedy}`);
}

function ttlRules(what: string, node: PlanNode, { plan, view, problem }: RuleContext): void {
  for (const input of inputsOf(node)) {
    if (!isAppendOnly(input, view.mode))
      problem(`${what}: a time-to-live needs an input that takes no rows back`);
    else if (isInOrder(input)) timeRules(`${what} with a time-to-live`, inferColumns(plan, input), problem);
    else if (!isOfEvents(input))
      problem(
        `${what}: a time-to-live needs rows that come with their events or in the order of time; put it before the step that waits`,
      );
  }
}

/** Whether a step of the view that remembers rows reads this one. */
function isUsedByState(node: PlanNode, view: ViewPlan): boolean {
  return nodesOf(view.node).some((user) => user !== node && isStateful(user) && nodesOf(user).includes(node));
}

function keyColumns(
  what: string,
  keys: readonly string[],
  columns: readonly Column[],
  problem: (what: string) => void,
): void {
  unique(what, keys, problem);
  for (const key of keys) {
    const column = columns.find(({ name }) => name === key);
    if (column === undefined)
      problem(`${what}: there is no column "${key}"; there are ${namesIn(columns).join(', ')}`);
    else if (!isKeyType(column)) problem(`${what} "${key}": a ${typeName(column)} cannot be a key`);
  }
}

function unique(what: string, names: readonly string[], problem: (what: string) => void): void {
  for (const [index, name] of names.entries()) {
    const odd = nameProblem(name);
    if (odd !== undefined) problem(`${what}, column "${name}": ${odd}`);
    if (names.indexOf(name) !== index) problem(`${what}, column "${name}" is defined twice`);
  }
}

const namesIn = (named: readonly { readonly name: string }[]): string[] => named.map(({ name }) => name);

const columnNames = (node: PlanNode, { plan }: RuleContext): string[] => namesIn(inferColumns(plan, node));

/** The broken rules of a view, each once. */
export function viewProblems(plan: Plan, view: ViewPlan): readonly string[] {
  const problems = new Set<string>();
  const problem = (what: string): void => void problems.add(`view "${view.name}": ${what}`);
  inferColumns(plan, view.node, problem);
  for (const node of nodesOf(view.node)) {
    applyTable(RULES, node, { plan, view, problem });
    for (const name of exprsOf(node).flatMap(functionsOf)) {
      if (!plan.functions.some((known) => known.name === name && known.kind === 'scalar'))
        problem(`${node.kind}: there is no function "${name}" in the plan`);
    }
  }
  if (isOfTables(plan, view.node)) problem('it reads only tables; a view needs a stream');
  if (view.mode === 'final' && !isFinal(view.node))
    problem(
      'final results need a window that can close: group by tumbling(…), or end the view with .updates()',
    );
  return [...problems];
}
