/** Blocks of columns: what goes in comes out, of all fields or of some, and no bytes whatever are read wrongly in silence. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scannerFor } from '../../../../runtime/src/compile/jit/scanner.ts';
import {
  BATCH_ROWS_MAX,
  type ColumnBatch,
  columnBatch,
  rowAt,
} from '../../../../runtime/src/data/columns.ts';
import { decodeEvent, type Field } from '../../../../runtime/src/data/decode.ts';
import type { Row } from '../../../../runtime/src/data/value.ts';
import { EventColumns } from '../../../../runtime/src/log/columns/decode.ts';
import { encodeColumns } from '../../../../runtime/src/log/columns/encode.ts';
import { ColumnsInvalid } from '../../../../runtime/src/log/columns/format.ts';
import { schemaOf } from '../../../../runtime/src/log/columns/schema.ts';
import { firstRecords, textsOf } from '../../../../runtime/src/log/columns/texts.ts';
import type { Block, ColumnBody } from '../../../../runtime/src/log/log.ts';
import { EVENT_TIME, FIELDS, lines } from '../../compile/scanner-lines.ts';
import { fillBatch } from './batches.ts';

const ALL_ROWS = Int32Array.from({ length: 1 << 15 }, (_, row) => row);

function encoded(fields: readonly Field[], batch: ColumnBatch, rows = ALL_ROWS, count = batch.n): ColumnBody {
  return {
    count,
    schema: JSON.parse(JSON.stringify(schemaOf(fields))),
    bytes: encodeColumns(batch, rows, count),
  };
}

function rowsIn(body: ColumnBody, names?: readonly string[], from = 0, to = body.count): Row[] {
  const columns = new EventColumns(body);
  const fields =
    names?.map((name) => columns.fields.find((field) => field.name === name) as Field) ?? columns.fields;
  const rows: Row[] = [];
  for (let start = from; start < to; start += BATCH_ROWS_MAX) {
    const end = Math.min(to, start + BATCH_ROWS_MAX);
    const batch = columnBatch(fields, end - start);
    const read = batch.columns.map((column, index) =>
      columns.column(columns.fields.indexOf(fields[index] as Field), start, end, column),
    );
    const filled = { ...batch, n: end - start, bytes: columns.bytes, columns: read };
    for (let row = 0; row < filled.n; row++) rows.push(rowAt(filled, row));
  }
  return rows;
}

const field = (type: Field['type'], more: Partial<Field> = {}): Field => ({
  name: 'f',
  type,
  nullable: true,
  ...more,
});
const texts = (count: number, of: (row: number) => string): Row[] =>
  Array.from({ length: count }, (_, row) => [of(row)]);

describe('rows come back as they were', () => {
  test.each<[string, Field, Row[]]>([
    ['one number', field('integer'), [[7]]],
    ['all alike', field('integer'), [[-3], [-3], [-3]]],
    ['nothing but nulls', field('integer'), [[null], [null]]],
    ['texts that are all null', field('string'), [[null], [null]]],
    ['lists that are all null', field('list', { item: 'string' }), [[null], [null]]],
    ['one byte', field('integer'), [[1000], [1255], [null]]],
    ['two bytes', field('integer'), [[-1], [65_534]]],
    ['four bytes', field('timestamp'), [[1_700_000_000_000], [1_704_294_967_295]]],
    ['the largest integers', field('integer'), [[2 ** 53 - 1], [1 - 2 ** 53], [2 ** 53 - 2]]],
    ['the largest integers, near each other', field('integer'), [[2 ** 53 - 1], [2 ** 53 - 2]]],
    ['doubles', field('double'), [[0.1], [5e-324], [-(2 ** 970)], [null]]],
    ['whole doubles', field('double'), [[1e15], [1e15 + 1]]],
    ['whole doubles beyond 2^53', field('double'), [[2 ** 60], [2 ** 60 + 256]]],
    ['minus zero', field('double'), [[0], [-0], [1]]],
    ['decimals', field('decimal', { scale: 2 }), [[-1], [null], [12_345]]],
    ['booleans', field('boolean'), [[true], [null], [false], [true], [true], [true], [true], [true], [true]]],
    ['empty texts', field('string'), [[''], [''], [null]]],
    [
      'texts of every width',
      field('string'),
      [['a'], ['é'], ['🦊'], [''], ['x'.repeat(300)], ['y'.repeat(70_000)]],
    ],
    ['texts that repeat', field('string'), texts(5000, (row) => `city ${row % 300}`)],
    ['one text', field('string'), texts(100, () => 'same')],
    ['one empty text', field('string'), texts(100, () => '')],
    ['texts that are all new', field('string'), texts(5000, (row) => `id ${row}`)],
    ['lists', field('list', { item: 'double' }), [[{ items: [0.1, 1e300] }], [null], [{ items: [] }]]],
  ])('%s', (_, type, rows) => {
    const batch = fillBatch([type], rows);
    expect(rowsIn(encoded([type], batch))).toEqual(rows);
  });

  test('of a block whose dictionary grew beyond one byte, in the middle', () => {
    const rows = texts(5000, (row) => `city ${row % 300}`);
    const body = encoded([field('string')], fillBatch([field('string')], rows));
    expect(rowsIn(body, ['f'], 4990, 4995)).toEqual(rows.slice(4990, 4995));
  });

  test.each([0, 1, 4097, 9000])('the first %i records are those of all that come first', (first) => {
    const columns = encoded(
      [field('string')],
      fillBatch(
        [field('string')],
        texts(5000, (row) => `id ${row}`),
      ),
    );
    const records = textsOf(columns);
    const ofColumns = { columns, count: columns.count } as Block;
    const ofTexts = { records, count: records.length } as Block;
    expect(firstRecords(ofColumns, first)).toEqual(records.slice(0, first));
    expect(firstRecords(ofTexts, first)).toEqual(records.slice(0, first));
  });
});

const value: Readonly<Record<string, fc.Arbitrary<Row[number]>>> = {
  string: fc.oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.constantFrom('a', 'b', 'web', '')),
  integer: fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -200, max: 200 })),
  double: fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 970), max: 2 ** 970 }).map((x) => x + 0),
    fc.integer({ min: 0, max: 70_000 }),
  ),
  boolean: fc.boolean(),
  timestamp: fc.oneof(
    fc.integer({ min: Date.UTC(-1, 11, 31, 0, 1), max: Date.UTC(10000, 0, 1, 23, 58) }),
    fc.integer({ min: 1_700_000_000_000, max: 1_700_000_050_000 }),
  ),
  decimal: fc.oneof(fc.maxSafeInteger(), fc.integer({ min: 0, max: 500 })),
};
const anyField = fc.record({
  type: fc.constantFrom('string', 'integer', 'double', 'boolean', 'timestamp', 'decimal', 'list' as const),
  nullable: fc.boolean(),
  depth: fc.nat(2),
});
const anyRows = fc.array(anyField, { minLength: 1, maxLength: 6 }).chain((shapes) => {
  const fields = shapes.map(({ type, nullable, depth }, index): Field => ({
    name: `f${index}`,
    path: ['o', 'p', `f${index}`].slice(2 - depth),
    type: type as Field['type'],
    nullable,
    ...(type === 'decimal' && { scale: index }),
    ...(type === 'list' && { item: index % 2 === 0 ? 'string' : 'timestamp' }),
  }));
  const cell = ({ type, nullable, item }: Field): fc.Arbitrary<Row[number]> => {
    const filled =
      type === 'list'
        ? fc.array(value[item ?? ''] as fc.Arbitrary<string>, { maxLength: 3 }).map((items) => ({ items }))
        : (value[type] as fc.Arbitrary<Row[number]>);
    return nullable ? fc.oneof({ arbitrary: filled, weight: 4 }, fc.constant(null)) : filled;
  };
  return fc
    .array(fc.tuple(...fields.map(cell)), { minLength: 1, maxLength: 60 })
    .map((rows) => ({ fields, rows }));
});

/** The same body behind so many bytes, as in a file. */
function behind(bytes: number, body: ColumnBody): ColumnBody {
  return { ...body, bytes: Buffer.concat([Buffer.alloc(bytes, 0xa5), body.bytes]).subarray(bytes) };
}

