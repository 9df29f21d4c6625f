/**
 * What sinks have not got yet, noted in the commit that changed it. Whoever writes rows of a view does so through a store, so
 * this one looks at what goes through it:
 *
 *   put v|live|delays|ATL ─► the same commit ─► o|delays_files|live|ATL = 17    (the number of the commit)
 *   all of v|live|delays  ─► the same commit ─► w|delays_files|live     = 17
 *   delivered up to 17    ─► a later commit removes what has no larger number
 *
 * One entry for each row, however often it changed: what waits is never more than the view. The store's commits are
 * counted in it, so that a sink that has seen more of them than are there tells that a power cut took some away.
 *
 * Invariants  E6  A row that a sink may have otherwise is in its outbox, after any crash.
 */
import { Turns } from '../base/turns.ts';
import { journalKey, metaKey, outboxPrefix, prefixOf } from '../state/keys.ts';
import {
  Batch,
  type Entry,
  type Operation,
  prefixRange,
  type Range,
  type Reads,
  type ScanOptions,
  type Snapshot,
  type Store,
} from '../state/store.ts';

export interface OutboxSink {
  readonly name: string;
  readonly view: string;
}

/** What a store knows about a sink. */
export interface SinkRecord {
  /** Of everything that its content depends on beside the rows. */
  readonly shape: string;
  readonly data: string;
  /** Of the owner who left the sink so; records of version 0.1.0 do not say. */
  readonly generation?: number;
  readonly sequence: number;
  readonly position: number;
  /** Epochs that readers had seen then; absent before version 0.2. */
  readonly epoch?: number;
  readonly deliveredAtMs: number | null;
  /** Whether its content cannot be trusted until all rows were delivered. */
  readonly isSuspect: boolean;
  /** The fewest commits that the store was opened with since the sink's marker was last looked at. */
  readonly commitsMin: number;
}

/** What a commit added to what a sink has not got. */
export interface Added {
  readonly rows: number;
  readonly bytes: number;
}

function add(to: Map<string, Added>, sink: string, rows: number, bytes: number): void {
  const before = to.get(sink) ?? { rows: 0, bytes: 0 };
  to.set(sink, { rows: before.rows + rows, bytes: before.bytes + bytes });
}

const COMMITS = metaKey('outbox');
/** Which layers readers see is part of these. */
const ALIASES: ReadonlySet<string> = new Set(['m|kappa', 'm|lambda']);
const PIECE_ENTRIES = 4096;

export class Outbox implements Store {
  readonly #store: Store;
  readonly #sinks: readonly OutboxSink[];
  readonly #turns = new Turns();
  readonly #records = new Map<string, SinkRecord>();
  #commits: number;
  /** Called after a commit with what it added for a sink, in rows and bytes of them; 0: readers may see other layers. */
  onCommit: (sink: string, added: Added) => void = () => {};

  private constructor(store: Store, sinks: readonly OutboxSink[], commits: number) {
    this.#store = store;
    this.#sinks = sinks;
    this.#commits = commits;
  }

  /** Opens the outbox; what it holds for other sinks than these goes. */
  static async open(store: Store, sinks: readonly OutboxSink[]): Promise<Outbox> {
    const outbox = new Outbox(store, sinks, await commitsIn(store));
    const batch = new Batch();
    for await (const { key } of store.scan(prefixRange(metaKey('sink-')))) {
      const name = key.toString().slice(metaKey('sink-').length);
      if (sinks.some((sink) => sink.name === name)) continue;
      batch.delete(key);
      batch.delete(journalKey(name));
      for (const kind of ['o', 'w'] as const) batch.deleteRange(prefixRange(outboxPrefix(kind, name)));
    }
    for (const { name } of sinks) await outbox.#openRecord(name, batch);
    await store.commit(batch);
    return outbox;
  }

  async #openRecord(name: string, batch: Batch): Promise<void> {
    const bytes = await this.#store.get(recordKey(name));
    if (bytes === null) return;
    const record = JSON.parse(bytes.toString()) as SinkRecord;
    const commitsMin = Math.min(record.commitsMin, this.#commits);
    this.#records.set(name, { ...record, commitsMin });
    if (commitsMin !== record.commitsMin) this.#put(name, { ...record, commitsMin }, batch);
  }

