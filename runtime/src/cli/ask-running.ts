/** Asks the process that runs a data folder how it does, and changes nothing. */
import { CodedError } from '../base/coded-error.ts';
import type { Status } from '../host/host.ts';
import { systemClock } from '../ports/clock.ts';
import { controlClient } from '../serve/control-client.ts';
import { controlSocketPath } from '../serve/control-path.ts';

/** Its status; null when nothing runs, or nothing answers within the time. */
export async function statusOfRunning(dataFolder: string, answerMs: number): Promise<Status | null> {
  const waiting = new AbortController();
  const silence = systemClock.sleep(answerMs, waiting.signal).then(() => null);
  try {
    return await Promise.race([controlClient(controlSocketPath(dataFolder)).status(), silence]);
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  } finally {
    waiting.abort();
  }
}
