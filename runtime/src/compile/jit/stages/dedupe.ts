/**
 * Keeps one row for each key: the first or the last, by time or by arrival.
 *
 *   read from the state   key … | time? | row …
 *   handed on             key … | time? | row, shown row, listed        rows are records of their own: old and new are both there
 *   saved                 … | bits                                      see saved-bits.ts
 */
import { evaluatorOf } from '../../../expr/evaluate.ts';
import type { Expr } from '../../../expr/node.ts';
import type { NodeOf } from '../../../plan/node.ts';
import { eventTimeOf } from '../../../plan/infer.ts';
import { windowColumnOf } from '../../../plan/traits.ts';
import {
  columnTypes,
  keyKindsOf,
  keyWords,
  type Layout,
  layoutOf,
  load,
  type RecordNames,
  store,
} from '../cells.ts';
import type { Lazy } from '../emitter.ts';
import { Records } from '../records.ts';
import { DedupeMemory } from '../dedupe-memory.ts';
import { listUnsaved } from '../saved-bits.ts';
import { evaluating, type Flow, type NodeContext, requireArrivals, type Stage, keptIn } from '../stage.ts';
import type { RowSymbols, Symbol_ } from '../symbol.ts';
import { type Table, tableClass } from '../table.ts';
import { Touched } from '../touched.ts';
import { Unsupported } from '../unsupported.ts';

/** Of a key whose changes are handed on: its row, the row that was shown, whether it is listed. */
const REFERENCES = 3;

export function dedupeStage(node: NodeOf<'dedupe'>, context: NodeContext): Stage {
  requireArrivals(node.input, context);
  if (node.ttlMs !== null) throw new Unsupported('a dedupe with a time-to-live');
  const window = windowColumnOf(node.input);
  if (window !== null && node.keys.includes(window)) throw new Unsupported('a dedupe by window');
  return new DedupeCode(node, context).stage();
}

class DedupeCode {
  readonly #node: NodeOf<'dedupe'>;
  readonly #context: NodeContext;
  readonly #time: Expr | null;
  readonly #keys: Layout;
  readonly #row: Layout;
  readonly #table: Table;
  /** Where rows lie: the table itself, or records of their own. */
  readonly #rows: Records;
  readonly #tableName: string;
  readonly #rowsName: string;
  readonly #touched: string;
  /** Cells behind the key: the time, then the row or what refers to it. */
  readonly #timeCell: number;
  readonly #current: number;
  /** The first to arrive stays, so it is handed on at once. */
  readonly #isFirstArrival: boolean;
  readonly #savedCell: number;
  readonly #memory: DedupeMemory | null;

