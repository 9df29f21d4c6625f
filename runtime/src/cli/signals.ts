import process from 'node:process';
import { CodedError } from '../base/coded-error.ts';

/** Thrown when a person stopped the command: exit code 130. */
export class Interrupted extends Error {
  override readonly name = 'AbortError';
}

/**
 * Runs some work with a signal that aborts on SIGINT or SIGTERM. The work finishes what it has begun; a second signal ends
 * the process at once, which loses nothing that was acknowledged. After SIGINT it throws Interrupted.
 */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let interrupted = false;
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(130);
    interrupted = name === 'SIGINT';
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    const result = await work(controller.signal);
    if (interrupted) throw new Interrupted('interrupted');
    return result;
  } catch (error) {
    if (interrupted && !(error instanceof CodedError)) throw new Interrupted('interrupted', { cause: error });
    throw error;
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}