test('any rows come back, any part of them, of any of their columns, wherever the body begins', () => {
  fc.assert(
    fc.property(anyRows, fc.nat(), fc.nat(), fc.nat(), ({ fields, rows }, a, b, which) => {
      const batch = fillBatch(fields, rows);
      const body = behind(which % 9, encoded(fields, batch));
      expect(rowsIn(body)).toEqual(rows);
      const [from, to] = [a % rows.length, (b % rows.length) + 1].sort((x, y) => x - y) as [number, number];
      const column = which % fields.length;
      const name = (fields[column]?.path ?? []).join('.');
      expect(rowsIn(body, [name], from, to)).toEqual(rows.slice(from, to).map((row) => [row[column]]));
    }),
  );
});

test('the texts of events are read as the rows that they were', () => {
  fc.assert(
    fc.property(anyRows, ({ fields, rows }) => {
      const read = textsOf(encoded(fields, fillBatch(fields, rows))).map((text) =>
        decodeEvent(fields, JSON.parse(text)),
      );
      expect(read).toEqual(rows.map((row) => ({ row })));
    }),
  );
});

test('what the scanner read of any lines is what a block gives back', () => {
  fc.assert(
    fc.property(lines, (all) => {
      const scanner = scannerFor(
        { fields: FIELDS, eventTime: EVENT_TIME },
        FIELDS.map(({ name }) => name),
      );
      const input = Buffer.concat(all.flatMap((line) => [line, Buffer.from('\n')]));
      scanner.scan(input, 0, input.length);
      const { batch } = scanner;
      if (batch.n === 0) return;
      const rows = Array.from({ length: batch.n }, (_, row) => rowAt(batch, row));
      const body = behind(batch.n % 9, encoded(FIELDS, batch));
      expect(rowsIn(body)).toEqual(rows);
      expect(textsOf(body).map((text) => decodeEvent(FIELDS, JSON.parse(text)))).toEqual(
        rows.map((row) => ({ row })),
      );
      const odd = ALL_ROWS.filter((row) => row % 2 === 1);
      const count = batch.n >>> 1;
      if (count > 0)
        expect(rowsIn(encoded(FIELDS, batch, odd, count))).toEqual(rows.filter((_, row) => row % 2 === 1));
    }),
  );
});

