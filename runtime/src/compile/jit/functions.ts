/**
 * Calls that have generated code of their own. `undefined` leaves the call to the reference evaluation, which is always
 * right; what is here must mean the same.
 */
import { DOUBLE_MAX, type Row, type Value } from '../../data/value.ts';
import type { Expr, ExprType } from '../../expr/node.ts';
import { type Code, codeText, nullTest, type Symbol_, type TextSymbol } from './symbol.ts';

export interface CallContext {
  readonly code: Code;
  /** A statement that leaves the row out. */
  readonly fail: string;
  readonly type: ExprType;
  readonly args: readonly Symbol_[];
  readonly exprs: readonly Expr[];
  /** The reference evaluation over a row of the arguments that are no literals. */
  readonly evaluator: () => (row: Row) => Value;
}

export type CodeOfCall = (call: CallContext) => Symbol_ | undefined;

/** Calls that have a value for every row. */
const TOTAL = new Set<string>([
  'eq',
  'ne',
  'gt',
  'gte',
  'lt',
  'lte',
  'and',
  'or',
  'not',
  'isNull',
  'lower',
  'upper',
  'windowStart',
  'windowEnd',
  'hour',
  'minute',
  'day',
  'month',
  'year',
  'length',
  'contains',
  'startsWith',
  'endsWith',
  'formatTime',
  'splitPart',
  'like',
  'matches',
  'regexpExtract',
  'trim',
  'second',
  'dayOfWeek',
  'nullIf',
  'toText',
]);

export function mayFail(expr: Extract<Expr, { args: readonly Expr[] }>): boolean {
  if (expr.kind === 'udf') return true;
  if (expr.fn === 'mod' || expr.fn === 'integerDividedBy') {
    const by = expr.args[1];
    return !(
      by?.kind === 'literal' &&
      by.type === 'integer' &&
      typeof by.value === 'number' &&
      by.value !== 0
    );
  }
  return !TOTAL.has(expr.fn);
}

export const CODE = {
  eq: equality(false),
  ne: equality(true),
  gt: order('>'),
  gte: order('>='),
  lt: order('<'),
  lte: order('<='),
  and: logical(0),
  or: logical(1),
  not: ({ code, type, args: [a] }) =>
    a?.rep === 'boolean'
      ? truth(code, type, type.nullable ? `${a.js} === 2 ? 2 : 1 - ${a.js}` : `!${a.js}`)
      : undefined,
  isNull: ({ code, type, args: [a] }) =>
    a === undefined ? undefined : truth(code, type, nullTest(a) ?? 'false'),
  coalesce: ({ code, type, args: [a, b] }) => {
    if (a?.rep !== 'number' || b?.rep !== 'number') return undefined;
    return { rep: 'number', type, js: code.emitter.local('v', `${a.js} === ${a.js} ? ${a.js} : ${b.js}`) };
  },
  plus: arithmetic((a, b) => `${a} + ${b}`),
  minus: arithmetic((a, b) => `${a} - ${b}`),
  times: arithmetic((a, b) => `${a} * ${b}`, true),
  mod: remainder((a, b) => `${a} % ${b}`),
  integerDividedBy: remainder((a, b) => `(${a} - ${a} % ${b}) / ${b}`),
  formatTime: formattedTime,
  required: ({ code, fail, type, args: [a] }) => {
    if (a === undefined || a.rep === 'value') return undefined;
    const test = nullTest(a);
    if (test !== undefined) code.emitter.line(`if (${test}) ${fail}`);
    return a.rep === 'boolean' && test !== undefined
      ? { ...a, type, js: code.emitter.local('b', `${a.js} === 1`) }
      : { ...a, type };
  },
  windowStart: bound('start'),
  windowEnd: bound('end'),
} satisfies Readonly<Record<string, CodeOfCall>>;

/** The symbol of a condition that is true, false or, as 2, null. */
function truth({ emitter }: Code, type: ExprType, js: string): Symbol_ {
  return { rep: 'boolean', type, js: emitter.local('b', js) };
}

