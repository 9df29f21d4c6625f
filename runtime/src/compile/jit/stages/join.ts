/**
 * Joins that remember both sides: `regular` for ever or for a time-to-live, `window` until the window is over. One table
 * holds for each key the first and last row of both sides; rows of a side are chained in the order of their arrival.
 *
 *   key ─► first left, last left, first right, last right          row ─► next, time?, the columns that somebody reads
 *
 * Columns of the key are not kept: a pair has them from the row that completes it.
 */
import { type Held, heldOf } from '../../../plan/held.ts';
import type { NodeOf } from '../../../plan/node.ts';
import type { Column } from '../../../data/value.ts';
import { columnTypes, keyWords, type Layout, layoutOf, load, type RecordNames, store } from '../cells.ts';
import type { Lazy } from '../emitter.ts';
import { fieldsOf, holds } from '../expressions.ts';
import { Records } from '../records.ts';
import { evaluating, type Flow, type NodeContext, type Stage } from '../stage.ts';
import { nullTest, type Symbol_ } from '../symbol.ts';
import { type KeyKind, type Table, tableClass } from '../table.ts';
import { Unsupported } from '../unsupported.ts';
import { JoinMemory } from '../join-memory.ts';

type SideName = 'left' | 'right';

interface Side {
  readonly name: SideName;
  readonly columns: readonly Column[];
  readonly retracts: boolean;
  readonly keys: readonly string[];
  readonly layout: Layout;
  readonly records: Records;
  readonly bound: string;
  /** When its rows are forgotten; null: never, or with their time-to-live. */
  readonly held: Held | null;
  /** Cells of the table, from the start of its record. */
  readonly first: number;
  readonly last: number;
}

const NEXT = 0;
const TIME = 1;
const WORDS_MAX = 12;

export function joinStage(node: NodeOf<'join'>, context: NodeContext): Stage {
  if (node.type !== 'inner') throw new Unsupported('left joins');
  if (node.how.kind !== 'regular' && node.how.kind !== 'window')
    throw new Unsupported(`${node.how.kind} joins`);
  return new JoinCode(node, context).stage();
}

class JoinCode {
  readonly #node: NodeOf<'join'>;
  readonly #context: NodeContext;
  readonly #table: Table;
  readonly #tableName: string;
  readonly #memory: JoinMemory;
  readonly #memoryName: string;
  readonly #sides: { readonly [S in SideName]: Side };
  readonly #ttlMs: number | null;
  /** Which pair of keys is the window, of a window join. */
  readonly #window: number;

