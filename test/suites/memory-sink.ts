/** A sink in memory: what the contract asks for and nothing more, with the faults that a test wants. */
import type { JsonRow } from '../../runtime/src/host/host.ts';
import {
  type Claim,
  claimed,
  type Delivery,
  type Marker,
  refuseClaim,
  refuseDelivery,
  type Sink,
} from '../../runtime/src/sinks/sink.ts';

/** What is outside: it outlives the processes that deliver to it. */
export class MemoryPlace {
  marker: Marker | null = null;
  rows = new Map<string, readonly JsonRow[]>();
  /** How many deliveries were made. */
  deliveries = 0;

  content(): JsonRow[] {
    return [...this.rows.values()].flat();
  }
}

export class MemorySink implements Sink {
  readonly guarantee = 'exactly-once';
  readonly place = 'memory';
  readonly shape: string;
  readonly #place: MemoryPlace;
  /** Called before and after each delivery takes effect; what it throws is what the caller hears. */
  onDelivery: (when: 'before' | 'after', delivery: Delivery) => Promise<void> = () => Promise.resolve();

  constructor(place: MemoryPlace, shape = 'memory') {
    this.#place = place;
    this.shape = shape;
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  claim(claim: Claim): Promise<Marker | null> {
    const { marker } = this.#place;
    refuseClaim(this.place, marker, claim);
    this.#place.marker = claimed(marker, claim);
    return Promise.resolve(marker);
  }

  marker(): Promise<Marker | null> {
    return Promise.resolve(this.#place.marker);
  }

  async deliver(delivery: Delivery): Promise<void> {
    await this.onDelivery('before', delivery);
    const { layout, isWhole } = delivery;
    const rows = new Map(isWhole ? [] : this.#place.rows);
    for await (const changes of delivery.changes()) {
      for (const { key, row, count } of changes) {
        const name = key.toString('latin1');
        if (row === null) rows.delete(name);
        else
          rows.set(
            name,
            Array.from({ length: count }, () => layout.toJson(row)),
          );
      }
    }
    refuseDelivery(this.place, this.#place.marker, delivery);
    this.#place.marker = delivery.marker;
    this.#place.rows = rows;
    this.#place.deliveries++;
    await this.onDelivery('after', delivery);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
