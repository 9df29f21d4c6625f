/** The loop over the rows of a batch: a column is read where it is first needed. */
import type { BatchColumn, ColumnBatch } from '../../../data/columns.ts';
import type { Column } from '../../../data/value.ts';
import { Lazy } from '../emitter.ts';
import type { Consumer } from '../stage.ts';
import { type Code, spanText, type Symbol_, symbolOfValue } from '../symbol.ts';
import type { ExprType } from '../../../expr/node.ts';

/**
 * Writes `process(n, columns, bytes, view, wm, times, ordinals)`; `columns` are those of the source that are read, in order. Returns its name.
 */
export function processFunction(
  code: Code,
  columns: readonly Column[],
  consume: Consumer,
  maintain: () => void,
): string {
  const { emitter } = code;
  return emitter.fn('process', 'n, columns, bytes, view, wm, times, ordinals', () => {
    const arrays = columns.map((column, index) => {
      const from = emitter.local('b', `columns[${index}]`);
      const nulls = column.nullable ? emitter.local('z', `${from}.nulls`) : null;
      if (column.type === 'string') {
        const [starts, ends] = [emitter.local('c', `${from}.starts`), emitter.local('c', `${from}.ends`)];
        return { column, nulls, starts, ends };
      }
      return { column, nulls, starts: emitter.local('c', `${from}.values`), ends: '' };
    });
    emitter.block('for (let i = 0; i < n; i++)', () => {
      const row = new Map<string, Lazy<Symbol_>>();
      for (const { column, nulls, starts, ends } of arrays) {
        row.set(column.name, new Lazy(emitter, () => cellOf(code, column, nulls, starts, ends)));
      }
      consume({ row, weight: '1', at: { watermark: 'wm[i]', time: 'times[i]', index: 'i' } });
    });
    maintain();
  });
}

function cellOf(code: Code, column: Column, nulls: string | null, values: string, ends: string): Symbol_ {
  const { emitter } = code;
  const { name: _, eventTime: __, ...type }: Column = column;
  const exprType: ExprType = type;
  const orNull = (js: string, none: string): string =>
    nulls === null ? js : `${nulls}[i] === 1 ? ${none} : ${js}`;
  switch (column.type) {
    case 'string': {
      const start = emitter.local('a', orNull(`${values}[i]`, '-1'));
      const end = emitter.local('e', `${ends}[i]`);
      return spanText(code, exprType, { kind: 'span', bytes: 'bytes', view: 'view', start, end });
    }
    case 'boolean':
      return {
        rep: 'boolean',
        type: exprType,
        js: emitter.local('b', nulls === null ? `${values}[i] === 1` : orNull(`${values}[i]`, '2')),
      };
    case 'list':
      return symbolOfValue(code, exprType, emitter.local('l', orNull(`${values}[i]`, 'null')));
    default:
      return { rep: 'number', type: exprType, js: emitter.local('v', orNull(`${values}[i]`, 'NaN')) };
  }
}

export type Process = (
  n: number,
  columns: readonly BatchColumn[],
  bytes: Buffer,
  view: DataView,
  wm: Float64Array,
  times: Float64Array,
  ordinals: Float64Array,
) => void;

export function viewOver(batch: ColumnBatch): DataView {
  return new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.length);
}
