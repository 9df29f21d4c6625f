/**
 * The layout of the store. A layer is one computation of the views with its own progress: `live`, Lambda's `speed` and
 * `batch`, or a version of Kappa. Names have no `|`, so a key reads from left to right without ambiguity.
 *
 *   m|<name>                     a fact about the whole store, as JSON
 *   p|<layer>                    the progress of a layer, as JSON (see loop/progress.ts)
 *   i|<layer>                    the plan that a layer runs, as JSON (see loop/adoption.ts)
 *   s|<layer>|<view>|<node>|<…>  the state of a node (see plan/state-ids.ts), laid out by its operator
 *   v|<layer>|<view>|<key>       a row of a view, as a JSON array of values
 *   l|<layer>|<view>|<window, source, partition, offset>   a late event, as JSON
 *   a|<layer>|<source, partition, offset>                  a late event that is to be taken all the same
 *   r|<layer>|<position>         an event that the plan does not accept or cannot compute, as JSON
 *   t|<layer>|<position>         the timeline: one entry for each block of the log (see loop/timeline.ts)
 *   d|<layer>|<view>|<start>     a window, and how many late events wait to be taken into it
 *   o|<sink>|<layer>|<key>       a row of the sink's view that the sink has not got yet (see sinks/outbox.ts)
 *   w|<sink>|<layer>             all rows of it, likewise
 *   m|journal-<sink>             what is kept for a sink that keeps no marker itself (see sinks/journal.ts)
 */
import { prefixRange, type Range } from './store.ts';

type Kind = 's' | 'v' | 'l' | 'a' | 'r' | 't' | 'd';
const KINDS: readonly Kind[] = ['s', 'v', 'l', 'a', 'r', 't', 'd'];

export function metaKey(name: string): Buffer {
  return Buffer.from(`m|${name}`);
}

export function journalKey(sink: string): Buffer {
  return metaKey(`journal-${sink}`);
}

export function progressKey(layer: string): Buffer {
  return Buffer.from(`p|${layer}`);
}

export function planKey(layer: string): Buffer {
  return Buffer.from(`i|${layer}`);
}

/** The prefix of one kind of key of a layer, perhaps of one view. */
export function prefixOf(kind: Kind, layer: string, view?: string): Buffer {
  return Buffer.from(view === undefined ? `${kind}|${layer}|` : `${kind}|${layer}|${view}|`);
}

/** What a sink has not got yet: single rows (`o`) or all of a layer (`w`). */
export function outboxPrefix(kind: 'o' | 'w', sink: string, layer?: string): Buffer {
  return Buffer.from(layer === undefined ? `${kind}|${sink}|` : `${kind}|${sink}|${layer}|`);
}

/** Everything that a layer holds, but for its progress and its plan. */
export function layerRanges(layer: string): Range[] {
  return KINDS.map((kind) => prefixRange(prefixOf(kind, layer)));
}
