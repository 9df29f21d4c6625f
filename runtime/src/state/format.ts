/**
 * How the store is laid out, as a number under `m|format`:
 *
 *   1   (none is written)  the state of a node lies under its place among all nodes of its view
 *   2   the state of a node lies under its id; each layer says in its progress which of the two it has
 *   3   rows of joins and of operators over time lie under their keys, with an index by time (operators/time-index.ts)
 *
 * A newer one is refused before anything is written. An older one is converted layer by layer, when a layer is opened; from
 * 2 to 3 by its operators, which read all of a state without such an index, with their first commit.
 */
import { failure } from '../base/errors.ts';
import { metaKey } from './keys.ts';
import { Batch, type Store } from './store.ts';

export const STATE_FORMAT = 3;

const KEY = metaKey('format');

/** Notes that the store is of our format. Throws STATE_NEWER, with nothing written. */
export async function openFormat(store: Store): Promise<void> {
  const bytes = await store.get(KEY);
  const found = bytes === null ? 1 : Number(bytes.toString());
  if (!(found <= STATE_FORMAT)) throw failure('STATE_NEWER', { found, known: STATE_FORMAT });
  if (found === STATE_FORMAT) return;
  const batch = new Batch();
  batch.put(KEY, String(STATE_FORMAT));
  await store.commit(batch);
}
