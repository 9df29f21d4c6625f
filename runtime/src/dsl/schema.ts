/**
 * zod schemas as fields: the types that can be run, explained and exported alike. A nested object becomes the fields below
 * it, `bid.price` as the column `bid_price`.
 */
import { z } from 'zod';
import { failure } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import type { Field } from '../data/decode.ts';
import { type ItemType, SCALE_MAX } from '../data/value.ts';
import type { Decimal, Nested, Timestamp } from './expression.ts';

declare const sqlTime: unique symbol;
declare const decimalText: unique symbol;

/** The schema of a time written `yyyy-MM-dd HH:mm:ss`, with up to nine digits behind the second, in UTC. */
export type SqlTimestamp = z.ZodString & { readonly [sqlTime]: true };

/** The schema of an exact decimal written as a string. */
export type DecimalField = z.ZodString & { readonly [decimalText]: true };

/** What zod cannot say of a schema; by its definition, which copies of the schema share. */
const MARKS = new WeakMap<object, Pick<Field, 'type' | 'format' | 'scale'>>();

/** A time as `yyyy-MM-dd HH:mm:ss[.SSS]` in UTC, as databases write it. */
export function sqlTimestamp(): SqlTimestamp {
  const schema = z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?$/);
  MARKS.set(schema.def, { type: 'timestamp', format: 'sql' });
  return schema as SqlTimestamp;
}

/**
 * An exact decimal, written as a string with at most `scale` digits behind the point; in all at most 2^53 - 1 units of the
 * last digit.
 * @throws DEFINITION_INVALID for a scale that is no whole number from 0 to 15.
 */
export function decimalField(scale: number): DecimalField {
  if (!Number.isInteger(scale) || scale < 0 || scale > SCALE_MAX)
    wrong(`decimalField(${String(scale)}): the scale is a whole number from 0 to ${SCALE_MAX}`);
  const schema = z.string().regex(new RegExp(`^[+-]?\\d+(?:\\.\\d{0,${scale}})?$`));
  MARKS.set(schema.def, { type: 'decimal', scale });
  return schema as DecimalField;
}

/** The row that a zod object describes: `z.iso.datetime()` is a Timestamp, optional and nullable fields may be null. */
export type RowOf<S extends z.ZodObject> = {
  readonly [K in keyof S['shape'] & string]: FieldOf<S['shape'][K]>;
};

type FieldOf<F> =
  F extends z.ZodOptional<infer I>
    ? Nullable<FieldOf<I>>
    : F extends z.ZodNullable<infer I>
      ? Nullable<FieldOf<I>>
      : F extends SqlTimestamp | z.ZodISODateTime
        ? Timestamp
        : F extends DecimalField
          ? Decimal
          : F extends z.ZodObject
            ? Nested & RowOf<F>
            : F extends z.ZodArray<infer I>
              ? readonly FieldOf<I>[]
              : F extends z.ZodType
                ? z.output<F> extends string | number | boolean
                  ? Widen<z.output<F>>
                  : never
                : never;

/** All fields below an object that may be missing may be null. */
export type Nullable<T> = T extends Nested
  ? Nested & { readonly [K in keyof T & string]: Nullable<T[K]> }
  : T | null;

type Widen<T> = T extends string ? string : T extends number ? number : boolean;

/**
 * The fields that are times, nested ones as `bid.dateTime`. `Sure` asks for those that are always there.
 */
export type TimeOf<S extends z.ZodObject, Sure extends boolean> = {
  [K in keyof S['shape'] & string]: TimePath<K, S['shape'][K], Sure>;
}[keyof S['shape'] & string];

type TimePath<K extends string, F, Sure extends boolean> = F extends SqlTimestamp | z.ZodISODateTime
  ? K
  : F extends z.ZodObject
    ? `${K}.${TimeOf<F, Sure>}`
    : F extends z.ZodOptional<infer I> | z.ZodNullable<infer I>
      ? Sure extends true
        ? never
        : TimePath<K, I, Sure>
      : never;

/** The fields of an object and of the objects in it. @throws DEFINITION_INVALID */
export function fieldsOfSchema(where: string, schema: z.ZodObject): readonly Field[] {
  const fields = fieldsBelow(where, schema, [], false);
  const names = new Map<string, string>();
  for (const { name, path = [name] } of fields) {
    const taken = names.get(name);
    if (taken !== undefined)
      wrong(
        `${where}: "${taken}" and "${path.join('.')}" both become the column "${name}"; name one otherwise`,
      );
    names.set(name, path.join('.'));
  }
  return fields;
}

