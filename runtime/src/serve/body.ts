/**
 * Bodies of POST requests, as the lines that the host ingests.
 *
 *   application/x-ndjson, application/jsonl   streamed as they come, never held whole
 *   application/json                          one event or an array; held whole, because half a document must add nothing
 *
 * Invariants  I1  An element of an array reaches the host with the bytes it was sent with: numbers keep their digits.
 *             I2  A document that is not JSON adds no event.
 *             I3  Never more than `bufferedDocumentsBytesMax` of documents are held, whoever sends them.
 */
import type { IncomingMessage } from 'node:http';
import { after } from '../ports/timers.ts';
import type { ServeLimits } from './limits.ts';
import { HttpProblem } from './problem.ts';

const [SPACE, NEWLINE, RETURN, QUOTE, COMMA, BACKSLASH] = [0x20, 0x0a, 0x0d, 0x22, 0x2c, 0x5c] as const;
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

export type BodyKind = 'document' | 'lines';

const BODY_KINDS: ReadonlyMap<string, BodyKind> = new Map([
  ['application/json', 'document'],
  ['application/x-ndjson', 'lines'],
  ['application/jsonl', 'lines'],
]);

/** A plain form can only send types that are not in this list, so a page of another site needs a preflight, and fails. */
export function readBodyKind(request: IncomingMessage, allowed: readonly BodyKind[]): BodyKind {
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim());
  const kind = BODY_KINDS.get(type.toLowerCase());
  if (kind === undefined || !allowed.includes(kind)) {
    const known = [...BODY_KINDS].filter(([, each]) => allowed.includes(each)).map(([name]) => name);
    throw unsupported(`The content type must be ${known.join(' or ')}.`);
  }
  const charset = parameters.find((part) => part.toLowerCase().startsWith('charset='));
  if (charset !== undefined && !/^charset="?utf-?8"?$/i.test(charset))
    throw unsupported('JSON is sent as UTF-8.');
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw unsupported('The body must not be compressed.');
  return kind;
}

function unsupported(detail: string): HttpProblem {
  return new HttpProblem(415, 'CONTENT_TYPE_UNSUPPORTED', detail);
}

/** Refuses a body whose announced length is already too much, before reading any of it. */
export function refuseLength(request: IncomingMessage, bytesMax: number): void {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge(bytesMax);
}

export function tooLarge(bytesMax: number, members: Readonly<Record<string, unknown>> = {}): HttpProblem {
  const detail = `A body has at most ${bytesMax} bytes. Send the events in several requests.`;
  return new HttpProblem(413, 'BODY_TOO_LARGE', detail, { members });
}

/** A body that ends at its limit: what came before it counts, and `exceeded` says that there was more. */
export class LimitedBody implements AsyncIterable<Uint8Array> {
  readonly #request: IncomingMessage;
  readonly #bytesMax: number;
  exceeded = false;

  constructor(request: IncomingMessage, bytesMax: number) {
    this.#request = request;
    this.#bytesMax = bytesMax;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    let left = this.#bytesMax;
    // The connection must survive an early stop, or the sender would never read the answer.
    for await (const chunk of this.#request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (chunk.length > left) {
        this.exceeded = true;
        // Up to the last whole line, so that the cut does not make a malformed event.
        const within = chunk.subarray(0, left);
        yield within.subarray(0, within.lastIndexOf(NEWLINE) + 1);
        return;
      }
      left -= chunk.length;
      yield chunk;
    }
  }
}

/**
 * Reads and throws away what is left of a body, within limits. An answer that is sent while the other side still writes
 * can be lost: the connection is reset under it.
 */
export function discardRest(request: IncomingMessage, bytesMax: number, timeoutMs: number): Promise<void> {
  if (request.readableEnded || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let left = bytesMax;
    const count = (chunk: Buffer): void => {
      left -= chunk.length;
      if (left < 0) done();
    };
    const done = (): void => {
      stop();
      request.off('data', count);
      resolve();
    };
    const stop = after(timeoutMs, done);
    request.once('end', done).once('close', done).on('data', count).resume();
  });
}

/** Holds documents until they are whole, all of them together within one limit. */
export class DocumentReader {
  readonly #limits: ServeLimits;
  #heldBytes = 0;

  constructor(limits: ServeLimits) {
    this.#limits = limits;
  }

  /** The document's bytes, checked to be JSON, and its value. */
  async read(request: IncomingMessage, bytesMax: number): Promise<{ bytes: Buffer; value: unknown }> {
    refuseLength(request, bytesMax);
    const body = new LimitedBody(request, bytesMax);
    const chunks: Uint8Array[] = [];
    let ownBytes = 0;
    try {
      for await (const chunk of body) {
        ownBytes += chunk.length;
        this.#heldBytes += chunk.length;
        if (this.#heldBytes > this.#limits.bufferedDocumentsBytesMax) throw busy();
        chunks.push(chunk);
      }
      if (body.exceeded) throw tooLarge(bytesMax);
      const bytes = Buffer.concat(chunks);
      return { bytes, value: parse(bytes) };
    } finally {
      this.#heldBytes -= ownBytes;
    }
  }
}

function busy(): HttpProblem {
  return new HttpProblem(
    503,
    'TOO_MANY_DOCUMENTS',
    'Too many large documents are being sent. Try again, or send lines.',
    {
      headers: { 'retry-after': '1' },
    },
  );
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message.slice(0, 200) : 'the bytes are not UTF-8';
    throw new HttpProblem(400, 'BODY_INVALID', `The body is not JSON: ${reason}.`);
  }
}

/**
 * Rewrites valid JSON in place as lines: one for each element of an array, or one for the whole document. Only white
 * space, the outer brackets and the commas between elements change (I1).
 */
export function documentToLines(bytes: Buffer, isArray: boolean): Buffer {
  let depth = 0;
  let inString = false;
  for (let i = bytes[0] === 0xef ? 3 : 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (inString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === NEWLINE || byte === RETURN) bytes[i] = SPACE;
    else if (OPENING.has(byte)) {
      depth++;
      if (isArray && depth === 1) bytes[i] = SPACE;
    } else if (CLOSING.has(byte)) {
      if (isArray && depth === 1) bytes[i] = SPACE;
      depth--;
    } else if (isArray && byte === COMMA && depth === 1) bytes[i] = NEWLINE;
  }
  if (bytes[0] === 0xef) bytes.fill(SPACE, 0, 3);
  return bytes;
}
