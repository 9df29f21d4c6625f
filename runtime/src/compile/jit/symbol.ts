/**
 * How the value of a column is known to generated code.
 *
 *   number   NaN is null (no value is ever NaN)          boolean   true | false, or 0 | 1 | 2 = null where it may be null
 *   window   two numbers                                 text      span of the batch ─► code of the dictionary (-1 is null)
 *                                                                  reference of an arena (NaN is null) · a string of JS
 */
import type { ExprType } from '../../expr/node.ts';
import { type Emitter, Lazy } from './emitter.ts';
import type { Texts } from './texts.ts';

export type Symbol_ = NumberSymbol | BooleanSymbol | WindowSymbol | TextSymbol | ValueSymbol;

export interface NumberSymbol {
  readonly rep: 'number';
  readonly type: ExprType;
  readonly js: string;
}

export interface BooleanSymbol {
  readonly rep: 'boolean';
  readonly type: ExprType;
  readonly js: string;
}

export interface WindowSymbol {
  readonly rep: 'window';
  readonly type: ExprType;
  readonly start: string;
  readonly end: string;
}

/** A text in one of its forms, with the others on demand. */
export interface TextSymbol {
  readonly rep: 'text';
  readonly type: ExprType;
  readonly form: TextForm;
  /** Of a literal. */
  readonly literal?: string;
  /** The code in the dictionary of the view. */
  readonly code: Lazy<string>;
  /** A string of JS or null. */
  readonly js: Lazy<string>;
}

export type TextForm =
  | {
      readonly kind: 'span';
      readonly bytes: string;
      readonly view: string;
      readonly start: string;
      readonly end: string;
    }
  | { readonly kind: 'stored'; readonly arena: string; readonly reference: string }
  | { readonly kind: 'code' }
  | { readonly kind: 'js' };

/** Anything else, as the interpreter knows it. */
export interface ValueSymbol {
  readonly rep: 'value';
  readonly type: ExprType;
  readonly js: string;
}

/** The columns of a row on its way. */
export type RowSymbols = ReadonlyMap<string, Lazy<Symbol_>>;

/** What generated code of one view shares: where it is written and the name of the dictionary. */
export interface Code {
  readonly emitter: Emitter;
  readonly dictionary: string;
  readonly texts: Texts;
}

export function isNumeric(type: ExprType): boolean {
  return (
    type.type === 'integer' || type.type === 'double' || type.type === 'timestamp' || type.type === 'decimal'
  );
}

export function spanText(
  { emitter, dictionary }: Code,
  type: ExprType,
  form: Extract<TextForm, { kind: 'span' }>,
): TextSymbol {
  const { bytes, start, end } = form;
  const orNull = (js: string, none: string): string =>
    type.nullable ? `${start} < 0 ? ${none} : ${js}` : js;
  return {
    rep: 'text',
    type,
    form,
    code: new Lazy(emitter, () =>
      emitter.local('k', orNull(`${dictionary}.code(${bytes}, ${start}, ${end})`, '-1')),
    ),
    js: new Lazy(emitter, () =>
      emitter.local('s', orNull(`${bytes}.toString('utf8', ${start}, ${end})`, 'null')),
    ),
  };
}

export function storedText(
  { emitter, dictionary }: Code,
  type: ExprType,
  arena: string,
  reference: string,
): TextSymbol {
  const orNull = (js: string, none: string): string =>
    type.nullable ? `${reference} !== ${reference} ? ${none} : ${js}` : js;
  return {
    rep: 'text',
    type,
    form: { kind: 'stored', arena, reference },
    code: new Lazy(emitter, () => {
      const start = `${arena}.startOf(${reference})`;
      const code = `${dictionary}.code(${arena}.bytesOf(${reference}), ${start}, ${start} + ${arena}.lengthOf(${reference}))`;
      return emitter.local('k', orNull(code, '-1'));
    }),
    js: new Lazy(emitter, () => emitter.local('s', orNull(`${arena}.text(${reference})`, 'null'))),
  };
}

export function codeText({ emitter, dictionary }: Code, type: ExprType, code: string): TextSymbol {
  const js = type.nullable
    ? `${code} < 0 ? null : ${dictionary}.text(${code})`
    : `${dictionary}.text(${code})`;
  return {
    rep: 'text',
    type,
    form: { kind: 'code' },
    code: new Lazy(emitter, () => code),
    js: new Lazy(emitter, () => emitter.local('s', js)),
  };
}

export function jsText({ emitter, dictionary }: Code, type: ExprType, js: string): TextSymbol {
  const code = `${dictionary}.codeOf(${js})`;
  return {
    rep: 'text',
    type,
    form: { kind: 'js' },
    code: new Lazy(emitter, () => emitter.local('k', type.nullable ? `${js} === null ? -1 : ${code}` : code)),
    js: new Lazy(emitter, () => js),
  };
}

/** Whether the value is null, as a condition of JS; undefined when it never is. */
export function nullTest(symbol: Symbol_): string | undefined {
  if (!symbol.type.nullable) return undefined;
  switch (symbol.rep) {
    case 'number':
      return `${symbol.js} !== ${symbol.js}`;
    case 'boolean':
      return `${symbol.js} === 2`;
    case 'window':
      return `${symbol.start} !== ${symbol.start}`;
    case 'value':
      return `${symbol.js} === null`;
    case 'text':
      if (symbol.form.kind === 'span') return `${symbol.form.start} < 0`;
      if (symbol.form.kind === 'stored') return `${symbol.form.reference} !== ${symbol.form.reference}`;
      return symbol.form.kind === 'code' ? `${symbol.code.get()} < 0` : `${symbol.js.get()} === null`;
  }
}

/** The value as the interpreter knows it. */
export function valueOf(symbol: Symbol_): string {
  switch (symbol.rep) {
    case 'number':
      return symbol.type.nullable ? `(${symbol.js} !== ${symbol.js} ? null : ${symbol.js})` : symbol.js;
    case 'boolean':
      return symbol.type.nullable ? `(${symbol.js} === 2 ? null : ${symbol.js} === 1)` : symbol.js;
    case 'window': {
      const window = `[${symbol.start}, ${symbol.end}]`;
      return symbol.type.nullable ? `(${symbol.start} !== ${symbol.start} ? null : ${window})` : window;
    }
    case 'text':
      return symbol.js.get();
    case 'value':
      return symbol.js;
  }
}

/** The symbol of a local that holds a value as the interpreter knows it. */
export function symbolOfValue(code: Code, type: ExprType, js: string): Symbol_ {
  const { emitter } = code;
  if (isNumeric(type)) {
    return {
      rep: 'number',
      type,
      js: type.nullable ? emitter.local('v', `${js} === null ? NaN : ${js}`) : js,
    };
  }
  if (type.type === 'boolean') {
    return {
      rep: 'boolean',
      type,
      js: type.nullable ? emitter.local('b', `${js} === null ? 2 : ${js} ? 1 : 0`) : js,
    };
  }
  if (type.type === 'string') return jsText(code, type, js);
  if (type.type === 'window') {
    const part = (index: number): string =>
      emitter.local('w', type.nullable ? `${js} === null ? NaN : ${js}[${index}]` : `${js}[${index}]`);
    return { rep: 'window', type, start: part(0), end: part(1) };
  }
  return { rep: 'value', type, js };
}
