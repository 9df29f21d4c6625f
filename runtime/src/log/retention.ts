/**
 * Which files of a log go: whole sealed ones from its beginning, as long as they are older than the time or the log is
 * larger than the size, and nobody needs them.
 */
import type { SegmentSummary } from './segment-index.ts';

/** How long events are kept; without a limit for ever. */
export interface RetentionLimits {
  /** Events that were appended before this moment may go. */
  readonly olderThanMs?: number;
  /** Of all that is kept; what is over it may go. */
  readonly sizeBytesMax?: number;
}

/** What came of it. */
export interface Trimmed {
  readonly files: number;
  /** Whether more would have gone if nobody had needed it. */
  readonly isHeld: boolean;
}

/** What is known of a file. */
export type Removable = Pick<SegmentSummary, 'end' | 'lastAppendedAtMs'> & { readonly sizeBytes: number };

/**
 * How many files from the beginning go. `needed` is the first position that anybody needs. The last file is being written
 * to and stays.
 */
export function removable(
  files: readonly Removable[],
  needed: number,
  { olderThanMs = -Infinity, sizeBytesMax = Infinity }: RetentionLimits,
): number {
  let sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  let count = 0;
  for (const file of files.slice(0, -1)) {
    const isOld = file.lastAppendedAtMs !== null && file.lastAppendedAtMs < olderThanMs;
    if (file.end > needed || (!isOld && sizeBytes <= sizeBytesMax)) break;
    sizeBytes -= file.sizeBytes;
    count++;
  }
  return count;
}
