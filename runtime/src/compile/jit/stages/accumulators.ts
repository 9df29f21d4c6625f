/**
 * Aggregates as cells of the record of a group. Aggregates that need the same thing share it: one count of the rows of a
 * condition, one sum of an argument, one set of the different values of an argument with a bit for each condition.
 *
 *   count   n           sum, avg   sum, rest, n: sum + rest is exact          min, max   the value, NaN for none
 *   countDistinct       n, and in a table (group, value) → the conditions under which the value was met
 */
import { invariant } from '../../../base/invariant.ts';
import { compareValues } from '../../../data/key.ts';
import type { Column, Type } from '../../../data/value.ts';
import type { Expr, ExprType } from '../../../expr/node.ts';
import type { AggregateCall, NodeOf } from '../../../plan/node.ts';
import { overflowProblem } from '../../../operators/accumulators-sum.ts';
import { keyWords } from '../cells.ts';
import { Lazy } from '../emitter.ts';
import { holds, mayFail, typeOf } from '../expressions.ts';
import type { Evaluated } from '../stage.ts';
import { type Code, codeText, isNumeric, nullTest, type Symbol_ } from '../symbol.ts';
import type { Records } from '../records.ts';
import { type TableClass, tableClass } from '../table.ts';
import { Unsupported } from '../unsupported.ts';

/** A record in the code: its cells and where it begins. */
export interface RecordAt {
  readonly cells: string;
  readonly at: string;
}

/** What an aggregate keeps in a record, for those who save it. */
export type AggregatePart =
  | { readonly kind: 'count'; readonly cell: number }
  | {
      readonly kind: 'sum';
      readonly sum: number;
      readonly rest: number;
      readonly n: number;
      readonly limit: Type | null;
    }
  | { readonly kind: 'extreme'; readonly cell: number; readonly isText: boolean }
  /** One condition of a set: the members are those whose bits have this one. */
  | { readonly kind: 'distinct'; readonly set: number; readonly bit: number; readonly cell: number };

interface Step {
  readonly where: Expr | null;
  readonly arg: Expr | null;
  readonly add: (record: RecordAt, weight: string, value: Symbol_ | null) => void;
  readonly merge: (to: RecordAt, from: RecordAt) => void;
}

/** The different values of one argument: the aggregates that count them, one for each condition. */
interface Distinct {
  readonly arg: Expr;
  readonly type: Type;
  readonly table: TableClass;
  readonly isText: boolean;
  readonly counts: { readonly where: Expr | null; readonly cell: number }[];
}

type Counted = Omit<AggregateCall, 'where'> & { readonly where?: Expr | null };

const BITS_MAX = 30;
const SAFE = '9007199254740991';

export class AccumulatorCode {
  readonly #code: Code;
  readonly #columns: readonly Column[];
  readonly #retracts: boolean;
  readonly #from: number;
  readonly #cells = new Map<string, number>();
  /** What the cells of a new group hold. */
  readonly template: number[] = [];
  readonly #steps: Step[] = [];
  readonly distinct: Distinct[] = [];
  /** Cells that hold codes. */
  readonly codes: number[] = [];
  readonly #results: { readonly name: string; readonly result: (record: RecordAt) => Symbol_ }[] = [];
  /** One for each aggregate, in order: where its part of a record lies. */
  readonly parts: AggregatePart[] = [];
  readonly exprs: readonly Expr[];

  /** `from` is the first cell behind the key. */
  constructor(
    code: Code,
    node: NodeOf<'group'>,
    columns: readonly Column[],
    outColumns: readonly Column[],
    retracts: boolean,
    from: number,
  ) {
    this.#code = code;
    this.#columns = columns;
    this.#retracts = retracts;
    this.#from = from;
    this.exprs = node.aggregates.flatMap(({ arg, where = null }) =>
      [arg, where].filter((expr) => expr !== null),
    );
    for (const call of node.aggregates) {
      // The interpreter computes an argument only where the condition holds.
      if (call.where !== undefined && call.arg !== null && mayFail(call.arg, columns))
        throw new Unsupported('an argument under a condition that may have no value');
      const column = outColumns.find(({ name }) => name === call.name);
      invariant(column !== undefined, 'an aggregate is a column of its group');
      const { name: _, eventTime: __, ...type } = column;
      this.#results.push({ name: call.name, result: this.#make(call, type) });
    }
    if (retracts && this.distinct.length > 0)
      throw new Unsupported('countDistinct of rows that are taken back');
  }

