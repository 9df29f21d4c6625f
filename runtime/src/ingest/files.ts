/** Events from files: JSON lines, CSV with a header, Parquet. */
import { createReadStream, statSync } from '../ports/files.ts';
import { extname } from 'node:path';
import { Readable } from 'node:stream';
import { failure } from '../base/errors.ts';
import { type Field } from '../data/decode.ts';
import { EVENT_BYTES_MAX } from '../data/line.ts';
import { type Line, lineOf, linesOf } from './lines.ts';

type Reader = (file: string, fields: readonly Field[]) => AsyncIterable<Line>;

const READERS: Readonly<Record<string, Reader>> = {
  '.jsonl': (file) => linesOf(createReadStream(file, { highWaterMark: 1 << 20 })),
  '.ndjson': (file) => linesOf(createReadStream(file, { highWaterMark: 1 << 20 })),
  '.csv': csvLines,
  '.parquet': parquetLines,
};

/** The events of a file, by its ending. Throws FILE_UNREADABLE, USAGE for an unknown ending. */
export function fileLines(file: string, fields: readonly Field[]): AsyncIterable<Line> {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) throw failure('FILE_UNREADABLE', { file, reason: 'there is no such file' });
  if (!stats.isFile()) throw failure('FILE_UNREADABLE', { file, reason: 'it is not a file' });
  const reader = READERS[extname(file).toLowerCase()];
  if (reader === undefined) {
    throw failure('USAGE', {
      message: `${file}: events are read from ${Object.keys(READERS).join(', ')}; for anything else, pipe JSON lines into \`pipeline ingest -\`.`,
    });
  }
  return reader(file, fields);
}

async function* csvLines(file: string, fields: readonly Field[]): AsyncIterable<Line> {
  const { parse } = await import('csv-parse');
  const types = new Map(fields.map((field) => [field.name, field.type]));
  const content = Readable.from(textOf(file));
  const records = content.pipe(
    parse({
      columns: true,
      bom: true,
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: EVENT_BYTES_MAX,
    }),
  );
  content.on('error', (error) => records.destroy(error));
  let number = 0;
  try {
    for await (const record of records as AsyncIterable<Record<string, string>>) {
      const event = Object.fromEntries(
        Object.entries(record).map(([name, text]) => [name, csvValue(types.get(name), text)]),
      );
      yield lineOf(++number, JSON.stringify(event));
    }
  } catch (error) {
    const reason = (error as Error).message;
    if (number > 0) throw failure('INPUT_BROKEN', { file, rows: number, reason }, error);
    throw failure('FILE_INVALID', { problems: [`${file}: ${reason}`] }, error);
  }
}

/** Text that is no UTF-8 is an error: guessed characters would be stored as if they had been sent. */
async function* textOf(file: string): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for await (const chunk of createReadStream(file)) yield decoder.decode(chunk as Buffer, { stream: true });
  yield decoder.decode();
}

/** CSV has no types: a value is read as its field wants it, and left as text where it cannot be. */
function csvValue(type: Field['type'] | undefined, text: string): unknown {
  if (type === undefined || type === 'string') return text;
  if (text === '') return null;
  if ((type === 'integer' || type === 'double') && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) {
    const number = Number(text);
    return Number.isFinite(number) ? number : text;
  }
  if (type === 'boolean' && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  return text;
}

const PARQUET_ROWS = 10_000;

async function* parquetLines(file: string): AsyncIterable<Line> {
  const [{ asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects }, { compressors }] =
    await Promise.all([import('hyparquet'), import('hyparquet-compressors')]);
  try {
    const buffer = await asyncBufferFromFile(file);
    const metadata = await parquetMetadataAsync(buffer);
    const rows = Number(metadata.num_rows);
    for (let rowStart = 0; rowStart < rows; rowStart += PARQUET_ROWS) {
      const rowEnd = Math.min(rows, rowStart + PARQUET_ROWS);
      const objects = await parquetReadObjects({ file: buffer, metadata, compressors, rowStart, rowEnd });
      for (const [index, object] of objects.entries()) {
        yield lineOf(rowStart + index + 1, JSON.stringify(object, plainValue));
      }
    }
  } catch (error) {
    throw failure(
      'FILE_INVALID',
      { problems: [`${file}: not a Parquet file that can be read (${(error as Error).message})`] },
      error,
    );
  }
}

/** Parquet's 64-bit integers as numbers while they are exact, else as text; as text too what JSON has no number for. */
function plainValue(_: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
