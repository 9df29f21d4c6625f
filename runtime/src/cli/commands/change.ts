/** The commands that change what is served: backfill, replay, promote, rollback, versions. */
import type { Command } from 'commander';
import { failure } from '../../base/errors.ts';
import type { VersionStatus } from '../../host/host.ts';
import { hashOf } from '../../plan/hash.ts';
import { type Answering, findProject, loadProjectDefinition, withPipeline } from '../context.ts';
import { count, formatOf, note, printJson, printRows } from '../output.ts';
import { timeOf, wholeNumber } from './ask.ts';

export function addChangeCommands(program: Command): void {
  program
    .command('backfill')
    .description(
      'batch and lambda: computes partitions of event time again and overwrites them; repeating it changes nothing',
    )
    .requiredOption('--from <time>', 'first moment, ISO 8601, such as 2001-01-16')
    .requiredOption('--to <time>', 'end, exclusive')
    .action(backfill);
  program
    .command('replay')
    .description(
      'kappa: runs the definition as it is now as a new version beside the live one, from the start of the log',
    )
    .option('--as <name>', 'the name of the new version (default: v2, v3, …)')
    .option('--rate <events>', 'at most so many events a second, to spare the live version')
    .option('--from <time>', 'only what was appended then or later, ISO 8601, such as 2001-01-16')
    .option('--partial', 'when retention removed the beginning of the log: what is left of it')
    .action(replay);
  program
    .command('promote')
    .description(
      'kappa: readers see this version from now on; the one before is kept up to date for a rollback',
    )
    .argument('<version>')
    .action((version: string) => changeAlias('promote', { version }));
  program
    .command('rollback')
    .description('kappa: readers see the version before the live one again')
    .action(() => changeAlias('rollback', {}));
  program
    .command('versions')
    .description('kappa: the versions, which one is live, how far each is behind')
    .option('--drop <version>', 'forgets a version that is not live')
    .option('--format <format>', 'text or json', 'text')
    .action(versions);
}

async function backfill(options: { from: string; to: string }): Promise<void> {
  const fromMs = timeOf('--from', options.from) ?? 0;
  const toMs = timeOf('--to', options.to) ?? 0;
  if (fromMs >= toMs)
    throw failure('USAGE', { message: `--from ${options.from} is not before --to ${options.to}.` });
  const project = findProject();
  const planHash = hashOf(await loadProjectDefinition(project));
  const backfilling = (host: Answering): Promise<unknown> =>
    host.command('backfill', { fromMs, toMs, planHash });
  const result = await withPipeline(project, backfilling, { adopt: true });
  const { partitions, rowsChanged } = result as { partitions: number; rowsChanged: number };
  note(`${count(partitions)} partitions of the views computed again, ${count(rowsChanged)} rows differ.`);
}

async function replay(options: {
  as?: string;
  rate?: string;
  from?: string;
  partial?: boolean;
}): Promise<void> {
  const project = findProject();
  const plan = await loadProjectDefinition(project);
  const fromMs = timeOf('--from', options.from);
  const rate = options.rate === undefined ? null : wholeNumber('--rate', options.rate);
  await withPipeline(project, async (host, engine) => {
    const params = {
      plan,
      rate,
      ...(options.as !== undefined && { as: options.as }),
      ...(fromMs !== undefined && { fromMs }),
      ...(options.partial === true && { partial: true }),
    };
    const started = (await host.command('replay', params)) as {
      version: string;
      sameAsLive: boolean;
      events: number;
      from?: number;
    };
    if (started.from !== undefined)
      note(
        `It begins at position ${count(started.from)} of the log: windows with events before that are incomplete.`,
      );
    if (started.sameAsLive)
      note("The definition is the same as the live version's; the replay will show the same rows.");
    if (engine === null) {
      return note(
        `Version ${started.version} replays ${count(started.events)} events beside the live one. \`pipeline versions\` shows how far it is, \`pipeline promote ${started.version}\` moves readers to it.`,
      );
    }
    await engine.settle();
    return note(
      `Version ${started.version} has replayed ${count(started.events)} events. \`pipeline promote ${started.version}\` moves readers to it.`,
    );
  });
}

async function changeAlias(command: 'promote' | 'rollback', params: object): Promise<void> {
  const result = await withPipeline(findProject(), (host) => host.command(command, params));
  const { live, previous } = result as { live: string; previous: string };
  note(`Readers see ${live} now; \`pipeline rollback\` goes back to ${previous}.`);
}

async function versions(options: { drop?: string; format: string }): Promise<void> {
  const format = formatOf(options.format, ['text', 'json']);
  const list = await withPipeline(findProject(), async (host) => {
    if (options.drop !== undefined) await host.command('drop', { version: options.drop });
    return (await host.command('versions', {})) as VersionStatus[];
  });
  if (format === 'json') return printJson(list);
  const rows = list.map(({ name, role, lagEvents, createdAtMs }) => ({
    version: name,
    role,
    behind: lagEvents,
    created: new Date(createdAtMs).toISOString(),
  }));
  return printRows(rows, 'table');
}
