/**
 * Answers a Nexmark query over a file: `npm run nexmark -- --query q5 --input FILE --output -`.
 *
 *   --delay 4s          how far the watermark stays behind the largest time seen (default 4s)
 *   --architecture A    through the log and the layers of an architecture; without it in one pass over the file
 *   --side FILE         the lines `key,value` that q13 looks up
 *   --jit off           the interpreter runs everything
 *   --workers 2         so many threads share the one pass
 * The final rows are written as compact lines of JSON, with the columns of the published sink.
 */
import { createReadStream, openSync, writeSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { TestDriver } from 'pipeline-runtime/testing';
import { type Architecture, ARCHITECTURES } from '../../runtime/src/config/project.ts';
import { CodedError } from '../../runtime/src/base/coded-error.ts';
import { tablesFirst } from '../../runtime/src/engine/file-run.ts';
import { openFileRun, workersOf } from '../../runtime/src/engine/file-workers.ts';
import { ViewLayout } from '../../runtime/src/views/layout.ts';
import { nexmarkQuery, QUERIES } from './queries.ts';

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function checked<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof CodedError) fail(error.message);
    throw error;
  }
}

const { values } = parseArgs({
  options: {
    query: { type: 'string' },
    input: { type: 'string' },
    delay: { type: 'string', default: '4s' },
    architecture: { type: 'string' },
    side: { type: 'string' },
    jit: { type: 'string', default: 'on' },
    workers: { type: 'string' },
    output: { type: 'string', default: '-' },
  },
});
const query = values.query ?? fail('say which query: --query q5');
const input = values.input ?? fail('say which events: --input FILE');
const definition =
  nexmarkQuery(query, values.delay) ??
  fail(`there is no query ${query}; there are ${Object.keys(QUERIES).join(', ')}`);
if (definition.plan.sources.some(({ name }) => name === 'side') && values.side === undefined)
  fail(`${query} looks values up: --side FILE, with lines of key,value`);

const architecture =
  ARCHITECTURES.find((candidate) => candidate === values.architecture) ??
  (values.architecture === undefined
    ? null
    : fail(`there is no architecture ${values.architecture}; there are ${ARCHITECTURES.join(', ')}`));

if (architecture !== null && values.workers !== undefined)
  fail('--workers divides one pass over the file; it goes without --architecture');
const workers = checked(() => workersOf(values.workers ?? '1'));

const file = values.output === '-' ? process.stdout.fd : openSync(values.output, 'w');
const write = (bytes: Uint8Array): void => {
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

if (architecture === null) await inOnePass();
else await throughLayers(architecture);

async function inOnePass(): Promise<void> {
  const { plan } = definition;
  const run = await openFileRun({ plan, jit: values.jit === 'off' ? 'off' : 'on', times: 'sql', workers });
  for (const source of tablesFirst(definition.plan)) {
    if (source.name === 'side') await run.feedPieces(source, sideRows(values.side ?? ''));
    else await run.feedJsonLines(source, input);
  }
  await run.end();
  for (const view of run.views) {
    if (view.undivided !== null) process.stderr.write(`${query} runs in one worker: ${view.undivided}\n`);
    await view.writeJson(write);
  }
  await run.close();
}

/** Through a log and the layers of an architecture, both in memory. */
async function throughLayers(name: Architecture): Promise<void> {
  const driver = await TestDriver.open(definition, { architecture: name });
  for (const source of tablesFirst(definition.plan)) {
    const bytes = source.name === 'side' ? sideRows(values.side ?? '') : createReadStream(input);
    await driver.engine.ingest(source.name, bytes as AsyncIterable<Uint8Array>);
  }
  await driver.end();
  await driver.settle();
  const times = new Set(
    definition.plan.views
      .flatMap((view) => new ViewLayout(definition.plan, view).columns)
      .flatMap((column) => (column.type === 'timestamp' ? [column.name] : [])),
  );
  for (const row of await driver.rows(query)) {
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
