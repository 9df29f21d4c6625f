/** The commands that ask: status, query, late, rejected, plan. */
import type { Command } from 'commander';
import { failure } from '../../base/errors.ts';
import { parseTimestamp } from '../../data/timestamp.ts';
import { explainPlan, mermaidPlan } from '../../plan/explain.ts';
import type { LateRow } from '../../host/host.ts';
import process from 'node:process';
import { EXIT } from '../exit.ts';
import type { Plan } from '../../plan/node.ts';
import { changesOf } from '../../engine/changes.ts';
import { openDataFolder } from '../../engine/data-folder.ts';
import { systemClock } from '../../ports/clock.ts';
import { dataFolderOf, findProject, loadProjectDefinition, withPipeline } from '../context.ts';
import { loadDefinition } from '../load-definition.ts';
import { count, formatOf, note, print, printJson, printRows, ROW_FORMATS, statusText } from '../output.ts';

const LIST_MAX = 1_000;

export function addAskCommands(program: Command): void {
  program
    .command('status')
    .description('freshness against the promise, watermark, lag, late and rejected events, epochs, state')
    .option('--format <format>', 'text or json', 'text')
    .action(async (options: { format: string }) => {
      const format = formatOf(options.format, ['text', 'json']);
      const status = await withPipeline(findProject(), (host) => host.status());
      if (format === 'json') printJson(status);
      else print(statusText(status));
    });
  program
    .command('query')
    .description('reads the rows of a view')
    .argument('<view>', 'its name in the definition')
    .option('--where <column=value...>', 'only rows with this value; repeat for more columns')
    .option('--from <time>', 'windows that start at or after this ISO 8601 time')
    .option('--to <time>', 'windows that start before this ISO 8601 time')
    .option('--limit <rows>', 'at most this many rows')
    .option('--format <format>', ROW_FORMATS.join(', '), 'table')
    .action(query);
  program
    .command('late')
    .description('events that came after their window and the allowed lateness')
    .option('--replay', 'take them all the same: their windows are recomputed at the next correction')
    .option('--format <format>', ROW_FORMATS.join(', '), 'table')
    .action(late);
  program
    .command('rejected')
    .description('events that were malformed, or that the definition could not compute')
    .option('--replay', 'offer them again, to a definition that may have changed since')
    .option('--format <format>', ROW_FORMATS.join(', '), 'table')
    .action(rejected);
  program
    .command('plan')
    .description('the logical plan of the definition')
    .option('--format <format>', PLAN_FORMATS.join(', '), 'text')
    .option('--changes', 'what differs from the definition of the stored results, and what a run makes of it')
    .option('--code', 'the code that is generated for a run over files, and why a view has none')
    .option(
      '--sql',
      'each view as one query of DuckDB over tables named like the sources, with "_position" and "_watermark"; exit 3 when SQL cannot say one exactly',
    )
    .option('--pipeline <file>', 'of this definition instead of a project')
    .action(showPlan);
}

const PLAN_FORMATS = ['text', 'json', 'mermaid'] as const;

interface PlanOptions {
  readonly format: string;
  readonly code?: boolean;
  readonly changes?: boolean;
  readonly sql?: boolean;
  readonly pipeline?: string;
}

