/**
 * Errors as RFC 9457 problem documents.
 *
 *   what went wrong                    status
 *   HttpProblem                        its own
 *   CodedError user                    400, 404 for a view or source that does not exist
 *   CodedError check                   409
 *   CodedError external                503, 507 when the disk is full
 *   anything else                      500, its message only in the log
 *
 * Invariants  I1  A document never carries a stack, a path of ours or the message of an error we did not expect.
 *             I2  `code` and `kind` are always there, so that the control client can rebuild the error.
 */
import { STATUS_CODES } from 'node:http';
import { CodedError, type ErrorKind } from '../base/coded-error.ts';

export const PROBLEM_TYPE = 'application/problem+json';

export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly kind: ErrorKind | 'internal';
  readonly retry: boolean;
  readonly [extension: string]: unknown;
}

interface Extras {
  readonly headers?: Readonly<Record<string, string>>;
  /** Members beside the standard ones. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** A refusal that only HTTP knows, such as a wrong method. The code is ours and stable. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(status: number, code: string, detail: string, extras: Extras = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.headers = extras.headers ?? {};
    this.members = extras.members ?? {};
  }
}

const STATUS_OF_CODE: ReadonlyMap<string, number> = new Map([
  ['VIEW_UNKNOWN', 404],
  ['SOURCE_UNKNOWN', 404],
  ['COMMAND_UNKNOWN', 404],
  ['DISK_FULL', 507],
]);
const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = { user: 400, check: 409, external: 503 };

export function problemOf(error: unknown): ProblemDocument {
  if (error instanceof HttpProblem) {
    return {
      type: 'about:blank',
      title: STATUS_CODES[error.status] ?? 'Error',
      status: error.status,
      detail: error.message,
      code: error.code,
      kind: error.status >= 500 ? 'external' : 'user',
      retry: error.status === 503,
      ...error.members,
    };
  }
  if (error instanceof CodedError) {
    return {
      type: `urn:pipeline:error:${error.code}`,
      title: titleOf(error.code),
      status: STATUS_OF_CODE.get(error.code) ?? STATUS_OF_KIND[error.kind],
      detail: error.message,
      code: error.code,
      kind: error.kind,
      retry: error.retry,
    };
  }
  return {
    type: 'about:blank',
    title: 'Internal Server Error',
    status: 500,
    detail: 'This is not an error we expected. The log of the pipeline has the details.',
    code: 'INTERNAL',
    kind: 'internal',
    retry: false,
  };
}

export function headersOf(error: unknown): Readonly<Record<string, string>> {
  return error instanceof HttpProblem ? error.headers : {};
}

/** `VIEW_UNKNOWN` as `View unknown`: a title does not change from one occurrence to the next. */
function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
