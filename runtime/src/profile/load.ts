import type { EventMeasures } from './measure-events.ts';
import type { ScanOptions } from './scan-events.ts';

/**
 * Measures the events of a file: JSON lines, CSV or Parquet, by its ending. What does it is large, so it is loaded first.
 * @throws FILE_UNREADABLE, FILE_INVALID, USAGE
 */
export async function measureEvents(file: string, options: ScanOptions): Promise<EventMeasures> {
  const measures = await import('./measure-events.ts');
  return measures.measureEvents(file, options);
}
