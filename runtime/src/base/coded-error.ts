/**
 * Every expected failure is a `CodedError` whose code is a row of an error table. A row says who is at fault and builds
 * the message from the values; its first sentence says what happened, the second what exists or what to do.
 *
 *   kind       fault                          exit code
 *   user       usage or input                 2   (nothing was written)
 *   external   disk, port, another process    1
 *   check      a check the user asked for     3
 */
export type ErrorKind = 'user' | 'external' | 'check';

/** One row of an error table. `retry` says that the same call may succeed later. */
export interface ErrorRow<P> {
  readonly kind: ErrorKind;
  readonly retry?: boolean;
  readonly message: (params: P) => string;
}

const EXIT_CODES: Readonly<Record<ErrorKind, number>> = { user: 2, external: 1, check: 3 };

export class CodedError extends Error {
  override readonly name = 'CodedError';
  readonly code: string;
  readonly kind: ErrorKind;
  readonly retry: boolean;
  readonly params: unknown;

  constructor(code: string, entry: ErrorRow<never>, params: unknown, cause?: unknown) {
    super((entry.message as (p: unknown) => string)(params), cause === undefined ? {} : { cause });
    this.code = code;
    this.kind = entry.kind;
    this.retry = entry.retry ?? false;
    this.params = params;
  }

  get exitCode(): number {
    return EXIT_CODES[this.kind];
  }
}

type Table = Readonly<Record<string, ErrorRow<never>>>;
type ParamsOf<R> = R extends ErrorRow<infer P> ? P : never;

/**
 * Turns a table of rows into a function that builds errors: `fail('CODE', params)`. Codes never change their meaning.
 */
export function errorsOf<T extends Table>(table: T) {
  return function errorOf<C extends keyof T & string>(
    code: C,
    params: ParamsOf<T[C]>,
    cause?: unknown,
  ): CodedError {
    return new CodedError(code, table[code] as ErrorRow<never>, params, cause);
  };
}

/** A row with typed parameters; keeps tables free of annotations. */
export function row<P>(kind: ErrorKind, message: (params: P) => string, retry = false): ErrorRow<P> {
  return { kind, message, retry };
}
