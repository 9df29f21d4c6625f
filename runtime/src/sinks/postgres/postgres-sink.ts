/**
 * Delivers a view to a table of PostgreSQL: rows and marker in one transaction.
 *
 *   BEGIN ─► marker FOR UPDATE: is it as we left it? ─► delete, upsert, piece by piece ─► marker ─► COMMIT
 *
 * Whoever comes meanwhile waits for the marker's row. An answer that is lost after COMMIT is found out by the marker.
 */
import process from 'node:process';
import { CodedError } from '../../base/coded-error.ts';
import { failure } from '../../base/errors.ts';
import type { PostgresTarget } from '../../config/sinks.ts';
import type { ViewLayout } from '../../views/layout.ts';
import {
  type Claim,
  claimed,
  type Delivery,
  type KeyedRow,
  type Marker,
  refuseClaim,
  refuseDelivery,
  type Sink,
} from '../sink.ts';
import { hashOf } from '../columns.ts';
import type { Environment } from '../environment.ts';
import { type Address, addressOf } from './address.ts';
import { connect, type Connection, type Rows } from './connection.ts';
import { CREATE_MARKERS, DESCRIBE, INDEXES, MARKERS, quoted, Table, UNIQUE_KEYS } from './table.ts';

export interface PostgresSinkOptions extends Omit<PostgresTarget, 'kind'> {
  readonly pipeline: string;
  readonly view: string;
  readonly sink: string;
  readonly environment?: Environment;
}

interface SavedMarker {
  readonly marker: Marker | null;
  /** Whether we made the table, and so may make it anew. */
  readonly made: boolean;
}

export class PostgresSink implements Sink {
  readonly guarantee = 'exactly-once';
  readonly place: string;
  readonly shape: string;
  readonly #options: PostgresSinkOptions;
  readonly #address: Address | Error;
  readonly #markers: string;
  #connection: Connection | null = null;

  constructor(options: PostgresSinkOptions) {
    const { schema, table, url, sink, environment = process.env } = options;
    this.#options = options;
    this.#markers = `${quoted(schema)}.${quoted(MARKERS)}`;
    // Commands that do not deliver work without the variables.
    this.#address = orError(() => addressOf(url, sink, environment));
    const where = this.#address instanceof Error ? '' : ` of ${this.#address.shown}`;
    this.place = `table ${schema}.${table}${where}`;
    // With an index that is asked for later, the table is filled anew: that is when it is made.
    this.shape = JSON.stringify(['postgres', this.place, ...(options.index === true ? ['index'] : [])]);
  }

  async #connected(): Promise<Connection> {
    if (this.#address instanceof Error) throw this.#address;
    if (this.#connection?.isOpen !== true)
      this.#connection = await connect(this.#address, this.place, this.#options.timeoutMs);
    return this.#connection;
  }

  async check(layout: ViewLayout, claim: Claim | null): Promise<void> {
    const connection = await this.#connected();
    const { schema } = this.#options;
    const [found] = await connection.query('SELECT to_regnamespace($1) IS NOT NULL AS there', [
      quoted(schema),
    ]);
    if (found?.['there'] !== true)
      throw failure('SINK_FOREIGN', { place: this.place, reason: `there is no schema "${schema}"` });
    const saved = await this.#saved(connection, '');
    refuseClaim(this.place, saved.marker, claim);
    await this.#refuseForeign(connection, saved);
    const table = this.#tableOf(layout);
    if (this.#options.index === true) table.createIndex([], this.#options.sink);
    await this.#fits(connection, table, saved.made);
  }

  #tableOf(layout: ViewLayout): Table {
    const { schema, table, sink } = this.#options;
    return new Table(schema, table, layout, sink);
  }

  async #isThere(connection: Connection, name: string): Promise<boolean> {
    const [row] = await connection.query('SELECT to_regclass($1) IS NOT NULL AS there', [name]);
    return row?.['there'] === true;
  }