  constructor(node: NodeOf<'join'>, context: NodeContext) {
    this.#node = node;
    this.#context = context;
    this.#ttlMs = node.how.kind === 'regular' ? node.how.ttlMs : null;
    const [left = [], right = []] = context.inputColumns;
    const typeOf = (columns: readonly Column[], name: string): Column =>
      columns.find((column) => column.name === name) as Column;
    const kinds = node.on.flatMap((pair): KeyKind[] => {
      const types = [typeOf(left, pair.left).type, typeOf(right, pair.right).type];
      if (types[0] !== types[1]) throw new Unsupported('a join of keys of two types');
      if (types[0] === 'window') return ['whole', 'whole'];
      return [types[0] === 'double' ? 'double' : 'whole'];
    });
    if (kinds.length === 0 || kinds.length > WORDS_MAX) throw new Unsupported('a join without keys');
    this.#window =
      node.how.kind === 'window'
        ? node.on.findIndex((pair) => typeOf(left, pair.left).type === 'window')
        : -1;
    this.#table = new (tableClass({ keys: kinds, template: [0, 0, 0, 0] }))();
    const words = node.on.flatMap((pair) => {
      const { type } = typeOf(left, pair.left);
      return type === 'window' ? [false, false] : [type === 'string'];
    });
    const texts = words.flatMap((isText, word) => (isText ? [word] : []));
    context.code.texts.held({ records: () => [this.#table], cells: texts });
    this.#tableName = context.code.emitter.bind(this.#table);
    this.#sides = { left: this.#side('left', kinds.length), right: this.#side('right', kinds.length + 2) };
    const endWord = this.#window < 0 ? -1 : this.#windowWord(left) + 1;
    this.#memory = new JoinMemory(this.#table, [this.#sides.left, this.#sides.right], endWord);
    this.#memoryName = context.code.emitter.bind(this.#memory);
  }

  #windowWord(left: readonly Column[]): number {
    let word = 0;
    for (const pair of this.#node.on.slice(0, this.#window))
      word += left.find(({ name }) => name === pair.left)?.type === 'window' ? 2 : 1;
    return word;
  }

  #side(name: SideName, first: number): Side {
    const { node, context } = { node: this.#node, context: this.#context };
    const place = name === 'left' ? 0 : 1;
    const columns = context.inputColumns[place] ?? [];
    const keys = node.on.map((pair) => pair[name]);
    const retracts = context.appendOnly[place] === false;
    if (retracts && this.#ttlMs !== null) throw new Unsupported('a time-to-live of rows that are taken back');
    const read = new Set(
      node.columns
        .filter((column) => column.side === name && this.#reads(column.name) && !keys.includes(column.from))
        .map(({ from }) => from),
    );
    const [left = [], right = []] = context.inputColumns;
    const held = heldOf(node, name, { left, right }, context.mode);
    const from = this.#ttlMs === null && held === null ? TIME : TIME + 1;
    const layout = layoutOf(columnTypes(columns, read), from, retracts ? 'code' : 'arena');
    const records = new Records(layout.end, layout.texts);
    context.code.texts.held({ records: () => [records], cells: layout.codes });
    return {
      name,
      columns,
      retracts,
      keys,
      layout,
      records,
      held,
      bound: context.code.emitter.bind(records),
      first,
      last: first + 1,
    };
  }

  #reads(name: string): boolean {
    const { condition } = this.#node;
    return this.#context.needed.has(name) || (condition !== null && namesIn(condition).has(name));
  }

  stage(): Stage {
    const { left, right } = this.#sides;
    const { allowedMs } = this.#context;
    const memory = this.#memoryName;
    const { emitter } = this.#context.code;
    const expires = this.#ttlMs !== null;
    return {
      inputs: [(flow) => this.#push(left, right, flow), (flow) => this.#push(right, left, flow)],
      ...(this.#window >= 0 && {
        advance: () => emitter.line(`${memory}.closeWindows(wm - ${allowedMs} + 1);`),
      }),
      ...(expires && { advance: () => emitter.line(`${memory}.expire(wm, ${this.#ttlMs});`) }),
      ...((left.held !== null || right.held !== null) && {
        advance: () => {
          for (const [place, { held }] of [left, right].entries())
            if (held !== null) emitter.line(`${memory}.forgetHeld(${place}, wm - ${allowedMs} + 1);`);
        },
      }),
      maintain: () => emitter.line(`${memory}.maintain();`),
      sizeBytes: () => this.#memory.sizeBytes,
    };
  }

  #push(own: Side, other: Side, flow: Flow): void {
    const { code } = this.#context;
    const { emitter } = code;
    const keys = own.keys.map((name) => (flow.row.get(name) as Lazy<Symbol_>).get());
    const tests = keys.map(nullTest).filter((test) => test !== undefined);
    const run = (): void => {
      const words = keys.flatMap((key) => keyWords(code, withoutNull(key)));
      const at = emitter.local('j', `${this.#tableName}.upsert(${words.join(', ')})`);
      if (flow.weight === '-1') this.#takeBack(own, flow, at);
      else if (flow.weight === '1') this.#keep(own, flow, at);
      else {
        emitter.block(`if (${flow.weight} === 1)`, () => this.#keep(own, flow, at));
        emitter.block('else', () => this.#takeBack(own, flow, at));
      }
      this.#pairs(own, other, flow, at);
      if (own.retracts && flow.weight !== '1') emitter.line(`${this.#memoryName}.forgetEmpty(${at});`);
    };
    const inTime = (): void => this.#unlessLate(keys, flow, run);
    if (tests.length === 0) inTime();
    else emitter.block(`if (!(${tests.join(' || ')}))`, inTime);
  }

  #unlessLate(keys: readonly Symbol_[], { at, weight }: Flow, run: () => void): void {
    const { code, allowedMs, hooks } = this.#context;
    const window = keys[this.#window];
    if (window?.rep !== 'window') return run();
    const { emitter } = code;
    if (at === null) {
      emitter.line(`${this.#memoryName}.sees(${window.end});`);
      return run();
    }
    emitter.block(`if (${window.end} - 1 + ${allowedMs} <= ${at.watermark})`, () => {
      emitter.line(
        `if (${weight} === 1) ${emitter.bind(hooks)}.late(${at.index}, ${window.start}, ${window.end});`,
      );
    });
    emitter.block('else', () => {
      emitter.line(`${this.#memoryName}.sees(${window.end});`);
      run();
    });
  }

  #timeOf(own: Side, { row, at }: Flow): string {
    if (at !== null) return at.time;
    const column = own.columns.find(({ eventTime }) => eventTime === true);
    const symbol = column === undefined ? undefined : row.get(column.name)?.get();
    if (symbol?.rep !== 'number' || symbol.type.nullable)
      throw new Unsupported('a time-to-live of rows without a time');
    return symbol.js;
  }

  #keep(own: Side, flow: Flow, at: string): void {
    const { emitter } = this.#context.code;
    const record = emitter.local('r', `${own.bound}.alloc()`);
    const names: RecordNames = { records: own.bound, cells: emitter.local('c', `${own.bound}.cells`) };
    emitter.line(`${names.cells}[${record} + ${NEXT}] = 0;`);
    if (this.#ttlMs !== null)
      emitter.line(`${names.cells}[${record} + ${TIME}] = ${this.#timeOf(own, flow)};`);
    if (own.held !== null) {
      const time = flow.row.get(own.held.column)?.get();
      if (time?.rep !== 'number') throw new Unsupported('a join by a time that nobody reads');
      emitter.line(`${names.cells}[${record} + ${TIME}] = ${time.js} + ${own.held.ms};`);
      emitter.line(`${this.#memoryName}.hold(${own.name === 'left' ? 0 : 1}, ${record}, ${at});`);
    }
    store(this.#context.code, own.layout, flow.row, names, record);
    const table = emitter.local('c', `${this.#tableName}.cells`);
    const last = emitter.local('l', `${table}[${at} + ${own.last}]`);
    emitter.line(
      `if (${last} === 0) ${table}[${at} + ${own.first}] = ${record}; else ${names.cells}[${last} + ${NEXT}] = ${record};`,
    );
    emitter.line(`${table}[${at} + ${own.last}] = ${record};`);
  }

  /** Forgets one of the rows that are equal to this one. */
  #takeBack(own: Side, flow: Flow, at: string): void {
    const { code } = this.#context;
    const { emitter } = code;
    const cells = emitter.local('c', `${own.bound}.cells`);
    const same = own.layout.columns.flatMap((column) => {
      const symbol = (flow.row.get(column.name) as Lazy<Symbol_>).get();
      const words = symbol.rep === 'number' ? [symbol.js] : keyWords(code, symbol);
      return words.map((word, part) => `Object.is(${cells}[r + ${column.cell + part}], ${word})`);
    });
    const table = `${this.#tableName}.cells`;
    emitter.block(
      `for (let r = ${table}[${at} + ${own.first}], before = 0; r !== 0; before = r, r = ${cells}[r + ${NEXT}])`,
      () => {
        emitter.block(`if (${['true', ...same].join(' && ')})`, () => {
          emitter.line(`${this.#memoryName}.unlink(${at}, ${own.name === 'left' ? 0 : 1}, before, r);`);
          emitter.line('break;');
        });
      },
    );
  }

  #pairs(own: Side, other: Side, flow: Flow, at: string): void {
    const { code, out } = this.#context;
    const { emitter } = code;
    const cells = emitter.local('c', `${other.bound}.cells`);
    const record = emitter.fresh('o');
    const first = `${this.#tableName}.cells[${at} + ${other.first}]`;
    emitter.block(
      `for (let ${record} = ${first}; ${record} !== 0; ${record} = ${cells}[${record} + ${NEXT}])`,
      () => {
        const stored = load(code, other.layout, { records: other.bound, cells }, record);
        const pair: Flow = { ...flow, row: this.#pairOf(own, flow, stored) };
        const give = (): void => this.#conditioned(pair, () => out(pair));
        if (this.#ttlMs === null) return give();
        const watermark =
          flow.at === null ? `${this.#timeOf(own, flow)} + ${this.#context.allowedMs}` : flow.at.watermark;
        emitter.block(`if (!(${watermark} > ${cells}[${record} + ${TIME}] + ${this.#ttlMs}))`, give);
      },
    );
  }

  #pairOf(own: Side, { row }: Flow, stored: ReadonlyMap<string, Lazy<Symbol_>>): Map<string, Lazy<Symbol_>> {
    const pair = new Map<string, Lazy<Symbol_>>();
    for (const { side, from, name } of this.#node.columns) {
      if (!this.#reads(name)) continue;
      const twin = this.#node.on.find((keys) => keys[side] === from);
      const column =
        side === own.name
          ? row.get(from)
          : (stored.get(from) ?? (twin === undefined ? undefined : row.get(twin[own.name])));
      if (column === undefined) throw new Unsupported(`no column ${from}`);
      pair.set(name, column);
    }
    return pair;
  }

  #conditioned(flow: Flow, give: () => void): void {
    const { condition } = this.#node;
    if (condition === null) return give();
    const context = { ...this.#context, inputColumns: [this.#context.columns] };
    evaluating(context, flow, [condition], (evaluated) => {
      this.#context.code.emitter.block(`if (${holds(evaluated(condition))})`, give);
    });
  }
}

/** The symbol of a value that was found not to be null. */
function withoutNull(symbol: Symbol_): Symbol_ {
  return symbol.rep === 'boolean' ? symbol : { ...symbol, type: { ...symbol.type, nullable: false } };
}

function namesIn(expr: NonNullable<NodeOf<'join'>['condition']>): ReadonlySet<string> {
  return new Set(fieldsOf(expr));
}
