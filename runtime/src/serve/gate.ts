/**
 * Who may ask. Runs before any routing, on the raw request.
 *
 *   target ─► Host ─► Origin (everything but GET and HEAD) ─► token ─► routes
 *     400      400/403    403                                  401
 *
 * A page of another site can make a browser send requests to this machine; it cannot choose their Host header (so a name
 * that was rebound to 127.0.0.1 is refused), it cannot hide its Origin, and it cannot read answers, since no CORS header
 * is ever sent.
 *
 * Invariants  I1  Without a token only the names of this machine with the port that is bound are answered.
 *             I2  With a token no data leaves without it: only /healthz and the page itself, which carries none, are free.
 *             I3  Tokens are compared as digests in constant time, and come in a header, never in an address.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { HttpProblem } from './problem.ts';

export interface Gate {
  /** Host headers that are answered; null where a token guards instead. */
  readonly hosts: ReadonlySet<string> | null;
  readonly tokenDigest: Buffer | null;
}

const HOST_SHAPE = /^(?:[a-z0-9](?:[a-z0-9._-]{0,252}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$/;

/** The Host headers by which a listener on this address and port may be called. */
export function hostsOf(address: string, port: number): ReadonlySet<string> {
  const literal = address.includes(':') ? `[${address}]` : address;
  const names = ['localhost', '127.0.0.1', '[::1]', literal.toLowerCase()];
  const withPort = names.map((name) => `${name}:${port}`);
  return new Set(port === 80 ? [...withPort, ...names] : withPort);
}

export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Why the request is refused, or null when it may go on. */
export function refusalOf(request: IncomingMessage, gate: Gate): HttpProblem | null {
  if (request.url?.startsWith('/') !== true) {
    return new HttpProblem(400, 'TARGET_INVALID', 'The request target must be a path such as /api/status.');
  }
  return hostRefusal(request, gate) ?? originRefusal(request, gate) ?? tokenRefusal(request, gate);
}

function hostRefusal(request: IncomingMessage, gate: Gate): HttpProblem | null {
  const sent = request.rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host').length;
  if (sent !== 1) {
    return new HttpProblem(
      400,
      'HOST_INVALID',
      `A request needs exactly one Host header; this one has ${sent}.`,
    );
  }
  const host = hostOf(request);
  if (!HOST_SHAPE.test(host)) {
    return new HttpProblem(400, 'HOST_INVALID', 'The Host header is not a name or an address with a port.');
  }
  if (gate.hosts === null || gate.hosts.has(host)) return null;
  return new HttpProblem(
    403,
    'HOST_REFUSED',
    `This pipeline does not answer to that Host header. It answers to ${[...gate.hosts].slice(0, 3).join(', ')}.`,
  );
}

function originRefusal(request: IncomingMessage, gate: Gate): HttpProblem | null {
  if (request.method === 'GET' || request.method === 'HEAD') return null;
  const refused = new HttpProblem(
    403,
    'ORIGIN_REFUSED',
    'Only pages of this pipeline itself may send this request.',
  );
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return refused;
  const origin = request.headers.origin;
  if (origin === undefined) return null;
  const host = hostOf(request);
  // Behind a proxy that ends TLS the page's own origin is https; that is only possible with a token.
  const own = gate.tokenDigest === null ? [`http://${host}`] : [`http://${host}`, `https://${host}`];
  return own.includes(origin.toLowerCase()) ? null : refused;
}

function tokenRefusal(request: IncomingMessage, gate: Gate): HttpProblem | null {
  if (gate.tokenDigest === null || isPublic(request)) return null;
  const match = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '');
  if (match !== null && timingSafeEqual(digestOf(match[1] ?? ''), gate.tokenDigest)) return null;
  return new HttpProblem(
    401,
    'TOKEN_NEEDED',
    'Send the token of this pipeline as "Authorization: Bearer …".',
    {
      headers: { 'www-authenticate': 'Bearer realm="pipeline"' },
    },
  );
}

/** The page and its assets are the same for everyone and hold no data; a browser cannot send a token to load them. */
function isPublic(request: IncomingMessage): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  return path === '/healthz' || path === '/' || path.startsWith('/assets/');
}

function hostOf(request: IncomingMessage): string {
  return (request.headers.host ?? '').toLowerCase();
}
