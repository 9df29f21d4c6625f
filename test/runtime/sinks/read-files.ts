/** A reader of a file sink that knows nothing but what its manifest says, and checks all of that. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { formatDecimal } from '../../../runtime/src/data/decimal.ts';
import type { Column } from '../../../runtime/src/data/value.ts';
import type { JsonRow } from '../../../runtime/src/host/host.ts';

interface ManifestFile {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}
export interface ReadManifest {
  readonly fileFormat: string;
  readonly sequence: number;
  readonly generation: number;
  readonly position: number;
  readonly files: readonly ManifestFile[];
}

/** The newest manifest, or null. */
export function newestManifest(folder: string): ReadManifest | null {
  for (;;) {
    const names = readdirSync(folder).filter((name) => /^manifest-\d+\.json$/.test(name));
    const newest = names.toSorted().at(-1);
    if (newest === undefined) return null;
    const text = readUnlessGone(join(folder, newest));
    if (text !== undefined) return JSON.parse(text.toString()) as ReadManifest;
  }
}

function readUnlessGone(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The rows of the newest manifest; when a file of it is gone meanwhile, those of the next. */
export async function readRows(folder: string, columns: readonly Column[]): Promise<JsonRow[]> {
  for (;;) {
    const manifest = newestManifest(folder);
    if (manifest === null) return [];
    const rows: JsonRow[] = [];
    const isWhole = await everyFile(manifest, async (file) => {
      const bytes = readUnlessGone(join(folder, file.name));
      if (bytes === undefined) return false;
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const found = await rowsOf(manifest.fileFormat, bytes, columns);
      const said = { bytes: file.bytes, sha256: file.sha256, rows: file.rows };
      if (JSON.stringify({ bytes: bytes.length, sha256, rows: found.length }) !== JSON.stringify(said))
        throw new Error(`${file.name} is not what its manifest says`);
      for (const row of found) rows.push(row);
      return true;
    });
    if (isWhole) return rows;
  }
}

async function everyFile(
  { files }: ReadManifest,
  work: (file: ManifestFile) => Promise<boolean>,
): Promise<boolean> {
  for (const file of files) if (!(await work(file))) return false;
  return true;
}

/** All files below the folder, for what nobody should find there. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** The rows of one file, as the API would answer them. */
export async function rowsOf(format: string, bytes: Buffer, columns: readonly Column[]): Promise<JsonRow[]> {
  if (format === 'jsonl')
    return bytes
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as JsonRow);
  const flat = format === 'csv' ? csvRows(bytes) : await parquetRows(bytes);
  return flat.map((row) => nested(row, columns, format === 'csv' ? fromText : fromParquet));
}

/** A cell that is empty and was not quoted is null. */
function csvRows(bytes: Buffer): Record<string, unknown>[] {
  return parse<Record<string, unknown>>(bytes, {
    columns: true,
    cast: (text, { quoting, header }) => (text === '' && !quoting && !header ? null : text),
  });
}

function parquetRows(bytes: Buffer): Promise<Record<string, unknown>[]> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  const metadata = parquetMetadata(file);
  // hyparquet would make inexact numbers of decimals.
  const schema = metadata.schema.map(({ converted_type, ...element }) => ({
    ...element,
    ...(converted_type !== undefined && converted_type !== 'DECIMAL' && { converted_type }),
  }));
  return parquetReadObjects({ file, compressors, metadata: { ...metadata, schema } });
}

type Read = (column: Column, value: unknown) => unknown;

function nested(row: Readonly<Record<string, unknown>>, columns: readonly Column[], read: Read): JsonRow {
  return Object.fromEntries(
    columns.map((column) => {
      const { name, type } = column;
      if (type !== 'window') return [name, row[name] === null ? null : read(column, row[name])];
      const edge = (which: string): unknown =>
        read({ ...column, type: 'timestamp' }, row[`${name}_${which}`]);
      return [name, { start: edge('start'), end: edge('end') }];
    }),
  );
}

function fromText({ type }: Column, value: unknown): unknown {
  const text = value as string;
  if (type === 'string' || type === 'timestamp' || type === 'decimal') return text;
  return JSON.parse(text);
}

function fromParquet(column: Column, value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (column.type === 'decimal') return formatDecimal(Number(value), column.scale ?? 0);
  if (typeof value === 'bigint') return Number(value);
  return value;
}
