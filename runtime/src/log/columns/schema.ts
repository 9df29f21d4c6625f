/** The fields of a source as the head of a block keeps them: `[{"path":["bid","price"],"type":"double","nullable":true}, …]`. */
import type { Field } from '../../data/decode.ts';
import { SCALE_MAX } from '../../data/value.ts';
import { ColumnsInvalid } from './format.ts';

const TYPES: ReadonlySet<unknown> = new Set([
  'string',
  'integer',
  'double',
  'boolean',
  'timestamp',
  'decimal',
  'list',
] satisfies Field['type'][]);
const ITEMS: ReadonlySet<unknown> = new Set(['string', 'integer', 'double', 'boolean', 'timestamp']);

/** So many schemas are remembered: a log has one for each source and each change of it. */
const KNOWN_MAX = 64;
const known = new Map<string, readonly Field[]>();

export function pathOf({ path, name }: Field): readonly string[] {
  return path ?? [name];
}

/** What a block keeps of a field: nothing of how a definition calls it. */
type SchemaField = Omit<Field, 'name' | 'eventTime'>;

/** The same for the same fields, whatever a definition calls them. */
export function schemaOf(fields: readonly Field[]): readonly SchemaField[] {
  return fields.map((field) => {
    const { type, nullable, scale, item, format, oneOf } = field;
    return {
      path: pathOf(field),
      type,
      nullable,
      ...(scale !== undefined && { scale }),
      ...(item !== undefined && { item }),
      ...(format !== undefined && { format }),
      ...(oneOf !== undefined && { oneOf }),
    };
  });
}

/** The fields of a schema, each named for its path. Throws ColumnsInvalid. */
export function fieldsOfSchema(schema: unknown): readonly Field[] {
  const text = JSON.stringify(schema) ?? '';
  const remembered = known.get(text);
  if (remembered !== undefined) return remembered;
  if (!Array.isArray(schema)) throw new ColumnsInvalid('the schema is no list of fields');
  const fields = schema.map(fieldOf);
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(text, fields);
  return fields;
}

function fieldOf(given: unknown): Field {
  const { path, type, nullable, scale, item, format, oneOf } = Object(given) as Record<string, unknown>;
  const isText = (value: unknown): boolean => typeof value === 'string';
  const isRight =
    Array.isArray(path) &&
    path.length > 0 &&
    path.every(isText) &&
    TYPES.has(type) &&
    typeof nullable === 'boolean' &&
    (scale === undefined || (Number.isInteger(scale) && Number(scale) >= 0 && Number(scale) <= SCALE_MAX)) &&
    (item === undefined || ITEMS.has(item)) &&
    (format === undefined || format === 'iso' || format === 'sql') &&
    (oneOf === undefined || (Array.isArray(oneOf) && oneOf.every(isText)));
  if (!isRight) throw new ColumnsInvalid('the schema has a field that this version does not know');
  return { name: (path as string[]).join('.'), ...(given as Omit<Field, 'name'>) };
}
