/**
 * The thread that simulates. The main thread imports this module, too, without running anything, to learn where it lies: beside
 * the others as they were compiled, or in a bundle.
 */
import { parentPort, workerData } from '../ports/threads.ts';
import { type Simulated, simulate, type Simulation } from './simulate.ts';

export const WORKER_URL = import.meta.url;
export const IS_PROVE_WORKER = 'pipeline prove worker';

/** What a thread is asked for. */
export type Task = Omit<Simulation, 'signal' | 'onProgress'>;

export type Answer =
  | { readonly kind: 'progress'; readonly share: number }
  | { readonly kind: 'done'; readonly simulated: Simulated }
  | { readonly kind: 'failed'; readonly message: string; readonly stack: string };

if (parentPort !== null && workerData === IS_PROVE_WORKER) {
  const port = parentPort;
  const answer = (message: Answer): void => port.postMessage(message);
  port.on('message', (task: Task) => {
    simulate({ ...task, onProgress: (share) => answer({ kind: 'progress', share }) }).then(
      (simulated) => answer({ kind: 'done', simulated }),
      (error: unknown) => {
        const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
        answer({ kind: 'failed', message, stack });
      },
    );
  });
}