  get #table(): string {
    return `${quoted(this.#options.schema)}.${quoted(this.#options.table)}`;
  }

  async #saved(connection: Connection, lock: '' | 'FOR UPDATE'): Promise<SavedMarker> {
    if (lock === '' && !(await this.#isThere(connection, this.#markers)))
      return { marker: null, made: false };
    const [row] = await connection.query(
      `SELECT data, generation, sequence, commits, position, made FROM ${this.#markers} WHERE sink = $1 ${lock}`,
      [this.#options.table],
    );
    const data = row?.['data'];
    if (row === undefined || typeof data !== 'string') return { marker: null, made: false };
    const number = (name: string): number => Number(row[name]);
    return {
      marker: {
        data,
        generation: number('generation'),
        sequence: number('sequence'),
        commits: number('commits'),
        position: number('position'),
      },
      made: row['made'] === true,
    };
  }

  /** A table with rows and no marker of ours is somebody's. */
  async #refuseForeign(connection: Connection, { marker }: SavedMarker): Promise<void> {
    if (marker !== null || !(await this.#isThere(connection, this.#table))) return;
    const rows = await connection.query(`SELECT 1 FROM ${this.#table} LIMIT 1`);
    if (rows.length > 0)
      throw failure('SINK_FOREIGN', { place: this.place, reason: `it has rows and no marker in ${MARKERS}` });
  }

  async claim(claim: Claim): Promise<Marker | null> {
    const connection = await this.#connected();
    const { table, pipeline, view, schema } = this.#options;
    if (!(await this.#isThere(connection, this.#markers))) await connection.query(CREATE_MARKERS(schema));
    return connection.transaction(async () => {
      await connection.query(
        `INSERT INTO ${this.#markers} (sink, pipeline, view) VALUES ($1, $2, $3) ON CONFLICT (sink) DO NOTHING`,
        [table, pipeline, view],
      );
      const saved = await this.#saved(connection, 'FOR UPDATE');
      refuseClaim(this.place, saved.marker, claim);
      await this.#refuseForeign(connection, saved);
      await this.#save(connection, claimed(saved.marker, claim), saved.made);
      return saved.marker;
    });
  }

  async #save(connection: Connection, marker: Marker, made: boolean): Promise<void> {
    const { table, pipeline, view } = this.#options;
    const { data, generation, sequence, commits, position } = marker;
    await connection.query(
      `UPDATE ${this.#markers} SET data = $2, generation = $3, sequence = $4, commits = $5, position = $6,
         pipeline = $7, view = $8, made = $9, delivered_at = now() WHERE sink = $1`,
      [table, data, generation, sequence, commits, position, pipeline, view, made],
    );
  }

  async marker(): Promise<Marker | null> {
    return (await this.#saved(await this.#connected(), '')).marker;
  }

  async deliver(delivery: Delivery): Promise<void> {
    const table = this.#tableOf(delivery.layout);
    const connection = await this.#connected();
    await connection.transaction(async () => {
      const saved = await this.#saved(connection, 'FOR UPDATE');
      refuseDelivery(this.place, saved.marker, delivery);
      // What the marker says is on the disk there, whatever the server's default is.
      await connection.query('SET LOCAL synchronous_commit = on');
      const made = delivery.isWhole ? await this.#empty(connection, table, saved.made) : saved.made;
      for await (const changes of delivery.changes()) {
        const rows = changes.filter((change): change is KeyedRow => change.row !== null);
        const gone = table.replacesByDeleting ? changes : changes.filter(({ row }) => row === null);
        // A table that was just emptied has none of them.
        if (gone.length > 0 && !delivery.isWhole)
          await connection.query(table.deleteKeys, [gone.map(({ key }) => hashOf(key))]);
        if (rows.length > 0) await connection.query(table.insert, table.valuesOf(rows));
      }
      await this.#save(connection, delivery.marker, made);
    });
  }

  /** Leaves an empty table that fits; returns whether we made it. */
  async #empty(connection: Connection, table: Table, made: boolean): Promise<boolean> {
    const fits = await this.#fits(connection, table, made);
    if (fits === 'as it is') await connection.query(table.deleteAll);
    else {
      if (fits === 'another') await connection.query(`DROP TABLE ${table.name}`);
      await connection.query(table.create);
    }
    if (this.#options.index === true) {
      const index = table.createIndex(await connection.query(INDEXES, [table.name]), this.#options.sink);
      if (index !== null) await connection.query(index);
    }
    return made || fits !== 'as it is';
  }

  /** Throws SINK_FOREIGN for a table of somebody else that does not fit. */
  async #fits(
    connection: Connection,
    table: Table,
    made: boolean,
  ): Promise<'absent' | 'as it is' | 'another'> {
    if (!(await this.#isThere(connection, table.name))) return 'absent';
    const columns = await connection.query(DESCRIBE, [table.name]);
    const keys: Rows = await connection.query(UNIQUE_KEYS, [table.name]);
    const problems = table.problemsOf(columns, keys);
    if (problems.length === 0) return 'as it is';
    if (made) return 'another';
    const reason = `${problems.slice(0, 5).join('; ')}; a table that fits: ${table.create}`;
    throw failure('SINK_FOREIGN', { place: this.place, reason });
  }

  async close(): Promise<void> {
    await this.#connection?.close();
    this.#connection = null;
  }
}

function orError<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}
