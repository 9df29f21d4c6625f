/**
 * Keeps one row for each key: the first or the last, by time or by arrival.
 *
 *   read from the state   key … | time? | row …
 *   handed on             key … | time? | row, shown row, listed        rows are records of their own: old and new are both there
 */
import type { NodeOf } from '../../../plan/node.ts';
import { eventTimeOf } from '../../../plan/infer.ts';
import { windowColumnOf } from '../../../plan/traits.ts';
import { columnTypes, keyKindsOf, keyWords, layoutOf, load, type RecordNames, store } from '../cells.ts';
import type { Lazy } from '../emitter.ts';
import { Records } from '../records.ts';
import { evaluating, type Flow, type NodeContext, requireArrivals, type Stage } from '../stage.ts';
import type { RowSymbols, Symbol_ } from '../symbol.ts';
import { tableClass } from '../table.ts';
import { Touched } from '../touched.ts';
import { Unsupported } from '../unsupported.ts';

export function dedupeStage(node: NodeOf<'dedupe'>, context: NodeContext): Stage {
  const { code, columns, needed, isRead } = context;
  const { emitter } = code;
  requireArrivals(node.input, context);
  if (node.ttlMs !== null) throw new Unsupported('a dedupe with a time-to-live');
  const window = windowColumnOf(node.input);
  if (window !== null && node.keys.includes(window)) throw new Unsupported('a dedupe by window');
  const time = node.by === 'time' ? eventTimeOf(context.inputColumns[0] ?? []) : null;
  if (node.by === 'time' && time === null) throw new Unsupported('a dedupe by a time that is not there');

  const isKey = new Set(node.keys);
  const keyColumns = node.keys.flatMap((name) => columnTypes(columns, new Set([name])));
  const keys = layoutOf(keyColumns, 0, 'code', true);
  const rest = columnTypes(columns, new Set([...needed].filter((name) => !isKey.has(name))));
  const timeCell = keys.end;
  const payload = timeCell + (time === null ? 0 : 1);
  const row = layoutOf(rest, isRead ? payload : 0, 'arena');
  const [current, shown, listed] = [payload, payload + 1, payload + 2];
  const first = time === null ? [] : [NaN];
  const width = isRead ? row.end - payload : 3;
  const template = [...first, ...Array.from({ length: width }, () => 0)];
  const table = new (tableClass({ keys: keyKindsOf(keys), template, texts: isRead ? row.texts : [] }))();
  const rows = isRead ? table : new Records(row.end, row.texts);
  const [tableName, rowsName] = [emitter.bind(table), emitter.bind(rows)];
  const touched = emitter.bind(new Touched());
  const cell = (at: string, offset: number): string => `${tableName}.cells[${at} + ${offset}]`;

  const names = (): RecordNames => ({ records: rowsName, cells: emitter.local('c', `${rowsName}.cells`) });
  const rowAt = (at: string, record: string): RowSymbols => {
    const keyNames = { records: tableName, cells: emitter.local('c', `${tableName}.cells`) };
    return new Map([...load(code, keys, keyNames, at), ...load(code, row, names(), record)]);
  };
  /** Writes the row in the place of the one that was there. */
  const put = (flow: Flow, at: string): void => {
    if (isRead) {
      emitter.block(`if (${tableName}.fresh)`, () => store(code, row, flow.row, names(), at));
      emitter.block('else', () => store(code, row, flow.row, names(), at, true));
      return;
    }
    emitter.line(`if (${cell(at, listed)} === 0) { ${cell(at, listed)} = 1; ${touched}.add(${at}); }`);
    const old = emitter.local('r', cell(at, current));
    emitter.line(`if (${old} !== ${cell(at, shown)}) ${rowsName}.release(${old});`);
    const record = emitter.local('r', `${rowsName}.alloc()`);
    store(code, row, flow.row, names(), record);
    emitter.line(`${cell(at, current)} = ${record};`);
  };
  const isFirstArrival = node.keep === 'first' && node.by === 'arrival';
  const isBetter = (at: string, t: string | null): string => {
    if (isFirstArrival) return `${tableName}.fresh`;
    if (t === null) return 'true';
    return node.keep === 'last' ? `!(${t} < ${cell(at, timeCell)})` : `!(${t} >= ${cell(at, timeCell)})`;
  };

  return {
    inputs: [
      (flow) => {
        evaluating(context, flow, time === null ? [] : [time], (evaluated) => {
          const words = node.keys.flatMap((name) => keyWords(code, (flow.row.get(name) as Lazy<Symbol_>).get()));
          const symbol = time === null ? null : evaluated(time);
          const t = symbol?.rep === 'number' ? orderWord(symbol.js, symbol.type.nullable) : null;
          const order = t === null ? null : emitter.local('t', t);
          const at = emitter.local('g', `${tableName}.upsert(${words.join(', ')})`);
          emitter.block(`if (${isBetter(at, order)})`, () => {
            if (order !== null) emitter.line(`${cell(at, timeCell)} = ${order};`);
            if (isFirstArrival && !isRead) context.out(flow);
            else put(flow, at);
          });
        });
      },
    ],
    ...(!isRead &&
      !isFirstArrival && {
        flush: () => {
          emitter.block(`for (let j = 0; j < ${touched}.n; j++)`, () => {
            const at = emitter.local('g', `${touched}.list[j]`);
            emitter.line(`${cell(at, listed)} = 0;`);
            const [now, before] = [emitter.local('r', cell(at, current)), emitter.local('r', cell(at, shown))];
            emitter.block(`if (${before} !== 0)`, () => {
              context.out({ row: rowAt(at, before), weight: '-1', at: null });
            });
            emitter.block('', () => context.out({ row: rowAt(at, now), weight: '1', at: null }));
            emitter.line(`if (${before} !== 0) ${rowsName}.release(${before});`);
            emitter.line(`${cell(at, shown)} = ${now};`);
          });
          emitter.line(`${touched}.n = 0;`);
        },
      }),
    maintain: () => emitter.line(`${rowsName}.maintain();`),
    ...(isRead && {
      scan: () => {
        emitter.block(`for (let at = ${table.stride}, top = ${tableName}.top; at < top; at += ${table.stride})`, () => {
          context.out({ row: rowAt('at', 'at'), weight: '1', at: null });
        });
      },
    }),
    sizeBytes: () => table.sizeBytes + (isRead ? 0 : rows.sizeBytes),
  };
}

/** Null is the smallest. */
export function orderWord(js: string, nullable: boolean): string {
  return nullable ? `${js} === ${js} ? ${js} : -Infinity` : js;
}
