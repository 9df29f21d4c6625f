/**
 * The thread of a worker. The main thread imports this module, too, without running anything, to learn where it lies: beside
 * the others as they were compiled, or in a bundle.
 */
import { parentPort, workerData } from '../ports/threads.ts';
import type { Answer, Command, WorkerData } from './file-worker-messages.ts';
import { WorkerRun } from './file-worker-run.ts';

export const WORKER_URL = import.meta.url;
export const IS_FILE_WORKER = 'pipeline file worker';

interface Given {
  readonly [IS_FILE_WORKER]: WorkerData;
}

function isGiven(data: unknown): data is Given {
  return typeof data === 'object' && data !== null && IS_FILE_WORKER in data;
}

if (parentPort !== null && isGiven(workerData)) {
  const port = parentPort;
  const guarded = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
      port.postMessage({ kind: 'failed', message, stack } satisfies Answer);
      // Nothing that comes later is of use.
      port.close();
    }
  };
  guarded(() => {
    const run = new WorkerRun(workerData[IS_FILE_WORKER], port);
    port.on('message', (command: Command) => guarded(() => run.do(command)));
  });
}
