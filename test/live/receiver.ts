/** A receiver on loopback, in this process, whose answers a test decides. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { Receiver } from '../suites/receiver.ts';

export interface Heard {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export class LiveReceiver {
  readonly state = new Receiver();
  readonly heard: Heard[] = [];
  /** Answers instead of taking the message when it returns true. */
  onRequest: (heard: Heard, response: ServerResponse) => boolean = () => false;
  readonly #server: Server;
  port = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<LiveReceiver> {
    const receiver = new LiveReceiver();
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    receiver.port = (receiver.#server.address() as { port: number }).port;
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/rows`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { method = '', url = '', headers } = request;
    const heard = { method, url, headers, body: Buffer.concat(pieces).toString() };
    this.heard.push(heard);
    if (this.onRequest(heard, response)) return;
    if (method === 'POST') this.state.take(String(headers['idempotency-key'] ?? ''), heard.body);
    response.writeHead(method === 'POST' ? 204 : 405).end();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