async function showPlan(options: PlanOptions): Promise<void> {
  const format = formatOf(options.format, PLAN_FORMATS);
  const plan = await (options.pipeline === undefined
    ? loadProjectDefinition(findProject())
    : loadDefinition(options.pipeline));
  if (options.code === true) {
    const { codeOfViews } = await import('../../engine/file-run.ts');
    const views = codeOfViews(plan);
    if (format === 'json') return printJson(views);
    return print(
      views
        .map(({ view, code, because }) => `// view ${view}\n${code ?? `// interpreted: ${because ?? ''}`}`)
        .join('\n'),
    );
  }
  if (options.changes === true) return showChanges(plan, format);
  if (options.sql === true) return showSql(plan, format);
  if (format === 'json') return printJson(plan);
  return print(format === 'text' ? explainPlan(plan) : mermaidPlan(plan));
}

async function showChanges(plan: Plan, format: string): Promise<void> {
  const project = findProject();
  const data = await openDataFolder(dataFolderOf(project), systemClock);
  try {
    const changes = await changesOf(data.store, project.config.architecture, plan);
    if (changes === null) return note('There are no stored results to compare with.');
    if (format === 'json') return printJson(changes);
    if (changes.length === 0) return note('The definition is that of the stored results.');
    return printRows(
      changes.map(({ verdict, ...change }) => ({ verdict, ...change })),
      'table',
    );
  } finally {
    await data.close();
  }
}

async function showSql(plan: Plan, format: string): Promise<void> {
  const { exportDuckDb } = await import('../../export/sql/duckdb.ts');
  const inputs = Object.fromEntries(
    plan.sources.map(({ name }) => [
      name,
      { kind: 'table', name, position: true, watermark: 'column' } as const,
    ]),
  );
  const views = plan.views.map((view) => ({ view: view.name, ...exportDuckDb(plan, view, inputs) }));
  if (views.some((view) => 'unsupported' in view)) process.exitCode = EXIT.check;
  if (format === 'json') return printJson(views);
  for (const each of views) {
    if ('sql' in each) print(`-- view ${each.view}\n${each.sql};`);
    else
      for (const { node, what, reason } of each.unsupported)
        note(`view ${each.view}: ${node}, ${what}: ${reason}`);
  }
}

interface QueryOptions {
  readonly where?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly limit?: string;
  readonly format: string;
}

async function query(view: string, options: QueryOptions): Promise<void> {
  const format = formatOf(options.format, ROW_FORMATS);
  const where = Object.fromEntries((options.where ?? []).map(condition));
  const fromMs = timeOf('--from', options.from);
  const toMs = timeOf('--to', options.to);
  const limit = options.limit === undefined ? undefined : wholeNumber('--limit', options.limit);
  const rows = await withPipeline(findProject(), (host) =>
    host.query(view, {
      where,
      ...(fromMs !== undefined && { fromMs }),
      ...(toMs !== undefined && { toMs }),
      ...(limit !== undefined && { limit }),
    }),
  );
  printRows(rows, format);
}

function condition(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at <= 0)
    throw failure('USAGE', { message: `--where ${text}: say COLUMN=VALUE, such as --where origin=ATL.` });
  return [text.slice(0, at), text.slice(at + 1)];
}

/** An ISO 8601 time of a flag. Throws USAGE. */
export function timeOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseTimestamp(text) ?? parseTimestamp(`${text}T00:00:00Z`);
  if (ms === undefined)
    throw failure('USAGE', {
      message: `${flag} ${text}: say an ISO 8601 time with Z or an offset, such as 2001-01-16T06:00:00Z, or a day, 2001-01-16.`,
    });
  return ms;
}

export function wholeNumber(flag: string, text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text))
    throw failure('USAGE', { message: `${flag} ${text}: say a whole number above 0.` });
  return Number(text);
}

async function late(options: { replay?: boolean; format: string }): Promise<void> {
  const format = formatOf(options.format, ROW_FORMATS);
  await withPipeline(findProject(), async (host, engine) => {
    if (options.replay === true) {
      const { admitted } = (await host.command('replay-late', {})) as { admitted: number };
      await engine?.settle();
      return note(
        admitted === 0
          ? 'There are no late events that were kept aside.'
          : `${count(admitted)} late events are taken at the next correction.`,
      );
    }
    const rows = await host.late(LIST_MAX);
    const { total, policy } = (await host.status()).late;
    if (format === 'table')
      note(
        `${count(total)} late events; policy ${Object.values(policy).join(', ')}${total > rows.length ? `; the newest ${count(rows.length)}` : ''}`,
      );
    return printRows(format === 'table' ? rows.map(lateRow) : rows.map((row) => ({ ...row })), format);
  });
}

function lateRow({ view, eventTimeMs, lateByMs, event }: LateRow): Record<string, unknown> {
  return {
    view,
    happened: new Date(eventTimeMs).toISOString(),
    lateSeconds: Math.round(lateByMs / 1000),
    event,
  };
}

async function rejected(options: { replay?: boolean; format: string }): Promise<void> {
  const format = formatOf(options.format, ROW_FORMATS);
  await withPipeline(findProject(), async (host, engine) => {
    if (options.replay === true) {
      const result = (await host.command('replay-rejected', {})) as { accepted: number; rejected: number };
      await engine?.settle();
      return note(
        `${count(result.accepted)} events were accepted now, ${count(result.rejected)} are still rejected.`,
      );
    }
    const rows = await host.rejected(LIST_MAX);
    const shown = rows.map((row) => ({
      source: row.source,
      reason: row.reason,
      text: format === 'table' ? row.text.slice(0, 60) : row.text,
      at: row.at,
    }));
    return printRows(shown, format);
  });
}
