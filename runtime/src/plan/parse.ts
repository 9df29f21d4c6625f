/**
 * Reads a plan from data that may be hostile: the shape is closed and checked by zod, then every name, type and rule. A
 * plan that passes is frozen and can be executed without further checks. Equal parts of it are one object.
 */
import { failure } from '../base/errors.ts';
import type { Field } from '../data/decode.ts';
import { nameProblem } from '../data/value.ts';
import { isTable } from './event-time.ts';
import { applyTable, type Plan, type PlanNode, type PlanTable, type SourcePlan } from './node.ts';
import { viewProblems } from './rules.ts';
import { planSchema } from './schema.ts';

const DEPTH_MAX = 64;

/** Checks a plan from a definition, a file or another process. Throws PLAN_INVALID with every problem. */
export function parsePlan(data: unknown): Plan {
  refuseDeep(data);
  const parsed = planSchema.safeParse(data);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      (issue) => `${issue.path.join('.') || 'plan'}: ${issue.message}`,
    );
    throw failure('PLAN_INVALID', { problems });
  }
  const plan = shared(parsed.data);
  const problems = [
    ...nameProblems(plan),
    ...plan.sources.flatMap(sourceProblems),
    ...plan.views.flatMap((view) => viewProblems(plan, view)),
  ];
  if (problems.length > 0) throw failure('PLAN_INVALID', { problems });
  return deepFreeze(plan);
}

function nameProblems(plan: Plan): string[] {
  const check = (what: string, named: readonly { readonly name: string }[]): string[] =>
    named.flatMap(({ name }, index) => {
      const problem = nameProblem(name);
      const isTwice = named.findIndex((other) => other.name === name) !== index;
      return [
        ...(problem === undefined ? [] : [`${what} "${name}": ${problem}`]),
        ...(isTwice ? [`${what} "${name}" is defined twice`] : []),
      ];
    });
  return [
    ...check('pipeline', [plan]),
    ...check('source', plan.sources),
    ...check('function', plan.functions),
    ...check('view', plan.views),
    ...plan.sources.flatMap((source) => check(`source "${source.name}", field`, source.fields)),
  ];
}

function sourceProblems(source: SourcePlan): string[] {
  const fields = source.fields.flatMap((field) =>
    fieldProblems(field).map((what) => `source "${source.name}", field "${field.name}": ${what}`),
  );
  return [
    ...fields,
    ...timeProblems(source).map((what) => `source "${source.name}": the event time ${what}`),
  ];
}

function timeProblems(source: SourcePlan): string[] {
  if (isTable(source)) return [];
  const times = source.fields.filter(({ type }) => type === 'timestamp').map(({ name }) => name);
  const remedy =
    times.length > 0 ? `choose one of ${times.join(', ')}` : 'add a field of type z.iso.datetime()';
  return source.eventTime.flatMap((name, index) => {
    const field = source.fields.find((candidate) => candidate.name === name);
    if (field === undefined) return [`"${name}" is not a field; ${remedy}`];
    if (field.type !== 'timestamp') return [`"${name}" is no time; ${remedy}`];
    if (source.eventTime.indexOf(name) !== index) return [`"${name}" is named twice`];
    if (field.nullable && source.eventTime.length === 1) return [`"${name}" may be null; an event needs one`];
    return [];
  });
}

function fieldProblems({ type, oneOf, format, scale, item }: Field): string[] {
  return [
    ...(oneOf !== undefined && type !== 'string' ? ['only a string can be one of some values'] : []),
    ...(format !== undefined && type !== 'timestamp' ? ['only a time has a format'] : []),
    ...((scale !== undefined) !== (type === 'decimal') ? ['a decimal has a scale, and nothing else'] : []),
    ...((item !== undefined) !== (type === 'list') ? ['a list has a type of items, and nothing else'] : []),
  ];
}

type Share = (node: PlanNode) => PlanNode;
const SHARED: PlanTable<PlanNode, Share> = {
  source: (node) => node,
  filter: (node, share) => ({ ...node, input: share(node.input) }),
  map: (node, share) => ({ ...node, input: share(node.input) }),
  unnest: (node, share) => ({ ...node, input: share(node.input) }),
  union: (node, share) => ({ ...node, inputs: node.inputs.map(share) }),
  dedupe: (node, share) => ({ ...node, input: share(node.input) }),
  group: (node, share) => ({ ...node, input: share(node.input) }),
  top: (node, share) => ({ ...node, input: share(node.input) }),
  over: (node, share) => ({ ...node, input: share(node.input) }),
  join: (node, share) => ({ ...node, left: share(node.left), right: share(node.right) }),
  pattern: (node, share) => ({ ...node, input: share(node.input) }),
  process: (node, share) => ({ ...node, input: share(node.input) }),
};

/** The plan with equal nodes as one object, so that what they compute is computed once. */
function shared(plan: Plan): Plan {
  const nodes = new Map<string, PlanNode>();
  const numbers = new Map<PlanNode, number>();
  const share: Share = (node) => {
    const own = applyTable(SHARED, node, share);
    // Inputs by their numbers: the text of a node does not repeat the texts of all below it.
    const text = JSON.stringify(applyTable(SHARED, own, (input) => numbers.get(input) as never));
    const known = nodes.get(text);
    if (known !== undefined) return known;
    nodes.set(text, own);
    numbers.set(own, numbers.size);
    return own;
  };
  return { ...plan, views: plan.views.map((view) => ({ ...view, node: share(view.node) })) };
}

/** Recursive schemas would overflow the stack first; depth is counted before. */
function refuseDeep(data: unknown): void {
  let level: unknown[] = [data];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH_MAX * 3)
      throw failure('PLAN_INVALID', { problems: [`nested deeper than ${DEPTH_MAX} nodes`] });
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
    if (level.length > 1_000_000) throw failure('PLAN_INVALID', { problems: ['more than a million values'] });
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}
