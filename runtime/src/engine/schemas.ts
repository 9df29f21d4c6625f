/**
 * Under which fields the events in the log were accepted, kept as `m|schemas`. A definition that could not read them is
 * refused when it starts, instead of rejecting one event after the other.
 */
import { failure } from '../base/errors.ts';
import type { Field } from '../data/decode.ts';
import type { Allowed } from '../plan/compare.ts';
import { fieldChanges } from '../plan/evolve.ts';
import type { Plan } from '../plan/node.ts';
import { metaKey } from '../state/keys.ts';
import { Batch } from '../state/store.ts';
import type { DataFolder } from './data-folder.ts';

const KEY = metaKey('schemas');

/** Source → the different fields that its events were accepted under, the newest last. */
type Schemas = Record<string, readonly (readonly Field[])[]>;

/**
 * Compares the fields of a plan with those that events in the log have. Returns what notes them; nothing is written before.
 * @throws DEFINITION_CHANGED
 */
export async function checkSchemas(
  { store, log }: DataFolder,
  plan: Plan,
  allowed: Allowed,
): Promise<() => Promise<void>> {
  const bytes = log.end === 0 ? null : await store.get(KEY);
  const schemas: Schemas = bytes === null ? {} : (JSON.parse(bytes.toString()) as Schemas);
  const differences = plan.sources.flatMap(({ name, fields }) =>
    (schemas[name] ?? []).flatMap((before) =>
      fieldChanges(before, fields).flatMap(({ field, old, new: now, problem }) =>
        problem === null ? [] : [`source "${name}", field "${field}": ${old} → ${now} (${problem})`],
      ),
    ),
  );
  if (differences.length > 0 && !allowed.fromNowOn) {
    throw failure('DEFINITION_CHANGED', {
      differences: [...new Set(differences)],
      remedy:
        'Events in the log were accepted under the other schema. Take the change back, give the field another name, or say `pipeline run --rebuild --from-now-on`: events that the new schema does not accept are then rejected.',
    });
  }
  const next: Schemas = { ...schemas };
  for (const { name, fields } of plan.sources) {
    const before = differences.length > 0 ? [] : (schemas[name] ?? []);
    const isKnown = before.some((each) => JSON.stringify(each) === JSON.stringify(fields));
    next[name] = isKnown ? before : [...before, fields];
  }
  const text = JSON.stringify(next);
  return async () => {
    if (text === bytes?.toString()) return;
    const batch = new Batch();
    batch.put(KEY, text);
    await store.commit(batch);
  };
}
