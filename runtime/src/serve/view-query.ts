/**
 * Reads `?origin=ATL&from=2001-01-10T06:00:00Z&limit=200` as a query of a view.
 *
 * Any name that is not reserved is a column. A column that is called like a reserved name is asked for as
 * `where=limit=5`, a column and a value, which may be repeated.
 */
import { parseTimestamp } from '../data/timestamp.ts';
import type { ViewQuery } from '../host/host.ts';
import type { ServeLimits } from './limits.ts';
import { HttpProblem } from './problem.ts';

const PARAMETERS_MAX = 50;
const ORDERS = ['key', 'newest'] as const;

export function readViewQuery(params: URLSearchParams, limits: ServeLimits): ViewQuery {
  if (params.size > PARAMETERS_MAX) throw invalid(`More than ${PARAMETERS_MAX} parameters.`);
  const where = new Map<string, string>();
  const reserved = new Map<string, string>();
  for (const [name, value] of params) {
    const isWhere = name === 'where';
    const column = isWhere ? value.slice(0, Math.max(0, value.indexOf('='))) : name;
    if (isWhere && column === '')
      throw invalid(`where: "${value}" is not a column and a value, as in where=origin=ATL.`);
    const target = !isWhere && RESERVED.has(name) ? reserved : where;
    if (target.has(column)) throw invalid(`${column}: given twice. A column has one value.`);
    target.set(column, isWhere ? value.slice(value.indexOf('=') + 1) : value);
  }
  const fromMs = readTime('from', reserved.get('from'));
  const toMs = readTime('to', reserved.get('to'));
  const order = readOrder(reserved.get('order'));
  return {
    where: Object.fromEntries(where),
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
    ...(order === undefined ? {} : { order }),
    limit: readLimit(reserved.get('limit'), limits.rowsDefault, limits.rowsMax),
  };
}

const RESERVED: ReadonlySet<string> = new Set(['from', 'to', 'limit', 'order']);

/** A whole number between 1 and `max`. */
export function readLimit(text: string | undefined, fallback: number, max: number): number {
  if (text === undefined) return fallback;
  const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > max) throw invalid(`limit: "${text}" is not a whole number from 1 to ${max}.`);
  return value;
}

function readOrder(text: string | undefined): (typeof ORDERS)[number] | undefined {
  if (text === undefined) return undefined;
  const order = ORDERS.find((known) => known === text);
  if (order === undefined) throw invalid(`order: "${text}" is not one of ${ORDERS.join(', ')}.`);
  return order;
}

/** Epoch milliseconds. A `+` that the sender did not encode arrives as a space. */
function readTime(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseTimestamp(text.replace(/ (?=\d\d:\d\d$)/, '+'));
  if (ms === undefined) {
    throw invalid(
      `${name}: "${text}" is not a time. Say it with an offset or Z, as in 2001-01-10T06:00:00Z.`,
    );
  }
  return ms;
}

function invalid(detail: string): HttpProblem {
  return new HttpProblem(400, 'QUERY_INVALID', detail);
}
