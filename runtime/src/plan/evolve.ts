/**
 * What a changed schema means for the events that are in the log already, which were accepted under the one before:
 *
 *   field      is gone                                   → ignored in old events
 *              is new and may be null                    → null in old events, also where they had such a member: text is read
 *              is new and always there                   → refused: old events do not have it
 *   type       integer → double, a list of them likewise → the same number
 *              decimal of more digits behind the point   → the same number, in smaller units
 *              any other                                 → refused
 *   null       always there → may be null                → as before; the other way round is refused
 *   values     of an enum: more, or any string           → as before; fewer are refused
 *   path, format                                         → refused
 */
import type { Field } from '../data/decode.ts';
import { typeName } from '../data/value.ts';

export interface FieldChange {
  readonly field: string;
  readonly old: string;
  readonly new: string;
  /** Null when events of the old schema are events of the new one. */
  readonly problem: string | null;
}

type Rule = (old: Field, now: Field) => string | null;

/** Every property of a field but its name: a new one must say what its change means. */
const RULES: { readonly [K in Exclude<keyof Required<Field>, 'name' | 'eventTime'>]: Rule } = {
  type: (old, now) =>
    old.type === now.type || isWider(old, now) ? null : 'events in the log have another type',
  nullable: (old, now) => (old.nullable && !now.nullable ? 'it may be null in events of the log' : null),
  scale: (old, now) =>
    old.type !== 'decimal' || now.type !== 'decimal' || (now.scale ?? 0) >= (old.scale ?? 0)
      ? null
      : 'events in the log may have more digits behind the point',
  item: (old, now) =>
    old.item === now.item || (old.item === 'integer' && now.item === 'double')
      ? null
      : 'lists in the log hold another type',
  oneOf: (old, now) => {
    if (now.oneOf === undefined || now.type !== old.type) return null;
    const gone = old.oneOf?.filter((value) => now.oneOf?.includes(value) !== true);
    if (gone === undefined) return 'events in the log may have any value';
    return gone.length === 0 ? null : `events in the log may have ${gone.slice(0, 3).join(', ')}`;
  },
  path: (old, now) =>
    JSON.stringify(old.path) === JSON.stringify(now.path)
      ? null
      : 'events in the log have it in another place',
  format: (old, now) => (old.format === now.format ? null : 'times in the log are written otherwise'),
};

function isWider(old: Field, now: Field): boolean {
  return old.type === 'integer' && now.type === 'double';
}

/** What differs between the fields that events were accepted under and those that they are read with now. */
export function fieldChanges(old: readonly Field[], now: readonly Field[]): readonly FieldChange[] {
  const changes: FieldChange[] = [];
  for (const field of old) {
    const next = now.find(({ name }) => name === field.name);
    if (next === undefined) {
      changes.push({ field: field.name, old: fieldText(field), new: 'gone', problem: null });
      continue;
    }
    if (JSON.stringify(field) === JSON.stringify(next)) continue;
    const problems = Object.values(RULES).flatMap((rule) => rule(field, next) ?? []);
    const problem = problems.length === 0 ? null : problems.join('; ');
    changes.push({ field: field.name, old: fieldText(field), new: fieldText(next), problem });
  }
  for (const field of now) {
    if (old.some(({ name }) => name === field.name)) continue;
    const problem = field.nullable ? null : 'events in the log do not have it; make it .optional()';
    changes.push({ field: field.name, old: 'none', new: fieldText(field), problem });
  }
  return changes;
}

function fieldText(field: Field): string {
  const oneOf = field.oneOf === undefined ? '' : ` of ${field.oneOf.slice(0, 5).join(', ')}`;
  const place = field.path === undefined ? '' : ` at ${field.path.join('.')}`;
  const format = field.format === undefined ? '' : ` (${field.format})`;
  return `${typeName(field)}${oneOf}${format}${place}${field.nullable ? ', may be null' : ''}`;
}
