/**
 * Starts the thread of a worker. The module says itself where it lies, which is right in the compiled package and in a
 * bundle alike. From the TypeScript sources, as tests run them, it is bundled first, since a thread loads no TypeScript.
 */
import { fileURLToPath } from 'node:url';
import type { TransferListItem } from 'node:worker_threads';
import { Worker } from '../ports/threads.ts';
import type { WorkerData } from './file-worker-messages.ts';

export async function startWorker(
  data: WorkerData,
  transferList: readonly TransferListItem[],
): Promise<Worker> {
  // Imported as late as this, so that a bundler gives it a file of its own.
  const { WORKER_URL, IS_FILE_WORKER } = await import('./file-worker.ts');
  const options = { workerData: { [IS_FILE_WORKER]: data }, transferList: [...transferList] };
  if (!WORKER_URL.endsWith('.ts')) return new Worker(new URL(WORKER_URL), options);
  bundled ??= bundle(fileURLToPath(WORKER_URL));
  return new Worker(await bundled, { ...options, eval: true, execArgv: [] });
}

let bundled: Promise<string> | undefined;

async function bundle(path: string): Promise<string> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    define: { 'import.meta.url': JSON.stringify(WORKER_SOURCE) },
    packages: 'external',
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

/** The address of the bundled sources, which nobody asks for. */
const WORKER_SOURCE = 'file:///file-worker.js';
