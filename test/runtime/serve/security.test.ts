import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startServer } from '../../../runtime/src/serve/server.ts';
import { post, send, sendRaw, silent, start } from './harness.ts';
import { MemoryHost } from './memory-host.ts';

describe('Host header', () => {
  it.each(['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]'])(
    'answers to %s with the bound port',
    async (name) => {
      const to = await start();
      expect((await send(to, '/api/status', { headers: { host: `${name}:${to.port}` } })).status).toBe(200);
    },
  );

  it.each([
    ['evil.example', 403],
    ['evil.example:PORT', 403],
    ['127.0.0.1', 403],
    ['127.0.0.1:1', 403],
    ['127.0.0.1:0PORT', 400],
    ['localhost.:PORT', 400],
    ['127.0.0.1.nip.io:PORT', 403],
    ['127.0.0.2:PORT', 403],
    ['[::ffff:127.0.0.1]:PORT', 403],
    ['[::1', 400],
    ['localhost:PORT@evil.example', 400],
    ['localhost:PORT/x', 400],
    ['localhost:99999999', 400],
    ['a b', 400],
    ['\u00ff', 400],
  ])('refuses %s with %i', async (name, status) => {
    const to = await start();
    const answer = await send(to, '/api/status', {
      headers: { host: name.replace('PORT', String(to.port)) },
    });
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
  });

  it('refuses a request without one, with two, or with an address as its target', async () => {
    const to = await start();
    const host = `127.0.0.1:${to.port}`;
    expect(await sendRaw(to, 'GET /api/status HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1.1 400 .*HOST_INVALID/s);
    expect(await sendRaw(to, 'GET /api/status HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 400 .*HOST_INVALID/s);
    expect(await sendRaw(to, 'GET /api/status HTTP/1.1\r\nHost:\r\n\r\n')).toMatch(
      /^HTTP\/1.1 400 .*HOST_INVALID/s,
    );
    const twice = `GET /api/status HTTP/1.1\r\nHost: ${host}\r\nHost: evil.example\r\n\r\n`;
    expect(await sendRaw(to, twice)).toMatch(/^HTTP\/1.1 400 /);
    const absolute = `GET http://evil.example/api/status HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    expect(await sendRaw(to, absolute)).toMatch(/^HTTP\/1.1 400 .*TARGET_INVALID/s);
  });

  it('goes on after bytes that are not HTTP and headers that are too long', async () => {
    const to = await start();
    expect(await sendRaw(to, 'this is not http\r\n\r\n')).toMatch(/^HTTP\/1.1 400 .*problem\+json/s);
    expect(await sendRaw(to, `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 /,
    );
    expect((await send(to, '/healthz')).status).toBe(200);
  });
});

describe('Origin and content types', () => {
  it('takes a POST without an Origin and from its own', async () => {
    const to = await start();
    expect((await post(to, '/api/events/flights', '{}')).status).toBe(200);
    expect(
      (await post(to, '/api/events/flights', '{}', { origin: `http://127.0.0.1:${to.port}` })).status,
    ).toBe(200);
  });

  it.each([
    'null',
    'http://evil.example',
    'https://127.0.0.1:PORT',
    'http://localhost:PORT',
    'http://127.0.0.1',
  ])('refuses a POST from %s', async (origin) => {
    const to = await start();
    const answer = await post(to, '/api/events/flights', '{}', {
      origin: origin.replace('PORT', String(to.port)),
    });
    expect(answer).toMatchObject({ status: 403, json: { code: 'ORIGIN_REFUSED' } });
    expect(to.host.lines).toEqual([]);
  });

  it('refuses what a browser marks as sent by another site', async () => {
    const to = await start();
    expect((await post(to, '/api/events/flights', '{}', { 'sec-fetch-site': 'cross-site' })).status).toBe(
      403,
    );
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    '',
    'application/json; charset=latin1',
    'application/jsonx',
  ])('refuses a body of type "%s" with 415', async (type) => {
    const to = await start();
    const answer = await post(to, '/api/events/flights', '{}', { 'content-type': type });
    expect(answer).toMatchObject({ status: 415, json: { code: 'CONTENT_TYPE_UNSUPPORTED' } });
    expect(to.host.lines).toEqual([]);
  });

  it('refuses a compressed body', async () => {
    const to = await start();
    expect((await post(to, '/api/events/flights', '{}', { 'content-encoding': 'gzip' })).status).toBe(415);
  });
});

describe('headers of every answer', () => {
  it.each(['/', '/assets/main.js', '/api/status', '/healthz', '/nope'])('%s', async (path) => {
    const to = await start();
    const { headers } = await send(to, path, { headers: { origin: 'http://evil.example' } });
    expect(headers['content-security-policy']).toContain(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'",
    );
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it('a preflight gets no permission', async () => {
    const to = await start();
    const headers = { origin: 'http://evil.example', 'access-control-request-method': 'POST' };
    const answer = await send(to, '/api/events/flights', { method: 'OPTIONS', headers });
    expect(answer.status).toBe(403);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('token', () => {
  const token = '0123456789abcdef0123456789abcdef';

  it('is needed to listen where other machines can reach', async () => {
    for (const empty of [undefined, '']) {
      const started = startServer({
        host: new MemoryHost(),
        listen: { address: '0.0.0.0', port: 0 },
        token: empty,
        logger: silent,
      });
      await expect(started).rejects.toMatchObject({
        code: 'USAGE',
        message: expect.stringContaining('PIPELINE_TOKEN'),
      });
    }
  });

  it('opens every route from any host name, and without it only health and the page', async () => {
    const to = await start({ token, address: '0.0.0.0' });
    const host = 'pipeline.internal';
    for (const path of ['/healthz', '/', '/assets/main.js']) {
      expect((await send(to, path, { headers: { host } })).status).toBe(200);
    }
    for (const path of ['/api/status', '/metrics', '/readyz', '/api/views/delays', '/api/late', '/nope']) {
      const refused = await send(to, path, { headers: { host } });
      expect({ path, ...refused }).toMatchObject({ path, status: 401, json: { code: 'TOKEN_NEEDED' } });
      expect(refused.headers['www-authenticate']).toContain('Bearer');
    }
    const allowed = await send(to, '/api/status', { headers: { host, authorization: `Bearer ${token}` } });
    expect(allowed.status).toBe(200);
  });

  it.each(['Bearer wrong', `Basic ${token}`, token, 'Bearer', `Bearer ${token}x`])(
    '"%s" does not open',
    async (authorization) => {
      const to = await start({ token });
      expect((await send(to, '/api/status', { headers: { authorization } })).status).toBe(401);
    },
  );

  it('in the address does not open', async () => {
    const to = await start({ token });
    expect((await send(to, `/api/status?token=${token}`)).status).toBe(401);
  });

  it('does not lift the Origin check', async () => {
    const to = await start({ token });
    const headers = { authorization: `Bearer ${token}`, origin: 'http://evil.example' };
    expect((await post(to, '/api/events/flights', '{}', headers)).status).toBe(403);
  });
});

describe('a port in use', () => {
  it('is an error that names the port and the remedy', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;
    const started = startServer({ host: new MemoryHost(), listen: { port }, logger: silent });
    await expect(started).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      exitCode: 2,
      message: expect.stringContaining(`port ${port} is in use`),
    });
    blocker.close();
  });

  it('an address that this machine does not have is an error too', async () => {
    const started = startServer({
      host: new MemoryHost(),
      listen: { address: '192.0.2.1', port: 0 },
      token: 'x'.repeat(20),
      logger: silent,
    });
    await expect(started).rejects.toMatchObject({ code: 'LISTEN_FAILED', exitCode: 1 });
  });
});
