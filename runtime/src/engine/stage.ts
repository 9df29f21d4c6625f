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
  for (const [name, from] of [
    ['log', log],
    ['rejected', rejected],
  ] as const) {
    await disk.makeFolder(join(stage, name));
    const release = from.hold();
    try {
      for (const { file, sizeBytes } of from.files) {
        const staged = join(stage, name, basename(file));
        await disk.link(file, staged);
        files.push({ path: `${name}/${basename(file)}`, from: staged, bytes: sizeBytes });
      }
    } finally {
      release();
    }
  }
  return { files, position, release: () => disk.removeFolder(stage) };
}
