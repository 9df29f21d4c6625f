/** The shape of a plan, closed: a key or a kind that is not here is refused. What names and types mean is checked above. */
import { z } from 'zod';
import type { Field } from '../data/decode.ts';
import { type Column, SCALE_MAX } from '../data/value.ts';
import { FUNCTIONS } from '../expr/functions.ts';
import type { Expr, ExprType } from '../expr/node.ts';
import { AGGREGATES } from './aggregates.ts';
import {
  type AggregateCall,
  type AggregateName,
  type Frame,
  type JoinHow,
  type NodeOf,
  type Plan,
  PLAN_VERSION,
  type PlanKind,
  type PlanNode,
  type WindowPlan,
} from './node.ts';

const CENTURY_MS = 100 * 365.25 * 86_400_000;
const COLUMNS_MAX = 1000;

const name = z.string().max(63);
const names = z.array(name).max(100);
const durationMs = z.number().int().min(0).max(CENTURY_MS);
const distanceMs = z.number().int().min(-CENTURY_MS).max(CENTURY_MS);
const scale = z.exactOptional(z.number().int().min(0).max(SCALE_MAX));
const item = z.exactOptional(z.enum(['string', 'integer', 'double', 'boolean', 'timestamp']));

const TYPES = ['string', 'integer', 'double', 'boolean', 'timestamp', 'decimal', 'list'] as const;
const exprTypeSchema: z.ZodType<ExprType> = z.strictObject({
  type: z.enum([...TYPES, 'window']),
  nullable: z.boolean(),
  scale,
  item,
});

const exprSchema: z.ZodType<Expr> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('field'), name }),
    z.strictObject({
      kind: z.literal('literal'),
      type: z.enum([...TYPES, 'window']),
      value: z.union([z.string().max(10_000), z.number(), z.boolean(), z.null()]),
      scale,
    }),
    z.strictObject({
      kind: z.literal('call'),
      fn: z.enum(Object.keys(FUNCTIONS) as [keyof typeof FUNCTIONS]),
      args: z.array(exprSchema).max(100),
    }),
    z.strictObject({
      kind: z.literal('udf'),
      name,
      args: z.array(exprSchema).max(100),
      result: exprTypeSchema,
    }),
  ]),
);

const namedExpr = z.strictObject({ name, expr: exprSchema });

const grid = { offsetMs: durationMs, zone: z.string().max(63).nullable() };
const time = exprSchema;
const windowSchema: z.ZodType<WindowPlan> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('tumbling'), time, sizeMs: durationMs.min(1), ...grid }),
  z.strictObject({
    kind: z.literal('hopping'),
    time,
    sizeMs: durationMs.min(1),
    slideMs: durationMs.min(1),
    ...grid,
  }),
  z.strictObject({
    kind: z.literal('cumulating'),
    time,
    sizeMs: durationMs.min(1),
    stepMs: durationMs.min(1),
    ...grid,
  }),
  z.strictObject({ kind: z.literal('session'), time, gapMs: durationMs.min(1) }),
]);

const aggregateSchema: z.ZodType<AggregateCall> = z.strictObject({
  name,
  fn: z.enum(Object.keys(AGGREGATES) as [AggregateName]),
  arg: exprSchema.nullable(),
  by: z.exactOptional(exprSchema),
  fraction: z.exactOptional(z.number()),
  where: z.exactOptional(exprSchema),
});
const aggregates = z.array(aggregateSchema).max(COLUMNS_MAX);

const frameSchema: z.ZodType<Frame> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('rows'), preceding: z.number().int().min(0).max(1_000_000) }),
  z.strictObject({ kind: z.literal('range'), precedingMs: durationMs }),
  z.strictObject({ kind: z.literal('unbounded') }),
]);

const howSchema: z.ZodType<JoinHow> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('regular'), ttlMs: durationMs.min(1).nullable() }),
  z.strictObject({ kind: z.literal('window') }),
  z.strictObject({ kind: z.literal('interval'), lowerMs: distanceMs, upperMs: distanceMs }),
  z.strictObject({ kind: z.literal('temporal') }),
  z.strictObject({ kind: z.literal('lookup') }),
]);

const column: z.ZodType<Column> = z.strictObject({
  name,
  type: z.enum(TYPES),
  nullable: z.boolean(),
  scale,
  item,
});

