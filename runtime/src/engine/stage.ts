/**
 * Holds the files of a data folder still while a snapshot copies them, without copying anything itself.
 *
 *   store: flush ─► suspend ─► second names for files that never change, copies of the small ones that do ─► resume
 *   log:   second names for its files, each up to the last durable block; cold files are held where they are
 *
 * The log comes after the store, so it has every event that is in the state.
 */
import { basename, join } from 'node:path';
import type { DiskLog } from '../log/disk-log.ts';
import type { Disk } from '../ports/disk.ts';
import { readFile, writeFile } from '../snapshots/place.ts';
import type { SourceFile } from '../snapshots/take.ts';
import type { Store } from '../state/store.ts';

export const STAGE = 'stage';
/** Where files of the log lie that went cold. */
export const COLD = 'cold';

export interface Stage {
  readonly files: readonly SourceFile[];
  /** Of the log at that moment. */
  readonly position: number;
  release(): Promise<void>;
}

export interface StageOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly store: Store;
  readonly log: DiskLog;
  readonly rejected: DiskLog;
}

/** Written once and never changed; RocksDB may only remove them. */
const NEVER_CHANGES = /\.(?:sst|blob)$/;
/** Messages for people, and the lock. */
const LEFT_OUT = /^(?:LOG(?:\.old.*)?|LOCK)$/;

export async function stageData({ disk, folder, store, log, rejected }: StageOptions): Promise<Stage> {
  const stage = join(folder, STAGE);
  await disk.removeFolder(stage);
  const files: SourceFile[] = [];
  await disk.makeFolder(join(stage, 'state'));
  await store.freeze?.(async (state) => {
    for (const { name, kind, sizeBytes } of await disk.listAll(state)) {
      if (kind !== 'file' || LEFT_OUT.test(name)) continue;
      const [there, from] = [join(state, name), join(stage, 'state', name)];
      if (NEVER_CHANGES.test(name)) await disk.link(there, from);
      else await writeFile(disk, from, readFile(disk, there, sizeBytes));
      files.push({ path: `state/${name}`, from, bytes: sizeBytes });
    }
  });
  const position = log.end;
  // Cold files never change: they are copied from where they are, and stay until that is done.
  const releases = [log.hold(), rejected.hold()];
  const releaseAll = (): void => {
    for (const release of releases) release();
  };
  for (const { name, sizeBytes } of log.files.cold)
    files.push({ path: `${COLD}/${name}`, from: join(folder, COLD, name), bytes: sizeBytes });
  try {
    for (const [name, { files: of }] of [
      ['log', log],
      ['rejected', rejected],
    ] as const) {
      await disk.makeFolder(join(stage, name));
      for (const { file, sizeBytes } of of.named) {
        const staged = join(stage, name, basename(file));
        await disk.link(file, staged);
        files.push({ path: `${name}/${basename(file)}`, from: staged, bytes: sizeBytes });
      }
    }
  } catch (error) {
    releaseAll();
    throw error;
  }
  const release = async (): Promise<void> => {
    releaseAll();
    await disk.removeFolder(stage);
  };
  return { files, position, release };
}
