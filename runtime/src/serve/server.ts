/**
 * The HTTP server of a running pipeline: one over TCP for people, pages and senders, one over a socket file for the
 * commands of the same machine. Both answer from the same host.
 *
 *   TCP      ─► gate (Host, Origin, token) ─► routes, dashboard
 *   socket   ─────────────────────────────► routes, commands        its file mode is the gate
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { createMetrics } from '../observe/metrics.ts';
import { createServer } from '../ports/network.ts';
import { after } from '../ports/timers.ts';
import type { ChangeStream } from './change-stream.ts';
import { digestOf, hostsOf, refusalOf, type Gate } from './gate.ts';
import { startHistory } from './history.ts';
import type { Host } from '../host/host.ts';
import { SERVE_LIMITS, type ServeLimits } from './limits.ts';
import { listenSocket, listenTcp, type TcpAddress } from './listen.ts';
import type { ServeLogger } from './logger.ts';
import { headersOf, HttpProblem, PROBLEM_TYPE, problemOf } from './problem.ts';
import { createRoutes, problemResponse } from './routes.ts';

export interface ServeOptions {
  readonly host: Host;
  readonly listen: TcpAddress | { readonly socketPath: string };
  /** Needed on every address but loopback; an empty one counts as none. */
  readonly token?: string | undefined;
  readonly logger: ServeLogger;
  readonly limits?: Partial<ServeLimits>;
}

export interface RunningServer {
  /** Where a browser finds the dashboard; `unix:` and the path for a socket. */
  readonly url: string;
  /** Ends the streams, waits for answers that are under way, then closes. */
  close(): Promise<void>;
}

const TOKEN_CHARACTERS_ADVISED = 16;

/** @throws USAGE, PORT_IN_USE, LISTEN_FAILED, CONTROL_SOCKET_IN_USE */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const { host, listen, logger } = options;
  const limits = { ...SERVE_LIMITS, ...options.limits };
  const isControl = 'socketPath' in listen;
  const token = isControl || options.token === '' ? undefined : options.token;
  const metrics = createMetrics();
  const streams = new Set<ChangeStream>();
  const history = startHistory(host, limits);
  let closing = false;
  const app = createRoutes({
    host,
    limits,
    metrics,
    history,
    logger,
    isControl,
    isClosing: () => closing,
    streams,
  });
  const handle = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    hostname: 'localhost',
    errorHandler: (error) => problemResponse(malformed(error)),
  });
  let gate: Gate | null = null;
  const server = createServer({ requireHostHeader: false, maxHeaderSize: 16_384 }, (request, response) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    const refused = gate === null ? null : refusalOf(request, gate);
    if (refused === null) return void handle(request, response);
    metrics.httpRequests.inc({ route: 'refused', method: request.method ?? '', status: refused.status });
    return refuse(request, response, refused);
  });
  server.headersTimeout = limits.headersTimeoutMs;
  server.requestTimeout = isControl ? 0 : limits.requestTimeoutMs;
  if (!isControl) server.maxConnections = limits.connectionsMax;
  server.on('clientError', answerClientError);
  try {
    if (isControl) await listenSocket(server, listen.socketPath);
    else gate = await openTcp(server, listen, token, logger);
  } catch (error) {
    history.stop();
    throw error;
  }
  return {
    url: isControl ? `unix:${listen.socketPath}` : urlOf(server),
    async close() {
      closing = true;
      history.stop();
      for (const stream of streams) stream.end();
      await closed(server, limits.closeTimeoutMs);
    },
  };
}

async function openTcp(
  server: Server,
  listen: TcpAddress,
  token: string | undefined,
  logger: ServeLogger,
): Promise<Gate> {
  const bound = await listenTcp(server, listen, token !== undefined);
  if (token === undefined) return { hosts: hostsOf(bound.address, bound.port), tokenDigest: null };
  if (token.length < TOKEN_CHARACTERS_ADVISED) {
    logger.warn(
      { characters: token.length },
      `the token is short; ${TOKEN_CHARACTERS_ADVISED} random characters are safe`,
    );
  }
  return { hosts: null, tokenDigest: digestOf(token) };
}

function urlOf(server: Server): string {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') return '';
  const wildcard = bound.address === '0.0.0.0' || bound.address === '::';
  const name = wildcard ? 'localhost' : bound.address.includes(':') ? `[${bound.address}]` : bound.address;
  return `http://${name}:${bound.port}`;
}

/** Sent with every answer. There is no CORS header among them, and none is sent anywhere else. */
const SECURITY_HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const;

function refuse(request: IncomingMessage, response: ServerResponse, problem: HttpProblem): void {
  // The body was not read and is not wanted, so the connection ends with this answer.
  response.writeHead(problem.status, {
    ...problem.headers,
    'content-type': PROBLEM_TYPE,
    connection: 'close',
  });
  response.end(request.method === 'HEAD' ? undefined : JSON.stringify(problemOf(problem)));
}

function malformed(error: unknown): unknown {
  const isRequest = error instanceof Error && error.name === 'RequestError';
  return isRequest ? new HttpProblem(400, 'REQUEST_INVALID', 'The request is not valid HTTP.') : error;
}

/** Bytes that are not HTTP, headers that never end or are too long: one answer in plain HTTP, then goodbye. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }[error.code ?? ''] ?? 400;
  const problem = new HttpProblem(
    status,
    'REQUEST_INVALID',
    'The request is not valid HTTP, too slow or too long.',
  );
  const document = problemOf(problem);
  const body = JSON.stringify(document);
  const head = {
    ...SECURITY_HEADERS,
    ...headersOf(problem),
    'content-type': PROBLEM_TYPE,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}`);
  socket.end(`HTTP/1.1 ${status} ${document.title}\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
}

function closed(server: Server, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const stop = after(timeoutMs, () => server.closeAllConnections());
    server.close(() => {
      stop();
      resolve();
    });
    server.closeIdleConnections();
  });
}
