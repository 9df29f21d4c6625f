import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../../runtime/src/base/coded-error.ts';
import { controlClient } from '../../../runtime/src/serve/control-client.ts';
import { controlSocketPath } from '../../../runtime/src/serve/control-path.ts';
import { startServer } from '../../../runtime/src/serve/server.ts';
import { silent, start } from './harness.ts';
import { MORNING_MS, MemoryHost } from './memory-host.ts';

let folder = '';
let socketPath = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'control-'));
  socketPath = join(folder, 'control.sock');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

describe('the control client', () => {
  it('gets what the host says', async () => {
    const { host } = await start({ socketPath });
    const client = controlClient(socketPath);
    expect(await client.status()).toMatchObject({ pipeline: 'departures' });
    const rows = await client.query('delays', {
      where: { origin: 'ATL' },
      fromMs: MORNING_MS,
      toMs: MORNING_MS + 1,
      order: 'newest',
    });
    expect(rows).toMatchObject([{ origin: 'ATL' }]);
    expect(await client.query('delays', { where: {} })).toHaveLength(72);
    expect(await client.query('delays', { where: {}, limit: 5 })).toHaveLength(5);
    expect(await client.late(3)).toEqual([]);
    expect(await client.rejected(3)).toEqual([]);
    expect(await client.command('replay', { as: 'v2' })).toEqual({ done: 'replay' });
    expect(await client.command('nothing', undefined)).toBeNull();
    expect(host.commands).toEqual([
      { name: 'replay', params: { as: 'v2' } },
      { name: 'nothing', params: null },
    ]);
  });

  it('streams events, without the limit of the network', async () => {
    const { host } = await start({ socketPath, limits: { bodyBytesMax: 10 } });
    const result = await controlClient(socketPath).ingest(
      'flights',
      pieces('{"a":', '1}\n{"a":2}\n', '{"a":3}'),
    );
    expect(result).toEqual({ accepted: 3, rejected: 0, problems: [] });
    expect(host.lines).toHaveLength(3);
    const none = await controlClient(socketPath).ingest('flights', pieces('nonsense\n'));
    expect(none).toEqual({ accepted: 0, rejected: 1, problems: [{ line: 1, reason: 'not JSON' }] });
  });

  it('keeps code, message and kind of an error', async () => {
    const { host } = await start({ socketPath });
    const client = controlClient(socketPath);
    const failed = await client.command('promote', {}).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(CodedError);
    expect(failed).toMatchObject({
      code: 'VERSION_INVALID',
      kind: 'user',
      exitCode: 2,
      message: 'There is no version "v9".',
    });
    await expect(client.query('nope', { where: {} })).rejects.toMatchObject({
      code: 'VIEW_UNKNOWN',
      kind: 'user',
    });
    await expect(client.ingest('trains', pieces('{}'))).rejects.toMatchObject({ code: 'SOURCE_UNKNOWN' });
    host.failWith = new Error('boom');
    await expect(client.status()).rejects.toMatchObject({ code: 'INTERNAL', kind: 'external' });
  });

  it('throws the error of whoever provides the events', async () => {
    await start({ socketPath });
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{"a":1}\n');
      throw new Error('the file ended');
    };
    await expect(controlClient(socketPath).ingest('flights', broken())).rejects.toThrow('the file ended');
  });

  it('says NOT_RUNNING when nothing answers', async () => {
    const client = controlClient(socketPath);
    await expect(client.status()).rejects.toMatchObject({ code: 'NOT_RUNNING' });
    await expect(client.ingest('flights', pieces('{}'))).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  });
});

describe('the control socket', () => {
  it('can be opened by its owner alone', async () => {
    await start({ socketPath });
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
  });

  it('asks for no Host that a name could forge, and shows no page', async () => {
    await start({ socketPath });
    const outgoing = request({ socketPath, path: '/', headers: { host: 'evil.example' } }).end();
    const [incoming] = await once(outgoing, 'response');
    expect(incoming.statusCode).toBe(404);
    incoming.resume();
  });

  it('is refused to a second pipeline while the first answers', async () => {
    await start({ socketPath });
    const second = startServer({ host: new MemoryHost(), listen: { socketPath }, logger: silent });
    await expect(second).rejects.toMatchObject({ code: 'CONTROL_SOCKET_IN_USE' });
    expect(await controlClient(socketPath).status()).toMatchObject({ running: true });
  });

  it('replaces what a killed process left, and nothing else', async () => {
    const code = `require('net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`;
    expect(spawnSync(process.execPath, ['-e', code]).signal).toBe('SIGKILL');
    expect(statSync(socketPath).isSocket()).toBe(true);
    await start({ socketPath });
    expect(await controlClient(socketPath).status()).toMatchObject({ running: true });
    const file = join(folder, 'precious');
    writeFileSync(file, 'mine');
    const started = startServer({ host: new MemoryHost(), listen: { socketPath: file }, logger: silent });
    await expect(started).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
    expect(statSync(file).size).toBe(4);
  });

  it('of a deep folder lies where its path is short enough to be opened', async () => {
    const deep = join(folder, 'x'.repeat(90), 'data');
    const path = controlSocketPath(deep);
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(103);
    expect(controlSocketPath(deep)).toBe(path);
    expect(controlSocketPath(`${deep}2`)).not.toBe(path);
    expect(controlSocketPath(folder)).toBe(socketPath);
    const probe = createServer().listen(path);
    await once(probe, 'listening');
    probe.close();
  });
});
