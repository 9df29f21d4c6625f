/** What a disk says, and what it means for the log. */
import { SyncFailed } from './segment.ts';

/** What a disk says when it takes no more, and the file is as it was. */
const REFUSALS: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The disk refused to write, and said so before anything was left to an fsync. */
export function isRefusal(error: unknown): boolean {
  return !(error instanceof SyncFailed) && REFUSALS.has((error as NodeJS.ErrnoException).code);
}

export function reasonOf(error: unknown): string {
  const { code, message } = (error instanceof SyncFailed ? error.cause : error) as NodeJS.ErrnoException;
  return code === 'ENOSPC' ? 'ENOSPC, the disk is full' : (code ?? message);
}