describe('damage', () => {
  const rows = Array.from({ length: 20 }, (_, row): Row => [
    row,
    row % 3 === 0 ? null : `text ${row % 4}`,
    row % 2 === 0,
    { items: ['a'] },
    row / 3,
    `${row}`,
  ]);
  const fields: Field[] = ['integer', 'string', 'boolean', 'list', 'double', 'string'].map((type, index) => ({
    name: `f${index}`,
    type: type as Field['type'],
    nullable: index === 1,
    ...(type === 'list' && { item: 'string' }),
  }));
  const whole = encoded(fields, fillBatch(fields, rows));

  test('is found, or is in a value: never is anything read that is not there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (flips, cut) => {
          const bytes = Buffer.from(whole.bytes);
          for (const [at, bits] of flips)
            bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ bits;
          const short = cut % 3 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes;
          try {
            const read = rowsIn({ ...whole, bytes: short });
            expect(read.length).toBe(rows.length);
            for (const row of read) expect(row.every((each) => each !== undefined)).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(ColumnsInvalid);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('a dictionary cannot have more texts than bytes', () => {
    const body = encoded(
      [field('string')],
      fillBatch(
        [field('string')],
        texts(100, () => ''),
      ),
    );
    const bytes = Buffer.from(body.bytes);
    bytes.writeUInt32LE(0xffffffff, 16 + 4);
    expect(() => rowsIn({ ...body, bytes })).toThrow(ColumnsInvalid);
  });

  test.each<[string, Partial<ColumnBody>]>([
    ['another count', { count: 19 }],
    ['no schema', { schema: null }],
    ['a schema of fewer fields', { schema: schemaOf(fields.slice(1)) }],
    ['a schema of other fields', { schema: schemaOf([...fields.slice(1), fields[0] as Field]) }],
    ['a type from the future', { schema: [{ path: ['a'], type: 'uuid', nullable: false }] }],
    ['nothing', { bytes: Buffer.alloc(0) }],
    ['a longer body', { bytes: Buffer.concat([whole.bytes, Buffer.alloc(8)]) }],
  ])('%s is an error', (_, change) => {
    expect(() => new EventColumns({ ...whole, ...change })).toThrow(ColumnsInvalid);
  });
});

test('a body that begins anywhere in its buffer is read alike', () => {
  const fields = [field('double')];
  const body = encoded(fields, fillBatch(fields, [[0.5], [1.5]]));
  for (let shift = 0; shift < 8; shift++) {
    const bytes = Buffer.concat([Buffer.alloc(shift), body.bytes, Buffer.alloc(shift)]);
    expect(rowsIn({ ...body, bytes: bytes.subarray(shift, shift + body.bytes.length) })).toEqual([
      [0.5],
      [1.5],
    ]);
  }
});
