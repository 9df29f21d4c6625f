/**
 * One HTTP exchange and what its answer means. Its whole time is bounded, and so is what is read of the answer; a redirect is
 * an answer like any other, since a message is for the address that was named.
 *
 *   2xx taken · 3xx, 4xx refused for good · 408, 409, 425, 429, 5xx, no answer: later
 */
import { failure } from '../../base/errors.ts';
import type { Fetch } from '../../ports/network.ts';
import { after } from '../../ports/timers.ts';
import type { Target } from './target.ts';

const ANSWER_BYTES_MAX = 64_000;
const REASON_CHARACTERS_MAX = 200;
/** Too slow, the same message is being worked on, too early, too many: statuses that pass. */
const PASSING: ReadonlySet<number> = new Set([408, 409, 425, 429]);

export interface Exchange {
  readonly fetch: Fetch;
  readonly target: Target;
  readonly place: string;
  readonly timeoutMs: number;
  /** Told when the answer says how long to wait. */
  readonly onWait: (ms: number) => void;
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
}

/** @throws SINK_REFUSED, SINK_UNAVAILABLE */
export async function postMessage(exchange: Exchange, name: string, body: string): Promise<void> {
  const { place, target, onWait } = exchange;
  const { status, retryAfter, text } = await exchangeOnce(exchange, {
    method: 'POST',
    headers: { ...target.headers, 'content-type': 'application/json', 'idempotency-key': name },
    body,
  });
  if (status >= 200 && status < 300) return;
  const said = target.scrub(text.replaceAll(/\s+|\p{Cc}+/gu, ' ').trim()).slice(0, REASON_CHARACTERS_MAX);
  const reason = `it answered ${status}${said === '' ? '' : `: ${said}`}`;
  if (status >= 500 || PASSING.has(status)) {
    if (/^\d{1,6}$/.test(retryAfter ?? '')) onWait(Number(retryAfter) * 1000);
    throw failure('SINK_UNAVAILABLE', { place, reason });
  }
  if (status >= 300 && status < 400)
    throw failure('SINK_REFUSED', { place, reason: `it answered ${status}, and redirects are not followed` });
  throw failure('SINK_REFUSED', { place, reason });
}

/** Looks whether somebody answers there and takes these headers. @throws SINK_REFUSED, SINK_UNAVAILABLE */
export async function lookAt(exchange: Exchange): Promise<void> {
  const { place, target } = exchange;
  const { status } = await exchangeOnce(exchange, { method: 'HEAD', headers: { ...target.headers } });
  // Many that take a POST know no HEAD: what else they answer says nothing.
  if (status === 401)
    throw failure('SINK_REFUSED', { place, reason: 'it answered 401 to HEAD: the credentials do not count' });
  if (status >= 300 && status < 400)
    throw failure('SINK_REFUSED', {
      place,
      reason: `it answered ${status} to HEAD, and redirects are not followed`,
    });
}

async function exchangeOnce(
  exchange: Exchange,
  options: { readonly method: string; readonly headers: Record<string, string>; readonly body?: string },
): Promise<Answer> {
  const { target, place, timeoutMs } = exchange;
  const over = new AbortController();
  const stop = after(timeoutMs, () => over.abort());
  try {
    const signal = over.signal;
    const response = await exchange.fetch(target.url, { ...options, redirect: 'manual', signal });
    const { status, headers } = response;
    return { status, retryAfter: headers.get('retry-after'), text: await beginningOf(response) };
  } catch (error) {
    const reason = over.signal.aborted ? `no answer within ${timeoutMs / 1000} s` : reasonOf(error);
    throw failure('SINK_UNAVAILABLE', { place, reason: target.scrub(reason) });
  } finally {
    stop();
  }
}

/** The status has been heard: an answer that breaks off behind it is only shorter. */
async function beginningOf({ body }: Response): Promise<string> {
  if (body === null) return '';
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const piece of body) {
      pieces.push(piece as Uint8Array);
      bytes += (piece as Uint8Array).length;
      if (bytes > ANSWER_BYTES_MAX) break;
    }
  } catch {
    // What came is what we show.
  }
  return Buffer.concat(pieces).subarray(0, ANSWER_BYTES_MAX).toString('utf8');
}

/** What the platform hides behind "fetch failed". */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  const { code, message: inner } = (cause ?? {}) as NodeJS.ErrnoException;
  return [code, inner ?? message].filter((part) => part !== undefined && part !== '').join(': ');
}
