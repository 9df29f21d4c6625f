import { describe, expect, it } from 'vitest';
import { post, send, start } from './harness.ts';
import { MORNING_MS } from './memory-host.ts';

describe('health', () => {
  it('healthz answers even when the pipeline cannot say its status', async () => {
    const to = await start();
    to.host.failWith = new Error('disk gone');
    expect((await send(to, '/healthz')).status).toBe(200);
    expect(await send(to, '/readyz')).toMatchObject({ status: 503, json: { code: 'NOT_READY' } });
  });

  it('readyz is 200 while the pipeline runs and 503 when it does not', async () => {
    const to = await start();
    expect((await send(to, '/readyz')).status).toBe(200);
    to.host.override = { running: false };
    const answer = await send(to, '/readyz');
    expect(answer.status).toBe(503);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json).toMatchObject({ checks: { accepting: true, running: false } });
  });
});

describe('metrics', () => {
  it('are the numbers of the status, read at scrape time', async () => {
    const to = await start();
    const first = (await send(to, '/metrics')).text;
    expect(first).toContain('pipeline_info{pipeline="departures",architecture="micro-batch"} 1');
    expect(first).toContain('pipeline_source_events_total{source="flights"} 12804');
    expect(first).toContain('pipeline_freshness_sla_seconds 900');
    expect(first).toContain('pipeline_visibility_delay_seconds{quantile="0.99"} 297');
    to.host.override = { rejected: 9 };
    expect((await send(to, '/metrics')).text).toContain('pipeline_rejected_events_total 9');
  });

  it('leave out what is not known yet, instead of saying 0', async () => {
    const to = await start();
    to.host.override = { nextRunAtMs: null };
    expect((await send(to, '/metrics')).text).not.toMatch(/^pipeline_next_run_timestamp_seconds /m);
  });

  it('count requests by route, never by the address that was asked', async () => {
    const to = await start();
    await send(to, '/api/views/delays?origin=ATL');
    await send(to, '/no/such/secret');
    const text = (await send(to, '/metrics')).text;
    expect(text).toContain(
      'pipeline_http_requests_total{route="/api/views/:view",method="GET",status="200"} 1',
    );
    expect(text).not.toContain('secret');
  });
});

describe('views', () => {
  it('answer rows, filtered by column and time, and say when there are more', async () => {
    const to = await start();
    const from = new Date(MORNING_MS).toISOString();
    const to2 = '2001-01-10T09:00:00%2B01:00';
    const answer = await send(to, `/api/views/delays?origin=ATL&from=${from}&to=${to2}&limit=1`);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ view: 'delays', truncated: true, rows: [{ origin: 'ATL' }] });
    const all = await send(to, `/api/views/delays?origin=ATL&from=${from}&to=${to2}`);
    expect(all.json).toMatchObject({ truncated: false });
    expect(all.json['rows']).toHaveLength(2);
  });

  it('take an offset whose plus sign was not encoded', async () => {
    const to = await start();
    const answer = await send(to, '/api/views/delays?origin=ATL&to=2001-01-10T08:00:00+01:00');
    expect(answer.json['rows']).toHaveLength(1);
  });

  it('take a column that is called like a parameter through where', async () => {
    const to = await start();
    const answer = await send(to, '/api/views/delays?where=origin%3DATL&limit=3');
    expect(answer.json['rows']).toHaveLength(3);
    expect((await send(to, '/api/views/delays?where=limit%3D3')).json).toMatchObject({
      code: 'COLUMN_UNKNOWN',
    });
  });

  it.each([
    ['limit=0', 'QUERY_INVALID'],
    ['limit=100001', 'QUERY_INVALID'],
    ['limit=1e3', 'QUERY_INVALID'],
    ['limit=-1', 'QUERY_INVALID'],
    ['from=yesterday', 'QUERY_INVALID'],
    ['from=2001-01-10T06:00:00', 'QUERY_INVALID'],
    ['from=2001-02-30T06:00:00Z', 'QUERY_INVALID'],
    ['order=random', 'QUERY_INVALID'],
    ['origin=ATL&origin=BOS', 'QUERY_INVALID'],
    ['where=origin', 'QUERY_INVALID'],
    ['airport=ATL', 'COLUMN_UNKNOWN'],
    ['__proto__=ATL', 'COLUMN_UNKNOWN'],
  ])('refuse %s with 400', async (query, code) => {
    const to = await start();
    const answer = await send(to, `/api/views/delays?${query}`);
    expect(answer).toMatchObject({ status: 400, json: { code, status: 400 } });
    expect(answer.headers['content-type']).toBe('application/problem+json');
  });

  it('that do not exist are 404, with the ones that do', async () => {
    const to = await start();
    const answer = await send(to, '/api/views/nope');
    expect(answer).toMatchObject({
      status: 404,
      json: { type: 'urn:pipeline:error:VIEW_UNKNOWN', title: 'View unknown' },
    });
    expect(answer.json['detail']).toContain('delays');
    expect((await send(to, '/api/views/nope/changes')).status).toBe(404);
  });
});