  #put(name: string, record: SinkRecord, batch: Batch): void {
    batch.put(recordKey(name), JSON.stringify(record));
    this.#records.set(name, record);
  }

  record(sink: string): SinkRecord | null {
    return this.#records.get(sink) ?? null;
  }

  async save(sink: string, record: SinkRecord): Promise<void> {
    const batch = new Batch();
    this.#put(sink, record, batch);
    await this.#store.commit(batch);
  }

  commit(batch: Batch): Promise<void> {
    return this.#turns.take(() => this.#commitNow(batch));
  }

  async #commitNow(batch: Batch): Promise<void> {
    const marks = new Batch();
    const added = new Map<string, Added>();
    const number = String(this.#commits + 1);
    let movesReaders = false;
    for (const operation of batch.operations) {
      if (operation.kind === 'delete-range') await this.#markRange(operation, number, marks, added);
      else if (isRow(operation.key)) this.#markRow(operation, number, marks, added);
      else movesReaders ||= operation.kind === 'put' && ALIASES.has(operation.key.toString());
    }
    if (marks.operations.length === 0) await this.#store.commit(batch);
    else {
      const all = new Batch();
      for (const each of [batch, marks])
        for (const operation of each.operations) all.operations.push(operation);
      all.put(COMMITS, number);
      await this.#store.commit(all);
      this.#commits++;
    }
    if (movesReaders) for (const { name } of this.#sinks) add(added, name, 0, 0);
    for (const [sink, each] of added) this.onCommit(sink, each);
  }

  #markRow(
    operation: Exclude<Operation, { kind: 'delete-range' }>,
    number: string,
    marks: Batch,
    added: Map<string, Added>,
  ): void {
    const { key } = operation;
    const [layer, view, at] = namesOf(key);
    for (const { name, view: wanted } of this.#sinks) {
      if (wanted !== view) continue;
      marks.put(Buffer.concat([outboxPrefix('o', name, layer), key.subarray(at)]), number);
      const size = key.length + (operation.kind === 'put' ? operation.value.length : 0);
      add(added, name, 1, size);
    }
  }

  async #markRange(range: Range, number: string, marks: Batch, added: Map<string, Added>): Promise<void> {
    if (!isRow(range.gte)) return;
    const [layer, view, at] = namesOf(range.gte);
    for (const { name, view: wanted } of this.#sinks) {
      if (view !== '' && view !== wanted) continue;
      const whole = prefixOf('v', layer, wanted);
      if (view === '' || (range.gte.length === at && range.lt.equals(prefixRange(whole).lt))) {
        marks.put(outboxPrefix('w', name, layer), number);
        add(added, name, 0, 0);
        continue;
      }
      for await (const { key } of this.#store.scan(range))
        this.#markRow({ kind: 'delete', key }, number, marks, added);
      break;
    }
  }

  /** The layers of which a sink has not got everything: all of it, or some rows. */
  async waiting(reads: Reads, sink: string, layer: string): Promise<'all' | 'some' | 'none'> {
    if ((await reads.get(outboxPrefix('w', sink, layer))) !== null) return 'all';
    for await (const _ of reads.scan(prefixRange(outboxPrefix('o', sink, layer)), { limit: 1 }))
      return 'some';
    return 'none';
  }

  /** The keys of rows of a layer that a sink has not got yet, in their order, in pieces. */
  async *keys(reads: Reads, sink: string, layer: string): AsyncIterable<readonly Buffer[]> {
    const prefix = outboxPrefix('o', sink, layer);
    for await (const piece of inPieces(reads.scan(prefixRange(prefix))))
      yield piece.map(({ key }) => key.subarray(prefix.length));
  }

  /** Those of some keys that none of these layers has noted. */
  async unknownTo(
    reads: Reads,
    sink: string,
    layers: readonly string[],
    keys: readonly Buffer[],
  ): Promise<readonly Buffer[]> {
    let unknown = keys;
    for (const layer of layers) {
      const prefix = outboxPrefix('o', sink, layer);
      const found = await reads.getMany(unknown.map((key) => Buffer.concat([prefix, key])));
      unknown = unknown.filter((_, index) => (found[index] ?? null) === null);
    }
    return unknown;
  }

  /** How many the entries of a sink are, of all layers, and how many bytes. */
  async sizeOf(sink: string): Promise<{ readonly rows: number; readonly bytes: number }> {
    let [rows, bytes] = [0, 0];
    for await (const { key } of this.#store.scan(prefixRange(outboxPrefix('o', sink)))) {
      rows++;
      bytes += key.length;
    }
    return { rows, bytes };
  }

  /** Notes rows one by one as of a commit, where nothing later is noted: for what was noted as all of a layer. */
  itemize(sink: string, layer: string, keys: readonly Buffer[], commits: number): Promise<void> {
    const prefix = outboxPrefix('o', sink, layer);
    return this.#turns.take(async () => {
      const entries = keys.map((key) => Buffer.concat([prefix, key]));
      const found = await this.#store.getMany(entries);
      const batch = new Batch();
      for (const [index, entry] of entries.entries())
        if ((found[index] ?? null) === null) batch.put(entry, String(commits));
      await this.#store.commit(batch);
    });
  }

  /** All rows were noted one by one up to a commit: from here on a sink lacks these. Saves its record with that. */
  async itemized(sink: string, commits: number, record: SinkRecord): Promise<void> {
    for await (const piece of inPieces(this.#store.scan(prefixRange(outboxPrefix('w', sink)))))
      await this.#turns.take(() => this.#remove(piece, commits));
    await this.save(sink, record);
  }

  /** Removes what the first `commits` commits noted of some rows, and nothing later did. */
  async acknowledge(
    sink: string,
    layers: readonly string[],
    keys: readonly Buffer[],
    commits: number,
  ): Promise<void> {
    for (const layer of layers) {
      const prefix = outboxPrefix('o', sink, layer);
      const piece = keys.map((key) => ({ key: Buffer.concat([prefix, key]) }));
      await this.#turns.take(() => this.#remove(piece, commits));
    }
  }

  /**
   * Saves a sink's record, and then removes what the first `commits` commits noted for it and nothing later did. In this order:
   * the content before, restored by somebody, must not be what the record says when the rows in between are noted no more.
   */
  async clear(sink: string, commits: number, record: SinkRecord | null): Promise<void> {
    if (record !== null) await this.save(sink, record);
    for (const kind of ['o', 'w'] as const) {
      for await (const piece of inPieces(this.#store.scan(prefixRange(outboxPrefix(kind, sink)))))
        await this.#turns.take(() => this.#remove(piece, commits));
    }
  }

  async #remove(piece: readonly Pick<Entry, 'key'>[], commits: number): Promise<void> {
    const keys = piece.map(({ key }) => key);
    const values = await this.#store.getMany(keys);
    const batch = new Batch();
    for (const [index, key] of keys.entries())
      if (Number(values[index]?.toString() ?? Infinity) <= commits) batch.delete(key);
    await this.#store.commit(batch);
  }

  get(key: Buffer): Promise<Buffer | null> {
    return this.#store.get(key);
  }

  getMany(keys: readonly Buffer[]): Promise<readonly (Buffer | null)[]> {
    return this.#store.getMany(keys);
  }

  scan(range: Range, options?: ScanOptions): AsyncIterable<Entry> {
    return this.#store.scan(range, options);
  }

  snapshot(): Snapshot {
    return this.#store.snapshot();
  }

  sync(): Promise<void> {
    return this.#store.sync();
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

/** How many commits noted something, as of a moment. */
export async function commitsIn(reads: Reads): Promise<number> {
  return Number((await reads.get(COMMITS))?.toString() ?? 0);
}

function recordKey(sink: string): Buffer {
  return metaKey(`sink-${sink}`);
}

const V = 'v'.charCodeAt(0);
const BAR = '|'.charCodeAt(0);

function isRow(key: Buffer): boolean {
  return key[0] === V && key[1] === BAR;
}

/** Layer and view of `v|layer|view|…`, and where the rest begins; the view is empty for a prefix of all views. */
function namesOf(key: Buffer): readonly [layer: string, view: string, at: number] {
  const afterLayer = key.indexOf(BAR, 2);
  const layer = key.toString('latin1', 2, afterLayer);
  const afterView = key.indexOf(BAR, afterLayer + 1);
  if (afterView < 0) return [layer, '', key.length];
  return [layer, key.toString('latin1', afterLayer + 1, afterView), afterView + 1];
}

async function* inPieces(entries: AsyncIterable<Entry>): AsyncIterable<readonly Entry[]> {
  let piece: Entry[] = [];
  for await (const entry of entries) {
    piece.push(entry);
    if (piece.length < PIECE_ENTRIES) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}
