/**
 * What we keep for a sink that keeps no marker itself, in our own store: the marker, and the message that is under way.
 *
 *   freeze: the message as it is sent, byte for byte, durable ─► send, perhaps again and again ─► take: its rows leave
 *                                                                                                the outbox
 *
 * Invariants  E7  A message that was sent is sent again with the same name and the same bytes until it was taken, through
 *                 any crash and power cut; a row of it is not sent under another name before it changes.
 */
import { journalKey } from '../state/keys.ts';
import { Batch } from '../state/store.ts';
import type { Outbox } from './outbox.ts';
import type { Marker } from './sink.ts';

export interface Message {
  /** The same for the same bytes, and for no others. */
  readonly name: string;
  readonly body: string;
  /** Which entries of the outbox it takes care of: of these layers, as of so many commits. */
  readonly keys: readonly Buffer[];
  readonly layers: readonly string[];
  readonly commits: number;
}

interface JournalRecord {
  /** Of the sink that it is about: another address has none of it. */
  readonly shape: string;
  readonly marker: Marker | null;
  /** Messages so far; none is counted twice. */
  readonly messages: number;
  readonly message: (Omit<Message, 'keys'> & { readonly keys: readonly string[] }) | null;
}

export class Journal {
  readonly #outbox: Outbox;
  readonly #sink: string;
  /** As it is stored; nobody else writes it. */
  #record: Promise<JournalRecord | null> | null = null;

  constructor(outbox: Outbox, sink: string) {
    this.#outbox = outbox;
    this.#sink = sink;
  }

  #load(): Promise<JournalRecord | null> {
    this.#record ??= this.#read();
    return this.#record;
  }

  async #read(): Promise<JournalRecord | null> {
    const bytes = await this.#outbox.get(journalKey(this.#sink));
    return bytes === null ? null : (JSON.parse(bytes.toString()) as JournalRecord);
  }

  async #save(record: JournalRecord): Promise<void> {
    const batch = new Batch();
    batch.put(journalKey(this.#sink), JSON.stringify(record));
    this.#record = null;
    await this.#outbox.commit(batch);
    this.#record = Promise.resolve(record);
  }

  /** Null when there is none for a sink of this shape. */
  async marker(shape: string): Promise<Marker | null> {
    const record = await this.#load();
    return record?.shape === shape ? record.marker : null;
  }

  /** Saves a marker. A message to another place, or of other data, is not sent any more. */
  async mark(shape: string, marker: Marker): Promise<void> {
    const record = await this.#load();
    const goesOn = record?.shape === shape && record.marker?.data === marker.data;
    await this.#save({
      shape,
      marker,
      messages: record?.messages ?? 0,
      message: goesOn ? record.message : null,
    });
  }

  /** The message that is under way, or null. */
  async message(): Promise<Message | null> {
    const message = (await this.#load())?.message ?? null;
    if (message === null) return null;
    return { ...message, keys: message.keys.map((key) => Buffer.from(key, 'base64')) };
  }

  /** Makes a message of its number; it and all commits before it survive a power cut when this returns (E7). */
  async freeze(make: (number: number) => Message): Promise<Message> {
    const record = await this.#load();
    const messages = (record?.messages ?? 0) + 1;
    const message = make(messages);
    await this.#save({
      shape: '',
      marker: null,
      ...record,
      messages,
      message: { ...message, keys: message.keys.map((key) => key.toString('base64')) },
    });
    await this.#outbox.sync();
    return message;
  }

  /** The message arrived: its rows are delivered, unless they changed since. */
  async take({ keys, layers, commits }: Message): Promise<void> {
    await this.#outbox.acknowledge(this.#sink, layers, keys, commits);
    const record = await this.#load();
    if (record !== null) await this.#save({ ...record, message: null });
  }
}
