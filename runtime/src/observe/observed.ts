/** What can be read about a project's data from outside, whether it runs or not: the days that were noted, and sizes on disk. */
import { join } from 'node:path';
import { realDisk } from '../ports/disk.ts';
import { type Day, OBSERVED_FOLDER, readDays } from './days.ts';

export interface Observed {
  /** Oldest first. */
  readonly days: readonly Day[];
  /** Files of days that cannot be read. */
  readonly unreadable: readonly string[];
  readonly logBytes: number;
  readonly stateBytes: number;
}

/** Reads and changes nothing. A folder that is not there has measured nothing. */
export async function observedDays(dataFolder: string): Promise<Observed> {
  const found = await readDays({ disk: realDisk, folder: join(dataFolder, OBSERVED_FOLDER) });
  const bytesOf = async (name: string): Promise<number> =>
    (await realDisk.listAll(join(dataFolder, name))).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { ...found, logBytes: await bytesOf('log'), stateBytes: await bytesOf('state') };
}
