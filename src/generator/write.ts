/**
 * Puts planned files on the disk: all of them, or nothing.
 *
 *   new, empty    parent/.create-pipeline-x/… ─ files, fsync ─► prepare (git, install) ─► one rename ─► DIR
 *   keepsFolder   DIR/.create-pipeline-x/…    ─ files, fsync ─► prepare (git, install) ─► entries move up one by one
 *
 * Invariants  W1  A run that fails or is interrupted leaves nothing: no file, no temporary folder, no parent it made.
 *             W2  Nothing that exists is replaced, and no link is followed.
 *             W3  Nothing is written outside DIR, but for the temporary folder that becomes DIR.
 */
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { invariant } from 'pipeline-runtime/kit';
import { failure } from '../errors.ts';
import type { Disk } from './disk.ts';
import { GENERATED_FILE } from './generated.ts';
import type { PlannedFile } from './plan.ts';
import type { Target } from './target.ts';

export interface WriteOptions {
  readonly disk: Disk;
  /** Interrupts between any two steps. */
  readonly signal: AbortSignal;
  /** What else must succeed for the project to exist, done in the folder while it still has its temporary name. */
  readonly prepare: (folder: string) => Promise<void>;
}

/** @throws WRITE_FAILED, the signal's reason, or what `prepare` throws; in each case nothing is left behind. */
export async function writeProject(
  target: Target,
  files: readonly PlannedFile[],
  options: WriteOptions,
): Promise<void> {
  invariant(target.state !== 'ours', 'a project is never written over another');
  const { disk, signal } = options;
  const name = `.create-pipeline-${randomBytes(6).toString('hex')}`;
  const staging = join(target.keepsFolder ? target.dir : dirname(target.dir), name);
  const undo: (() => Promise<void>)[] = [];
  try {
    await guard(target.dir, async () => {
      for (const parent of target.missingParents) {
        signal.throwIfAborted();
        await disk.makeFolder(parent);
        undo.push(() => disk.removeEmpty(parent));
      }
      await disk.makeFolder(staging);
      undo.push(() => disk.remove(staging));
      await writeFiles(staging, files, options);
    });
    await options.prepare(staging);
    signal.throwIfAborted();
    await guard(target.dir, () =>
      target.keepsFolder ? moveEntries(staging, target, undo, disk) : moveFolder(staging, target, disk),
    );
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => undefined);
    throw error;
  }
}

async function writeFiles(
  staging: string,
  files: readonly PlannedFile[],
  { disk, signal }: WriteOptions,
): Promise<void> {
  const folders = new Set<string>([staging]);
  for (const file of files) {
    signal.throwIfAborted();
    const steps = file.path.split('/').slice(0, -1);
    for (const [i] of steps.entries()) {
      const folder = join(staging, ...steps.slice(0, i + 1));
      if (folders.has(folder)) continue;
      await disk.makeFolder(folder);
      folders.add(folder);
    }
    await disk.makeFile(join(staging, file.path), file.bytes);
  }
  for (const folder of [...folders].reverse()) await disk.syncFolder(folder);
}

/** One rename. The system refuses it when DIR is by now a file, a link or a folder that holds anything (W2). */
async function moveFolder(staging: string, target: Target, disk: Disk): Promise<void> {
  // Windows cannot rename over a folder, not even an empty one.
  if (target.state === 'empty' && process.platform === 'win32') await disk.removeEmpty(target.dir);
  await disk.rename(staging, target.dir);
  // The project is complete and visible; if only this fails, taking it away would be worse than a name not yet durable.
  await disk.syncFolder(dirname(target.dir)).catch(() => undefined);
}

/** The mark that says "ours" moves last, so that a half-moved folder is never taken for a project. */
async function moveEntries(
  staging: string,
  target: Target,
  undo: (() => Promise<void>)[],
  disk: Disk,
): Promise<void> {
  const mark = dirname(GENERATED_FILE);
  const names = (await disk.names(staging)).filter((name) => name !== mark);
  for (const name of [...names, mark]) {
    const to = join(target.dir, name);
    if (await disk.exists(to))
      throw Object.assign(new Error(`${name} appeared meanwhile`), { code: 'EEXIST' });
    await disk.rename(join(staging, name), to);
    undo.push(() => disk.remove(to));
  }
  undo.length = 0;
  await disk.removeEmpty(staging).catch(() => undefined);
  await disk.syncFolder(target.dir).catch(() => undefined);
}

/** Turns what a disk says into an error of ours; an interrupt stays what it is. */
async function guard(dir: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (typeof code !== 'string' || (error as Error).name === 'AbortError') throw error;
    throw failure(
      'WRITE_FAILED',
      { dir, reason: `${code}: ${(error as Error).message.split('\n', 1)[0] ?? ''}` },
      error,
    );
  }
}
