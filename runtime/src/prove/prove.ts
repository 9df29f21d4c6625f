/**
 * Simulates several tasks, as many at a time as there are threads for them. What comes out does not depend on the threads:
 * each task knows nothing of the others, and time is virtual.
 */
import { invariant } from '../base/invariant.ts';
import { Worker } from '../ports/threads.ts';
import type { Answer, Task } from './prove-worker.ts';
import { type Simulated, simulate } from './simulate.ts';

export { COSTS } from './costs.ts';
export { readWorkload } from './read-workload.ts';
export { busiest, drawStretches, drawWorkload, thinned, within } from './workload.ts';

export interface ProveOptions {
  readonly threads: number;
  readonly signal?: AbortSignal;
  /** Called now and then with how much of all tasks is done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

/** The results of the tasks, in their order. Rejects when `signal` aborts, with its reason; no thread is left then. */
export async function simulateAll(tasks: readonly Task[], options: ProveOptions): Promise<Simulated[]> {
  const { WORKER_URL, IS_PROVE_WORKER } = await import('./prove-worker.ts');
  const shares = tasks.map(() => 0);
  const results = new Map<number, Simulated>();
  const weights = tasks.map(({ workload }) => workload.keys.length);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const noteShare = (index: number, share: number): void => {
    shares[index] = share;
    const done = shares.reduce((sum, each, at) => sum + each * (weights[at] as number), 0);
    options.onProgress?.(done / total);
  };
  let next = 0;
  const drain = async (run: (task: Task, index: number) => Promise<Simulated>): Promise<void> => {
    for (let index = next++; index < tasks.length; index = next++) {
      options.signal?.throwIfAborted();
      results.set(index, await run(tasks[index] as Task, index));
      noteShare(index, 1);
    }
  };
  // A thread loads no TypeScript, so from the sources, as tests run them, everything runs in this one.
  if (WORKER_URL.endsWith('.ts')) {
    const { signal } = options;
    await drain((task, index) =>
      simulate({
        ...task,
        ...(signal !== undefined && { signal }),
        onProgress: (share) => noteShare(index, share),
      }),
    );
  } else {
    const threads = Array.from({ length: Math.min(options.threads, tasks.length) }, async () => {
      const worker = new Worker(new URL(WORKER_URL), { workerData: IS_PROVE_WORKER });
      try {
        await drain((task, index) => ask(worker, task, (share) => noteShare(index, share), options.signal));
      } finally {
        await worker.terminate();
      }
    });
    await settled(threads);
  }
  return tasks.map((_, index) => {
    const result = results.get(index);
    invariant(result !== undefined, 'every task has a result');
    return result;
  });
}

/** Waits for all, so that nothing is left running, and throws what the first threw. */
async function settled(works: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(works);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

function ask(
  worker: Worker,
  task: Task,
  onProgress: (share: number) => void,
  signal: AbortSignal | undefined,
): Promise<Simulated> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => end(() => reject(signal?.reason as Error));
    const onError = (error: Error): void => end(() => reject(error));
    const onMessage = (answer: Answer): void => {
      if (answer.kind === 'progress') return onProgress(answer.share);
      if (answer.kind === 'done') return end(() => resolve(answer.simulated));
      end(() => reject(Object.assign(new Error(answer.message), { stack: answer.stack })));
    };
    const end = (settle: () => void): void => {
      worker.off('message', onMessage);
      worker.off('error', onError);
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    worker.on('message', onMessage);
    worker.on('error', onError);
    signal?.addEventListener('abort', onAbort, { once: true });
    worker.postMessage(task, []);
  });
}
