/** Stands between a client and a server, and cuts what the server says at a byte. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export class Proxy {
  readonly #sockets = new Set<Socket>();
  readonly #server;
  port = 0;
  /** After so many bytes from the server, counted over all connections, the connection is cut, once. */
  cutAfter = Infinity;
  /** What the server has said. */
  bytes = 0;
  cuts = 0;
  /** Nothing is passed on, and nobody is told. */
  isSilent = false;

  private constructor(target: number) {
    this.#server = createServer((client) => this.#join(client, connect(target, '127.0.0.1')));
  }

  static async start(target: number): Promise<Proxy> {
    const proxy = new Proxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    proxy.port = (proxy.#server.address() as { port: number }).port;
    return proxy;
  }

  #join(client: Socket, server: Socket): void {
    const cut = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        cut();
      });
    }
    client.on('data', (bytes) => {
      if (!this.isSilent) server.write(bytes);
    });
    server.on('data', (bytes) => {
      const left = this.cutAfter - this.bytes;
      this.bytes += bytes.length;
      if (bytes.length < left) return void client.write(bytes);
      this.cutAfter = Infinity;
      this.cuts++;
      // The client reads what came before the cut, and no more.
      client.end(bytes.subarray(0, Math.max(0, left)));
      server.destroy();
    });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
