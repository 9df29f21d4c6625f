/** Who holds a file's lock, and whether a name still leads to the same file: what tells owners of a folder apart. */
import { promises as fs } from 'node:fs';
import { hostname } from 'node:os';
import process from 'node:process';

/** The process that we are, for people to find it. A number of a process says nothing about who holds a lock. */
export interface ProcessName {
  readonly pid: number;
  readonly host: string;
}

export interface FolderGuard {
  readonly self: ProcessName;
  /** The process that holds the lock of a file, as far as that can be known without touching it. */
  holderOf(file: string): Promise<number | undefined>;
  /** What tells a file from every other one that exists at the same time; undefined when there is none. */
  identityOf(path: string): Promise<string | undefined>;
}

/**
 * The process that holds a POSIX lock of a file, found without opening it: whoever closes a file loses every lock that it
 * has on it. Undefined when nobody does, or where the system does not say (only Linux does, of its own processes).
 */
async function holderOf(file: string): Promise<number | undefined> {
  const [stats, locks] = await Promise.all([
    fs.stat(file, { bigint: true }).catch(() => undefined),
    fs.readFile('/proc/locks', 'utf8').catch(() => ''),
  ]);
  if (stats === undefined) return undefined;
  // 1: POSIX  ADVISORY  WRITE 17490 fe:00:9994247 0 EOF
  const lock = /^\d+: (?:POSIX|OFDLCK) +ADVISORY +WRITE +(\d+) +([\da-f]+):([\da-f]+):(\d+) /gm;
  for (const [, pid, major, minor, inode] of locks.matchAll(lock)) {
    const device = deviceOf(BigInt(`0x${major}`), BigInt(`0x${minor}`));
    if (BigInt(inode ?? 0) === stats.ino && device === stats.dev) return Number(pid);
  }
  return undefined;
}

/** How glibc packs the two numbers of a device into one. */
function deviceOf(major: bigint, minor: bigint): bigint {
  return (
    ((major & 0xfffff000n) << 32n) |
    ((major & 0xfffn) << 8n) |
    ((minor & 0xffffff00n) << 12n) |
    (minor & 0xffn)
  );
}

async function identityOf(path: string): Promise<string | undefined> {
  const stats = await fs.lstat(path, { bigint: true }).catch(() => undefined);
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
}

export const fileGuard: FolderGuard = {
  self: { pid: process.pid, host: hostname() },
  holderOf,
  identityOf,
};

/** For a folder that no other process can reach. */
export const noGuard: FolderGuard = {
  self: { pid: 0, host: 'memory' },
  holderOf: () => Promise.resolve(undefined),
  identityOf: () => Promise.resolve(undefined),
};
