/**
 * Reads a plan from data that may be hostile: the shape is closed and checked by zod, then every name, type and rule. A
 * plan that passes is frozen and can be executed without further checks.
 */
import { z } from 'zod';
import { failure } from '../base/errors.ts';
import type { Expr } from '../expr/node.ts';
import { FUNCTIONS } from '../expr/functions.ts';
import { nameProblem } from '../data/value.ts';
import { AGGREGATES, inferColumns } from './infer.ts';
import type { AggregateName, GroupNode, Plan, PlanNode, SourcePlan } from './node.ts';
import { chainOf, isWindowKey } from './walk.ts';

const DEPTH_MAX = 64;
const CENTURY_MS = 100 * 365.25 * 86_400_000;

const name = z.string().max(63);
const durationMs = z.number().int().min(0).max(CENTURY_MS);

const exprSchema: z.ZodType<Expr> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('field'), name }),
    z.strictObject({
      kind: z.literal('literal'),
      type: z.enum(['string', 'integer', 'double', 'boolean', 'timestamp']),
      value: z.union([z.string().max(10_000), z.number(), z.boolean(), z.null()]),
    }),
    z.strictObject({
      kind: z.literal('call'),
      fn: z.enum(Object.keys(FUNCTIONS) as [keyof typeof FUNCTIONS]),
      args: z.array(exprSchema).max(16),
    }),
  ]),
);

const groupKeySchema = z.union([
  z.strictObject({ name, expr: exprSchema }),
  z.strictObject({
    name,
    window: z.strictObject({ kind: z.literal('tumbling'), time: exprSchema, sizeMs: durationMs.min(1) }),
  }),
]);

const aggregateSchema = z.strictObject({
  name,
  fn: z.enum(Object.keys(AGGREGATES) as [AggregateName]),
  arg: exprSchema.nullable(),
});

const nodeSchema: z.ZodType<PlanNode> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('source'), source: name }),
    z.strictObject({ kind: z.literal('filter'), input: nodeSchema, predicate: exprSchema }),
    z.strictObject({
      kind: z.literal('map'),
      input: nodeSchema,
      columns: z
        .array(z.strictObject({ name, expr: exprSchema }))
        .min(1)
        .max(1000),
    }),
    z.strictObject({
      kind: z.literal('group'),
      input: nodeSchema,
      keys: z.array(groupKeySchema).max(100),
      aggregates: z.array(aggregateSchema).min(1).max(1000),
    }),
  ]),
);

const sourceSchema = z.strictObject({
  name,
  fields: z
    .array(
      z.strictObject({
        name,
        type: z.enum(['string', 'integer', 'double', 'boolean', 'timestamp']),
        nullable: z.boolean(),
        oneOf: z.array(z.string()).min(1).max(10_000).optional(),
      }),
    )
    .min(1)
    .max(1000),
  eventTime: name,
  watermark: z.strictObject({
    delayMs: durationMs,
    idleAfterMs: durationMs.nullable(),
    futureMs: durationMs,
  }),
  lateness: z.strictObject({ allowedMs: durationMs, then: z.enum(['correct', 'drop', 'side-output']) }),
});

const planSchema = z.strictObject({
  version: z.literal(1),
  name,
  sources: z.array(sourceSchema).min(1).max(100),
  views: z
    .array(z.strictObject({ name, mode: z.enum(['updates', 'final']), node: nodeSchema }))
    .min(1)
    .max(100),
});

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
  const plan = parsed.data as Plan;
  const problems = [...nameProblems(plan), ...plan.sources.flatMap(sourceProblems), ...viewProblems(plan)];
  if (problems.length > 0) throw failure('PLAN_INVALID', { problems });
  return deepFreeze(plan);
}

function nameProblems(plan: Plan): string[] {
  const problems: string[] = [];
  const check = (what: string, names: readonly string[]): void => {
    for (const [index, candidate] of names.entries()) {
      const problem = nameProblem(candidate);
      if (problem !== undefined) problems.push(`${what} "${candidate}": ${problem}`);
      if (names.indexOf(candidate) !== index) problems.push(`${what} "${candidate}" is defined twice`);
    }
  };
  check('pipeline', [plan.name]);
  check(
    'source',
    plan.sources.map((source) => source.name),
  );
  check(
    'view',
    plan.views.map((view) => view.name),
  );
  for (const source of plan.sources)
    check(
      `source "${source.name}", field`,
      source.fields.map((f) => f.name),
    );
  for (const view of plan.views) {
    for (const node of chainOf(view.node)) {
      if (node.kind === 'map')
        check(
          `view "${view.name}", column`,
          node.columns.map((column) => column.name),
        );
      if (node.kind === 'group') {
        check(
          `view "${view.name}", column`,
          [...node.keys, ...node.aggregates].map((column) => column.name),
        );
      }
    }
  }
  return problems;
}

function sourceProblems(source: SourcePlan): string[] {
  const field = source.fields.find((candidate) => candidate.name === source.eventTime);
  const times = source.fields
    .filter((candidate) => candidate.type === 'timestamp')
    .map((candidate) => candidate.name);
  const remedy =
    times.length > 0 ? `choose one of ${times.join(', ')}` : 'add a field of type z.iso.datetime()';
  if (field === undefined)
    return [`source "${source.name}": the event time "${source.eventTime}" is not a field; ${remedy}`];
  if (field.type !== 'timestamp')
    return [`source "${source.name}": the event time "${field.name}" is no time; ${remedy}`];
  if (field.nullable)
    return [`source "${source.name}": the event time "${field.name}" may be null; an event needs one`];
  return source.fields
    .filter(({ type, oneOf }) => oneOf !== undefined && type !== 'string')
    .map((odd) => `source "${source.name}", field "${odd.name}": only a string can be one of some values`);
}

function viewProblems(plan: Plan): string[] {
  const problems: string[] = [];
  for (const view of plan.views) {
    const problem = (what: string): void => void problems.push(`view "${view.name}": ${what}`);
    inferColumns(plan, view.node, problem);
    const chain = chainOf(view.node);
    const group = chain.findIndex((node) => node.kind === 'group');
    if (chain.slice(group + 1).some((node) => group >= 0 && node.kind !== 'filter')) {
      problem('after a group only a filter is supported so far: no second group, no map');
    }
    if (group >= 0) groupProblems(chain[group] as GroupNode).forEach(problem);
    if (
      view.mode === 'final' &&
      !chain.some((node) => node.kind === 'group' && node.keys.some(isWindowKey))
    ) {
      problem(
        'final results need a window that can close: group by tumbling(…), or end the view with .updates()',
      );
    }
  }
  return problems;
}

function groupProblems(group: GroupNode): string[] {
  const windows = group.keys.filter(isWindowKey);
  return windows.length > 1
    ? [`more than one window in a group: ${windows.map((key) => key.name).join(', ')}`]
    : [];
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
