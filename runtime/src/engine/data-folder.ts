/**
 * The folder of a project's data, owned by one process at a time:
 *
 *   data/log       every accepted event        data/rejected   every event that was not, with the reason
 *   data/state     RocksDB: operator state, views, progress; its lock is the lock of the whole folder
 *   data/cold      files of the log that became Parquet
 *   data/stage     second names of the files that a snapshot is copying
 *   data/observed   what was measured on each day, for reviews; may be lost
 *   data/control.sock, data/owner.json   where the running process answers commands, and which one it is
 */
import { join } from 'node:path';
import { CodedError } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import type { Field } from '../data/decode.ts';
import { coldFolder } from '../log/cold/place.ts';
import { readWhole } from '../log/framed.ts';
import { DiskLog } from '../log/disk-log.ts';
import type { LogFileCheck } from '../log/log-files.ts';
import type { RetentionLimits, Trimmed } from '../log/retention.ts';
import type { Log } from '../log/log.ts';
import { type NotesPlace, OBSERVED_FOLDER } from '../observe/days.ts';
import type { LogStatus } from '../host/host.ts';
import type { Clock } from '../ports/clock.ts';
import { type Disk, realDisk } from '../ports/disk.ts';
import { fileGuard, noGuard } from '../ports/lock.ts';
import { type Random, systemRandom } from '../ports/random.ts';
import { RocksStore } from '../state/rocksdb.ts';
import { damagedRecordIn } from '../state/rocksdb-manifest.ts';
import { progressKey } from '../state/keys.ts';
import { prefixRange, type Store } from '../state/store.ts';
import { COLD, STAGE, type Stage, stageData } from './stage.ts';
import { Room } from './room.ts';
import { examineFolder, lockedBy, type Owner, ownersDisk, takeFolder } from './owner.ts';

export interface DataFolder {
  readonly log: Log;
  readonly rejected: Log;
  readonly store: Store;
  /** Where the folder is; absent when the data is not on disk. */
  readonly disk?: Disk;
  /** Files of one moment, held still for a snapshot; absent when the data is not on disk. */
  readonly stage?: () => Promise<Stage>;
  /** The process that has the folder; absent when there is no folder. */
  readonly owner?: Owner;
  /** Room where the folder is; absent when the data is not on disk. */
  readonly room?: Room;
  /** Where notes about each day go, which may be lost; absent when the data is not on disk. */
  readonly observed?: NotesPlace;
  /** Bytes of the state on disk; absent when it is not on disk. */
  sizeBytes?(): Promise<number>;
  /** Removes the oldest files of the log that end before a position; absent when it is in memory. */
  trim?(needed: number, limits: RetentionLimits): Promise<Trimmed>;
  /** Removes the oldest files of what was rejected that are over a size. */
  trimRejected?(sizeBytesMax: number): Promise<Trimmed>;
  /** How much of it is kept. */
  rejectedBytes?(): number;
  /** None of these files goes until the function that is returned was called. */
  holdRejected?(): () => void;
  /** Lets the oldest file of the log go cold whose events were all appended before; false when there is none. */
  roll?(olderThanMs: number, fieldsOf: (source: string) => readonly Field[]): Promise<boolean>;
  /** What the log takes on disk, and since when; absent when it is in memory. */
  logUse?(): Pick<LogStatus, 'sizeBytes' | 'coldBytes' | 'oldestAtMs'>;
  /** Reads and checks every byte of both logs; absent when they are in memory. */
  verifyLogs?(): AsyncIterable<LogFileCheck>;
  close(): Promise<void>;
}

export interface DataFolderOptions {
  /** Another store than RocksDB, which has no lock that other processes could see. */
  readonly openStore?: (folder: string) => Promise<Store>;
  /** From which size on the log begins another file. */
  readonly segmentBytes?: number;
  /** From which size on columns in the log have checksums of their own. */
  readonly columnSumsFromBytes?: number;
  /** How long an append waits for others to share its fsync. */
  readonly commitEveryMs?: number;
  /** How much of the disk is kept free; nothing unless said. */
  readonly reserveBytes?: number;
  /** What new folders get their identity from. */
  readonly random?: Random;
}

/**
 * Opens the data and becomes its owner.
 * @throws DATA_LOCKED, DATA_FOREIGN, DATA_NEWER, LOG_CORRUPT, LOG_UNAVAILABLE, STATE_FAILED, NATIVE_MISSING
 */
export async function openDataFolder(
  folder: string,
  clock: Clock,
  disk: Disk = realDisk,
  options: DataFolderOptions = {},
): Promise<DataFolder> {
  try {
    return await openParts(folder, clock, disk, options);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // What a disk says has a code; a defect of ours has none.
    if (error instanceof CodedError || code === undefined) throw error;
    throw failure('LOG_UNAVAILABLE', { folder, reason: code }, error);
  }
}

/** Whole files of what was rejected go: the smaller they are, the closer its limit is kept. */
const REJECTED_SEGMENT_BYTES = 16_000_000;

