/**
 * The folder of a project's data, owned by one process at a time:
 *
 *   data/log       every accepted event        data/rejected   every event that was not, with the reason
 *   data/state     RocksDB: operator state, views, progress; its lock is the lock of the whole folder
 *   data/stage     second names of the files that a snapshot is copying
 *   data/control   where the running process answers commands (a socket's path)
 */
import { join } from 'node:path';
import { failure } from '../base/errors.ts';
import { DiskLog, type LogFileCheck } from '../log/disk-log.ts';
import type { Log } from '../log/log.ts';
import type { Clock } from '../ports/clock.ts';
import { type Disk, realDisk } from '../ports/disk.ts';
import { RocksStore } from '../state/rocksdb.ts';
import type { Store } from '../state/store.ts';
import { STAGE, type Stage, stageData } from './stage.ts';

export interface DataFolder {
  readonly log: Log;
  readonly rejected: Log;
  readonly store: Store;
  /** Files of one moment, held still for a snapshot; absent when the data is not on disk. */
  readonly stage?: () => Promise<Stage>;
  /** Bytes of the state on disk; absent when it is not on disk. */
  sizeBytes?(): Promise<number>;
  /** Reads and checks every byte of both logs; absent when they are in memory. */
  verifyLogs?(): AsyncIterable<LogFileCheck>;
  close(): Promise<void>;
}

export interface DataFolderOptions {
  readonly openStore?: (folder: string) => Promise<Store>;
  /** From which size on the log begins another file. */
  readonly segmentBytes?: number;
  /** How long an append waits for others to share its fsync. */
  readonly commitEveryMs?: number;
}

/** Opens the data and takes its lock. Throws DATA_LOCKED, DATA_FOREIGN, LOG_CORRUPT, STATE_FAILED, NATIVE_MISSING. */
export async function openDataFolder(
  folder: string,
  clock: Clock,
  disk: Disk = realDisk,
  { openStore = (path) => RocksStore.open(path), segmentBytes, commitEveryMs }: DataFolderOptions = {},
): Promise<DataFolder> {
  await refuseLinks(disk, folder);
  await disk.makeFolder(folder);
  const store = await openStore(join(folder, 'state'));
  try {
    // A snapshot that was killed may have left it.
    await disk.removeFolder(join(folder, STAGE));
    const ports = {
      disk,
      clock,
      ...(segmentBytes !== undefined && { segmentBytes }),
      ...(commitEveryMs !== undefined && { commitEveryMs }),
    };
    const log = await DiskLog.open(join(folder, 'log'), ports);
    const rejected = await DiskLog.open(join(folder, 'rejected'), ports);
    return {
      log,
      rejected,
      store,
      async *verifyLogs() {
        yield* log.verify();
        yield* rejected.verify();
      },
      ...(store.freeze !== undefined && { stage: () => stageData({ disk, folder, store, log, rejected }) }),
      sizeBytes: () => folderBytes(disk, join(folder, 'state')),
      async close() {
        await log.close();
        await rejected.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function folderBytes(disk: Disk, folder: string): Promise<number> {
  return (await disk.listAll(folder)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

async function refuseLinks(disk: Disk, folder: string): Promise<void> {
  for (const path of [folder, ...['log', 'rejected', 'state'].map((name) => join(folder, name))]) {
    const kind = await disk.kindOf(path);
    if (kind === undefined) continue;
    if (kind === 'link') throw failure('DATA_FOREIGN', { folder: path, reason: 'it is a symbolic link' });
    if (kind !== 'folder') throw failure('DATA_FOREIGN', { folder: path, reason: 'it is not a folder' });
  }
}
