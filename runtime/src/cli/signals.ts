import process from 'node:process';
import { CodedError } from '../base/coded-error.ts';
import { EXIT } from './exit.ts';

/** Thrown when a person stopped the command before it was done: exit code 130. */
export class Interrupted extends Error {
  override readonly name = 'AbortError';
}

/**
 * Runs some work with a signal that aborts on SIGINT or SIGTERM. The work finishes what it has begun; a second signal ends
 * the process at once, which loses nothing that was acknowledged. Work that was to end by itself was cut short, so
 * Interrupted is thrown; work without an end has done what it was asked to.
 */
export async function untilInterrupted<T>(
  work: (signal: AbortSignal) => Promise<T>,
  options: { readonly endless?: boolean } = {},
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  const onSignal = (): void => {
    if (signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    const result = await work(signal);
    if (signal.aborted && options.endless !== true) throw new Interrupted('interrupted');
    return result;
  } catch (error) {
    if (signal.aborted && !(error instanceof CodedError))
      throw new Interrupted('interrupted', { cause: error });
    throw error;
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}