describe('problems', () => {
  it('404, 405 with Allow, for what is not there', async () => {
    const to = await start();
    expect(await send(to, '/nope')).toMatchObject({
      status: 404,
      json: { type: 'about:blank', title: 'Not Found' },
    });
    const wrong = await send(to, '/api/status', { method: 'DELETE' });
    expect(wrong).toMatchObject({ status: 405, json: { code: 'METHOD_NOT_ALLOWED' } });
    expect(wrong.headers['allow']).toBe('GET, HEAD');
    expect((await send(to, '/api/events/flights')).headers['allow']).toBe('POST');
    expect((await send(to, '/control/anything', { method: 'POST' })).status).toBe(404);
  });

  it.each(['/assets/../../package.json', '/assets/%2e%2e/x', '/assets/', '/index.html', '/api/views/%zz'])(
    '%s is 404',
    async (path) => {
      const to = await start();
      expect((await send(to, path)).status).toBe(404);
    },
  );

  it('500 tells nothing about an error that was not expected', async () => {
    const to = await start();
    to.host.failWith = new Error('secret path /home/me');
    const answer = await send(to, '/api/status');
    expect(answer).toMatchObject({ status: 500, json: { code: 'INTERNAL' } });
    expect(answer.text).not.toContain('secret');
  });
});

