/** Code of the definition with a state of its own for each key and timers in event time: the escape hatch. */
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { jsonProblem } from '../data/json-problem.ts';
import { describeThrown } from '../data/plain.ts';
import type { Column } from '../data/value.ts';
import type { ProcessContext, ProcessFunction } from '../operators/process-function.ts';
import { type DefinedFunction, wrong } from './definition.ts';
import type { Decimal, Timestamp } from './expression.ts';
import type { ColumnOf } from './keys.ts';
import { checkObject, fieldsOfSchema, type RowOf } from './schema.ts';
import type { WindowBounds } from './window.ts';

/** A row as a process function sees it: times as epoch milliseconds, decimals as their text. Map nested objects before. */
export type Plain<R> = { readonly [K in ColumnOf<R>]: PlainValue<R[K]> };
type PlainValue<T> = T extends Timestamp
  ? number
  : T extends Decimal
    ? string
    : T extends WindowBounds
      ? { readonly startMs: number; readonly endMs: number }
      : T extends readonly (infer I)[]
        ? readonly PlainValue<I>[]
        : T;

/** What stands in `defineProcess`; see there. */
export interface ProcessOptions<In, S extends z.ZodObject, State> {
  /** What it emits. */
  readonly output: S;
  /** The state of a key that was never seen: JSON. A key whose state is this again is forgotten. */
  readonly state: State;
  /** The most timers that may run for a key without a row of it between them; 1,000 unless said. */
  readonly timersMax?: number;
  /** Takes the rows of a key in the order of their event time. */
  readonly onEvent: (row: In, context: ProcessContext<Plain<RowOf<S>>, State>) => void;
  /** Runs when event time has passed a point that `context.setTimer` set. */
  readonly onTimer?: (context: ProcessContext<Plain<RowOf<S>>, State>) => void;
}

/** A process function, for `stream.process(keys, …)`. */
export interface Process<In, Out> {
  /** @internal */
  readonly defined: DefinedFunction;
  /** @internal */
  readonly columns: readonly Column[];
  /** @internal Carries the row types. */
  readonly of?: (row: In) => Out;
}

/**
 * Defines a process function. It must depend on its arguments only: no clock, no chance, nothing remembered outside of
 * `context.state`; otherwise a replay ends differently. It runs here alone: no exporter can translate it.
 * @throws DEFINITION_INVALID
 */
export function defineProcess<In, S extends z.ZodObject, State>(
  name: string,
  options: ProcessOptions<In, S, State>,
): Process<In, RowOf<S>> {
  const where = `process "${name}"`;
  const { output, state, timersMax, onEvent, onTimer } = options;
  if (typeof onEvent !== 'function')
    wrong(`${where}: say what to do with a row: onEvent(row, context) { … }`);
  if (state === undefined) wrong(`${where}: say the state of a new key: state: { count: 0 }, or null`);
  const notJson = stateProblem(state);
  if (notJson !== undefined) wrong(`${where}: its state is kept as JSON, but ${notJson}`);
  const columns = columnsOf(where, output);
  const code: ProcessFunction = {
    name,
    initial: state,
    ...(timersMax !== undefined && { timersMax }),
    // The plan has checked that it gets rows of In, and the operator checks what it emits.
    onEvent: onEvent as never,
    ...(onTimer !== undefined && { onTimer: onTimer as never }),
  };
  const digest = createHash('sha256')
    .update(JSON.stringify([String(onEvent), String(onTimer), state, timersMax, columns]))
    .digest('hex')
    .slice(0, 32);
  return { defined: { plan: { name, kind: 'process', digest }, code }, columns };
}

function stateProblem(state: unknown): string | undefined {
  try {
    JSON.stringify(state);
  } catch (error) {
    return describeThrown(error);
  }
  return jsonProblem(state, 'state');
}

/** What it emits is flat. */
function columnsOf(where: string, output: unknown): readonly Column[] {
  checkObject(`${where}, output`, output);
  return fieldsOfSchema(where, output).map(({ name, type, nullable, scale, item, path }) => {
    if (path !== undefined) wrong(`${where}, field "${path.join('.')}": what it emits has no objects in it`);
    return {
      name,
      type,
      nullable,
      ...(scale !== undefined && { scale }),
      ...(item !== undefined && { item }),
    };
  });
}
