import type { z } from 'zod';
import { parseDuration } from '../base/durations.ts';
import { failure } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import type { Field } from '../data/decode.ts';
import type { LatePolicy, SourcePlan } from '../plan/node.ts';
import type { Timestamp } from './expression.ts';
import { Stream } from './stream.ts';

const FUTURE_DEFAULT = '1d';

/** The row that a zod object describes: `z.iso.datetime()` is a Timestamp, optional and nullable fields may be null. */
export type RowOf<S extends z.ZodObject> = {
  readonly [K in keyof S['shape'] & string]: FieldOf<S['shape'][K]>;
};

type FieldOf<F> =
  F extends z.ZodOptional<infer I>
    ? FieldOf<I> | null
    : F extends z.ZodNullable<infer I>
      ? FieldOf<I> | null
      : F extends z.ZodISODateTime
        ? Timestamp
        : F extends z.ZodType
          ? z.output<F> extends string | number | boolean
            ? Widen<z.output<F>>
            : never
          : never;

type Widen<T> = T extends string ? string : T extends number ? number : boolean;

/** The fields that may be the event time: times that are always there. */
type TimeField<S extends z.ZodObject> = {
  [K in keyof S['shape'] & string]: S['shape'][K] extends z.ZodISODateTime ? K : never;
}[keyof S['shape'] & string];

export interface SourceOptions<S extends z.ZodObject> {
  /** What an event looks like. Fields that are not named here are kept in the log and ignored. */
  readonly schema: S;
  /** The field that says when an event happened, as opposed to when it reached us. */
  readonly eventTime: TimeField<S>;
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
  if (!isObject(schema?.shape))
    wrong(`${where}: schema must be a z.object({ … }) that says what an event looks like`);
  if ((schema.def.checks ?? []).length > 0)
    wrong(
      `${where}: a rule over the whole event (refine) does not travel to other engines; put it into .filter(…)`,
    );
  if (!isObject(watermark))
    wrong(`${where}: say how far events may be out of order: watermark: { delay: '15m' }`);
  if (!isObject(lateness))
    wrong(`${where}: say what becomes of late events: lateness: { allowed: '6h', then: 'correct' }`);
  refuseUnknown(`${where}, watermark`, watermark, ['delay', 'idleAfter', 'future']);
  refuseUnknown(`${where}, lateness`, lateness, ['allowed', 'then']);
  if (!['correct', 'drop', 'side-output'].includes(lateness.then)) {
    wrong(`${where}: lateness.then is "${lateness.then}"; say correct, drop or side-output`);
  }
  const fields = Object.entries(schema.shape).map(([field, type]) =>
    fieldOf(where, field, type as z.ZodType),
  );
  const plan: SourcePlan = {
    name,
    fields,
    eventTime: [options.eventTime],
    watermark: {
      delayMs: parseDuration(watermark.delay, `${where}, watermark.delay`),
      idleAfterMs:
        watermark.idleAfter === undefined
          ? null
          : parseDuration(watermark.idleAfter, `${where}, watermark.idleAfter`),
      futureMs: parseDuration(watermark.future ?? FUTURE_DEFAULT, `${where}, watermark.future`),
    },
    lateness: {
      allowedMs: parseDuration(lateness.allowed, `${where}, lateness.allowed`),
      then: lateness.then,
    },
  };
  return new Stream({ sources: [plan], node: { kind: 'source', source: name }, functions: [] });
}

interface ZodDef {
  readonly type: string;
  readonly format?: string;
  readonly innerType?: z.ZodType;
  readonly entries?: Record<string, string | number>;
  readonly checks?: readonly {
    readonly _zod: { readonly def: { readonly check: string; readonly format?: string } };
  }[];
  readonly coerce?: boolean;
}

/** The field that a zod type describes. @throws DEFINITION_INVALID for a type that does not travel to other engines. */
export function fieldOf(where: string, name: string, schema: z.ZodType): Field {
  const def = schema.def as unknown as ZodDef;
  if ((def.type === 'optional' || def.type === 'nullable') && def.innerType !== undefined) {
    return { ...fieldOf(where, name, def.innerType), nullable: true };
  }
  const kinds = new Set((def.checks ?? []).map((check) => check._zod.def.format ?? check._zod.def.check));
  const integer = def.type === 'number' && (def.format === 'safeint' || kinds.has('safeint'));
  if (integer) kinds.delete('safeint');
  if (def.format === 'datetime') kinds.delete('datetime');
  if (kinds.size > 0 || def.coerce === true) {
    wrong(
      `${where}, field "${name}": checks such as ${[...kinds, 'coerce'][0]} do not travel to other engines; state the type here and put the rule into .filter(…)`,
    );
  }
  if (def.type === 'string' && def.format === 'datetime') return { name, type: 'timestamp', nullable: false };
  if (def.type === 'string' && def.format === undefined) return { name, type: 'string', nullable: false };
  if (def.type === 'boolean') return { name, type: 'boolean', nullable: false };
  if (def.type === 'number' && (integer || def.format === undefined)) {
    return { name, type: integer ? 'integer' : 'double', nullable: false };
  }
  const entries = Object.values(def.entries ?? {});
  if (def.type === 'enum' && entries.every((entry) => typeof entry === 'string')) {
    return { name, type: 'string', nullable: false, oneOf: entries };
  }
  return wrong(
    `${where}, field "${name}": ${def.type}${def.format === undefined ? '' : ` (${def.format})`} is not supported. Use z.string(), z.number(), z.int(), z.boolean(), z.iso.datetime() or z.enum([…]), each also .optional() or .nullable()`,
  );
}

function refuseUnknown(where: string, given: object, known: readonly string[]): void {
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    const near = nearest(key, known);
    wrong(
      `${where}: unknown option "${key}". ${near === undefined ? `Known: ${known.join(', ')}` : `Did you mean "${near}"?`}`,
    );
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function wrong(problem: string): never {
  throw failure('DEFINITION_INVALID', { problem });
}
