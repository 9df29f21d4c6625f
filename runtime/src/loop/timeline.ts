/**
 * What lies where in the log, in event time: for each stretch of about four thousand records of one source the smallest
 * and the largest event time, and the source's clock before it. A correction or a backfill reads only the stretches that
 * its windows need, and still judges every event as the first reading did.
 */
import { encodeKey, encodeNumber } from '../data/key.ts';
import { prefixOf } from '../state/keys.ts';
import { type Batch, prefixRange, type Store } from '../state/store.ts';
import type { SavedTime, Times } from './times.ts';

const STRETCH_RECORDS = 4096;

export interface Stretch {
  readonly source: string;
  readonly from: number;
  to: number;
  /** Event times in the stretch; Infinity and -Infinity while it holds none. */
  loMs: number;
  hiMs: number;
  readonly time: SavedTime;
}

type SavedStretch = readonly [
  source: string,
  to: number,
  loMs: number | null,
  hiMs: number | null,
  time: SavedTime,
];

export class Timeline {
  readonly #layer: string;
  readonly #stretches: Stretch[] = [];
  readonly #unsaved = new Set<Stretch>();

  private constructor(layer: string) {
    this.#layer = layer;
  }

  static async load(store: Store, layer: string): Promise<Timeline> {
    const timeline = new Timeline(layer);
    const prefix = prefixOf('t', layer);
    for await (const { key, value } of store.scan(prefixRange(prefix))) {
      const [source, to, loMs, hiMs, time] = JSON.parse(value.toString()) as SavedStretch;
      const from = decodePosition(key.subarray(prefix.length));
      timeline.#stretches.push({ source, from, to, loMs: loMs ?? Infinity, hiMs: hiMs ?? -Infinity, time });
    }
    return timeline;
  }

  /**
   * Notes that records [from, to) of a source come next, in the file of the log that begins at `fileStart`. A stretch lies in
   * one file, so that its beginning is not removed before its end. REQUIRES to be called before their times are observed.
   */
  note(
    source: string,
    { from, to, fileStart }: Record<'from' | 'to' | 'fileStart', number>,
    times: Times,
  ): void {
    if (times.of(source) === undefined) return;
    let last = this.#stretches.at(-1);
    if (
      last === undefined ||
      last.source !== source ||
      last.to !== from ||
      last.from < fileStart ||
      last.to - last.from >= STRETCH_RECORDS
    ) {
      last = { source, from, to, loMs: Infinity, hiMs: -Infinity, time: times.saveOf(source) };
      this.#stretches.push(last);
    }
    last.to = to;
    this.#unsaved.add(last);
  }

  /** Notes the time of an event of a source; a table has no stretches. */
  event(source: string, eventTimeMs: number): void {
    const last = this.#stretches.at(-1);
    if (last === undefined || last.source !== source) return;
    last.loMs = Math.min(last.loMs, eventTimeMs);
    last.hiMs = Math.max(last.hiMs, eventTimeMs);
  }

  /** Notes the first `n` of these times. */
  events(source: string, times: Float64Array, n: number): void {
    const last = this.#stretches.at(-1);
    if (last === undefined || last.source !== source) return;
    let { loMs, hiMs } = last;
    for (let i = 0; i < n; i++) {
      const timeMs = times[i] as number;
      if (timeMs < loMs) loMs = timeMs;
      if (timeMs > hiMs) hiMs = timeMs;
    }
    last.loMs = loMs;
    last.hiMs = hiMs;
  }

  /** The stretches of a source that have events in [fromMs, toMs). */
  within(source: string, fromMs: number, toMs: number): readonly Stretch[] {
    return this.#stretches.filter(
      (each) => each.source === source && each.hiMs >= fromMs && each.loMs < toMs,
    );
  }

  /** Where the first stretch begins that does so at a position or behind it. */
  firstFrom(position: number): number | undefined {
    return this.#stretches.find(({ from }) => from >= position)?.from;
  }

  persist(batch: Batch): void {
    for (const { source, from, to, loMs, hiMs, time } of this.#unsaved) {
      const bounds = loMs === Infinity ? [null, null] : [loMs, hiMs];
      batch.put(
        Buffer.concat([prefixOf('t', this.#layer), encodeKey([from])]),
        JSON.stringify([source, to, ...bounds, time]),
      );
    }
    this.#unsaved.clear();
  }
}

/** Positions are not negative, so only the sign bit has to be turned back. */
function decodePosition(key: Buffer): number {
  const bytes = Buffer.from(key.subarray(1, encodeNumber(0).length));
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.readDoubleBE(0);
}