/** Two numbers that compare as they are. */
function isComparable(a: Symbol_, b: Symbol_): boolean {
  if (a.rep !== 'number' || b.rep !== 'number') return false;
  const plain = (type: ExprType): boolean => type.type === 'integer' || type.type === 'double';
  if (plain(a.type) && plain(b.type)) return true;
  return a.type.type === b.type.type && a.type.scale === b.type.scale;
}

function orNull(args: readonly Symbol_[], type: ExprType, condition: string): string {
  if (!type.nullable) return condition;
  const tests = args.map(nullTest).filter((test) => test !== undefined);
  return `${tests.join(' || ')} ? 2 : ${condition} ? 1 : 0`;
}

function order(sign: string): CodeOfCall {
  return ({ code, type, args: [a, b] }) => {
    if (a?.rep !== 'number' || b?.rep !== 'number' || !isComparable(a, b)) return undefined;
    return truth(code, type, orNull([a, b], type, `${a.js} ${sign} ${b.js}`));
  };
}

function equality(isNegated: boolean): CodeOfCall {
  return ({ code, type, args: [a, b] }) => {
    if (a === undefined || b === undefined) return undefined;
    const same = sameness(code, a, b);
    return same === undefined
      ? undefined
      : truth(code, type, orNull([a, b], type, isNegated ? `!(${same})` : same));
  };
}

function sameness(code: Code, a: Symbol_, b: Symbol_): string | undefined {
  if (a.rep === 'number' && b.rep === 'number' && isComparable(a, b)) return `${a.js} === ${b.js}`;
  if (a.rep !== 'text' || b.rep !== 'text') return undefined;
  if (b.literal !== undefined) return sameAsLiteral(code, a, b.literal);
  if (a.literal !== undefined) return sameAsLiteral(code, b, a.literal);
  if (a.form.kind === 'js' && b.form.kind === 'js') return `${a.js.get()} === ${b.js.get()}`;
  return `${a.code.get()} === ${b.code.get()}`;
}

/** A span is compared byte by byte; so it needs neither a string nor a code. */
function sameAsLiteral({ emitter }: Code, text: TextSymbol, literal: string): string {
  if (text.form.kind === 'js') return `${text.js.get()} === ${emitter.bind(literal)}`;
  const { form } = text;
  const bytes = emitter.bind(bytesOf(literal));
  const isSame = emitter.bind(isSameText);
  if (form.kind === 'span') return `${isSame}(${form.bytes}, ${form.start}, ${form.end}, ${bytes})`;
  if (form.kind === 'stored') {
    const { arena, reference } = form;
    const start = emitter.local('i', `${arena}.startOf(${reference})`);
    return `${isSame}(${arena}.bytesOf(${reference}), ${start}, ${start} + ${arena}.lengthOf(${reference}), ${bytes})`;
  }
  return `${text.js.get()} === ${emitter.bind(literal)}`;
}

const LITERALS = new Map<string, Uint8Array>();

/** One array for each text, so that it is bound once. */
function bytesOf(text: string): Uint8Array {
  const bytes = LITERALS.get(text) ?? new Uint8Array(Buffer.from(text));
  if (LITERALS.size < 1000) LITERALS.set(text, bytes);
  return bytes;
}

function isSameText(bytes: Uint8Array, start: number, end: number, literal: Uint8Array): boolean {
  const { length } = literal;
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== literal[i]) return false;
  return true;
}

function logical(dominant: 0 | 1): CodeOfCall {
  return ({ code, type, args: [a, b] }) => {
    if (a?.rep !== 'boolean' || b?.rep !== 'boolean') return undefined;
    if (!type.nullable) return truth(code, type, `${a.js} ${dominant === 0 ? '&&' : '||'} ${b.js}`);
    const is = (symbol: typeof a, value: 0 | 1): string =>
      symbol.type.nullable ? `${symbol.js} === ${value}` : value === 1 ? symbol.js : `!${symbol.js}`;
    const isNull = [a, b].flatMap((symbol) => (symbol.type.nullable ? [`${symbol.js} === 2`] : []));
    const rest = `${isNull.join(' || ')} ? 2 : ${1 - dominant}`;
    return truth(code, type, `${is(a, dominant)} || ${is(b, dominant)} ? ${dominant} : ${rest}`);
  };
}

