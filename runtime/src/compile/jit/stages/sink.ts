/**
 * Keeps the rows of a view in columns of numbers and an arena. `content`: all rows, those that were taken back with weight
 * -1 beside them. `placed`: behind the weight stands where the event of the row is, its time and its offset. The rows of a view whose last operator remembers them anyway are not kept twice: they are read there.
 */
import type { Column } from '../../../data/value.ts';
import { columnTypes, type Layout, layoutOf, load, type RecordNames, store } from '../cells.ts';
import { Pages } from '../pages.ts';
import type { Consumer, Flow } from '../stage.ts';
import type { Code, RowSymbols } from '../symbol.ts';

export interface Sink {
  readonly rows: Pages;
  readonly consume: Consumer;
  /** Writes a loop over the rows, with the name of the weight and of where the event is. */
  readonly scan: (out: (row: RowSymbols, weight: string, place: readonly string[]) => void) => void;
}

const WEIGHT = 0;
const TIME = 1;
const OFFSET = 2;

export function sinkOf(code: Code, columns: readonly Column[], placed: boolean): Sink {
  const { emitter } = code;
  const all = new Set(columns.map(({ name }) => name));
  const layout: Layout = layoutOf(columnTypes(columns, all), placed ? OFFSET + 1 : WEIGHT + 1, 'arena');
  const rows = new Pages(layout.end);
  const name = emitter.bind(rows);
  return {
    rows,
    consume: ({ row, weight, at: place }: Flow) => {
      const at = emitter.local('o', `${name}.alloc()`);
      const names: RecordNames = { records: name, cells: emitter.local('c', `${name}.cells`) };
      emitter.line(`${names.cells}[${at} + ${WEIGHT}] = ${weight};`);
      if (placed && place !== null) {
        emitter.line(`${names.cells}[${at} + ${TIME}] = ${place.time};`);
        emitter.line(`${names.cells}[${at} + ${OFFSET}] = ordinals[${place.index}];`);
      }
      store(code, layout, row, names, at);
    },
    scan: (out) => {
      emitter.block(`for (let page = 0; page < ${name}.pages.length; page++)`, () => {
        const names: RecordNames = { records: name, cells: emitter.local('c', `${name}.pages[page]`) };
        emitter.block(`for (let at = 0, top = ${name}.filled(page); at < top; at += ${rows.stride})`, () => {
          const place = placed ? [TIME, OFFSET].map((cell) => `${names.cells}[at + ${cell}]`) : [];
          out(load(code, layout, names, 'at'), `${names.cells}[at + ${WEIGHT}]`, place);
        });
      });
    },
  };
}