function fieldsBelow(
  where: string,
  schema: z.ZodObject,
  path: readonly string[],
  nullable: boolean,
): readonly Field[] {
  refuseRules(where, schema);
  return Object.entries(schema.shape).flatMap(([name, type]) => {
    const below = [...path, name];
    const { inner, isOptional } = unwrapped(type as z.ZodType);
    const mayBeNull = nullable || isOptional;
    if (isObjectSchema(inner)) return fieldsBelow(where, inner, below, mayBeNull);
    const field = fieldOf(where, below.join('.'), type as z.ZodType);
    return [
      {
        ...field,
        name: below.join('_'),
        ...(below.length > 1 && { path: below }),
        nullable: mayBeNull,
      },
    ];
  });
}

/** @throws DEFINITION_INVALID for anything but an object without rules of its own. */
export function checkObject(where: string, schema: unknown): asserts schema is z.ZodObject {
  if (!isObjectSchema(schema))
    wrong(`${where}: schema must be a z.object({ … }) that says what an event looks like`);
  refuseRules(where, schema);
}

function isObjectSchema(schema: unknown): schema is z.ZodObject {
  return isObject(schema) && 'shape' in schema && isObject(schema.shape);
}

function refuseRules(where: string, schema: z.ZodObject): void {
  if ((schema.def.checks ?? []).length > 0)
    wrong(
      `${where}: a rule over the whole event (refine) does not travel to other engines; put it into .filter(…)`,
    );
}

interface ZodDef {
  readonly type: string;
  readonly format?: string;
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly entries?: Record<string, string | number>;
  readonly checks?: readonly {
    readonly _zod: { readonly def: { readonly check: string; readonly format?: string } };
  }[];
  readonly coerce?: boolean;
}

function unwrapped(schema: z.ZodType): { readonly inner: z.ZodType; readonly isOptional: boolean } {
  const def = schema.def as unknown as ZodDef;
  if ((def.type !== 'optional' && def.type !== 'nullable') || def.innerType === undefined)
    return { inner: schema, isOptional: false };
  return { inner: unwrapped(def.innerType).inner, isOptional: true };
}

/** A field that is no object. @throws DEFINITION_INVALID */
export function fieldOf(where: string, name: string, schema: z.ZodType): Field {
  const { inner, isOptional } = unwrapped(schema);
  const field = { name, nullable: isOptional, ...typeOf(`${where}, field "${name}"`, inner) };
  return field;
}

function typeOf(where: string, schema: z.ZodType): Omit<Field, 'name' | 'nullable'> {
  const def = schema.def as unknown as ZodDef;
  const mark = MARKS.get(def);
  if (mark !== undefined) return mark;
  const kinds = new Set((def.checks ?? []).map((check) => check._zod.def.format ?? check._zod.def.check));
  const integer = def.type === 'number' && (def.format === 'safeint' || kinds.has('safeint'));
  if (integer) kinds.delete('safeint');
  if (def.format === 'datetime') kinds.delete('datetime');
  if (kinds.size > 0 || def.coerce === true) {
    wrong(
      `${where}: checks such as ${[...kinds, 'coerce'][0]} do not travel to other engines; state the type here and put the rule into .filter(…)`,
    );
  }
  if (def.type === 'string' && def.format === 'datetime') return { type: 'timestamp' };
  if (def.type === 'string' && def.format === undefined) return { type: 'string' };
  if (def.type === 'boolean') return { type: 'boolean' };
  if (def.type === 'number' && (integer || def.format === undefined))
    return { type: integer ? 'integer' : 'double' };
  if (def.type === 'array' && def.element !== undefined)
    return { type: 'list', item: itemOf(where, def.element) };
  const entries = Object.values(def.entries ?? {});
  if (def.type === 'enum' && entries.every((entry) => typeof entry === 'string'))
    return { type: 'string', oneOf: entries };
  return wrong(
    `${where}: ${def.type}${def.format === undefined ? '' : ` (${def.format})`} is not supported. Use z.string(), z.number(), z.int(), z.boolean(), z.iso.datetime(), sqlTimestamp(), decimalField(2), z.enum([…]), z.array(…) or z.object({ … }), each also .optional() or .nullable()`,
  );
}

const ITEMS: ReadonlySet<string> = new Set<ItemType>(['string', 'integer', 'double', 'boolean', 'timestamp']);

function itemOf(where: string, element: z.ZodType): ItemType {
  const { inner, isOptional } = unwrapped(element);
  if (isOptional) wrong(`${where}: nothing in a list may be null; leave such items out`);
  const { type, oneOf, format } = typeOf(where, inner);
  if (ITEMS.has(type) && oneOf === undefined && format === undefined) return type as ItemType;
  return wrong(
    `${where}: a list holds z.string(), z.number(), z.int(), z.boolean() or z.iso.datetime() and nothing else`,
  );
}

export function refuseUnknown(where: string, given: object, known: readonly string[]): void {
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    const near = nearest(key, known);
    wrong(
      `${where}: unknown option "${key}". ${near === undefined ? `Known: ${known.join(', ')}` : `Did you mean "${near}"?`}`,
    );
  }
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function wrong(problem: string): never {
  throw failure('DEFINITION_INVALID', { problem });
}
