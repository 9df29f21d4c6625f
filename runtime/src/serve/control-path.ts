/**
 * Where the control socket of a data folder lies. A socket's path has at most 103 bytes on some systems, so the socket of
 * a deep folder lies in a folder of its owner under the system's temporary one, named after the data folder.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from '../ports/files.ts';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { failure } from '../base/errors.ts';

const PATH_BYTES_MAX = 103;

/** @throws LISTEN_FAILED when the folder for it belongs to someone else */
export function controlSocketPath(dataFolder: string): string {
  const folder = resolve(dataFolder);
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 24);
  if (process.platform === 'win32') return `\\\\.\\pipe\\pipeline-${name}`;
  const beside = join(folder, 'control.sock');
  if (Buffer.byteLength(beside) <= PATH_BYTES_MAX) return beside;
  return join(ownFolder(), `${name}.sock`);
}

function ownFolder(): string {
  const uid = process.getuid?.() ?? 0;
  const folder = join(tmpdir(), `pipeline-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw failure('LISTEN_FAILED', { where: folder, reason: 'it is not a folder that only you can open' });
  }
  return folder;
}
