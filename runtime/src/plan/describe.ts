/** One line for a person about each node: what it does, and what it remembers for how long. */
import { formatDuration } from '../base/durations.ts';
import { explainExpr } from '../expr/evaluate.ts';
import {
  type AggregateCall,
  applyTable,
  type Frame,
  type GroupKey,
  type JoinHow,
  type PlanNode,
  type PlanTable,
  type WindowPlan,
} from './node.ts';
import { windowColumnOf } from './traits.ts';
import { isWindowKey } from './walk.ts';

const LINES: PlanTable<string> = {
  source: (node) => `source ${node.source}`,
  filter: (node) => `filter ${explainExpr(node.predicate)}`,
  map: (node) => `map ${node.columns.map(({ name, expr }) => named(name, explainExpr(expr))).join(', ')}`,
  unnest: (node) => `unnest ${named(node.as, explainExpr(node.list))}`,
  union: () => 'union',
  dedupe: (node) => `dedupe ${node.keys.join(', ')}: the ${node.keep} by ${node.by}`,
  group: (node) => `group${by(node.keys.map(keyText))}: ${aggregates(node.aggregates)}`,
  top: (node) => {
    const order = node.order.map(
      ({ expr, descending }) => explainExpr(expr) + (descending ? ' descending' : ''),
    );
    const rank = node.rank === null ? '' : `, ${node.rank} = rank`;
    return `top ${node.limit}${by(node.partition)} in order of ${order.join(', ')}${rank}`;
  },
  over: (node) => `over ${frame(node.frame)}${by(node.partition)}: ${aggregates(node.aggregates)}`,
  join: (node) => {
    const on = node.on.map(({ left, right }) => `${left} = ${right}`).join(', ');
    const where = node.condition === null ? '' : ` where ${explainExpr(node.condition)}`;
    const columns = node.columns.map(({ side, from, name }) => named(name, `${side}.${from}`));
    return `${node.type} join ${how(node.how)} on ${on}${where}: ${columns.join(', ')}`;
  },
  pattern: (node) => {
    const steps = node.steps
      .map(({ name, predicate }) => `${name} (${explainExpr(predicate)})`)
      .join(' then ');
    const columns = node.columns.map(({ name, step, expr }) => `${name} = ${step}: ${explainExpr(expr)}`);
    return `pattern${by(node.partition)} of ${steps} within ${formatDuration(node.withinMs)}: ${columns.join(', ')}`;
  },
  process: (node) =>
    `process ${node.function}${by(node.keys)}: ${node.columns.map(({ name }) => name).join(', ')}`,
};

const FOR_EVER = 'for ever';
const MEMORY: PlanTable<string | null> = {
  source: () => null,
  filter: () => null,
  map: () => null,
  unnest: () => null,
  union: () => null,
  dedupe: (node) => (isWindowed(node) ? null : `each key ${lifetime(node.ttlMs)}`),
  group: (node) => (isWindowed(node) ? null : `each key ${lifetime(node.ttlMs)}`),
  top: (node) => (isWindowed(node) ? null : `the rows of each partition ${FOR_EVER}`),
  over: (node) => (node.frame.kind === 'unbounded' ? `each partition ${FOR_EVER}` : null),
  join: ({ how: given }) => (MEMORY_OF_JOIN[given.kind] as (how: JoinHow) => string | null)(given),
  pattern: () => null,
  process: () => 'what its function keeps',
};

const MEMORY_OF_JOIN: {
  readonly [K in JoinHow['kind']]: (how: Extract<JoinHow, { kind: K }>) => string | null;
} = {
  regular: ({ ttlMs }) => `both sides ${lifetime(ttlMs)}`,
  window: () => null,
  interval: () => null,
  temporal: () => `the newest row of each key on the right ${FOR_EVER}`,
  lookup: () => `the table ${FOR_EVER}`,
};

const HOW: { readonly [K in JoinHow['kind']]: (how: Extract<JoinHow, { kind: K }>) => string } = {
  regular: () => 'of all rows',
  window: () => 'by window',
  interval: ({ lowerMs, upperMs }) => `by interval ${formatDuration(lowerMs)} to ${formatDuration(upperMs)}`,
  temporal: () => 'as of its time',
  lookup: () => 'with a table',
};

function how(given: JoinHow): string {
  return (HOW[given.kind] as (how: JoinHow) => string)(given);
}

function isWindowed(node: PlanNode): boolean {
  return windowColumnOf(node) !== null;
}

function lifetime(ttlMs: number | null): string {
  return ttlMs === null ? FOR_EVER : `for ${formatDuration(ttlMs)}`;
}

function by(keys: readonly string[]): string {
  return keys.length === 0 ? '' : ` by ${keys.join(', ')}`;
}

function keyText(key: GroupKey): string {
  return isWindowKey(key)
    ? `${key.name} = ${windowText(key.window)}`
    : named(key.name, explainExpr(key.expr));
}

function windowText(window: WindowPlan): string {
  const time = explainExpr(window.time);
  if (window.kind === 'session') return `session(${time}, ${formatDuration(window.gapMs)})`;
  const part =
    window.kind === 'hopping'
      ? [`slide ${formatDuration(window.slideMs)}`]
      : window.kind === 'cumulating'
        ? [`step ${formatDuration(window.stepMs)}`]
        : [];
  const offset = window.offsetMs === 0 ? [] : [`offset ${formatDuration(window.offsetMs)}`];
  const zone = window.zone === null ? [] : [window.zone];
  return `${window.kind}(${[time, formatDuration(window.sizeMs), ...part, ...offset, ...zone].join(', ')})`;
}

function aggregates(calls: readonly AggregateCall[]): string {
  return calls
    .map(({ name, fn, arg, by: other, fraction, where }) => {
      const args = [arg, other].filter((expr) => expr !== null && expr !== undefined).map(explainExpr);
      if (fraction !== undefined) args.push(String(fraction));
      const condition = where === undefined ? '' : ` where ${explainExpr(where)}`;
      return `${name} = ${fn}(${args.join(', ')})${condition}`;
    })
    .join(', ');
}

function frame(given: Frame): string {
  if (given.kind === 'rows') return `${given.preceding} rows before`;
  return given.kind === 'range' ? `${formatDuration(given.precedingMs)} before` : 'all rows before';
}

function named(name: string, text: string): string {
  return name === text ? name : `${name} = ${text}`;
}

/** What a node does, in one line. */
export function describeNode(node: PlanNode): string {
  return applyTable(LINES, node, undefined);
}

/** What a node remembers beyond windows and stretches of time, or null. */
export function describeMemory(node: PlanNode): string | null {
  return applyTable(MEMORY, node, undefined);
}
