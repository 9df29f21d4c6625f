/**
 * Opens the address or the socket that a server listens on, and says in words why it could not.
 *
 * Invariants  I1  An address that other machines can reach is never opened without a token.
 *             I2  The control socket is readable by its owner alone from the moment that it exists.
 *             I3  A socket file that a dead process left is replaced; one that answers, or any other file, is not touched.
 */
import type { Server } from 'node:http';
import { BlockList, isIP, type AddressInfo } from 'node:net';
import process from 'node:process';
import type { CodedError } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import { lstatSync, unlinkSync } from '../ports/files.ts';
import { connect } from '../ports/network.ts';

export interface TcpAddress {
  readonly address?: string;
  readonly port: number;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

export function isLoopback(address: string): boolean {
  const version = isIP(address);
  if (version === 0) return address === 'localhost';
  return LOOPBACK.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/** @throws USAGE without a token off loopback, PORT_IN_USE, LISTEN_FAILED */
export async function listenTcp(server: Server, where: TcpAddress, hasToken: boolean): Promise<AddressInfo> {
  const address = where.address ?? '127.0.0.1';
  if (!isLoopback(address) && !hasToken) throw failure('USAGE', { message: needsToken(address) });
  await opened(server, () => server.listen({ host: address, port: where.port, exclusive: true })).catch(
    (error) => {
      throw listenFailure(error, address, where.port);
    },
  );
  return server.address() as AddressInfo;
}

function needsToken(address: string): string {
  return `${address} can be reached from other machines, so it needs a token. Set the environment variable PIPELINE_TOKEN, or listen on 127.0.0.1.`;
}

function listenFailure(error: unknown, address: string, port: number): CodedError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return failure('PORT_IN_USE', { port }, error);
  const reason =
    { EACCES: 'permission denied', EADDRNOTAVAIL: 'this machine has no such address' }[code] ?? message;
  return failure('LISTEN_FAILED', { where: `${address} port ${port}`, reason }, error);
}

/** @throws CONTROL_SOCKET_IN_USE, LISTEN_FAILED */
export async function listenSocket(server: Server, path: string): Promise<void> {
  try {
    await openSocket(server, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw socketFailure(error, path);
    if (await answers(path)) throw failure('CONTROL_SOCKET_IN_USE', { path }, error);
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) throw socketFailure(error, path);
    unlinkSync(path);
    await openSocket(server, path).catch((again: unknown) => {
      throw socketFailure(again, path);
    });
  }
}

async function openSocket(server: Server, path: string): Promise<void> {
  // The file appears inside `listen`, before it returns, so nothing else of this process sees the mask.
  const before = process.umask(0o177);
  try {
    const done = opened(server, () => server.listen({ path }));
    done.catch(() => {});
    process.umask(before);
    await done;
  } finally {
    process.umask(before);
  }
}

function socketFailure(error: unknown, path: string): CodedError {
  return failure('LISTEN_FAILED', { where: path, reason: (error as Error).message }, error);
}

function opened(server: Server, open: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    open();
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}
