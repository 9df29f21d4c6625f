import { failure } from '../base/errors.ts';
import type { Log } from './log.ts';

/** What is needed lies before the start of the log. `remedy` says what else can be done. */
export function trimmed(
  { start, removedUntilMs }: Pick<Log, 'start' | 'removedUntilMs'>,
  position: number,
  remedy = 'Read from its start.',
): Error {
  const until = removedUntilMs === null ? 'before' : new Date(removedUntilMs).toISOString();
  return failure('LOG_TRIMMED', { position, start, until, remedy });
}
