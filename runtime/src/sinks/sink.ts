/**
 * The contract of everything outside that a view is delivered to. A delivery brings a sink from the content that the view had
 * at one commit to the content that it has at a later one, and the marker of that commit with it, in one atomic unit:
 *
 *   claim ─► deliver 1 ─► deliver 2 ─✗ the answer is lost ─► marker ─► deliver 3        another owner: claim ─► …
 *                                                            trusted, whatever            whoever had it before
 *                                                            was answered                 is refused from here on
 *
 * Rows are told by their keys, so a delivery that is made again changes nothing. A sink that cannot keep a marker has it kept
 * in a journal (see journal.ts), says at-least-once, and instead of E3 to E5 holds that nothing is lost and what comes twice
 * has the same name.
 *
 * Invariants  E3  A reader of a sink sees the view as it was at one commit, whole, and rows never twice.
 *             E4  After another owner's claim a delivery of an earlier one changes nothing and is refused.
 *             E5  Marker and rows are one atomic unit: what the marker says is there, is there, and nothing more.
 */
import { failure } from '../base/errors.ts';
import type { Row } from '../data/value.ts';
import type { Guarantee } from '../host/host.ts';
import type { ViewLayout } from '../views/layout.ts';

/** Whose data it is. `parents` are those that they were restored from: from them a sink may be taken over. */
export interface Claim {
  readonly data: string;
  readonly parents: readonly string[];
  /** Of the owner of the data folder; larger than that of every owner before. */
  readonly generation: number;
}

/** What a sink says about its content. */
export interface Marker {
  readonly data: string;
  readonly generation: number;
  /** Counts deliveries, and claims twice: whoever finds another one than he left knows that there was somebody else. */
  readonly sequence: number;
  /** Commits of the store that the content has seen. */
  readonly commits: number;
  /** Records of the log that the content has seen. */
  readonly position: number;
}

/** How much a claim adds to the sequence: after a delivery and a claim that nobody noted it is not what either alone leaves. */
export const CLAIM_STEP = 2;

/** A row that is in the view; `count` says how often a bag holds it. */
export interface KeyedRow {
  readonly key: Buffer;
  readonly row: Row;
  readonly count: number;
}

/** A row that may differ; null when it is gone. */
export interface KeyedRowChange {
  readonly key: Buffer;
  readonly row: Row | null;
  readonly count: number;
}

/** The view at one commit, and where it may differ from what the sink has. Pieces are bounded in rows and bytes. */
export interface Delivery {
  /** After it. Its sequence is one more than that of the sink's marker. */
  readonly marker: Marker;
  readonly layout: ViewLayout;
  /** Whether everything that the sink has goes first. */
  readonly isWhole: boolean;
  /** Keys of rows that may differ, each once; of all rows when it is whole. */
  keys(): AsyncIterable<readonly Buffer[]>;
  /** Those rows; when it is whole none of them is gone. */
  changes(): AsyncIterable<readonly KeyedRowChange[]>;
  /** Of the view, as the outbox knows them. */
  readonly layers: readonly string[];
  /** Notes every row by itself, so that a delivery that breaks off goes on where it was. REQUIRES that it is whole. */
  itemize(): Promise<void>;
  /** Throws DATA_TAKEN when the data folder is not ours any more: before each message where nothing else refuses us. */
  checkOwner(): Promise<void>;
  /** All rows of windows that start, or of events that happened, in [fromMs, toMs), in the order of their keys. */
  rows(fromMs: number, toMs: number): AsyncIterable<readonly KeyedRow[]>;
}

export interface Sink {
  readonly guarantee: Guarantee;
  /** Where it is, for people: without secrets. */
  readonly place: string;
  /** Of everything that its content depends on beside the view: another one means that all rows are delivered again. */
  readonly shape: string;
  /** Looks whether rows of this layout could be delivered (by this owner), and changes nothing. Throws SINK_…. */
  check(layout: ViewLayout, claim: Claim | null): Promise<void>;
  /**
   * Takes the sink over and returns the marker that it had, null when it had none; the sequence is CLAIM_STEP more after it.
   * @throws SINK_FENCED when a later owner of the same data has it, SINK_TAKEN when other data have, SINK_UNAVAILABLE, SINK_FAILED
   */
  claim(claim: Claim): Promise<Marker | null>;
  /** Throws SINK_UNAVAILABLE, SINK_FAILED. */
  marker(): Promise<Marker | null>;
  /** Ends what an earlier delivery left under way, before another one is read. REQUIRES a claim; throws as `deliver` does. */
  resume?(): Promise<void>;
  /** How long the other side asked to be left alone at its last answer. */
  readonly waitMs?: number;
  /**
   * REQUIRES a claim. When it throws, it may have happened or not: the marker says which.
   * @throws SINK_FENCED, SINK_MOVED when the sink has another sequence, SINK_UNAVAILABLE when it may work later, SINK_FAILED
   */
  deliver(delivery: Delivery): Promise<void>;
  close(): Promise<void>;
}

/** What a sink must refuse on a claim. */
export function refuseClaim(place: string, found: Marker | null, claim: Claim | null): void {
  if (found === null || claim === null) return;
  const { data, parents, generation } = claim;
  if (found.data !== data) {
    if (parents.includes(found.data)) return;
    throw failure('SINK_TAKEN', { place, data: found.data });
  }
  if (found.generation > generation)
    throw failure('SINK_FENCED', { place, generation, found: found.generation });
}

/** What a sink must refuse on a delivery. */
export function refuseDelivery(place: string, found: Marker | null, { marker }: Delivery): void {
  if (found === null || (found.data === marker.data && found.generation <= marker.generation)) {
    if (found?.sequence === marker.sequence - 1 && found.generation === marker.generation) return;
    throw failure('SINK_MOVED', { place });
  }
  throw failure('SINK_FENCED', { place, generation: marker.generation, found: found.generation });
}

/** The marker that a claim leaves. */
export function claimed(found: Marker | null, { data, generation }: Claim): Marker {
  const { sequence, commits, position } = found ?? { sequence: 0, commits: 0, position: 0 };
  return { data, generation, sequence: sequence + CLAIM_STEP, commits, position };
}
