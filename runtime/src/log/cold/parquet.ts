/** Parquet as the cold files use it: columns of given types, row group by row group, compressed with gzip. */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { ParquetWriter } from 'hyparquet-writer';

export type CellType =
  | 'bytes'
  | 'text'
  | 'json'
  | 'integer'
  | 'double'
  | 'boolean'
  | 'time'
  | { readonly scale: number };

export interface ParquetColumn {
  readonly name: string;
  readonly type: CellType;
}

type Cells = readonly (Uint8Array | string | number | boolean | bigint | null)[];
type Element = ParquetWriter['schema'][number];

const GZIP_LEVEL = 1;
const DECIMAL_DIGITS = 18;

export const COMPRESSORS = {
  GZIP: (input: Uint8Array): Uint8Array => gunzipSync(input),
};

/** Writes a file into memory. */
export class ParquetFile {
  readonly #writer: ParquetWriter;
  readonly #columns: readonly ParquetColumn[];

  private constructor(writer: ParquetWriter, columns: readonly ParquetColumn[]) {
    this.#writer = writer;
    this.#columns = columns;
  }

  static async begin(columns: readonly ParquetColumn[]): Promise<ParquetFile> {
    const { ByteWriter, ParquetWriter: Writer } = await import('hyparquet-writer');
    const schema: Element[] = [
      { name: 'root', num_children: columns.length },
      ...columns.map(({ name, type }) => ({
        name,
        repetition_type: 'OPTIONAL' as const,
        ...elementOf(type),
      })),
    ];
    const writer = new Writer({
      writer: new ByteWriter(),
      schema,
      codec: 'GZIP',
      compressors: { GZIP: (input) => gzipSync(input, { level: GZIP_LEVEL }) },
      createdBy: 'pipeline-runtime',
    });
    return new ParquetFile(writer, columns);
  }

  /** Adds a row group. */
  add(cells: readonly Cells[]): void {
    const rows = cells[0]?.length ?? 0;
    if (rows === 0) return;
    const columnData = this.#columns.map(({ name }, index) => ({ name, data: [...(cells[index] ?? [])] }));
    void this.#writer.write({ columnData, rowGroupSize: rows });
  }

  finish(): Uint8Array {
    void this.#writer.finish();
    return this.#writer.writer.getBytes();
  }
}

function elementOf(type: CellType): Omit<Element, 'name'> {
  if (typeof type === 'object')
    return { type: 'INT64', converted_type: 'DECIMAL', scale: type.scale, precision: DECIMAL_DIGITS };
  switch (type) {
    case 'bytes':
      return { type: 'BYTE_ARRAY' };
    case 'text':
      return { type: 'BYTE_ARRAY', converted_type: 'UTF8' };
    case 'json':
      return { type: 'BYTE_ARRAY', converted_type: 'UTF8' };
    case 'integer':
      return { type: 'INT64' };
    case 'double':
      return { type: 'DOUBLE' };
    case 'boolean':
      return { type: 'BOOLEAN' };
    case 'time':
      return {
        type: 'INT64',
        converted_type: 'TIMESTAMP_MILLIS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
      };
  }
}
