/**
 * Every function of the definition language: its types, its meaning and its sign in `explain`. Semantics are SQL's: null
 * in, null out, but for and/or (three-valued), isNull, coalesce and caseWhen. What cannot be computed is an error of the
 * row, which is then rejected and counted.
 */
import type { FunctionRow } from './function-row.ts';
import { CONDITIONS } from './functions-condition.ts';
import { NUMBERS } from './functions-number.ts';
import { TEXTS } from './functions-text.ts';
import { TIMES } from './functions-time.ts';
import type { FunctionName } from './node.ts';

export { RowError } from './row-error.ts';

export const FUNCTIONS: { readonly [F in FunctionName]: FunctionRow } = {
  ...CONDITIONS,
  ...NUMBERS,
  ...TEXTS,
  ...TIMES,
};
