/**
 * The record of a group, whatever holds it.
 *
 *   key … | cells of the aggregates … | rows | listed | shown? | saved? | shown values …
 *
 * `rows` is there when rows may be taken back; `saved?` when the state is saved; the rest when changes are handed on, so that
 * the row that was shown can be.
 */
import type { NamedExpr, NodeOf } from '../../../plan/node.ts';
import { columnTypes, keyKindsOf, keyWords, type Layout, layoutOf, load, store } from '../cells.ts';
import type { Lazy } from '../emitter.ts';
import type { Evaluated, Flow, NodeContext } from '../stage.ts';
import type { Expr } from '../../../expr/node.ts';
import type { Records } from '../records.ts';
import { type Symbol_, valueOf } from '../symbol.ts';
import { type TableClass, tableClass } from '../table.ts';
import { GroupMemory, type GroupMemorySpec } from '../group-memory.ts';
import { FRESH, listUnsaved } from '../saved-bits.ts';
import { AccumulatorCode, type RecordAt, type SetNames } from './accumulators.ts';

/** A record in the code, with the name of its table. */
export interface GroupAt extends RecordAt {
  readonly records: string;
}

/** Columns of the row of a group that are not in its record. */
export type Besides = ReadonlyMap<string, Lazy<Symbol_>>;

export interface GroupRecordOptions {
  readonly keys: readonly NamedExpr[];
  /** Whether changes are handed on. */
  readonly shows: boolean;
}

/** Where the window of a group stands: which of its keys it is, and whether its pane tells it. */
export type GroupWindow = Pick<GroupMemorySpec, 'windowIndex' | 'paneOf' | 'windowOf'>;

const NOTHING: Besides = new Map();

export class GroupRecord {
  readonly accumulators: AccumulatorCode;
  readonly table: TableClass;
  readonly exprs: readonly Expr[];
  readonly retracts: boolean;
  readonly #context: NodeContext;
  readonly #keys: readonly NamedExpr[];
  readonly #keyNames: readonly string[];
  readonly #keyLayout: Layout;
  readonly #shownLayout: Layout;
  readonly #rowsCell: number;
  readonly #listedCell: number;
  readonly #isShownCell: number;
  readonly #savedCell: number;
  readonly stride: number;
  readonly keyCells: number;

