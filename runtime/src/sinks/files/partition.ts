import type { Partition } from '../../config/sinks.ts';
import { formatTimestamp } from '../../data/timestamp.ts';

const HOUR_MS = 3_600_000;

/** How the rows of a view are spread over folders by their time. */
export interface Partitioning {
  /** Where the partition of a time begins. */
  readonly startOf: (timeMs: number) => number;
  /** Where the one that begins there ends. */
  readonly endOf: (startMs: number) => number;
  /** Its folder; empty for the sink's own. */
  readonly folderOf: (startMs: number) => string;
}

export const PARTITIONINGS: { readonly [P in Partition]: Partitioning } = {
  none: { startOf: () => -Infinity, endOf: () => Infinity, folderOf: () => '' },
  // Windows that start together are in one, however long they are.
  window: {
    startOf: (timeMs) => timeMs,
    endOf: (startMs) => (startMs === -Infinity ? -Number.MAX_VALUE : startMs + 1),
    folderOf: (startMs) => named('window', startMs, 23),
  },
  hour: everyMs('hour', HOUR_MS, 13),
  day: everyMs('day', 24 * HOUR_MS, 10),
};

function everyMs(name: string, sizeMs: number, letters: number): Partitioning {
  return {
    startOf: (timeMs) => Math.floor(timeMs / sizeMs) * sizeMs,
    endOf: (startMs) => (startMs === -Infinity ? -Number.MAX_VALUE : startMs + sizeMs),
    folderOf: (startMs) => named(name, startMs, letters),
  };
}

/** `day=2001-01-16`; the letters are those of a year with four digits. */
function named(name: string, startMs: number, letters: number): string {
  if (startMs === -Infinity) return `${name}=none`;
  const text = formatTimestamp(startMs);
  return `${name}=${text.slice(0, letters + text.length - 24).replaceAll(':', '-')}`;
}
