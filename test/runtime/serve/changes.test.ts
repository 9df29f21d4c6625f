import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { ViewChange } from '../../../runtime/src/host/host.ts';
import { send, start, type Started } from './harness.ts';

interface Sent {
  readonly event: string;
  readonly data: unknown;
}

/** Opens the stream and hands out its frames one by one; `: heartbeat` comes as an event of that name. */
async function follow(to: Started): Promise<{ next: () => Promise<Sent>; incoming: IncomingMessage }> {
  const path = '/api/views/delays/changes';
  const outgoing = request({ host: '127.0.0.1', port: to.port, path, agent: false }).end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const frames = framesOf(incoming);
  // The first frame is sent before the subscription counts, so a test that has it can emit.
  await frames.next();
  await frames.next();
  return {
    incoming,
    next: async () => ((await frames.next()).value ?? { event: 'end', data: null }) as Sent,
  };
}

async function* framesOf(incoming: IncomingMessage): AsyncGenerator<Sent> {
  let text = '';
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    text += chunk.toString('utf8');
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      yield frameOf(text.slice(0, end));
      text = text.slice(end + 2);
    }
  }
}

function frameOf(text: string): Sent {
  if (text.startsWith(': ')) return { event: text.slice(2), data: null };
  const line = (name: string): string =>
    text
      .split('\n')
      .find((each) => each.startsWith(`${name}: `))
      ?.slice(name.length + 2) ?? '';
  return { event: line('event'), data: line('data') === '' ? null : JSON.parse(line('data')) };
}

function changed(origin: string, flights: number | null): ViewChange {
  return { key: { origin }, row: flights === null ? null : { origin, flights } };
}

describe('changes of a view', () => {
  it('arrive together, the last row of each key', async () => {
    const to = await start({ limits: { streamFlushEveryMs: 20 } });
    const { next, incoming } = await follow(to);
    expect(incoming.headers['content-type']).toContain('text/event-stream');
    to.host.emit([changed('ATL', 1), changed('BOS', 1)]);
    to.host.emit([changed('ATL', 2)]);
    expect(await next()).toEqual({ event: 'change', data: [changed('ATL', 2), changed('BOS', 1)] });
    to.host.emit([changed('ATL', null)]);
    expect(await next()).toEqual({ event: 'change', data: [changed('ATL', null)] });
    incoming.destroy();
  });

  it('send heartbeats while nothing changes', async () => {
    const to = await start({ limits: { streamHeartbeatEveryMs: 10 } });
    const { next, incoming } = await follow(to);
    expect((await next()).event).toBe('heartbeat');
    incoming.destroy();
  });

  it('a commit that is too large for the limit becomes a reset for a client that reads', async () => {
    const to = await start({ limits: { streamBufferedBytesMax: 1000, streamFlushEveryMs: 5 } });
    const { next, incoming } = await follow(to);
    to.host.emit(Array.from({ length: 100 }, (_, i) => changed(`A${i}`, i)));
    expect(await next()).toEqual({ event: 'reset', data: {} });
    to.host.emit([changed('ATL', 3)]);
    expect(await next()).toMatchObject({ event: 'change' });
    incoming.destroy();
  });

  it('a client that does not read is dropped when its bytes pass the limit, and others go on', async () => {
    const to = await start({ limits: { streamBufferedBytesMax: 500_000, streamFlushEveryMs: 1 } });
    const slow = await openAndNeverRead(to);
    const { next, incoming } = await follow(to);
    expect(to.host.subscribers.size).toBe(2);
    const filler = 'x'.repeat(100_000);
    for (let i = 0; to.host.subscribers.size > 1; i++) {
      to.host.emit([{ key: { i }, row: { i, filler } }]);
      await next();
    }
    expect((await send(to, '/metrics')).text).toContain('pipeline_http_streams_dropped_total 1');
    to.host.emit([changed('ATL', 1)]);
    expect(await next()).toMatchObject({ data: [changed('ATL', 1)] });
    incoming.destroy();
    slow.destroy();
  });

  it('all streams share one limit: each has its part of it', async () => {
    const to = await start({ limits: { streamsBufferedBytesMax: 3000, streamFlushEveryMs: 1 } });
    const rows = Array.from({ length: 10 }, (_, i) => changed(`A${i}`, i));
    const first = await follow(to);
    to.host.emit(rows);
    expect(await first.next()).toEqual({ event: 'change', data: rows });
    const others = [await follow(to), await follow(to)];
    to.host.emit(rows);
    for (const { next, incoming } of [first, ...others]) {
      expect(await next()).toEqual({ event: 'reset', data: {} });
      incoming.destroy();
    }
  });

  it('connections beyond the limit are closed at once', async () => {
    const to = await start({ limits: { connectionsMax: 1 } });
    const { incoming } = await follow(to);
    const beyond = connect(to.port, '127.0.0.1');
    await once(beyond, 'close');
    expect(to.host.subscribers.size).toBe(1);
    incoming.destroy();
  });

  it('a client that leaves is forgotten', async () => {
    const to = await start();
    const { incoming } = await follow(to);
    incoming.destroy();
    while (to.host.subscribers.size > 0) await send(to, '/healthz');
    expect((await send(to, '/metrics')).text).toMatch(/^pipeline_http_streams 0$/m);
  });

  it('at most so many streams are open', async () => {
    const to = await start({ limits: { streamsMax: 1 } });
    const { incoming } = await follow(to);
    expect(await send(to, '/api/views/delays/changes')).toMatchObject({
      status: 503,
      json: { code: 'TOO_MANY_STREAMS' },
    });
    incoming.destroy();
  });

  it('a HEAD request opens no stream', async () => {
    const to = await start();
    expect((await send(to, '/api/views/delays/changes', { method: 'HEAD' })).status).toBe(200);
    expect(to.host.subscribers.size).toBe(0);
  });

  it('end when the server closes', async () => {
    const to = await start();
    const { next } = await follow(to);
    await to.server.close();
    expect((await next()).event).toBe('end');
  });
});

async function openAndNeverRead(to: Started): Promise<Socket> {
  const socket = connect(to.port, '127.0.0.1');
  socket.write(`GET /api/views/delays/changes HTTP/1.1\r\nHost: 127.0.0.1:${to.port}\r\n\r\n`);
  await once(socket, 'readable');
  return socket;
}
