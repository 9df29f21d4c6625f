/** Starts servers over a host in memory, and sends raw requests: `fetch` would not let a test forge a Host header. */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach } from 'vitest';
import type { ServeLimits } from '../../../runtime/src/serve/limits.ts';
import type { ServeLogger } from '../../../runtime/src/serve/logger.ts';
import { startServer, type RunningServer } from '../../../runtime/src/serve/server.ts';
import { MemoryHost } from './memory-host.ts';

const open: RunningServer[] = [];

afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

export const silent: ServeLogger = { debug() {}, info() {}, warn() {}, error() {} };

interface Settings {
  readonly host?: MemoryHost;
  readonly token?: string;
  readonly address?: string;
  readonly socketPath?: string;
  readonly limits?: Partial<ServeLimits>;
}

export interface Started {
  readonly host: MemoryHost;
  readonly server: RunningServer;
  readonly port: number;
}

export async function start(settings: Settings = {}): Promise<Started> {
  const host = settings.host ?? new MemoryHost();
  const { socketPath, address = '127.0.0.1' } = settings;
  const server = await startServer({
    host,
    listen: socketPath === undefined ? { address, port: 0 } : { socketPath },
    token: settings.token,
    logger: silent,
    limits: { closeTimeoutMs: 50, ...settings.limits },
  });
  open.push(server);
  return { host, server, port: socketPath === undefined ? Number(new URL(server.url).port) : 0 };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** The body as JSON. */
  readonly json: Record<string, unknown>;
}

interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** One request with exactly these headers, and the Host of the server unless another is given. */
export async function send(to: Started, path: string, ask: Ask = {}): Promise<Answer> {
  const outgoing = request({
    host: '127.0.0.1',
    port: to.port,
    path,
    method: ask.method ?? 'GET',
    headers: { host: `127.0.0.1:${to.port}`, ...ask.headers },
    agent: false,
  });
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  outgoing.end(ask.body);
  const [incoming] = await answered;
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const isJson = /json/.test(incoming.headers['content-type'] ?? '') && text !== '';
  const json = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>;
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, text, json };
}

export function post(
  to: Started,
  path: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return send(to, path, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** Bytes as they are, for requests that no client would send. The status line and all after it. */
export async function sendRaw(to: Started, bytes: string): Promise<string> {
  const socket = connect(to.port, '127.0.0.1');
  socket.end(bytes);
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
