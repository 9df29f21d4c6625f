/** The HTTP sink against a server on loopback: what is sent, what answers mean, what is never said. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../../runtime/src/base/coded-error.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import { Batch, type Entry } from '../../../runtime/src/state/store.ts';
import { HttpSink, type HttpSinkOptions } from '../../../runtime/src/sinks/http/http-sink.ts';
import { Journal } from '../../../runtime/src/sinks/journal.ts';
import { Outbox } from '../../../runtime/src/sinks/outbox.ts';
import type { Marker } from '../../../runtime/src/sinks/sink.ts';
import { LiveReceiver } from '../../live/receiver.ts';
import { claimOf, DATA } from '../../suites/sink.suite.ts';
import { TestView } from '../../suites/sink-views.ts';

const HOUR = 3_600_000;
const SECRET = 'very-secret-token';

let receiver: LiveReceiver;
let outbox: Outbox;
beforeEach(async () => {
  receiver = await LiveReceiver.start();
  outbox = await Outbox.open(new MemoryStore(), [{ name: 'hours_http', view: 'hours' }]);
});
afterEach(() => receiver.stop());

function open(options: Partial<HttpSinkOptions> = {}): HttpSink {
  return new HttpSink({
    url: receiver.url,
    headers: {},
    rows: 500,
    timeoutMs: 5000,
    pipeline: 'things',
    view: 'hours',
    sink: 'hours_http',
    journal: new Journal(outbox, 'hours_http'),
    environment: { TOKEN: SECRET },
    ...options,
  });
}

const markerOf = (sequence: number): Marker => ({
  data: DATA,
  generation: 1,
  sequence,
  commits: sequence,
  position: sequence * 10,
});

/** Claimed and filled with so many rows. */
async function filled(sink: HttpSink, rows: number): Promise<TestView> {
  await sink.claim(claimOf(1));
  const view = new TestView('hours');
  for (let n = 0; n < rows; n++) view.put([`k${n}`, [n * HOUR, (n + 1) * HOUR], n]);
  await sink.deliver(view.delivery(markerOf(3), { isWhole: true }));
  view.settled();
  return view;
}

/** What was synced last is what a power cut leaves. */
class SyncedStore extends MemoryStore {
  durable: readonly Entry[] = [];

  override async sync(): Promise<void> {
    const entries: Entry[] = [];
    for await (const entry of this.scan({ gte: Buffer.alloc(0), lt: Buffer.from([0xff]) }))
      entries.push(entry);
    this.durable = entries;
  }
}

async function afterPowerCut(entries: readonly Entry[]): Promise<string | undefined> {
  const store = new MemoryStore();
  const batch = new Batch();
  for (const { key, value } of entries) batch.put(key, value);
  await store.commit(batch);
  const left = await Outbox.open(store, [{ name: 'hours_http', view: 'hours' }]);
  return (await new Journal(left, 'hours_http').message())?.body;
}

const codeOf = (error: unknown): string => (error instanceof CodedError ? error.code : String(error));

describe('what is sent', () => {
  it('says what it is about, in order, and ends with one that is complete', async () => {
    const view = await filled(open({ rows: 2 }), 5);
    expect(receiver.heard[0]).toMatchObject({
      method: 'POST',
      url: '/rows',
      headers: { 'content-type': 'application/json', 'idempotency-key': `hours_http-${DATA}-1-1` },
    });
    expect(JSON.parse(receiver.heard[0]?.body ?? '')).toEqual({
      version: 1,
      sink: 'hours_http',
      pipeline: 'things',
      view: 'hours',
      data: DATA,
      generation: 1,
      number: 1,
      position: 30,
      reset: true,
      complete: false,
      changes: [],
    });
    const { state } = receiver;
    expect(state.numbers()).toEqual([1, 2, 3, 4]);
    expect([state.largest, state.repeats, state.problems]).toEqual([2, 0, []]);
    expect(state.complete).toEqual({ position: 30, content: view.json() });
  });

  it('a row that is gone is null under its id; a bag says how often it holds a row', async () => {
    const sink = open();
    const view = await filled(sink, 2);
    view.remove(['k0', [0, HOUR], 0]);
    await sink.deliver(view.delivery(markerOf(4)));
    expect(receiver.state.content()).toEqual(view.json());
    const bag = new TestView('bag');
    bag.put(['red', null], { count: 3 });
    await sink.deliver(bag.delivery(markerOf(5), { isWhole: true }));
    expect(receiver.state.content()).toEqual(bag.json());
  });

  it('a message is bounded in bytes; a row that is larger goes alone', async () => {
    const sink = open();
    await sink.claim(claimOf(1));
    const view = new TestView('hours');
    for (const [n, size] of [400_000, 400_000, 400_000, 1_500_000, 10].entries())
      view.put([`${n}${'x'.repeat(size)}`, [0, HOUR], n]);
    await sink.deliver(view.delivery(markerOf(3), { isWhole: true }));
    const sizes = receiver.heard.map(({ body }) => body.length);
    expect(sizes.filter((size) => size > 1_010_000)).toHaveLength(1);
    expect(Math.max(...sizes)).toBeLessThan(1_510_000);
    expect(receiver.state.content()).toHaveLength(5);
  });

  it('headers come from the environment, and the file holds no value of them', async () => {
    await filled(open({ headers: { authorization: 'Bearer ${TOKEN}', 'x-team': 'sales' } }), 1);
    expect(receiver.heard[0]?.headers).toMatchObject({
      authorization: `Bearer ${SECRET}`,
      'x-team': 'sales',
    });
  });
});