  constructor(node: NodeOf<'dedupe'>, context: NodeContext) {
    const { code, columns, needed, isRead } = context;
    this.#node = node;
    this.#context = context;
    this.#isFirstArrival = node.keep === 'first' && node.by === 'arrival';
    this.#time = node.by === 'time' ? eventTimeOf(context.inputColumns[0] ?? []) : null;
    if (node.by === 'time' && this.#time === null)
      throw new Unsupported('a dedupe by a time that is not there');
    const isKey = new Set(node.keys);
    const keyColumns = node.keys.flatMap((name) => columnTypes(columns, new Set([name])));
    const isSaved = context.statePrefix !== null;
    const kept = isSaved ? columns.map(({ name }) => name) : [...needed];
    const rest = columnTypes(columns, new Set(kept.filter((name) => !isKey.has(name))));
    this.#keys = layoutOf(keyColumns, 0, 'code', true);
    this.#timeCell = this.#keys.end;
    const first = this.#time === null ? [] : [NaN];
    this.#current = this.#timeCell + first.length;
    this.#row = layoutOf(rest, isRead ? this.#current : 0, 'arena');
    const width = isRead ? this.#row.end - this.#current : REFERENCES;
    const template = [...first, ...Array.from({ length: width + (isSaved ? 1 : 0) }, () => 0)];
    this.#savedCell = this.#timeCell + template.length - 1;
    this.#table = new (tableClass({
      keys: keyKindsOf(this.#keys),
      template,
      texts: isRead ? this.#row.texts : [],
    }))();
    this.#rows = isRead ? this.#table : new Records(this.#row.end, this.#row.texts);
    code.texts.held({ records: () => [this.#table], cells: this.#keys.codes });
    this.#tableName = code.emitter.bind(this.#table);
    this.#rowsName = code.emitter.bind(this.#rows);
    this.#touched = code.emitter.bind(new Touched());
    this.#memory = this.#memoryOf(context);
  }

  #memoryOf({ statePrefix, code, columns, inputColumns, functions }: NodeContext): DedupeMemory | null {
    if (statePrefix === null) return null;
    return new DedupeMemory({
      prefix: statePrefix,
      texts: code.texts,
      columns,
      keys: this.#keys,
      rest: this.#row,
      table: this.#table,
      rows: this.#rows,
      timeCell: this.#time === null ? -1 : this.#timeCell,
      currentCell: this.#current,
      shownCell: this.#isFirstArrival ? -1 : this.#current + 1,
      savedCell: this.#savedCell,
      timeOf: this.#time === null ? null : evaluatorOf(this.#time, inputColumns[0] ?? [], functions),
    });
  }

  stage(): Stage {
    const { code, isRead } = this.#context;
    const flushes = !isRead && !this.#isFirstArrival;
    return {
      inputs: [(flow) => this.#push(flow)],
      ...(flushes && { flush: () => this.#flush() }),
      ...(isRead && { scan: () => this.#scan() }),
      maintain: () => code.emitter.line(`${this.#rowsName}.maintain();`),
      sizeBytes: () => this.#table.sizeBytes + (isRead ? 0 : this.#rows.sizeBytes),
      ...(this.#memory !== null && { memory: keptIn(this.#memory, this.#table) }),
    };
  }

  #cell(at: string, offset: number): string {
    return `${this.#tableName}.cells[${at} + ${offset}]`;
  }

  #names(): RecordNames {
    return {
      records: this.#rowsName,
      cells: this.#context.code.emitter.local('c', `${this.#rowsName}.cells`),
    };
  }

  #push(flow: Flow): void {
    const { code, isRead, out } = this.#context;
    const { emitter } = code;
    evaluating(this.#context, flow, this.#time === null ? [] : [this.#time], (evaluated) => {
      const words = this.#node.keys.flatMap((name) =>
        keyWords(code, (flow.row.get(name) as Lazy<Symbol_>).get()),
      );
      const symbol = this.#time === null ? null : evaluated(this.#time);
      const time =
        symbol?.rep === 'number' ? emitter.local('t', orderWord(symbol.js, symbol.type.nullable)) : null;
      const at = emitter.local('g', `${this.#tableName}.upsert(${words.join(', ')})`);
      emitter.block(`if (${this.#isBetter(at, time)})`, () => {
        if (time !== null) emitter.line(`${this.#cell(at, this.#timeCell)} = ${time};`);
        if (this.#isFirstArrival && !isRead) {
          this.#keepFirst(flow, at);
          out(flow);
        } else this.#put(flow, at);
        if (this.#memory === null) return;
        const unsaved = emitter.bind(this.#memory.unsaved);
        emitter.line(listUnsaved(this.#cell(at, this.#savedCell), unsaved, at));
      });
    });
  }

  /** The row that was handed on at once stays until it is saved. */
  #keepFirst(flow: Flow, at: string): void {
    if (this.#memory === null) return;
    const { code } = this.#context;
    const record = code.emitter.local('r', `${this.#rowsName}.alloc()`);
    store(code, this.#row, flow.row, this.#names(), record);
    code.emitter.line(`${this.#cell(at, this.#current)} = ${record};`);
  }

  /** The time of a key that is new is NaN, so that any time is better. */
  #isBetter(at: string, time: string | null): string {
    if (this.#isFirstArrival) return `${this.#tableName}.fresh`;
    if (time === null) return 'true';
    return `!(${time} ${this.#node.keep === 'last' ? '<' : '>='} ${this.#cell(at, this.#timeCell)})`;
  }

  /** Writes the row in the place of the one that was there; the one that was shown stays until it is taken back. */
  #put(flow: Flow, at: string): void {
    const { code, isRead } = this.#context;
    const { emitter } = code;
    if (isRead) {
      emitter.block(`if (${this.#tableName}.fresh)`, () =>
        store(code, this.#row, flow.row, this.#names(), at),
      );
      emitter.block('else', () => store(code, this.#row, flow.row, this.#names(), at, true));
      return;
    }
    const [current, shown, listed] = [0, 1, 2].map((offset) => this.#cell(at, this.#current + offset)) as [
      string,
      string,
      string,
    ];
    emitter.line(`if (${listed} === 0) { ${listed} = 1; ${this.#touched}.add(${at}); }`);
    const old = emitter.local('r', current);
    emitter.line(`if (${old} !== ${shown}) ${this.#rowsName}.release(${old});`);
    const record = emitter.local('r', `${this.#rowsName}.alloc()`);
    store(code, this.#row, flow.row, this.#names(), record);
    emitter.line(`${current} = ${record};`);
  }

  #rowAt(at: string, record: string): RowSymbols {
    const { code } = this.#context;
    const keys = { records: this.#tableName, cells: code.emitter.local('c', `${this.#tableName}.cells`) };
    return new Map([...load(code, this.#keys, keys, at), ...load(code, this.#row, this.#names(), record)]);
  }

  #flush(): void {
    const { code, out } = this.#context;
    const { emitter } = code;
    emitter.block(`for (let j = 0; j < ${this.#touched}.n; j++)`, () => {
      const at = emitter.local('g', `${this.#touched}.list[j]`);
      const [current, shown, listed] = [0, 1, 2].map((offset) => this.#cell(at, this.#current + offset)) as [
        string,
        string,
        string,
      ];
      emitter.line(`${listed} = 0;`);
      const [now, before] = [emitter.local('r', current), emitter.local('r', shown)];
      emitter.block(`if (${before} !== 0)`, () => {
        out({ row: this.#rowAt(at, before), weight: '-1', at: null });
        emitter.line(`${this.#rowsName}.release(${before});`);
      });
      emitter.block('', () => out({ row: this.#rowAt(at, now), weight: '1', at: null }));
      emitter.line(`${shown} = ${now};`);
    });
    emitter.line(`${this.#touched}.n = 0;`);
  }

  #scan(): void {
    const { code, out } = this.#context;
    const { stride } = this.#table;
    code.emitter.block(
      `for (let at = ${stride}, top = ${this.#tableName}.top; at < top; at += ${stride})`,
      () => {
        out({ row: this.#rowAt('at', 'at'), weight: '1', at: null });
      },
    );
  }
}

/** Null is the smallest. */
export function orderWord(js: string, nullable: boolean): string {
  return nullable ? `${js} === ${js} ? ${js} : -Infinity` : js;
}
