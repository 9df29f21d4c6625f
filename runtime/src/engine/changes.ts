/** What a definition changes for the stored results of an architecture; nothing is written. */
import type { Architecture } from '../config/project.ts';
import { storedPlan } from '../loop/adoption.ts';
import { comparePlans } from '../plan/compare.ts';
import type { PlanChange } from '../plan/compare-view.ts';
import type { Plan } from '../plan/node.ts';
import { metaKey } from '../state/keys.ts';
import type { Store } from '../state/store.ts';

/** The layer whose plan readers see. */
const SERVING: { readonly [A in Architecture]: (store: Store) => Promise<string> } = {
  batch: () => Promise.resolve('scheduled'),
  'micro-batch': () => Promise.resolve('live'),
  streaming: () => Promise.resolve('live'),
  lambda: () => Promise.resolve('speed'),
  kappa: async (store) => {
    const bytes = await store.get(metaKey('kappa'));
    return bytes === null ? '' : `kappa-${(JSON.parse(bytes.toString()) as { live: string }).live}`;
  },
};

/** Null when nothing was computed yet, or by a version that did not store its definition. */
export async function changesOf(
  store: Store,
  architecture: Architecture,
  plan: Plan,
): Promise<readonly PlanChange[] | null> {
  const old = await storedPlan(store, await SERVING[architecture](store));
  return old === null ? null : comparePlans(old, plan).changes;
}