  constructor(node: NodeOf<'group'>, context: NodeContext, { keys, shows }: GroupRecordOptions) {
    const { code, columns, inputColumns } = context;
    this.#context = context;
    this.#keyNames = node.keys.map(({ name }) => name);
    this.#keys = keys;
    this.retracts = context.appendOnly[0] === false;
    this.#keyLayout = layoutOf(columnTypes(columns, new Set(keys.map(({ name }) => name))), 0, 'code', true);
    // A group without keys has one record, under a key that is no column.
    const keyCells = Math.max(1, this.#keyLayout.end);
    this.keyCells = keyCells;
    this.accumulators = new AccumulatorCode(
      code,
      node,
      inputColumns[0] ?? [],
      columns,
      this.retracts,
      keyCells,
    );
    const { accumulators } = this;
    this.#rowsCell = this.retracts ? accumulators.reserve(0) : -1;
    this.#listedCell = shows ? accumulators.reserve(0) : -1;
    this.#isShownCell = shows ? accumulators.reserve(0) : -1;
    this.#savedCell = context.statePrefix === null ? -1 : accumulators.reserve(FRESH);
    const names = new Set(node.aggregates.map(({ name }) => name));
    const end = keyCells + accumulators.template.length;
    this.#shownLayout = layoutOf(columnTypes(columns, names), end, 'code');
    if (shows) for (let cell = end; cell < this.#shownLayout.end; cell++) accumulators.reserve(NaN);
    const kinds = this.#keyLayout.columns.length === 0 ? (['whole'] as const) : keyKindsOf(this.#keyLayout);
    this.table = tableClass({ keys: kinds, template: accumulators.template });
    this.stride = Math.max(2, kinds.length + accumulators.template.length);
    this.exprs = [...keys.map(({ expr }) => expr), ...accumulators.exprs];
  }

  #cell({ cells, at }: RecordAt, cell: number): string {
    return `${cells}[${at} + ${cell}]`;
  }

  /** Tells who holds codes: see AccumulatorCode. */
  hold(records: () => Iterable<Records>, sets: (index: number) => Iterable<Records>): void {
    const shown = this.#isShownCell < 0 ? [] : this.#shownLayout.codes;
    this.accumulators.hold([...this.#keyLayout.codes, ...shown], records, sets);
  }

  /** What saves the groups and makes them again; null when they are not saved. */
  memory(node: NodeOf<'group'>, window: GroupWindow): GroupMemory | null {
    const { statePrefix, code } = this.#context;
    if (statePrefix === null) return null;
    return new GroupMemory({
      prefix: statePrefix,
      texts: code.texts,
      keys: node.keys.map(
        ({ name }) => this.#keyLayout.columns.find((column) => column.name === name) ?? null,
      ),
      ...window,
      parts: this.accumulators.parts,
      sets: this.accumulators.distinct.map(({ type }) => type),
      rowsCell: this.#rowsCell,
      savedCell: this.#savedCell,
    });
  }

  /** Writes what a row does to its group in a table. `unsaved`: the list of the groups that have to be saved. */
  add(evaluated: Evaluated, records: string, flow: Flow, sets: SetNames, unsaved?: string): GroupAt {
    const { code } = this.#context;
    const words = this.#keys.flatMap(({ expr }) => keyWords(code, evaluated(expr)));
    const at = code.emitter.local('g', `${records}.upsert(${words.length === 0 ? '0' : words.join(', ')})`);
    const record: GroupAt = { records, cells: code.emitter.local('c', `${records}.cells`), at };
    if (this.retracts) code.emitter.line(`${this.#cell(record, this.#rowsCell)} += ${flow.weight};`);
    if (unsaved !== undefined) this.listUnsaved(record, unsaved);
    this.accumulators.add(evaluated, record, flow.weight, sets);
    return record;
  }

  /** Writes the record onto the list of those that changed, unless it is there. */
  list(record: GroupAt, touched: string): void {
    const listed = this.#cell(record, this.#listedCell);
    this.#context.code.emitter.line(`if (${listed} === 0) { ${listed} = 1; ${touched}.add(${record.at}); }`);
  }

  /** Writes the record onto the list of those that have to be saved, unless it is there. */
  listUnsaved(record: GroupAt, unsaved: string): void {
    this.#context.code.emitter.line(listUnsaved(this.#cell(record, this.#savedCell), unsaved, record.at));
  }

  unlist(record: GroupAt): void {
    this.#context.code.emitter.line(`${this.#cell(record, this.#listedCell)} = 0;`);
  }

  rowOf(record: GroupAt, besides: Besides = NOTHING): Map<string, Lazy<Symbol_>> {
    const keys = load(this.#context.code, this.#keyLayout, record, record.at);
    return new Map([...besides, ...keys, ...this.accumulators.results(record)]);
  }

  /** Conditions of JS, all of which hold when the group has a row. */
  hasRow(record: GroupAt): readonly string[] {
    const overflow = this.accumulators.overflows(record);
    return [
      ...(this.retracts ? [`${this.#cell(record, this.#rowsCell)} > 0`] : []),
      ...(overflow === undefined ? [] : [`!(${overflow})`]),
    ];
  }

  /** Writes: if the group has a row, hand it on. */
  give(record: GroupAt, besides: Besides = NOTHING): void {
    const { code, out } = this.#context;
    const run = (): void => out({ row: this.rowOf(record, besides), weight: '1', at: null });
    const tests = this.hasRow(record);
    if (tests.length === 0) run();
    else code.emitter.block(`if (${tests.join(' && ')})`, run);
    this.#report(record, besides);
  }

  /** Writes: a group with rows but without a result is reported, with its key. */
  #report(record: GroupAt, besides: Besides): void {
    const { code, hooks, index } = this.#context;
    const { emitter } = code;
    const overflow = this.accumulators.overflows(record);
    if (overflow === undefined) return;
    const hasRows = this.retracts ? `${this.#cell(record, this.#rowsCell)} > 0 && ` : '';
    emitter.block(`if (${hasRows}(${overflow}))`, () => {
      const keys = new Map([...besides, ...load(code, this.#keyLayout, record, record.at)]);
      const values = this.#keyNames.map((name) => valueOf((keys.get(name) as Lazy<Symbol_>).get()));
      const problem = `${emitter.bind(this.accumulators)}.problemOf(${record.cells}, ${record.at})`;
      emitter.line(`${emitter.bind(hooks)}.error(${index}, -1, [${values.join(', ')}], ${problem});`);
    });
  }

  /** Writes: replace the row that was handed on by the one of now, unless they are equal. */
  show(record: GroupAt, besides: Besides = NOTHING): void {
    const { code, out } = this.#context;
    const { emitter } = code;
    const now = this.rowOf(record, besides);
    const tests = this.hasRow(record);
    const isThere = emitter.local('t', tests.length === 0 ? 'true' : tests.join(' && '));
    const wasThere = emitter.local('t', `${this.#cell(record, this.#isShownCell)} === 1`);
    const changed = this.#shownLayout.columns.flatMap((column) => {
      const symbol = (now.get(column.name) as Lazy<Symbol_>).get();
      const words = symbol.rep === 'number' ? [symbol.js] : keyWords(code, symbol);
      return words.map((word, part) => `!Object.is(${this.#cell(record, column.cell + part)}, ${word})`);
    });
    const isOther = changed.length === 0 ? '' : ` || ${isThere} && (${changed.join(' || ')})`;
    emitter.block(`if (${isThere} !== ${wasThere}${isOther})`, () => {
      emitter.block(`if (${wasThere})`, () => {
        const before = [
          ...besides,
          ...load(code, this.#keyLayout, record, record.at),
          ...load(code, this.#shownLayout, record, record.at),
        ];
        out({ row: new Map(before), weight: '-1', at: null });
      });
      emitter.line(`${this.#cell(record, this.#isShownCell)} = ${isThere} ? 1 : 0;`);
      emitter.block(`if (${isThere})`, () => {
        store(code, this.#shownLayout, now, record, record.at);
        out({ row: now, weight: '1', at: null });
      });
    });
    this.#report(record, besides);
  }

  /** Writes: the row of a group that was restored is the one that was handed on. */
  recall(record: GroupAt, besides: Besides = NOTHING): void {
    const { code } = this.#context;
    const tests = this.hasRow(record);
    const isThere = code.emitter.local('t', tests.length === 0 ? 'true' : tests.join(' && '));
    code.emitter.line(`${this.#cell(record, this.#isShownCell)} = ${isThere} ? 1 : 0;`);
    code.emitter.block(`if (${isThere})`, () =>
      store(code, this.#shownLayout, this.rowOf(record, besides), record, record.at),
    );
  }

  /** Writes: forget a group whose last row was taken back. `forget`: a statement that forgets what is saved of it. */
  forgetEmpty(record: GroupAt, forget = ''): void {
    if (!this.retracts) return;
    this.#context.code.emitter.line(
      `if (${this.#cell(record, this.#rowsCell)} === 0) { ${forget}${record.records}.remove(${record.at}); }`,
    );
  }
}
