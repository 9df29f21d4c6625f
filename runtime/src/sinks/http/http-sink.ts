/**
 * Posts the changes of a view to an address. Whoever receives them keeps no marker for us, so this sink is at-least-once: it
 * keeps the marker in a journal of our own store, and a message there before it is sent.
 *
 *   POST  idempotency-key: delays_http-<data>-<generation>-<number>
 *   { version, sink, pipeline, view, data, generation, number, position, reset, complete, changes: [{ id, row, count? }] }
 *
 * `id` tells a row from all others of the view; `row` is null when it is gone. `reset` says that what came before is not
 * there any more; `complete` that with this message the receiver has the view as it was at `position`. One message is under
 * way at a time, and they come in the order of their numbers. A message comes again with the same key and the same bytes.
 */
import process from 'node:process';
import { CodedError } from '../../base/coded-error.ts';
import { failure } from '../../base/errors.ts';
import type { HttpTarget } from '../../config/http-target.ts';
import { type Fetch, systemFetch } from '../../ports/network.ts';
import { hashOf } from '../columns.ts';
import type { Environment } from '../environment.ts';
import type { Journal, Message } from '../journal.ts';
import {
  type Claim,
  claimed,
  type Delivery,
  type KeyedRowChange,
  type Marker,
  refuseClaim,
  refuseDelivery,
  type Sink,
} from '../sink.ts';
import { type Exchange, lookAt, postMessage } from './exchange.ts';
import { type Target, targetOf } from './target.ts';

export interface HttpSinkOptions extends Omit<HttpTarget, 'kind'> {
  readonly pipeline: string;
  readonly view: string;
  readonly sink: string;
  /** Null for a look that delivers nothing. */
  readonly journal: Journal | null;
  readonly environment?: Environment;
  readonly fetch?: Fetch;
}

const BODY_BYTES_MAX = 1_000_000;

/** As JSON, the texts of changes. */
interface Piece {
  readonly keys: Buffer[];
  readonly texts: string[];
}

export class HttpSink implements Sink {
  readonly guarantee = 'at-least-once';
  readonly place: string;
  readonly shape: string;
  waitMs = 0;
  readonly #options: HttpSinkOptions;
  readonly #target: Target | CodedError;

  constructor(options: HttpSinkOptions) {
    const { sink, url, environment = process.env } = options;
    this.#options = options;
    // Commands that do not deliver work without the variables.
    this.#target = orError(() => targetOf(options, sink, environment));
    this.place = this.#target instanceof CodedError ? 'POST' : `POST ${this.#target.shown}`;
    this.shape = JSON.stringify(['http', url, this.place]);
  }

  get #journal(): Journal {
    const { journal, sink } = this.#options;
    if (journal === null) throw failure('SINK_INVALID', { sink, problem: 'it was opened to be looked at.' });
    return journal;
  }

  get #exchange(): Exchange {
    if (this.#target instanceof CodedError) throw this.#target;
    const { fetch = systemFetch, timeoutMs } = this.#options;
    const { place } = this;
    this.waitMs = 0;
    return { fetch, target: this.#target, place, timeoutMs, onWait: (ms) => (this.waitMs = ms) };
  }

  async check(): Promise<void> {
    await lookAt(this.#exchange);
  }

  async claim(claim: Claim): Promise<Marker | null> {
    if (this.#target instanceof CodedError) throw this.#target;
    const found = await this.#journal.marker(this.shape);
    refuseClaim(this.place, found, claim);
    await this.#journal.mark(this.shape, claimed(found, claim));
    return found;
  }

  marker(): Promise<Marker | null> {
    return this.#journal.marker(this.shape);
  }

  async resume(): Promise<void> {
    const message = await this.#journal.message();
    if (message === null) return;
    await postMessage(this.#exchange, message.name, message.body);
    await this.#journal.take(message);
  }

  async deliver(delivery: Delivery): Promise<void> {
    refuseDelivery(this.place, await this.marker(), delivery);
    if (delivery.isWhole) {
      await this.#send(delivery, { keys: [], texts: [] }, { reset: true, complete: false });
      await delivery.itemize();
    }
    let held: Piece = { keys: [], texts: [] };
    for await (const piece of this.#pieces(delivery)) {
      if (held.keys.length > 0) await this.#send(delivery, held, { reset: false, complete: false });
      held = piece;
    }
    await this.#send(delivery, held, { reset: false, complete: true });
    await this.#journal.mark(this.shape, delivery.marker);
  }

  /** Cuts what changed into messages that are bounded in rows and bytes; a row that is larger goes alone. */
  async *#pieces(delivery: Delivery): AsyncIterable<Piece> {
    const { layout } = delivery;
    let piece: Piece = { keys: [], texts: [] };
    let bytes = 0;
    for await (const some of delivery.changes()) {
      for (const change of some) {
        const text = JSON.stringify(bodyOf(change, layout));
        const size = Buffer.byteLength(text);
        const isFull = piece.keys.length >= this.#options.rows || bytes + size > BODY_BYTES_MAX;
        if (isFull && piece.keys.length > 0) {
          yield piece;
          piece = { keys: [], texts: [] };
          bytes = 0;
        }
        piece.keys.push(change.key);
        piece.texts.push(text);
        bytes += size;
      }
    }
    if (piece.keys.length > 0) yield piece;
  }

  async #send(
    delivery: Delivery,
    { keys, texts }: Piece,
    flags: { readonly reset: boolean; readonly complete: boolean },
  ): Promise<void> {
    const { sink, pipeline, view } = this.#options;
    const { layers } = delivery;
    const { data, generation, position, commits } = delivery.marker;
    await delivery.checkOwner();
    const message = await this.#journal.freeze((number): Message => {
      const head = { version: 1, sink, pipeline, view, data, generation, number, position, ...flags };
      return {
        name: `${sink}-${data}-${generation}-${number}`,
        body: `${JSON.stringify(head).slice(0, -1)},"changes":[${texts.join(',')}]}`,
        keys,
        layers,
        commits,
      };
    });
    await postMessage(this.#exchange, message.name, message.body);
    await this.#journal.take(message);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function bodyOf({ key, row, count }: KeyedRowChange, layout: Delivery['layout']): object {
  const id = hashOf(key);
  if (row === null) return { id, row };
  return { id, row: layout.toJson(row), ...(layout.shape === 'bag' && { count }) };
}

function orError<T>(work: () => T): T | CodedError {
  try {
    return work();
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}
