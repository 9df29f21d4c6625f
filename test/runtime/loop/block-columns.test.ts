/** Blocks of columns under a source that has changed: what is read, and what `decodeEvent` has to judge. */
import { describe, expect, test } from 'vitest';
import { rowAt } from '../../../runtime/src/data/columns.ts';
import type { Field } from '../../../runtime/src/data/decode.ts';
import type { Row } from '../../../runtime/src/data/value.ts';
import { encodeColumns } from '../../../runtime/src/log/columns/encode.ts';
import { schemaOf } from '../../../runtime/src/log/columns/schema.ts';
import { BlockColumns } from '../../../runtime/src/loop/block-columns.ts';
import { fillBatch } from '../log/columns/batches.ts';

const WRITTEN: readonly Field[] = [
  { name: 'at', type: 'timestamp', nullable: false },
  { name: 'size', type: 'integer', nullable: true },
  { name: 'kind', type: 'string', nullable: false, oneOf: ['a', 'b'] },
];
const ROWS: readonly Row[] = [
  [1000, 1, 'a'],
  [2000, null, 'b'],
];

function readAs(fields: readonly Field[], eventTime = ['at']): readonly Row[] | null {
  const bytes = encodeColumns(fillBatch(WRITTEN, ROWS), Int32Array.of(0, 1), 2);
  const batch = new BlockColumns({ fields, eventTime }).read(
    { count: 2, schema: schemaOf(WRITTEN), bytes },
    0,
    2,
  );
  return batch === null ? null : ROWS.map((_, row) => rowAt(batch, row));
}

const [at, size, kind] = WRITTEN as [Field, Field, Field];
const other = (field: Partial<Field>): Field => ({ name: 'other', type: 'string', nullable: true, ...field });

describe('a source that has changed', () => {
  test.each<[string, readonly Field[], readonly Row[]]>([
    ['not at all', WRITTEN, ROWS],
    [
      'its order',
      [kind, at],
      [
        ['a', 1000],
        ['b', 2000],
      ],
    ],
    [
      'a name for a path',
      [{ ...at, name: 'when', path: ['at'] }].map((field) => ({ ...field, name: 'at' })),
      [[1000], [2000]],
    ],
    [
      'a field that may be null',
      [at, other({})],
      [
        [1000, null],
        [2000, null],
      ],
    ],
    [
      'a list that may be null',
      [at, other({ type: 'list', item: 'string' })],
      [
        [1000, null],
        [2000, null],
      ],
    ],
    [
      'an integer that is a double',
      [at, { ...size, type: 'double' }],
      [
        [1000, 1],
        [2000, null],
      ],
    ],
    [
      'more values',
      [at, { ...kind, oneOf: ['c', 'b', 'a'] }],
      [
        [1000, 'a'],
        [2000, 'b'],
      ],
    ],
  ])('in %s is read from the columns', (_, fields, rows) => {
    expect(readAs(fields)).toEqual(rows);
  });

  test.each<[string, readonly Field[]]>([
    ['a field that must be there', [at, other({ nullable: false })]],
    ['a value that must be there', [at, { ...size, nullable: false }]],
    ['fewer values', [at, { ...kind, oneOf: ['a'] }]],
    ['another type', [at, { ...size, type: 'string' }]],
    ['another way to write times', [{ ...at, format: 'sql' }]],
    ['a field inside of another', [at, other({ path: ['kind', 'inner'] })]],
    ['a field around another', [at, other({ path: [] })]],
  ])('in %s is for the judge', (_, fields) => {
    expect(readAs(fields)).toBeNull();
  });

  test('in its time is for the judge when an event has none', () => {
    const times: Field[] = [{ ...size, name: 'size', type: 'integer' }];
    expect(readAs(times, ['size'])).toBeNull();
  });
});
