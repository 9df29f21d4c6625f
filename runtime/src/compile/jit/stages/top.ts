/**
 * Keeps the first rows of each partition in an order; of equal rows the earlier arrival first.
 *
 *   partition   key … | count | row 1, row 2 … | when changes are handed on: listed, shown row 1, shown row 2 …
 *   row         isShown | order … | columns … | when it is saved: number, whether the store has it
 *               a partition that is saved has its bits behind all else: see saved-bits.ts
 */
import { evaluatorOf } from '../../../expr/evaluate.ts';
import type { NodeOf } from '../../../plan/node.ts';
import { windowColumnOf } from '../../../plan/traits.ts';
import { columnTypes, keyKindsOf, keyWords, layoutOf, load, store } from '../cells.ts';
import { Lazy } from '../emitter.ts';
import { Records } from '../records.ts';
import { listUnsaved } from '../saved-bits.ts';
import { TopMemory } from '../top-memory.ts';
import { evaluating, type Flow, type NodeContext, requireArrivals, type Stage, keptIn } from '../stage.ts';
import type { RowSymbols, Symbol_ } from '../symbol.ts';
import { tableClass } from '../table.ts';
import { Touched } from '../touched.ts';
import { Unsupported } from '../unsupported.ts';
import { orderWord } from './dedupe.ts';

const LIMIT_MAX = 100;
const SHOWN = 0;

export function topStage(node: NodeOf<'top'>, context: NodeContext): Stage {
  requireArrivals(node.input, context);
  if (node.limit > LIMIT_MAX) throw new Unsupported(`the first ${node.limit}`);
  const window = windowColumnOf(node.input);
  if (window !== null && node.partition.includes(window)) throw new Unsupported('a top by window');
  return new TopCode(node, context).stage();
}

class TopCode {
  readonly #node: NodeOf<'top'>;
  readonly #context: NodeContext;
  readonly #keys;
  readonly #row;
  readonly #table;
  readonly #rows: Records;
  readonly #tableName: string;
  readonly #rowsName: string;
  readonly #touched: string;
  /** Cells of a partition. */
  readonly #count: number;
  readonly #place: number;
  readonly #listed: number;
  readonly #shown: number;
  readonly #saved: number;
  readonly #memory: TopMemory | null;

