/** The definition language: see the README of this package. */
export {
  type Aggregate,
  approxCountDistinct,
  argMax,
  argMin,
  avg,
  collect,
  count,
  countDistinct,
  first,
  last,
  max,
  min,
  percentile,
  sum,
} from './dsl/aggregate.ts';
export { type Case, when } from './dsl/case.ts';
export {
  decimal,
  type Decimal,
  type Expression,
  type Fields,
  literal,
  type Timestamp,
} from './dsl/expression.ts';
export type { How, JoinOptions } from './dsl/join.ts';
export type { Keys } from './dsl/keys.ts';
export type { PatternOptions } from './dsl/pattern.ts';
export { type Pipeline, pipeline } from './dsl/pipeline.ts';
export { defineProcess, type Plain, type Process, type ProcessOptions } from './dsl/process.ts';
export { decimalField, type RowOf, sqlTimestamp } from './dsl/schema.ts';
export { source, type SourceOptions, table } from './dsl/source.ts';
export type { DedupeOptions, Grouped, Order, OverOptions, Stream, TopOptions } from './dsl/stream.ts';
export { type FunctionType, udf } from './dsl/udf.ts';
export type { View } from './dsl/view.ts';
export {
  cumulating,
  hopping,
  session,
  tumbling,
  type Window,
  type WindowBounds,
  type WindowOptions,
} from './dsl/window.ts';
