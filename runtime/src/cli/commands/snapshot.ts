/** The commands that keep a copy of everything elsewhere, and make a data folder of it again. */
import { resolve } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import { failure } from '../../base/errors.ts';
import { formatSize } from '../../base/sizes.ts';
import type { SnapshotStatus } from '../../host/host.ts';
import { systemClock } from '../../ports/clock.ts';
import { realDisk } from '../../ports/disk.ts';
import { folderPlace } from '../../snapshots/place.ts';
import { restoreSnapshot } from '../../snapshots/restore.ts';
import { dataFolderOf, findProject, findRunning, loadProjectDefinition, withPipeline } from '../context.ts';
import { count, formatOf, note, printJson } from '../output.ts';
import { untilInterrupted } from '../signals.ts';
import { wholeNumber } from './ask.ts';

export function addSnapshotCommands(program: Command): void {
  program
    .command('snapshot')
    .description(
      'copies state and log to a folder while the pipeline runs; what is there already is not copied again',
    )
    .requiredOption('--to <folder>', 'where snapshots are kept, on another disk if that matters')
    .option('--keep <snapshots>', 'how many stay there, this one included', '3')
    .option('--format <format>', 'text or json', 'text')
    .action(snapshot);
  program
    .command('restore')
    .description(
      'makes the data folder of a project from a snapshot, every byte checked; it must not hold anything',
    )
    .requiredOption('--from <folder>', 'what `pipeline snapshot --to` wrote')
    .option('--generation <number>', 'not the newest but this one')
    .option('--or-previous', 'when the newest is damaged: the newest that is whole')
    .option('--format <format>', 'text or json', 'text')
    .action(restore);
}

const ASK_MS = 200;

async function snapshot(options: { to: string; keep: string; format: string }): Promise<void> {
  const format = formatOf(options.format, ['text', 'json']);
  const keep = wholeNumber('--keep', options.keep);
  const taken = await untilInterrupted((signal) =>
    withPipeline(findProject(), async (host) => {
      const ask = (name: string, params: object = {}): Promise<SnapshotStatus> =>
        host.command(name, params) as Promise<SnapshotStatus>;
      let status = await ask('snapshot', { folder: resolve(options.to), keep });
      while (status.running !== null) {
        showProgress(status.running);
        await systemClock.sleep(ASK_MS, signal);
        status = await ask(signal.aborted ? 'snapshot-stop' : 'snapshot-status');
        if (signal.aborted) break;
      }
      clearProgress();
      return status;
    }),
  );
  const { last, lastFailure } = taken;
  if (last === null || lastFailure !== null)
    throw failure('SNAPSHOT_FAILED', { place: options.to, reason: lastFailure ?? 'it was stopped' });
  if (format === 'json') return printJson(last);
  note(
    `Snapshot ${last.generation}: ${formatSize(last.bytes)} at position ${count(last.position)}; ${count(last.copiedFiles)} new files, ${formatSize(last.copiedBytes)}, were copied.`,
  );
}

interface RestoreFlags {
  readonly from: string;
  readonly generation?: string;
  readonly orPrevious?: boolean;
  readonly format: string;
}

async function restore({ from, generation, orPrevious = false, ...flags }: RestoreFlags): Promise<void> {
  const format = formatOf(flags.format, ['text', 'json']);
  const project = findProject();
  const folder = dataFolderOf(project);
  if ((await findRunning(project)) !== null) throw failure('RESTORE_OCCUPIED', { folder });
  const { name: pipeline } = await loadProjectDefinition(project);
  const restored = await untilInterrupted((signal) =>
    restoreSnapshot({
      place: folderPlace(realDisk, resolve(from)),
      disk: realDisk,
      folder,
      pipeline,
      orPrevious,
      signal,
      onProgress: showProgress,
      ...(generation !== undefined && { generation: wholeNumber('--generation', generation) }),
    }),
  );
  clearProgress();
  if (format === 'json') return printJson(restored);
  for (const { reason } of restored.skipped) note(`Skipped: ${reason}`);
  note(
    `Snapshot ${restored.generation} of ${restored.takenAt} is in ${folder}: ${formatSize(restored.bytes)}, events up to position ${count(restored.position)}. What came after it must be sent again; \`pipeline run\` goes on from there.`,
  );
}

function showProgress({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number }): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${formatSize(doneBytes)} of ${formatSize(totalBytes)}`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}