const input: z.ZodType<PlanNode> = z.lazy(() => nodeSchema);
const NODES: { readonly [K in PlanKind]: z.ZodType<NodeOf<K>> & z.core.$ZodTypeDiscriminable } = {
  source: z.strictObject({ kind: z.literal('source'), source: name }),
  filter: z.strictObject({ kind: z.literal('filter'), input, predicate: exprSchema }),
  map: z.strictObject({
    kind: z.literal('map'),
    input,
    columns: z.array(namedExpr).min(1).max(COLUMNS_MAX),
  }),
  unnest: z.strictObject({ kind: z.literal('unnest'), input, list: exprSchema, as: name }),
  union: z.strictObject({ kind: z.literal('union'), inputs: z.array(input).min(2).max(100) }),
  dedupe: z.strictObject({
    kind: z.literal('dedupe'),
    input,
    keys: names.min(1),
    keep: z.enum(['first', 'last']),
    by: z.enum(['time', 'arrival']),
    ttlMs: durationMs.min(1).nullable(),
  }),
  group: z.strictObject({
    kind: z.literal('group'),
    input,
    keys: z.array(z.union([namedExpr, z.strictObject({ name, window: windowSchema })])).max(100),
    aggregates: aggregates.min(1),
    ttlMs: durationMs.min(1).nullable(),
  }),
  top: z.strictObject({
    kind: z.literal('top'),
    input,
    partition: names,
    order: z
      .array(z.strictObject({ expr: exprSchema, descending: z.boolean() }))
      .min(1)
      .max(100),
    limit: z.number().int().min(1).max(1_000_000),
    rank: name.nullable(),
  }),
  over: z.strictObject({
    kind: z.literal('over'),
    input,
    partition: names,
    frame: frameSchema,
    aggregates: aggregates.min(1),
  }),
  join: z.strictObject({
    kind: z.literal('join'),
    left: input,
    right: input,
    type: z.enum(['inner', 'left']),
    how: howSchema,
    on: z.array(z.strictObject({ left: name, right: name })).max(100),
    columns: z
      .array(z.strictObject({ side: z.enum(['left', 'right']), from: name, name }))
      .min(1)
      .max(COLUMNS_MAX),
    condition: exprSchema.nullable(),
  }),
  pattern: z.strictObject({
    kind: z.literal('pattern'),
    input,
    partition: names,
    steps: z
      .array(z.strictObject({ name, predicate: exprSchema }))
      .min(1)
      .max(100),
    withinMs: durationMs.min(1),
    columns: z
      .array(z.strictObject({ name, step: name, expr: exprSchema }))
      .min(1)
      .max(COLUMNS_MAX),
  }),
  process: z.strictObject({
    kind: z.literal('process'),
    input,
    function: name,
    keys: names,
    columns: z.array(column).min(1).max(COLUMNS_MAX),
  }),
};
const [first, ...others] = Object.values(NODES);
const nodeSchema = z.discriminatedUnion('kind', [first as (typeof NODES)['source'], ...others]);

const fieldSchema: z.ZodType<Field> = z.strictObject({
  name,
  type: z.enum(TYPES),
  nullable: z.boolean(),
  scale,
  item,
  oneOf: z.exactOptional(z.array(z.string()).min(1).max(10_000)),
  path: z.exactOptional(z.array(z.string().max(1000)).min(1).max(32)),
  format: z.exactOptional(z.enum(['iso', 'sql'])),
});

const sourceSchema = z.strictObject({
  name,
  fields: z.array(fieldSchema).min(1).max(COLUMNS_MAX),
  eventTime: names,
  watermark: z.strictObject({
    delayMs: durationMs,
    idleAfterMs: durationMs.nullable(),
    futureMs: durationMs,
  }),
  lateness: z.strictObject({ allowedMs: durationMs, then: z.enum(['correct', 'drop', 'side-output']) }),
});

export const planSchema: z.ZodType<Plan> = z.strictObject({
  version: z.literal(PLAN_VERSION),
  name,
  sources: z.array(sourceSchema).min(1).max(100),
  functions: z
    .array(z.strictObject({ name, kind: z.enum(['scalar', 'process']), digest: z.string().max(128) }))
    .max(1000),
  views: z
    .array(z.strictObject({ name, mode: z.enum(['updates', 'final']), node: input }))
    .min(1)
    .max(100),
});