  constructor(node: NodeOf<'top'>, context: NodeContext) {
    const { code, needed, isRead, inputColumns } = context;
    const [columns = []] = inputColumns;
    this.#node = node;
    this.#context = context;
    const isKey = new Set(node.partition);
    const keyColumns = node.partition.flatMap((name) => columnTypes(columns, new Set([name])));
    this.#keys = layoutOf(keyColumns, 0, 'code', true);
    const isSaved = context.statePrefix !== null;
    const kept = isSaved ? columns.map(({ name }) => name) : [...needed];
    const rest = new Set(kept.filter((name) => !isKey.has(name)));
    this.#row = layoutOf(columnTypes(columns, rest), 1 + node.order.length, 'arena');
    const keyCells = Math.max(1, this.#keys.end);
    this.#count = keyCells;
    this.#place = keyCells + 1;
    this.#listed = this.#place + node.limit;
    this.#shown = this.#listed + 1;
    const width = 1 + node.limit + (isRead ? 0 : 1 + node.limit) + (isSaved ? 1 : 0);
    this.#saved = keyCells + width - 1;
    const kinds = node.partition.length === 0 ? (['whole'] as const) : keyKindsOf(this.#keys);
    this.#table = new (tableClass({ keys: kinds, template: Array.from({ length: width }, () => 0) }))();
    this.#rows = new Records(this.#row.end + (isSaved ? 2 : 0), this.#row.texts);
    code.texts.held({ records: () => [this.#table], cells: this.#keys.codes });
    this.#tableName = code.emitter.bind(this.#table);
    this.#rowsName = code.emitter.bind(this.#rows);
    this.#touched = code.emitter.bind(new Touched());
    this.#memory = this.#memoryOf(context);
  }

  #memoryOf({ statePrefix, code, inputColumns, functions }: NodeContext): TopMemory | null {
    if (statePrefix === null) return null;
    const [columns = []] = inputColumns;
    return new TopMemory({
      prefix: statePrefix,
      texts: code.texts,
      columns,
      keys: this.#keys,
      rest: this.#row,
      table: this.#table,
      rows: this.#rows,
      order: this.#node.order.map(({ expr, descending }) => ({
        by: evaluatorOf(expr, columns, functions),
        descending,
      })),
      countCell: this.#count,
      placeCell: this.#place,
      shownCell: this.#shown,
      savedCell: this.#saved,
      isShownCell: SHOWN,
      orderCell: SHOWN + 1,
      serialCell: this.#row.end,
      isSavedCell: this.#row.end + 1,
    });
  }

  stage(): Stage {
    const { isRead, code } = this.#context;
    const { emitter } = code;
    return {
      inputs: [(flow) => this.#push(flow)],
      ...(isRead ? { scan: () => this.#scan() } : { flush: () => this.#flush() }),
      maintain: () => emitter.line(`${this.#rowsName}.maintain();`),
      sizeBytes: () => this.#table.sizeBytes + this.#rows.sizeBytes,
      ...(this.#memory !== null && { memory: keptIn(this.#memory, this.#table) }),
    };
  }

  #push(flow: Flow): void {
    const { code } = this.#context;
    const { emitter } = code;
    const { partition, order, limit } = this.#node;
    evaluating(
      this.#context,
      flow,
      order.map(({ expr }) => expr),
      (evaluated) => {
        const words = partition.flatMap((name) =>
          keyWords(code, (flow.row.get(name) as Lazy<Symbol_>).get()),
        );
        const values = order.map(({ expr }) => {
          const symbol = evaluated(expr);
          if (symbol.rep !== 'number') throw new Unsupported('an order by something that is no number');
          return emitter.local('t', orderWord(symbol.js, symbol.type.nullable));
        });
        const at = emitter.local(
          'g',
          `${this.#tableName}.upsert(${words.length === 0 ? '0' : words.join(', ')})`,
        );
        const cells = emitter.local('c', `${this.#tableName}.cells`);
        const count = emitter.local('n', `${cells}[${at} + ${this.#count}]`);
        const isBetter = this.#comparison(values);
        const last = `${cells}[${at} + ${this.#place + limit - 1}]`;
        emitter.block(`if (${count} < ${limit} || ${isBetter(last)})`, () =>
          this.#insert(flow, at, cells, count, values, isBetter),
        );
      },
    );
  }

  /** A condition of JS: these values come before those of a row. */
  #comparison(values: readonly string[]): (row: string) => string {
    const { order } = this.#node;
    const { emitter } = this.#context.code;
    const params = values.map((_, index) => `x${index}`);
    let body = 'false';
    for (const [index, { descending }] of [...order.entries()].toReversed()) {
      const [own, other] = [`x${index}`, `c[r + ${1 + index}]`];
      body = `(${own} ${descending ? '>' : '<'} ${other} || ${own} === ${other} && ${body})`;
    }
    const name = emitter.fn('before', ['c', 'r', ...params].join(', '), () =>
      emitter.line(`return ${body};`),
    );
    return (row) => `${name}(${[`${this.#rowsName}.cells`, row, ...values].join(', ')})`;
  }

  #insert(
    flow: Flow,
    at: string,
    cells: string,
    count: string,
    values: readonly string[],
    isBetter: (row: string) => string,
  ): void {
    const { code, isRead } = this.#context;
    const { emitter } = code;
    const { limit } = this.#node;
    const place = (js: string): string => `${cells}[${at} + ${this.#place} + ${js}]`;
    const p = emitter.fresh('q');
    emitter.line(`let ${p} = ${count};`);
    emitter.block(`if (${count} === ${limit})`, () => {
      const gone = emitter.local('r', place(`${limit - 1}`));
      if (this.#memory !== null) emitter.line(`${emitter.bind(this.#memory)}.fell(${at}, ${gone});`);
      const test = isRead ? '' : `if (${this.#rowsName}.cells[${gone} + ${SHOWN}] !== 1) `;
      emitter.line(`${test}${this.#rowsName}.release(${gone});`);
      emitter.line(`${p}--;`);
    });
    emitter.line(`else ${cells}[${at} + ${this.#count}] = ${count} + 1;`);
    emitter.line(
      `for (; ${p} > 0 && ${isBetter(place(`${p} - 1`))}; ${p}--) ${place(p)} = ${place(`${p} - 1`)};`,
    );
    const record = emitter.local('r', `${this.#rowsName}.alloc()`);
    const names = { records: this.#rowsName, cells: emitter.local('c', `${this.#rowsName}.cells`) };
    emitter.line(`${place(p)} = ${record};`);
    emitter.line(`${names.cells}[${record} + ${SHOWN}] = 0;`);
    for (const [index, value] of values.entries())
      emitter.line(`${names.cells}[${record} + ${1 + index}] = ${value};`);
    store(code, this.#row, flow.row, names, record);
    if (this.#memory !== null) {
      const memory = emitter.bind(this.#memory);
      emitter.line(`${names.cells}[${record} + ${this.#row.end}] = ++${memory}.serial;`);
      emitter.line(`${names.cells}[${record} + ${this.#row.end + 1}] = 0;`);
      emitter.line(listUnsaved(`${cells}[${at} + ${this.#saved}]`, `${memory}.unsaved`, at));
    }
    if (isRead) return;
    const listed = `${cells}[${at} + ${this.#listed}]`;
    emitter.line(`if (${listed} === 0) { ${listed} = 1; ${this.#touched}.add(${at}); }`);
  }

  #rowOf(at: string, cells: string, record: string, place: string): RowSymbols {
    const { code } = this.#context;
    const { rank } = this.#node;
    const row = load(
      code,
      this.#row,
      { records: this.#rowsName, cells: code.emitter.local('c', `${this.#rowsName}.cells`) },
      record,
    );
    const keys = load(code, this.#keys, { records: this.#tableName, cells }, at);
    const own: [string, Lazy<Symbol_>][] = [];
    if (rank !== null) {
      const type = { type: 'integer', nullable: false } as const;
      own.push([
        rank,
        new Lazy(code.emitter, () => ({ rep: 'number', type, js: code.emitter.local('v', `${place} + 1`) })),
      ]);
    }
    return new Map([...keys, ...row, ...own]);
  }

  #scan(): void {
    const { code, out } = this.#context;
    const { emitter } = code;
    const cells = emitter.local('c', `${this.#tableName}.cells`);
    const { stride } = this.#table;
    emitter.block(`for (let at = ${stride}, top = ${this.#tableName}.top; at < top; at += ${stride})`, () => {
      emitter.block(`for (let p = 0; p < ${cells}[at + ${this.#count}]; p++)`, () => {
        const record = emitter.local('r', `${cells}[at + ${this.#place} + p]`);
        out({ row: this.#rowOf('at', cells, record, 'p'), weight: '1', at: null });
      });
    });
  }

  /** Place by place: the row that was shown there goes, the one that is there now comes. */
  #flush(): void {
    const { code, out } = this.#context;
    const { emitter } = code;
    const { limit } = this.#node;
    const touched = this.#touched;
    emitter.block(`for (let j = 0; j < ${touched}.n; j++)`, () => {
      const at = emitter.local('g', `${touched}.list[j]`);
      const cells = emitter.local('c', `${this.#tableName}.cells`);
      emitter.line(`${cells}[${at} + ${this.#listed}] = 0;`);
      const [now, before] = [`${cells}[${at} + ${this.#place} + p]`, `${cells}[${at} + ${this.#shown} + p]`];
      const rowCells = `${this.#rowsName}.cells`;
      for (const [record, weight] of [
        [before, '-1'],
        [now, '1'],
      ] as const) {
        emitter.block(`for (let p = 0; p < ${limit}; p++)`, () => {
          emitter.block(`if (${before} !== ${now} && ${record} !== 0)`, () => {
            const own = emitter.local('r', record);
            out({ row: this.#rowOf(at, cells, own, 'p'), weight, at: null });
          });
        });
      }
      emitter.line(
        `for (let p = 0; p < ${limit}; p++) if (${before} !== 0) ${rowCells}[${before} + ${SHOWN}] = 0;`,
      );
      emitter.line(
        `for (let p = 0; p < ${limit}; p++) if (${now} !== 0) ${rowCells}[${now} + ${SHOWN}] = 1;`,
      );
      const released = `if (${before} !== 0 && ${rowCells}[${before} + ${SHOWN}] === 0) ${this.#rowsName}.release(${before});`;
      emitter.line(`for (let p = 0; p < ${limit}; p++) { ${released} ${before} = ${now}; }`);
    });
    emitter.line(`${touched}.n = 0;`);
  }
}