/**
 * NaN, which is null, goes through every operation and fails no comparison. Decimals are whole numbers, too: those of one
 * scale add up, and a product has the scales of both.
 */
function arithmetic(compute: (a: string, b: string) => string, multiplies = false): CodeOfCall {
  return ({ code, fail, type, args: [a, b] }) => {
    if (a?.rep !== 'number' || b?.rep !== 'number') return undefined;
    const types = [a.type, b.type];
    const isPlain = types.every((of) => of.type === 'integer' || of.type === 'double');
    const isExact = types.every((of) => of.type === 'integer' || of.type === 'decimal');
    const isOneScale = multiplies || (a.type.scale ?? 0) === (b.type.scale ?? 0);
    if (!isPlain && !(isExact && isOneScale)) return undefined;
    const result = code.emitter.local('v', `${compute(a.js, b.js)} + 0`);
    const most = type.type === 'double' ? code.emitter.bind(DOUBLE_MAX) : '9007199254740991';
    code.emitter.line(`if (${result} > ${most} || ${result} < -${most}) ${fail}`);
    return { rep: 'number', type, js: result };
  };
}

/** Both leave a row out that divides by zero. */
function remainder(compute: (a: string, b: string) => string): CodeOfCall {
  return ({ code, fail, type, args: [a, b] }) => {
    if (a?.rep !== 'number' || b?.rep !== 'number') return undefined;
    if (a.type.type !== 'integer' || b.type.type !== 'integer' || type.type !== 'integer') return undefined;
    if (fail !== '') code.emitter.line(`if (${b.js} === 0 && ${a.js} === ${a.js}) ${fail}`);
    return { rep: 'number', type, js: code.emitter.local('v', `${compute(a.js, b.js)} + 0`) };
  };
}

/** The parts of a pattern, finest first: how long a text stays the same. */
const UNITS_MS = [
  ['S', 1],
  ['s', 1000],
  ['m', 60_000],
  ['H', 3_600_000],
  ['h', 3_600_000],
  ['', 86_400_000],
] as const;

/** In UTC a text stays the same for as long as its finest part: it is made once for rows in order of time. */
function formattedTime({ code, type, args: [time], exprs, evaluator }: CallContext): Symbol_ | undefined {
  const [, pattern, zone] = exprs;
  if (time?.rep !== 'number' || pattern?.kind !== 'literal' || zone !== undefined) return undefined;
  const [, unitMs] = UNITS_MS.find(([part]) => String(pattern.value).includes(part)) ?? ['', 1];
  const { emitter } = code;
  const evaluate = emitter.bind(evaluator());
  const memo = { unit: NaN, code: -1 };
  code.texts.onSweep(() => void (memo.unit = NaN));
  const last = emitter.bind(memo);
  const unit = emitter.local('u', `Math.floor(${time.js} / ${unitMs})`);
  const make = `${last}.code = ${code.dictionary}.codeOf(${evaluate}([${time.js}])); ${last}.unit = ${unit};`;
  const isNull = type.nullable ? `${unit} === ${unit} && ` : '';
  emitter.line(`if (${isNull}${unit} !== ${last}.unit) { ${make} }`);
  return codeText(
    code,
    type,
    emitter.local('k', type.nullable ? `${unit} === ${unit} ? ${last}.code : -1` : `${last}.code`),
  );
}

function bound(part: 'start' | 'end'): CodeOfCall {
  return ({ type, args: [a] }) => (a?.rep === 'window' ? { rep: 'number', type, js: a[part] } : undefined);
}
