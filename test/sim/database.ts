/**
 * A transactional database outside of the machine, as a sink finds it: tables of rows with a marker each, transactions of
 * which the later waits for the earlier, and lines to it that break.
 *
 *   request ─► may never arrive ─► server: lock ─► stage … ─► COMMIT ─► answer ─► may be lost
 *
 * What is under way arrives although its sender has died meanwhile, and a transaction lasts until the server notices that
 * nobody is there any more. Committed is durable: a server that crashes forgets what was not.
 */
import type { JsonRow } from '../../runtime/src/host/host.ts';
import type { SeededRandom } from '../../runtime/src/sim/seeded-random.ts';
import type { Marker } from '../../runtime/src/sinks/sink.ts';

/** What a table holds at one moment; nobody changes it. */
export interface TableContent {
  readonly marker: Marker | null;
  /** Key as Latin-1 → the row, as often as the table has it. */
  readonly rows: ReadonlyMap<string, readonly JsonRow[]>;
}

export const EMPTY: TableContent = { marker: null, rows: new Map() };

/** How messages travel between a client and the server. */
export interface Line {
  /** Something that happens at the server after a while, whoever lives until then. */
  later(work: () => void): void;
  /** Something that the client hears, if it lives. */
  heard(work: () => void): void;
}

/** How often something goes wrong with a message, of 1. */
export interface Weather {
  readonly trouble: number;
}

export class LostConnection extends Error {}

class Table {
  content: TableContent = EMPTY;
  holder: Session | null = null;
  readonly waiting: (() => void)[] = [];
}

export class SimDatabase {
  readonly #random: SeededRandom;
  readonly #tables = new Map<string, Table>();
  readonly #sessions = new Set<Session>();
  weather: Weather = { trouble: 0 };
  /** Told of what struck, by name. */
  onStrike: (what: string) => void = () => {};
  /** Told of each content that readers can see. */
  onCommit: (table: string, content: TableContent) => void = () => {};

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  content(table: string): TableContent {
    return this.table(table).content;
  }

  /** @internal */
  table(name: string): Table {
    const table = this.#tables.get(name) ?? new Table();
    this.#tables.set(name, table);
    return table;
  }

  connect(line: Line): DatabaseClient {
    return new DatabaseClient(this, line);
  }

  /** @internal */
  open(): Session {
    const session = new Session(this);
    this.#sessions.add(session);
    return session;
  }

  /** Everybody is disconnected, and what was not committed is gone. */
  crash(): void {
    for (const session of this.#sessions) session.end();
  }

  /** Somebody restores a copy of a table. */
  setBack(name: string, content: TableContent): void {
    this.table(name).content = content;
  }

  /** @internal */
  ended(session: Session): void {
    this.#sessions.delete(session);
  }

  /** @internal What happens to the next message. */
  fate(isCommit: boolean): 'arrives' | 'lost' | 'answer lost' | 'crash' {
    const random = this.#random;
    // A commit of which nothing is heard is what sinks are made for.
    const { trouble } = this.weather;
    if (!random.chance(isCommit ? 2 * trouble : trouble)) return 'arrives';
    const fate = random.pick(['lost', 'answer lost', 'crash'] as const);
    this.onStrike(`database: ${fate}${isCommit ? ' at COMMIT' : ''}`);
    return fate;
  }
}

/** A connection as the server has it, with the transaction that it is in. */
class Session {
  readonly #database: SimDatabase;
  #held: {
    readonly name: string;
    readonly table: Table;
    marker: Marker | null;
    rows: TableContent['rows'];
  } | null = null;
  isOpen = true;

  constructor(database: SimDatabase) {
    this.#database = database;
  }

  /** The server lets go of what it did for this connection. */
  end(): void {
    this.isOpen = false;
    this.#database.ended(this);
    this.release();
  }

  release(): void {
    const table = this.#held?.table;
    this.#held = null;
    if (table === undefined) return;
    table.holder = null;
    table.waiting.shift()?.();
  }

  /** Waits for whoever has the table, and begins a transaction. */
  async lock(name: string): Promise<TableContent> {
    const table = this.#database.table(name);
    while (table.holder !== null) await new Promise<void>((resolve) => table.waiting.push(resolve));
    if (!this.isOpen) {
      table.waiting.shift()?.();
      throw new LostConnection();
    }
    table.holder = this;
    this.#held = { name, table, ...table.content };
    return table.content;
  }

  stage(change: (before: TableContent) => TableContent): void {
    if (this.#held === null) throw new Error('no transaction');
    Object.assign(this.#held, change(this.#held));
  }

  commit(): void {
    if (this.#held === null) throw new Error('no transaction');
    const { name, table, marker, rows } = this.#held;
    table.content = { marker, rows };
    this.#database.onCommit(name, table.content);
    this.release();
  }
}

/** A connection as its client has it. Every request rejects with LostConnection once it is broken. */
export class DatabaseClient {
  readonly #database: SimDatabase;
  readonly #line: Line;
  readonly #session: Session;
  #isBroken = false;

  constructor(database: SimDatabase, line: Line) {
    this.#database = database;
    this.#line = line;
    this.#session = database.open();
  }

  get isOpen(): boolean {
    return !this.#isBroken;
  }

  lock(table: string): Promise<TableContent> {
    return this.#ask(false, (session) => session.lock(table));
  }

  read(table: string): Promise<TableContent> {
    return this.#ask(false, () => this.#database.content(table));
  }

  stage(change: (before: TableContent) => TableContent): Promise<void> {
    return this.#ask(false, (session) => session.stage(change));
  }

  commit(): Promise<void> {
    return this.#ask(true, (session) => session.commit());
  }

  rollback(): Promise<void> {
    return this.#ask(false, (session) => session.release());
  }

  #ask<T>(isCommit: boolean, work: (session: Session) => Promise<T> | T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const lost = (): void => {
        this.#isBroken = true;
        reject(new LostConnection());
      };
      if (this.#isBroken) return lost();
      const fate = this.#database.fate(isCommit);
      this.#line.later(() => {
        if (fate === 'lost') this.#session.end();
        if (fate === 'crash') this.#database.crash();
        if (!this.#session.isOpen) return this.#line.heard(lost);
        void Promise.resolve()
          .then(() => work(this.#session))
          .then(
            (answer) => {
              if (fate === 'arrives') return this.#line.heard(() => resolve(answer));
              this.#session.end();
              this.#line.heard(lost);
            },
            () => this.#line.heard(lost),
          );
      });
    });
  }

  /** The server notices, sooner or later. */
  close(): void {
    this.#isBroken = true;
    this.#line.later(() => this.#session.end());
  }
}