describe('events', () => {
  it('takes one object, an array, and lines, and says how many', async () => {
    const to = await start();
    expect((await post(to, '/api/events/flights', '{\n "origin": "A{T,L"\n}')).json).toEqual({
      accepted: 1,
      rejected: 0,
      problems: [],
    });
    expect((await post(to, '/api/events/flights', ' [ {"a":[1,2]}, {"b":"],\\"}"} ] ')).json).toMatchObject({
      accepted: 2,
    });
    const type = { 'content-type': 'application/x-ndjson; charset=utf-8' };
    expect((await post(to, '/api/events/flights', '{"a":1}\n\n{"a":2}\n', type)).json).toMatchObject({
      accepted: 2,
    });
    expect(to.host.lines).toEqual([
      '{  "origin": "A{T,L" }',
      '{"a":[1,2]}',
      '{"b":"],\\"}"}',
      '{"a":1}',
      '{"a":2}',
    ]);
  });

  it('keeps every digit of a number in an array', async () => {
    const to = await start();
    await post(to, '/api/events/flights', '[{"id":12345678901234567890},{"id":1.10}]');
    expect(to.host.lines).toEqual(['{"id":12345678901234567890}', '{"id":1.10}']);
  });

  it('adds nothing of a document that is not JSON', async () => {
    const to = await start();
    const answer = await post(to, '/api/events/flights', '[{"a":1},{"a":2}');
    expect(answer).toMatchObject({ status: 400, json: { code: 'BODY_INVALID' } });
    expect((await post(to, '/api/events/flights', Buffer.from([0x22, 0xff, 0x22]))).json).toMatchObject({
      code: 'BODY_INVALID',
    });
    expect((await post(to, '/api/events/flights', '7')).status).toBe(400);
    expect((await post(to, '/api/events/flights', '')).status).toBe(400);
    expect(to.host.lines).toEqual([]);
  });

  it('is 200 when some are good and 400 when none is', async () => {
    const to = await start();
    expect(await post(to, '/api/events/flights', '[1,{"a":1}]')).toMatchObject({
      status: 200,
      json: { accepted: 1, rejected: 1 },
    });
    const none = await post(to, '/api/events/flights', '[1]');
    expect(none).toMatchObject({
      status: 400,
      json: { code: 'EVENTS_REJECTED', accepted: 0, rejected: 1, problems: [{ line: 1 }] },
    });
    expect((await post(to, '/api/events/flights', '[]')).json).toEqual({
      accepted: 0,
      rejected: 0,
      problems: [],
    });
  });

  it('rejects a line over 1 MB as a line and takes the others', async () => {
    const to = await start();
    const body = `{"a":1}\n{"a":"${'x'.repeat(1_000_001)}"}\n{"a":2}\n`;
    const answer = await post(to, '/api/events/flights', body, { 'content-type': 'application/jsonl' });
    expect(answer.json).toMatchObject({
      accepted: 2,
      rejected: 1,
      problems: [{ line: 2, reason: 'the line is over 1 MB' }],
    });
  });

  it('refuses an unknown source with 404', async () => {
    const to = await start();
    expect(await post(to, '/api/events/trains', '{}')).toMatchObject({
      status: 404,
      json: { code: 'SOURCE_UNKNOWN' },
    });
  });

  it('refuses a body that announces more than the limit, and reads none of it', async () => {
    const to = await start({ limits: { bodyBytesMax: 100 } });
    const type = { 'content-type': 'application/x-ndjson' };
    const answer = await post(to, '/api/events/flights', '{"a":1}\n'.repeat(100), type);
    expect(answer).toMatchObject({ status: 413, json: { code: 'BODY_TOO_LARGE' } });
    expect(to.host.lines).toEqual([]);
  });

  it('stops at the last whole line when a body without a length passes the limit, and says what it took', async () => {
    const to = await start({ limits: { bodyBytesMax: 20 } });
    const headers = { 'content-type': 'application/jsonl', 'transfer-encoding': 'chunked' };
    const answer = await post(to, '/api/events/flights', '{"a":1}\n{"a":2}\n{"a":3}\n', headers);
    expect(answer).toMatchObject({ status: 413, json: { accepted: 2, rejected: 0 } });
    const document = await post(to, '/api/events/flights', `[${'1,'.repeat(20)}1]`, {
      'transfer-encoding': 'chunked',
    });
    expect(document.status).toBe(413);
  });

  it('lets a sender that is still sending read the answer', async () => {
    const to = await start({ limits: { bodyBytesMax: 13_000_000 } });
    const headers = { 'content-type': 'application/jsonl', 'transfer-encoding': 'chunked' };
    const answer = await post(
      to,
      '/api/events/flights',
      `{"a":"${'x'.repeat(991)}"}\n`.repeat(24_000),
      headers,
    );
    expect(answer).toMatchObject({ status: 413, json: { accepted: 13_000, rejected: 0 } });
  });

  it('holds back large documents together', async () => {
    const to = await start({ limits: { bufferedDocumentsBytesMax: 10 } });
    const answer = await post(to, '/api/events/flights', '{"a":"1234567890"}', {
      'transfer-encoding': 'chunked',
    });
    expect(answer).toMatchObject({ status: 503, json: { code: 'TOO_MANY_DOCUMENTS', retry: true } });
  });
});
