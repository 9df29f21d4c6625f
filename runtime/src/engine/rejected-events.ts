/** The events that were not accepted: what people see of them, and offering them again to a definition that changed since. */
import { prefixOf } from '../state/keys.ts';
import { prefixRange } from '../state/store.ts';
import type { Layer } from '../loop/layer.ts';
import type { RejectedRow } from '../host/host.ts';
import { problemOf, type RejectedRecord } from '../ingest/accept.ts';
import type { Plan } from '../plan/node.ts';
import type { Clock } from '../ports/clock.ts';
import type { DataFolder } from './data-folder.ts';

/** Those of the door are in a log of their own; those that an expression rejected are in the state of the serving layer. */
export class RejectedEvents {
  readonly #data: DataFolder;
  readonly #clock: Clock;
  readonly #serving: () => Layer;
  /** Those of the door that were accepted later. */
  #replayed = 0;

  constructor(data: DataFolder, clock: Clock, serving: () => Layer) {
    this.#data = data;
    this.#clock = clock;
    this.#serving = serving;
    for (let position = 0; position < data.rejected.end; position++)
      if (this.#isReplayed(position)) this.#replayed++;
  }

  /** How many were rejected at the door and not taken since, or by an expression. */
  get count(): number {
    return this.#data.rejected.end - this.#replayed + this.#serving().progress.rejected;
  }

  /** The newest, so many at most. */
  async newest(limit: number): Promise<readonly RejectedRow[]> {
    const { rejected, store } = this.#data;
    const rows: RejectedRow[] = [];
    // From the end, in larger and larger steps until there are enough that were not taken since.
    const { start } = rejected;
    for (let from = rejected.end, step = limit; from > start && rows.length < limit; step *= 4) {
      const to = from;
      from = Math.max(start, from - step);
      for await (const { record, replayed } of this.#records(from, to)) if (!replayed) rows.push(record);
    }
    const range = prefixRange(prefixOf('r', this.#serving().name));
    for await (const { value } of store.scan(range, { reverse: true, limit }))
      rows.push(JSON.parse(value.toString()) as RejectedRow);
    return rows.sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, limit);
  }

  /** Offers them again. A position is the name of a producer, so none is taken twice, also after a crash. */
  async replay(plan: Plan): Promise<{ accepted: number; rejected: number }> {
    const { log, rejected } = this.#data;
    let [accepted, still] = [0, 0];
    for await (const { position, record, replayed } of this.#records(0, rejected.end)) {
      if (replayed) continue;
      const source = plan.sources.find((candidate) => candidate.name === record.source);
      const problem =
        source && record.whole ? problemOf({ source, clock: this.#clock }, record.text) : 'gone';
      if (source === undefined || problem !== undefined) {
        still++;
        continue;
      }
      const [producer, sequence] = [replayProducer(position), 1];
      const records = [record.text];
      await log.append({ kind: 'events', source: source.name, partition: 0, producer, sequence, records });
      this.#replayed++;
      accepted++;
    }
    return { accepted, rejected: still };
  }

  #isReplayed(position: number): boolean {
    return this.#data.log.lastSequence(replayProducer(position)) > 0;
  }

  /** Positions [from, to) that are still kept. */
  async *#records(
    from: number,
    to: number,
  ): AsyncIterable<{ position: number; record: RejectedRecord; replayed: boolean }> {
    const release = this.#data.holdRejected?.();
    try {
      // What went before the hold is gone.
      for await (const block of this.#data.rejected.read(Math.max(from, this.#data.rejected.start))) {
        for (const [index, text] of block.records.entries()) {
          const position = block.position + index;
          if (position < from) continue;
          if (position >= to) return;
          yield {
            position,
            record: JSON.parse(text) as RejectedRecord,
            replayed: this.#isReplayed(position),
          };
        }
      }
    } finally {
      release?.();
    }
  }
}

function replayProducer(position: number): string {
  return `rejected-${position}`;
}
