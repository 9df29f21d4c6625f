/** A sink in the simulated database: the contract of `sinks/sink.ts` with transactions, as a real database is used. */
import { failure } from '../../runtime/src/base/errors.ts';
import type { JsonRow } from '../../runtime/src/host/host.ts';
import {
  type Claim,
  claimed,
  type Delivery,
  type KeyedRowChange,
  type Marker,
  refuseClaim,
  refuseDelivery,
  type Sink,
} from '../../runtime/src/sinks/sink.ts';
import type { ViewLayout } from '../../runtime/src/views/layout.ts';
import {
  type DatabaseClient,
  type Line,
  LostConnection,
  type SimDatabase,
  type TableContent,
} from './database.ts';

export class DatabaseSink implements Sink {
  readonly guarantee = 'exactly-once';
  readonly place: string;
  readonly shape = 'database';
  readonly #database: SimDatabase;
  readonly #table: string;
  readonly #line: Line;
  #client: DatabaseClient | null = null;

  constructor(database: SimDatabase, table: string, line: Line) {
    this.#database = database;
    this.#table = table;
    this.#line = line;
    this.place = `table ${table}`;
  }

  get #connected(): DatabaseClient {
    if (this.#client?.isOpen !== true) this.#client = this.#database.connect(this.#line);
    return this.#client;
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  claim(claim: Claim): Promise<Marker | null> {
    return this.#transaction(async (client) => {
      const { marker } = await client.lock(this.#table);
      refuseClaim(this.place, marker, claim);
      await client.stage(({ rows }) => ({ rows, marker: claimed(marker, claim) }));
      return marker;
    });
  }

  async marker(): Promise<Marker | null> {
    return (await this.#guarded(() => this.#connected.read(this.#table))).marker;
  }

  async deliver(delivery: Delivery): Promise<void> {
    await this.#transaction(async (client) => {
      const { marker } = await client.lock(this.#table);
      refuseDelivery(this.place, marker, delivery);
      if (delivery.isWhole) await client.stage((before) => ({ ...before, rows: new Map() }));
      for await (const changes of delivery.changes())
        await client.stage((before) => ({ ...before, rows: changed(before.rows, changes, delivery.layout) }));
      await client.stage(({ rows }) => ({ rows, marker: delivery.marker }));
    });
  }

  async #transaction<T>(work: (client: DatabaseClient) => Promise<T>): Promise<T> {
    return this.#guarded(async () => {
      const client = this.#connected;
      try {
        const result = await work(client);
        await client.commit();
        return result;
      } catch (error) {
        if (client.isOpen) await client.rollback();
        throw error;
      }
    });
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof LostConnection)) throw error;
      throw failure('SINK_UNAVAILABLE', { place: this.place, reason: 'the connection was lost' }, error);
    }
  }

  close(): Promise<void> {
    this.#client?.close();
    this.#client = null;
    return Promise.resolve();
  }
}

function changed(
  before: TableContent['rows'],
  changes: readonly KeyedRowChange[],
  layout: ViewLayout,
): TableContent['rows'] {
  const rows = new Map(before);
  for (const { key, row, count } of changes) {
    const name = key.toString('latin1');
    if (row === null) rows.delete(name);
    else
      rows.set(
        name,
        Array.from({ length: count }, (): JsonRow => layout.toJson(row)),
      );
  }
  return rows;
}
