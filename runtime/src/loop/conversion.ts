/**
 * Brings the state of a layer from format 1 to format 2 (see state/format.ts):
 *
 *   s|layer|view|7|…  ── copied, in pieces ──►  s|layer|view|group1|…  ── then, in one commit ──►  the old ones are gone,
 *                                                                                          and the progress says so
 *
 * Until that commit all that the older version reads is as it left it, so after a crash either version starts; after it the
 * older one refuses, since it does not find the hash of its plan.
 */
import type { Plan } from '../plan/node.ts';
import { stateIdsOf } from '../plan/state-ids.ts';
import { nodesOf } from '../plan/walk.ts';
import { prefixOf } from '../state/keys.ts';
import { Batch, prefixRange, type Range, type Store } from '../state/store.ts';

const PIECE_ENTRIES = 4096;

/** Copies the state, and adds to the batch what removes the old one. REQUIRES the plan that wrote it. */
export async function convertState(
  store: Store,
  layer: string,
  plan: Plan,
  finish: Batch,
  pieceEntries = PIECE_ENTRIES,
): Promise<void> {
  for (const view of plan.views) {
    const prefix = prefixOf('s', layer, view.name);
    const ids = stateIdsOf(view.node);
    for (const [index, node] of nodesOf(view.node).entries()) {
      const id = ids.get(node);
      if (id === undefined) continue;
      const from = Buffer.concat([prefix, Buffer.from(`${index}|`)]);
      const to = Buffer.concat([prefix, Buffer.from(`${id}|`)]);
      await copy(store, from, to, pieceEntries);
      finish.deleteRange(prefixRange(from));
    }
  }
}

async function copy(store: Store, from: Buffer, to: Buffer, pieceEntries: number): Promise<void> {
  let batch = new Batch();
  // What a conversion left that was killed.
  batch.deleteRange(prefixRange(to));
  const range: Range = prefixRange(from);
  for await (const { key, value } of store.scan(range)) {
    batch.put(Buffer.concat([to, key.subarray(from.length)]), value);
    if (batch.operations.length < pieceEntries) continue;
    await store.commit(batch);
    batch = new Batch();
  }
  await store.commit(batch);
}