  /** A cell that no aggregate uses. */
  reserve(initial: number): number {
    this.template.push(initial);
    return this.#from + this.template.length - 1;
  }

  #cell(key: string, initial: number): { readonly cell: number; readonly isNew: boolean } {
    const known = this.#cells.get(key);
    if (known !== undefined) return { cell: known, isNew: false };
    const cell = this.reserve(initial);
    this.#cells.set(key, cell);
    return { cell, isNew: true };
  }

  #make(call: AggregateCall, type: ExprType): (record: RecordAt) => Symbol_ {
    const { emitter } = this.#code;
    const argType = call.arg === null ? null : typeOf(call.arg, this.#columns);
    switch (call.fn) {
      case 'count': {
        const cell = this.#count(call);
        this.parts.push({ kind: 'count', cell });
        return (record) => ({ rep: 'number', type, js: emitter.local('v', read(record, cell)) });
      }
      case 'sum':
      case 'avg': {
        if (argType?.type !== 'integer' && argType?.type !== 'decimal')
          throw new Unsupported(`${call.fn} of doubles`);
        const cells = this.#sum(call);
        this.parts.push({ kind: 'sum', ...cells, limit: call.fn === 'sum' ? argType.type : null });
        const unit = 10 ** (argType.scale ?? 0);
        return (record) => this.#sumResult(call.fn === 'avg', type, cells, unit, record);
      }
      case 'min':
      case 'max': {
        if (this.#retracts) throw new Unsupported(`${call.fn} of rows that are taken back`);
        const sign = call.fn === 'min' ? '<' : '>';
        if (argType?.type === 'string') {
          const cell = this.#extremeText(call, sign);
          this.parts.push({ kind: 'extreme', cell, isText: true });
          return (record) => codeText(this.#code, type, emitter.local('k', read(record, cell)));
        }
        if (argType === null || !isNumeric(argType))
          throw new Unsupported(`${call.fn} of ${argType?.type ?? 'rows'}`);
        const cell = this.#extreme(call, sign);
        this.parts.push({ kind: 'extreme', cell, isText: false });
        return (record) => ({ rep: 'number', type, js: emitter.local('v', read(record, cell)) });
      }
      case 'countDistinct': {
        const cell = this.#different(call);
        this.parts.push(this.#partOf(cell));
        return (record) => ({ rep: 'number', type, js: emitter.local('v', read(record, cell)) });
      }
      default:
        throw new Unsupported(`aggregate ${call.fn}`);
    }
  }

  #count({ arg, where = null }: Counted): number {
    const counted = arg !== null && typeOf(arg, this.#columns).nullable ? arg : null;
    const { cell, isNew } = this.#cell(`count ${JSON.stringify([counted, where])}`, 0);
    if (isNew) {
      this.#steps.push({
        where,
        arg: counted,
        add: (record, weight) => this.#line(`${read(record, cell)} += ${weight};`),
        merge: (to, from) => this.#line(`${read(to, cell)} += ${read(from, cell)};`),
      });
    }
    return cell;
  }

  #sum(call: Counted): { readonly sum: number; readonly rest: number; readonly n: number } {
    const n = this.#count(call);
    const { arg, where = null } = call;
    const key = JSON.stringify([arg, where]);
    const { cell: sum, isNew } = this.#cell(`sum ${key}`, 0);
    const { cell: rest } = this.#cell(`rest ${key}`, 0);
    if (isNew) {
      const add = (record: RecordAt, value: string): void => addExactly(this.#code, record, sum, rest, value);
      this.#steps.push({
        where,
        arg,
        add: (record, weight, value) => {
          invariant(value?.rep === 'number', 'a sum is over numbers');
          add(record, weight === '1' ? value.js : this.#code.emitter.local('v', `${weight} * ${value.js}`));
        },
        merge: (to, from) => {
          add(to, this.#code.emitter.local('v', read(from, sum)));
          this.#line(`${read(to, rest)} += ${read(from, rest)};`);
        },
      });
    }
    return { sum, rest, n };
  }

  #sumResult(
    isAvg: boolean,
    type: ExprType,
    { sum, rest, n }: { readonly sum: number; readonly rest: number; readonly n: number },
    unit: number,
    record: RecordAt,
  ): Symbol_ {
    const { emitter } = this.#code;
    const total = `${read(record, sum)} + ${read(record, rest)}`;
    const result = isAvg ? `(${total}) / (${read(record, n)} * ${unit})` : total;
    const js = emitter.local('v', type.nullable ? `${read(record, n)} === 0 ? NaN : ${result}` : result);
    return { rep: 'number', type, js };
  }

  #extreme({ fn, arg, where = null }: Counted, sign: '<' | '>'): number {
    const { cell, isNew } = this.#cell(`${fn} ${JSON.stringify([arg, where])}`, NaN);
    if (isNew) {
      const take = (record: RecordAt, value: string): void =>
        this.#line(
          `if (!(${read(record, cell)} ${sign === '<' ? '<=' : '>='} ${value})) ${read(record, cell)} = ${value};`,
        );
      this.#steps.push({
        where,
        arg,
        add: (record, _, value) => {
          invariant(value?.rep === 'number', 'an extreme is over numbers');
          take(record, value.js);
        },
        merge: (to, from) => {
          const value = this.#code.emitter.local('v', read(from, cell));
          this.#code.emitter.block(`if (${value} === ${value})`, () => take(to, value));
        },
      });
    }
    return cell;
  }

  /** Texts are codes; only two different ones are compared as texts. -1 is none. */
  #extremeText({ fn, arg, where = null }: Counted, sign: '<' | '>'): number {
    const { cell, isNew } = this.#cell(`${fn} ${JSON.stringify([arg, where])}`, -1);
    if (!isNew) return cell;
    this.codes.push(cell);
    const { emitter, dictionary } = this.#code;
    const compare = emitter.bind(compareValues);
    const take = (record: RecordAt, code: string): void => {
      const own = emitter.local('k', read(record, cell));
      const order = `${compare}(${dictionary}.text(${code}), ${dictionary}.text(${own})) ${sign} 0`;
      emitter.line(`if (${code} !== ${own} && (${own} < 0 || ${order})) ${read(record, cell)} = ${code};`);
    };
    this.#steps.push({
      where,
      arg,
      add: (record, _, value) => {
        invariant(value?.rep === 'text', 'an extreme of texts is over texts');
        take(record, value.code.get());
      },
      merge: (to, from) => {
        const code = emitter.local('k', read(from, cell));
        emitter.block(`if (${code} >= 0)`, () => take(to, code));
      },
    });
    return cell;
  }

  #different({ arg, where = null }: Counted): number {
    invariant(arg !== null, 'a distinct count has an argument');
    const { cell, isNew } = this.#cell(`distinct ${JSON.stringify([arg, where])}`, 0);
    if (!isNew) return cell;
    const key = JSON.stringify(arg);
    let set = this.distinct.find((candidate) => JSON.stringify(candidate.arg) === key);
    if (set === undefined) {
      const { type } = typeOf(arg, this.#columns);
      if (type === 'list' || type === 'window') throw new Unsupported(`countDistinct of ${type}`);
      const table = tableClass({ keys: ['whole', type === 'double' ? 'double' : 'whole'], template: [0] });
      set = { arg, type, table, isText: type === 'string', counts: [] };
      this.distinct.push(set);
    }
    if (set.counts.length >= BITS_MAX) throw new Unsupported('so many conditions');
    set.counts.push({ where, cell });
    return cell;
  }

  #partOf(cell: number): AggregatePart {
    const set = this.distinct.findIndex(({ counts }) => counts.some((each) => each.cell === cell));
    const bit = this.distinct[set]?.counts.findIndex((each) => each.cell === cell) ?? -1;
    return { kind: 'distinct', set, bit, cell };
  }

  /** Tells who holds codes: the records of groups, and the tables of different values, in the order of `distinct`. */
  hold(
    codes: readonly number[],
    records: () => Iterable<Records>,
    sets: (index: number) => Iterable<Records>,
  ): void {
    const { texts } = this.#code;
    texts.held({ records, cells: [...codes, ...this.codes] });
    for (const [index, { isText }] of this.distinct.entries())
      if (isText) texts.held({ records: () => sets(index), cells: [1] });
  }

  #line(text: string): void {
    this.#code.emitter.line(text);
  }

  /** Writes what a row adds to the group. */
  add(evaluated: Evaluated, record: RecordAt, weight: string, sets: SetNames): void {
    const { emitter } = this.#code;
    const conditions = new Set(this.#steps.map(({ where }) => where));
    for (const where of conditions) {
      this.#under(where, evaluated, () => {
        const steps = this.#steps.filter((step) => step.where === where);
        for (const arg of new Set(steps.map((step) => step.arg))) {
          const value = arg === null ? null : evaluated(arg);
          const run = (): void => {
            for (const step of steps) if (step.arg === arg) step.add(record, weight, value);
          };
          const test = value === null ? undefined : nullTest(value);
          if (test === undefined) run();
          else emitter.block(`if (!(${test}))`, run);
        }
      });
    }
    for (const [index, set] of this.distinct.entries())
      this.#addDifferent(set, evaluated, record, sets, index);
  }

  #under(where: Expr | null, evaluated: Evaluated, body: () => void): void {
    if (where === null) body();
    else this.#code.emitter.block(`if (${holds(evaluated(where))})`, body);
  }

  #addDifferent(
    { arg, counts }: Distinct,
    evaluated: Evaluated,
    record: RecordAt,
    sets: SetNames,
    set: number,
  ): void {
    const { emitter } = this.#code;
    const table = sets.table(set);
    const unsaved = sets.unsaved?.(set);
    const value = evaluated(arg);
    const bits = counts.map(({ where }, index) =>
      where === null ? `${1 << index}` : `(${holds(evaluated(where))} ? ${1 << index} : 0)`,
    );
    const found = emitter.local('m', bits.join(' | '));
    const test = nullTest(value);
    emitter.block(`if (${found} !== 0${test === undefined ? '' : ` && !(${test})`})`, () => {
      const [word = '0'] = keyWords(this.#code, value);
      const at = emitter.local('d', `${table}.upsert(${record.at}, ${word})`);
      const known = emitter.local('q', `${table}.cells[${at} + 2] | 0`);
      const fresh = emitter.local('q', `${found} & ~${known}`);
      emitter.block(`if (${fresh} !== 0)`, () => {
        emitter.line(`${table}.cells[${at} + 2] = ${known} | ${fresh};`);
        if (unsaved !== undefined) emitter.line(`${unsaved}.add(${at}); ${unsaved}.add(${fresh});`);
        for (const [bit, { cell }] of counts.entries())
          emitter.line(`${read(record, cell)} += ${counts.length === 1 ? '1' : `(${fresh} >> ${bit}) & 1`};`);
      });
    });
  }

  /** Writes how one group takes over another. REQUIRES no distinct counts. */
  merge(to: RecordAt, from: RecordAt): void {
    for (const step of this.#steps) step.merge(to, from);
  }

  /** The columns of the aggregates, computed where they are first needed. */
  results(record: RecordAt): [string, Lazy<Symbol_>][] {
    return this.#results.map(({ name, result }) => [
      name,
      new Lazy(this.#code.emitter, () => result(record)),
    ]);
  }

  /** A condition under which a result has no value; undefined when all have. */
  overflows(record: RecordAt): string | undefined {
    // Those that are shown as they are: a mean is a double, whatever the sum.
    const tests = this.parts.flatMap((part) =>
      part.kind === 'sum' && part.limit !== null
        ? [`Math.abs(${read(record, part.sum)} + ${read(record, part.rest)}) > ${SAFE}`]
        : [],
    );
    return tests.length === 0 ? undefined : [...new Set(tests)].join(' || ');
  }

  /** Why a record has no result, as the interpreter says it. REQUIRES that `overflows` holds. */
  problemOf(cells: Float64Array, at: number): string {
    for (const part of this.parts) {
      if (part.kind !== 'sum' || part.limit === null) continue;
      const total = (cells[at + part.sum] as number) + (cells[at + part.rest] as number);
      if (!Number.isSafeInteger(total)) return overflowProblem(part.limit, total);
    }
    return '';
  }
}

/** The tables of the sets in the code, by number, and the lists of what has to be saved of them. */
export interface SetNames {
  readonly table: (index: number) => string;
  readonly unsaved?: ((index: number) => string) | undefined;
}

function read({ cells, at }: RecordAt, cell: number): string {
  return `${cells}[${at} + ${cell}]`;
}

/** While the sum is a safe integer, so is the addition; beyond, what is rounded off goes into `rest`. */
function addExactly({ emitter }: Code, record: RecordAt, sum: number, rest: number, value: string): void {
  const old = emitter.local('u', read(record, sum));
  const next = emitter.local('u', `${old} + ${value}`);
  emitter.line(`${read(record, sum)} = ${next};`);
  emitter.block(
    `if (${next} > ${SAFE} || ${next} < -${SAFE} || ${old} > ${SAFE} || ${old} < -${SAFE})`,
    () => {
      const back = emitter.local('u', `${next} - ${old}`);
      emitter.line(`${read(record, rest)} += (${old} - (${next} - ${back})) + (${value} - ${back});`);
    },
  );
}
