/** The definition language: see the README of this package. */
export { type Aggregate, avg, count, countDistinct, max, min, sum } from './dsl/aggregate.ts';
export type { Expression, Fields, Timestamp } from './dsl/expression.ts';
export { type Pipeline, pipeline } from './dsl/pipeline.ts';
export { type RowOf, source, type SourceOptions } from './dsl/source.ts';
export {
  type Aggregated,
  type Grouped,
  type Stream,
  tumbling,
  type View,
  type Window,
  type WindowBounds,
} from './dsl/stream.ts';