async function openParts(
  folder: string,
  clock: Clock,
  disk: Disk,
  options: DataFolderOptions,
): Promise<DataFolder> {
  const { openStore, segmentBytes, columnSumsFromBytes, commitEveryMs } = options;
  const { reserveBytes = 0, random = systemRandom } = options;
  const guard = openStore === undefined ? fileGuard : noGuard;
  await examineFolder(folder, disk, guard);
  await disk.makeFolder(folder);
  const store = await (openStore === undefined ? openRocks(folder, disk) : openStore(join(folder, 'state')));
  const opened: { close(): Promise<void> }[] = [store];
  try {
    const taken = await takeFolder(folder, { disk, clock, random, store, guard });
    opened.push(taken);
    if (store instanceof RocksStore) store.beforeCommit = () => taken.check();
    // A snapshot that was killed may have left it.
    await disk.removeFolder(join(folder, STAGE));
    const room = new Room({ folder, reserveBytes, clock, freeBytes: () => disk.freeBytes(folder) });
    const ports = {
      admit: (bytes: number) => room.admit(bytes),
      disk: ownersDisk(disk, taken),
      clock,
      ...(segmentBytes !== undefined && { segmentBytes }),
      ...(columnSumsFromBytes !== undefined && { columnSumsFromBytes }),
      ...(commitEveryMs !== undefined && { commitEveryMs }),
    };
    const cold = coldFolder(ports.disk, join(folder, COLD));
    const log = await DiskLog.open(join(folder, 'log'), { ...ports, cold, seenTo: await seenTo(store) });
    opened.push(log);
    const rejectedBytes = Math.min(segmentBytes ?? Infinity, REJECTED_SEGMENT_BYTES);
    const rejected = await DiskLog.open(join(folder, 'rejected'), { ...ports, segmentBytes: rejectedBytes });
    const observed = join(folder, OBSERVED_FOLDER);
    await disk.makeFolder(observed);
    return {
      log,
      rejected,
      store,
      disk,
      owner: taken,
      room,
      trim: (needed, limits) => log.trim(needed, limits),
      trimRejected: (sizeBytesMax) => rejected.trim(rejected.end, { sizeBytesMax }),
      rejectedBytes: () => rejected.sizeBytes,
      holdRejected: () => rejected.hold(),
      roll: (olderThanMs, fieldsOf) => log.roll(olderThanMs, fieldsOf),
      logUse: () => ({
        sizeBytes: log.sizeBytes,
        coldBytes: log.files.cold.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        oldestAtMs: log.oldestAtMs,
      }),
      async *verifyLogs() {
        yield* log.verify();
        yield* rejected.verify();
      },
      ...(store.freeze !== undefined && { stage: () => stageData({ disk, folder, store, log, rejected }) }),
      observed: { disk: ports.disk, folder: observed },
      sizeBytes: () => folderBytes(disk, join(folder, 'state')),
      async close() {
        await log.close();
        await rejected.close();
        await store.close();
        await taken.close();
      },
    };
  } catch (error) {
    for (const part of opened) await part.close();
    throw error;
  }
}

/** Removes a state that cannot be read. Throws DATA_LOCKED. */
export async function discardState(folder: string, disk: Disk = realDisk): Promise<void> {
  await examineFolder(folder, disk, fileGuard);
  await disk.removeFolder(join(folder, 'state'));
}

/** The lock is RocksDB's. What it does before it asks for it, such as renaming its messages, is no harm to the owner. */
async function openRocks(folder: string, disk: Disk): Promise<RocksStore> {
  const state = join(folder, 'state');
  const files = await disk.listAll(state);
  // RocksDB would begin anew beside files that nothing names any more.
  if (files.some(({ name }) => name.endsWith('.sst')) && !files.some(({ name }) => name === 'CURRENT'))
    throw failure('STATE_FAILED', { folder: state, reason: 'its file CURRENT is missing' });
  await refuseDamaged(state, disk);
  try {
    return await RocksStore.open(state);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'DATA_LOCKED') throw await lockedBy(folder, disk);
    throw error;
  }
}

/** What RocksDB would not tell, or never come back from. Throws STATE_FAILED. */
async function refuseDamaged(state: string, disk: Disk): Promise<void> {
  const current = (await readWhole(disk, join(state, 'CURRENT')))?.toString().trim() ?? '';
  if (!/^MANIFEST-\d+$/.test(current)) return;
  const at = damagedRecordIn((await readWhole(disk, join(state, current))) ?? Buffer.alloc(0));
  if (at !== undefined)
    throw failure('STATE_FAILED', { folder: state, reason: `${current} is damaged at byte ${at}` });
}

/** Up to where any layer has computed: all of that was durable before. */
async function seenTo(store: Store): Promise<number> {
  let position = 0;
  for await (const { value } of store.scan(prefixRange(progressKey('')))) {
    const progress = JSON.parse(value.toString()) as { readonly position?: number };
    position = Math.max(position, progress.position ?? 0);
  }
  return position;
}

async function folderBytes(disk: Disk, folder: string): Promise<number> {
  return (await disk.listAll(folder)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
