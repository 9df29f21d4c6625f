/**
 * Answers a Nexmark query over a file: `npm run nexmark -- --query q5 --input FILE --output -`. The final rows are written
 * as compact lines of JSON, with the columns of the published sink.
 */
import { createReadStream, existsSync, openSync, writeSync } from 'node:fs';
import process from 'node:process';
import { Option } from 'commander';
import { TestDriver } from 'pipeline-runtime/testing';
import { failure } from '../../runtime/src/base/errors.ts';
import { type Architecture, ARCHITECTURES } from '../../runtime/src/config/project.ts';
import type { Pipeline } from 'pipeline-runtime';
import { tablesFirst } from '../../runtime/src/engine/file-run.ts';
import { openFileRun, workersOf } from '../../runtime/src/engine/file-workers.ts';
import { ViewLayout } from '../../runtime/src/views/layout.ts';
import { benchCommand, durationText } from '../command.ts';
import { runProgram } from '../../runtime/src/cli/exit.ts';
import { nexmarkQuery, QUERIES } from './queries.ts';

interface Flags {
  readonly query: string;
  readonly input: string;
  readonly delay: string;
  readonly architecture?: Architecture;
  readonly side?: string;
  readonly jit: 'on' | 'off';
  readonly workers: string;
  readonly output: string;
}

type Write = (bytes: Uint8Array) => void;

const command = benchCommand('nexmark', 'Answers a Nexmark query over a file of events, as lines of JSON.')
  .addOption(new Option('--query <name>', 'which query').choices(Object.keys(QUERIES)).makeOptionMandatory())
  .requiredOption('--input <file>', 'the events, as lines of JSON')
  .option(
    '--delay <duration>',
    'how far the watermark stays behind the largest time seen',
    durationText,
    '4s',
  )
  .addOption(
    new Option('--architecture <name>', 'through the log and the layers of one; else in one pass').choices(
      ARCHITECTURES,
    ),
  )
  .option('--side <file>', 'the lines key,value that q13 looks up')
  .addOption(new Option('--jit <mode>', 'off: the interpreter runs all').choices(['on', 'off']).default('on'))
  .option('--workers <n>', 'so many threads share the one pass', '1')
  .option('--output <file>', 'where the rows go; - is standard output', '-');

await runProgram(
  command.action(async (flags: Flags) => {
    const definition = nexmarkQuery(flags.query, flags.delay);
    if (definition === undefined) throw failure('USAGE', { message: `There is no query ${flags.query}.` });
    const { input, side, architecture } = flags;
    if (definition.plan.sources.some(({ name }) => name === 'side') && side === undefined)
      throw failure('USAGE', {
        message: `${flags.query} looks values up: --side FILE, with lines of key,value.`,
      });
    for (const file of [input, ...(side === undefined ? [] : [side])])
      if (!existsSync(file)) throw failure('FILE_UNREADABLE', { file, reason: 'there is no such file' });
    const workers = workersOf(flags.workers);
    if (architecture === undefined) return inOnePass(definition, flags, workers);
    if (workers > 1)
      throw failure('USAGE', {
        message: '--workers divides one pass over the file; it goes without --architecture.',
      });
    await throughLayers(definition, flags, architecture);
  }),
);

/** Writes to a file or to standard output, all of it. */
function writerOf(output: string): Write {
  const file = output === '-' ? process.stdout.fd : openSync(output, 'w');
  return (bytes) => {
    for (let at = 0; at < bytes.length;) {
      try {
        at += writeSync(file, bytes, at);
      } catch (error) {
        const { code } = error as { code?: string };
        // Nobody reads any more.
        if (code === 'EPIPE') process.exit(0);
        // A pipe whose reader is slow is asked again.
        if (code !== 'EAGAIN') throw error;
      }
    }
  };
}

async function inOnePass({ plan }: Pipeline, flags: Flags, workers: number): Promise<void> {
  const run = await openFileRun({ plan, jit: flags.jit, times: 'sql', workers });
  for (const source of tablesFirst(plan)) {
    if (source.name === 'side') await run.feedPieces(source, sideRows(flags.side ?? ''));
    else await run.feedJsonLines(source, flags.input);
  }
  await run.end();
  const write = writerOf(flags.output);
  for (const view of run.views) {
    if (view.undivided !== null)
      process.stderr.write(`${flags.query} runs in one worker: ${view.undivided}\n`);
    await view.writeJson(write);
  }
  await run.close();
}

/** Through a log and the layers of an architecture, both in memory. */
async function throughLayers(definition: Pipeline, flags: Flags, architecture: Architecture): Promise<void> {
  const driver = await TestDriver.open(definition, { architecture });
  for (const source of tablesFirst(definition.plan)) {
    const bytes = source.name === 'side' ? sideRows(flags.side ?? '') : createReadStream(flags.input);
    await driver.engine.ingest(source.name, bytes as AsyncIterable<Uint8Array>);
  }
  await driver.end();
  await driver.settle();
  const times = new Set(
    definition.plan.views
      .flatMap((view) => new ViewLayout(definition.plan, view).columns)
      .flatMap((column) => (column.type === 'timestamp' ? [column.name] : [])),
  );
  const write = writerOf(flags.output);
  for (const row of await driver.rows(flags.query)) {
    const written = Object.entries(row).map(([column, value]) => [
      column,
      times.has(column) && typeof value === 'string' ? value.replace('T', ' ').replace('Z', '') : value,
    ]);
    write(Buffer.from(`${JSON.stringify(Object.fromEntries(written))}\n`));
  }
}

async function* sideRows(path: string): AsyncIterable<Buffer> {
  let text = '';
  for await (const chunk of createReadStream(path, 'utf8')) text += chunk as string;
  const rows = text.split(/\r?\n/).flatMap((line) => {
    const at = line.indexOf(',');
    return at < 0
      ? []
      : [`${JSON.stringify({ key: Number(line.slice(0, at)), value: line.slice(at + 1) })}\n`];
  });
  yield Buffer.from(rows.join(''));
}
