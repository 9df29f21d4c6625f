/**
 * Holds the files of a data folder still while a snapshot copies them, without copying anything itself.
 *
 *   store: flush ─► suspend ─► second names for files that never change, copies of the small ones that do ─► resume
 *   log:   second names for its files, each up to the last durable block
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
  const logs = [
    ['log', log.files],
    ['rejected', rejected.files],
  ] as const;
  for (const [name, segments] of logs) {
    await disk.makeFolder(join(stage, name));
    for (const { file, sizeBytes } of segments) {
      const from = join(stage, name, basename(file));
      await disk.link(file, from);
      files.push({ path: `${name}/${basename(file)}`, from, bytes: sizeBytes });
    }
  }
  return { files, position, release: () => disk.removeFolder(stage) };
}