describe('a message that was not answered', () => {
  it.for([
    ['503 before it is taken', false, 503],
    ['503 after it was taken', true, 503],
    ['429', false, 429],
    ['a connection that ends', true, 0],
  ] as const)('comes again with its key and its bytes: %s', async ([, isTaken, status]) => {
    const sink = open({ rows: 2 });
    const view = await filled(sink, 1);
    for (let n = 0; n < 5; n++) view.put([`new${n}`, [0, HOUR], n]);
    receiver.onRequest = (heard, response) => {
      if (heard.headers['idempotency-key'] !== `hours_http-${DATA}-1-4`) return false;
      receiver.onRequest = () => false;
      if (isTaken) receiver.state.take(heard.headers['idempotency-key'], heard.body);
      if (status === 0) response.destroy();
      else response.writeHead(status, { 'retry-after': '7' }).end();
      return true;
    };
    await expect(sink.deliver(view.delivery(markerOf(4)))).rejects.toMatchObject({
      code: 'SINK_UNAVAILABLE',
      retry: true,
    });
    expect(sink.waitMs).toBe(status === 0 ? 0 : 7000);
    // Another process, which finds it in the journal; and the view has moved on.
    view.put(['new1', [0, HOUR], 100]);
    const next = open({ rows: 2 });
    await next.claim(claimOf(2));
    await next.resume();
    expect(receiver.state.repeats).toBe(isTaken ? 1 : 0);
    expect(receiver.state.numbers()).toEqual([1, 2, 3, 4]);
    await next.resume();
    expect(receiver.heard.at(-1)?.headers['idempotency-key']).toBe(`hours_http-${DATA}-1-4`);
    const marker = { ...markerOf(6), generation: 2 };
    await next.deliver(view.delivery(marker));
    expect(receiver.state.problems).toEqual([]);
    expect(receiver.state.content()).toEqual(view.json());
  });

  it('is what a power cut leaves in the journal: it is durable before it is sent (E7)', async () => {
    const store = new SyncedStore();
    const journal = new Journal(
      await Outbox.open(store, [{ name: 'hours_http', view: 'hours' }]),
      'hours_http',
    );
    const sent: [string, Promise<string | undefined>][] = [];
    const fetch: HttpSinkOptions['fetch'] = (_, { body } = {}) => {
      const text = typeof body === 'string' ? body : '';
      sent.push([text, afterPowerCut(store.durable)]);
      return Promise.resolve(new Response(null, { status: 204 }));
    };
    const view = await filled(open({ journal, fetch, rows: 2 }), 5);
    expect(view.json()).toHaveLength(5);
    expect(sent).toHaveLength(4);
    for (const [text, left] of sent) expect(await left).toBe(text);
  });

  it('is not sent to another address, nor for other data', async () => {
    const sink = open();
    await filled(sink, 1);
    receiver.onRequest = (_, response) => {
      response.writeHead(503).end();
      return true;
    };
    const view = new TestView('hours');
    view.put(['late', [0, HOUR], 1]);
    await expect(sink.deliver(view.delivery(markerOf(4)))).rejects.toThrow('it answered 503');
    receiver.onRequest = () => false;
    const before = receiver.heard.length;
    const restored = open();
    expect(await restored.claim(claimOf(1, '22222222-aaaa', [DATA]))).toMatchObject({ data: DATA });
    await restored.resume();
    const elsewhere = open({ url: `${receiver.url}/other` });
    expect(await elsewhere.claim(claimOf(2, '22222222-aaaa', [DATA]))).toBeNull();
    await elsewhere.resume();
    expect(receiver.heard.length).toBe(before);
  });
});

