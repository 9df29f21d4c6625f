/**
 * How the store is laid out, as a number under `m|format`:
 *
 *   1   (none is written)  the state of a node lies under its place among all nodes of its view
 *   2   the state of a node lies under its id; each layer says in its progress which of the two it has
 *
 * A newer one is refused before anything is written. An older one is converted layer by layer, when a layer is opened.
 */
import { failure } from '../base/errors.ts';
import { metaKey } from './keys.ts';
import { Batch, type Store } from './store.ts';

export const STATE_FORMAT = 2;

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
