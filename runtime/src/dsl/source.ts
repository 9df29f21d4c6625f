import type { z } from 'zod';
import { parseDuration } from '../base/durations.ts';
import type { LatePolicy, SourcePlan } from '../plan/node.ts';
import { wrong } from './definition.ts';
import { checkObject, fieldsOfSchema, isObject, refuseUnknown, type RowOf, type TimeOf } from './schema.ts';
import { Stream } from './stream.ts';

const FUTURE_DEFAULT = '1d';

export interface SourceOptions<S extends z.ZodObject> {
  /** What an event looks like. Fields that are not named here are kept in the log and ignored. */
  readonly schema: S;
  /**
   * The field that says when an event happened, as opposed to when it reached us; a nested one as `bid.dateTime`. Of
   * several fields it is the first that is not null.
   */
  readonly eventTime: TimeOf<S, true> | readonly [TimeOf<S, false>, ...TimeOf<S, false>[]];
  readonly watermark: {
    /** How long to wait for events that are out of order, such as `15m`. */
    readonly delay: string;
    /** After so long without events a partition no longer holds back the others. */
    readonly idleAfter?: string;
    /** Events further ahead of the clock than this are rejected (default `1d`). */
    readonly future?: string;
  };
  readonly lateness: {
    /** How long after the watermark a window still takes events. */
    readonly allowed: string;
    /** What becomes of events after that: `correct`, `drop` or `side-output`. There is no default. */
    readonly then: LatePolicy;
  };
}

/**
 * Declares a stream of events.
 * @throws DURATION_INVALID, DEFINITION_INVALID for a field type that cannot be run, explained and exported alike.
 */
export function source<S extends z.ZodObject>(name: string, options: SourceOptions<S>): Stream<RowOf<S>> {
  const where = `source "${name}"`;
  if (!isObject(options))
    wrong(`${where}: say source("${name}", { schema, eventTime, watermark, lateness })`);
  refuseUnknown(where, options, ['schema', 'eventTime', 'watermark', 'lateness']);
  const { schema, watermark, lateness } = options;
  checkObject(where, schema);
  if (!isObject(watermark))
    wrong(`${where}: say how far events may be out of order: watermark: { delay: '15m' }`);
  if (!isObject(lateness))
    wrong(`${where}: say what becomes of late events: lateness: { allowed: '6h', then: 'correct' }`);
  refuseUnknown(`${where}, watermark`, watermark, ['delay', 'idleAfter', 'future']);
  refuseUnknown(`${where}, lateness`, lateness, ['allowed', 'then']);
  if (!['correct', 'drop', 'side-output'].includes(lateness.then)) {
    wrong(`${where}: lateness.then is "${lateness.then}"; say correct, drop or side-output`);
  }
  const { idleAfter, future = FUTURE_DEFAULT } = watermark;
  return streamOf({
    name,
    fields: fieldsOfSchema(where, schema),
    eventTime: eventTimeOf(where, options.eventTime),
    watermark: {
      delayMs: parseDuration(watermark.delay, `${where}, watermark.delay`),
      idleAfterMs: idleAfter === undefined ? null : parseDuration(idleAfter, `${where}, watermark.idleAfter`),
      futureMs: parseDuration(future, `${where}, watermark.future`),
    },
    lateness: {
      allowedMs: parseDuration(lateness.allowed, `${where}, lateness.allowed`),
      then: lateness.then,
    },
  });
}

/**
 * Declares a table: rows without a time, for a join with `how: 'lookup'`. It takes rows as a source does; they are there
 * for the events that arrive after them.
 * @throws DEFINITION_INVALID
 */
export function table<S extends z.ZodObject>(
  name: string,
  options: { readonly schema: S },
): Stream<RowOf<S>> {
  const where = `table "${name}"`;
  if (!isObject(options)) wrong(`${where}: say table("${name}", { schema })`);
  refuseUnknown(where, options, ['schema']);
  checkObject(where, options.schema);
  return streamOf({
    name,
    fields: fieldsOfSchema(where, options.schema),
    eventTime: [],
    watermark: { delayMs: 0, idleAfterMs: null, futureMs: 0 },
    lateness: { allowedMs: 0, then: 'drop' },
  });
}

function streamOf<R>(plan: SourcePlan): Stream<R> {
  return new Stream<R>({ node: { kind: 'source', source: plan.name }, sources: [plan], functions: [] });
}

/** The columns of the fields; those that do not exist are named by the check of the plan. */
function eventTimeOf(where: string, given: string | readonly string[]): readonly string[] {
  const paths: readonly unknown[] = typeof given === 'string' ? [given] : given;
  if (!Array.isArray(paths) || paths.length === 0)
    wrong(`${where}: say which field says when an event happened: eventTime: 'created'`);
  return paths.map((path) => String(path).replaceAll('.', '_'));
}