describe('what is refused', () => {
  it.for([
    [400, 'it answered 400: no such column'],
    [404, 'it answered 404: no such column'],
    [422, 'it answered 422: no such column'],
    [301, 'it answered 301, and redirects are not followed'],
    [307, 'it answered 307, and redirects are not followed'],
  ] as const)('%i is an error that ends the run, and its message stays', async ([status, reason]) => {
    receiver.onRequest = (_, response) => {
      response.writeHead(status, { location: '/elsewhere' }).end('no such\n\tcolumn');
      return true;
    };
    const sink = open();
    await expect(filled(sink, 1)).rejects.toMatchObject({ code: 'SINK_REFUSED', retry: false, exitCode: 1 });
    await expect(sink.resume()).rejects.toThrow(reason);
    expect(receiver.heard.map(({ url }) => url)).toEqual(['/rows', '/rows']);
    expect(receiver.heard[1]?.body).toBe(receiver.heard[0]?.body);
  });

  it('an answer without end is read up to a limit, one that never comes up to the timeout', async () => {
    receiver.onRequest = (_, response) => {
      response.writeHead(400);
      // More at once than any version of Node buffers: else nothing drains.
      const write = (): void => {
        response.write('no '.repeat(100_000));
        if (!response.destroyed) response.once('drain', write);
      };
      write();
      return true;
    };
    const error = await filled(open({ timeoutMs: 60_000 }), 1).catch((thrown: Error) => thrown);
    expect(codeOf(error)).toBe('SINK_REFUSED');
    expect((error as Error).message.length).toBeLessThan(500);
    receiver.onRequest = () => true;
    await expect(open({ timeoutMs: 100 }).resume()).rejects.toThrow('no answer within 0.1 s');
  });

  it.for([
    ['ftp://h/x', 'is no URL'],
    ['${TOKEN}', 'is no URL'],
    ['https://me:${TOKEN}@h/x', 'holds a user or a password'],
    ['${MISSING}', 'the environment variable MISSING is not set'],
  ] as const)('the address %s', async ([url, problem]) => {
    const sink = open({ url });
    for (const work of [() => sink.check(), () => filled(sink, 1)]) {
      await expect(work()).rejects.toMatchObject({ code: 'SINK_INVALID' });
      await expect(work()).rejects.toThrow(problem);
      await expect(work()).rejects.toThrow(/^(?!.*very-secret)/s);
    }
  });

  it('a header that would be two', async () => {
    const environment = { TOKEN: 'a\r\nhost: b' };
    const sink = open({ headers: { 'x-token': '${TOKEN}' }, environment });
    await expect(sink.check()).rejects.toThrow(
      'the header "x-token" has a character that no header can have',
    );
  });
});

describe('what is never said', () => {
  it('secrets of headers, of the path and of the query, whatever the receiver answers', async () => {
    const basic = `Basic ${Buffer.from('me:hunter2-hunter2').toString('base64')}`;
    const environment = { TOKEN: SECRET, BASIC: basic, HOOK: 'T000/path-secret', Q: 'query-secret' };
    receiver.onRequest = ({ url, headers }, response) => {
      response.writeHead(400).end(`${url} ${JSON.stringify(headers)} me:hunter2-hunter2`);
      return true;
    };
    const sink = open({
      url: `${receiver.url}/\${HOOK}?q=\${Q}`,
      headers: { authorization: '${BASIC}', 'x-token': 'Token ${TOKEN}' },
      environment,
    });
    const error = await filled(sink, 1).catch((thrown: Error) => thrown);
    const said = `${(error as Error).message} ${sink.place} ${sink.shape}`;
    expect(said).toContain(`POST http://127.0.0.1:${receiver.port}/…`);
    expect(said).toContain('it answered 400');
    for (const secret of [SECRET, 'path-secret', 'query-secret', 'hunter2', basic.slice(6)])
      expect(said).not.toContain(secret);
  });
});

describe('a look', () => {
  it('sends nothing but HEAD, and takes any answer but 401 and a redirect for one', async () => {
    const sink = open({ journal: null });
    await sink.check();
    for (const status of [200, 403, 404, 405, 500, 401, 302]) {
      receiver.onRequest = (_, response) => {
        response.writeHead(status).end();
        return true;
      };
      const code = await sink.check().then(() => 'well', codeOf);
      expect([status, code]).toEqual([status, status === 401 || status === 302 ? 'SINK_REFUSED' : 'well']);
    }
    expect(new Set(receiver.heard.map(({ method }) => method))).toEqual(new Set(['HEAD']));
    const away = open({ journal: null, url: 'http://127.0.0.1:1/x' });
    await expect(away.check()).rejects.toThrow('bad port');
    const { port } = receiver;
    await receiver.stop();
    await expect(open({ url: `http://127.0.0.1:${port}/x` }).check()).rejects.toMatchObject({
      code: 'SINK_UNAVAILABLE',
    });
    receiver = await LiveReceiver.start();
  });
});
