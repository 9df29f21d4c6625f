/** What `pipeline run` shows of the results on a terminal. */
import process from 'node:process';
import type { Engine } from '../engine/engine.ts';
import { count, rowTable } from './output.ts';
import { paint } from './terminal.ts';

const FIRST_ROWS = 8;

/** Prints what readers see: at once when they see all that has arrived, else as soon as they do. */
export async function firstResults(engine: Engine, signal: AbortSignal): Promise<void> {
  const { log } = engine.data;
  while (log.end === 0 || engine.arrangement.serving.position < log.end) await engine.nextCommit();
  if (!signal.aborted) await printResults(engine);
}

/** The first rows of each view, and what was late or rejected. */
export async function printResults(engine: Engine): Promise<void> {
  const status = await engine.status();
  const color = paint(process.stdout);
  const lines: string[] = [];
  for (const view of status.views) {
    const rows = await engine.query(view.name, { where: {}, limit: FIRST_ROWS, order: 'newest' });
    lines.push(
      `${color.bold(view.name)}: ${count(view.rows)} rows${view.rows > rows.length ? `, the newest ${rows.length}` : ''}`,
    );
    if (rows.length > 0)
      lines.push(
        ...rowTable(rows, 2)
          .split('\n')
          .map((line) => `  ${line}`),
      );
  }
  const eventsIn = status.sources.reduce((sum, source) => sum + source.eventsIn, 0);
  const policies = [...new Set(Object.values(status.late.policy))].join(', ');
  lines.push(
    `${count(eventsIn)} events in, ${count(status.late.total)} late (${policies}), ${count(status.rejected)} rejected`,
  );
  process.stdout.write(`${lines.join('\n')}\n`);
}
