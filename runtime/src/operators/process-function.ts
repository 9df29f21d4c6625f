/**
 * What a process function is: code of the definition with a state of its own for each key and timers in event time. The
 * escape hatch for what no other operator says. `process.ts` runs it and holds the rules.
 */
import type { PlainValue } from '../data/plain.ts';

/** A row as an object, with its values as data/plain.ts says. */
export type PlainRow = Readonly<Record<string, PlainValue>>;

/** Of one call; it is over when the function returns, and then every method throws. */
export interface ProcessContext<Out = PlainRow, State = unknown, Key = PlainRow> {
  /** The key columns of the row. */
  readonly key: Key;
  /** The event time of the row, or the time that the timer was set for. */
  readonly timeMs: number;
  /**
   * Of this key, as the last call left it, or `initial`: a copy of its own that may be changed or replaced. It is JSON:
   * what JSON would lose (a Date, a Map, NaN) is an error. A key whose state is `initial` again and that has no timer is
   * forgotten.
   */
  state: State;
  /** Hands a row on, if the call succeeds. The row has the declared columns and no others; what is missing is null. */
  emit(row: Out): void;
  /**
   * Calls `onTimer` for this key when event time has passed this point: after every row with this time or an earlier one,
   * before every later row. A time that has passed is due as soon as the call is over. Setting it twice sets it once.
   */
  setTimer(atMs: number): void;
  /** Takes a timer back; nothing happens when it is not set. */
  clearTimer(atMs: number): void;
}

/**
 * REQUIRES code that depends on its arguments only: no clock, no chance, no memory outside of `state`. Otherwise a replay
 * ends differently.
 */
export interface ProcessFunction<In = PlainRow, Out = PlainRow, State = unknown, Key = PlainRow> {
  readonly name: string;
  /** The state of a key that was never seen: JSON. */
  readonly initial: State;
  /** The most timers set by `onTimer` that may run for a key without a row of the key between them; 1,000 unless said. */
  readonly timersMax?: number;
  /** Takes the rows of a key in the order of their event time. */
  onEvent(event: In, context: ProcessContext<Out, State, Key>): void;
  onTimer?(context: ProcessContext<Out, State, Key>): void;
}
