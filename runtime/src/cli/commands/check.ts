import { dirname } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import { CodedError } from '../../base/coded-error.ts';
import { formatSize } from '../../base/sizes.ts';
import {
  dataFolderOf,
  findProject,
  findRunning,
  loadProjectDefinition,
  openEngine,
  withFolders,
} from '../context.ts';
import { EXIT } from '../exit.ts';
import { formatOf, print, printJson } from '../output.ts';
import { paint } from '../terminal.ts';
import { openDataFolder } from '../../engine/data-folder.ts';
import { checkSink, claimOf } from '../../engine/sinks.ts';
import type { Claim } from '../../sinks/sink.ts';
import { systemClock } from '../../ports/clock.ts';
import { realDisk } from '../../ports/disk.ts';
import { access, constants } from '../../ports/files.ts';
import type { Project } from '../../config/project.ts';

/** For a project that keeps no reserve. */
const FREE_BYTES_MIN = 100_000_000;

interface Finding {
  readonly check: string;
  readonly holds: boolean;
  readonly detail: string;
}

export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description('validates config, definition, data and disk; says what to fix')
    .option('--deep', 'read and check every byte of the log and of the state')
    .option('--format <format>', 'text or json', 'text')
    .action(async (options: { format: string; deep?: boolean }) => {
      const format = formatOf(options.format, ['text', 'json']);
      const findings = await findingsOf(findProject(), options.deep === true);
      const holds = findings.every((each) => each.holds);
      if (format === 'json') printJson({ holds, findings });
      else print(findings.map(line).join('\n'));
      if (!holds) process.exitCode = EXIT.check;
    });
}

function line({ check, holds, detail }: Finding): string {
  const color = paint(process.stdout);
  return `${holds ? color.green('ok  ') : color.red('FIX ')} ${check}: ${detail}`;
}

async function findingsOf(project: Project, isDeep: boolean): Promise<Finding[]> {
  const folder = dataFolderOf(project);
  let claim: Claim | null = null;
  const findings = [
    {
      check: 'config',
      holds: true,
      detail: `${project.config.architecture}, results at most ${project.config.freshness / 1000} s old`,
    },
    await finding('definition', async () => {
      const plan = await loadProjectDefinition(project);
      return `${plan.name}: ${plan.views.map((view) => view.name).join(', ')}`;
    }),
    await finding('disk', async () => {
      const existing = await access(folder, constants.W_OK).then(
        () => folder,
        () => dirname(folder),
      );
      await access(existing, constants.W_OK);
      const freeBytes = await realDisk.freeBytes(existing);
      const neededBytes = project.config.disk.reserve || FREE_BYTES_MIN;
      if (freeBytes < neededBytes)
        throw new Error(
          `only ${formatSize(freeBytes)} free at ${existing}, and ${formatSize(neededBytes)} are needed; free some space`,
        );
      return `${formatSize(freeBytes)} free`;
    }),
    await finding('data', async () => {
      if ((await findRunning(project)) !== null) return 'in use by the running pipeline, which answers';
      const engine = await openEngine(project);
      const { end } = engine.data.log;
      claim = claimOf(engine.data);
      await engine.close();
      return `${end} records in the log, and its last file and the indexes of all others are whole`;
    }),
    ...(isDeep ? [await finding('every byte', () => checkEveryByte(project))] : []),
  ];
  for (const config of withFolders(project).sinks) {
    const check = async (): Promise<string> => checkSink(config, await loadProjectDefinition(project), claim);
    findings.push(await finding(`sink ${config.name}`, check));
  }
  return findings;
}

const DAMAGES_MAX = 10;

/** Reads all of both logs and of the state, and collects what is damaged. Opens the data without a definition. */
async function checkEveryByte(project: Project): Promise<string> {
  if ((await findRunning(project)) !== null)
    throw new Error('the pipeline is running; stop it, then check every byte');
  const data = await openDataFolder(dataFolderOf(project), systemClock);
  const damages: string[] = [];
  let files = 0;
  let bytes = 0;
  let entries = 0;
  try {
    for await (const { sizeBytes, damage } of data.verifyLogs?.() ?? []) {
      files++;
      bytes += sizeBytes;
      if (damage !== null) damages.push(damage.message);
      if (process.stderr.isTTY) process.stderr.write(`\r${files} files, ${formatSize(bytes)} checked `);
    }
    for await (const _ of data.store.scan({ gte: Buffer.alloc(0), lt: Buffer.from([0xff]) })) entries++;
  } catch (error) {
    damages.push((error as Error).message);
  } finally {
    await data.close();
    if (process.stderr.isTTY) process.stderr.write('\n');
  }
  if (damages.length > 0) throw new Error(damages.slice(0, DAMAGES_MAX).join('\n'));
  return `${files} files of the log with ${formatSize(bytes)}, ${entries} entries of the state: all whole`;
}

async function finding(check: string, work: () => Promise<string>): Promise<Finding> {
  try {
    return { check, holds: true, detail: await work() };
  } catch (error) {
    if (!(error instanceof CodedError) && !(error instanceof Error)) throw error;
    return { check, holds: false, detail: error.message };
  }
}
