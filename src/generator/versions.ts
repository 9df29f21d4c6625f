/** What a generated project depends on: exact versions, and the runtime as a tarball that travels inside the project. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invariant } from 'pipeline-runtime/kit';
import { failure } from '../errors.ts';

/**
 * Exact pins. zod is the runtime's own, so that only one copy is installed; tsx lets the project's tests be TypeScript on
 * Node 20 too.
 */
export const PINS = { zod: '4.6.7', tsx: '4.23.15', nodeTypes: '20.19.43', node: '>=20.19' } as const;

/**
 * What `npm install` of a project downloads with an empty cache: 101 MB, measured with npm 10 on linux-x64. Nine tenths
 * are RocksDB, whose package carries the prebuilt binaries of every platform.
 */
export const DOWNLOAD_SIZE_BYTES = 100_000_000;

export interface RuntimeTarball {
  readonly version: string;
  readonly fileName: string;
  readonly bytes: Buffer;
}

/** The root of our own package, from the sources as well as from the bundle. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'templates', 'base'))) {
    invariant(dirname(folder) !== folder, 'the package carries its templates');
    folder = dirname(folder);
  }
  return folder;
}

export function generatorVersion(): string {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** The packed runtime of this build. Throws RUNTIME_NOT_PACKED when nobody has built yet. */
export function runtimeTarball(folder = join(packageRoot(), 'dist', 'vendor')): RuntimeTarball {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.tgz')) : [];
  const fileName = names[0];
  const version = /^pipeline-runtime-(\d+\.\d+\.\d+[\w.-]*)\.tgz$/.exec(fileName ?? '')?.[1];
  if (fileName === undefined || version === undefined) throw failure('RUNTIME_NOT_PACKED', { folder });
  return { version, fileName, bytes: readFileSync(join(folder, fileName)) };
}
