/**
 * Answers a Nexmark query over a file: `npm run nexmark -- --query q5 --input FILE --output -`.
 *
 *   --delay 4s          how far the watermark stays behind the largest time seen (default 4s)
 *   --architecture A    through the log and the layers of an architecture; without it in one pass over the file
 *   --side FILE         the lines `key,value` that q13 looks up
 *   --jit off           the interpreter runs everything
 *   --workers 2         …
 * The final rows are written as compact lines of JSON, with the columns of the published sink.
 */
import { createReadStream, openSync, writeSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { FileRun, tablesFirst } from '../../runtime/src/engine/file-run.ts';
import { nexmarkQuery, QUERIES } from './queries.ts';

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

const { values } = parseArgs({
  options: {
    query: { type: 'string' },
    input: { type: 'string' },
    delay: { type: 'string', default: '4s' },
    architecture: { type: 'string' },
    side: { type: 'string' },
    jit: { type: 'string', default: 'on' },
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

const file = values.output === '-' ? process.stdout.fd : openSync(values.output, 'w');
const write = (bytes: Uint8Array): void => {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(file, bytes, at);
    } catch (error) {
      // A pipe whose reader is slow.
      if ((error as { code?: string }).code !== 'EAGAIN') throw error;
    }
  }
};

const run = new FileRun({ plan: definition.plan, jit: values.jit === 'off' ? 'off' : 'on', times: 'sql' });
for (const source of tablesFirst(definition.plan)) {
  if (source.name === 'side') await run.feedPieces(source, sideRows(values.side ?? ''));
  else run.feedFile(source, input);
}
run.end();
for (const view of run.views) view.writeJson(write);

async function* sideRows(path: string): AsyncIterable<Buffer> {
  let text = '';
  for await (const chunk of createReadStream(path, 'utf8')) text += chunk as string;
  const rows = text.split(/\r?\n/).flatMap((line) => {
    const at = line.indexOf(',');
    return at < 0 ? [] : [`${JSON.stringify({ key: Number(line.slice(0, at)), value: line.slice(at + 1) })}\n`];
  });
  yield Buffer.from(rows.join(''));
}
