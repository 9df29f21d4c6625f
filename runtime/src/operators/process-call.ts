/** One call of a process function: what it is given, and what it did if it succeeds. */
import { jsonProblem } from '../data/json-problem.ts';
import { describeThrown } from '../data/plain.ts';
import type { Row } from '../data/value.ts';
import { RowError } from '../expr/row-error.ts';
import type { PlainRow, ProcessContext, ProcessFunction } from './process-function.ts';

const TIMER_MS_MAX = 8.64e15;

interface Given {
  readonly key: PlainRow;
  readonly timeMs: number;
  /** JSON. */
  readonly state: string;
  readonly rowOf: (emitted: unknown) => Row;
}

export class ProcessCall {
  readonly emitted: Row[] = [];
  /** Time → whether it was set or cleared last. */
  readonly timers = new Map<number, boolean>();
  state: string;
  readonly #function: ProcessFunction;
  readonly #given: Given;
  /** What the function did wrong first; it does not help that it catches the error. */
  #problem: string | undefined;
  #isOver = false;

  constructor(fn: ProcessFunction, given: Given) {
    this.#function = fn;
    this.#given = given;
    this.state = given.state;
  }

  /** Says what went wrong, or nothing. Then `state`, `timers` and `emitted` are what the call did. */
  run(run: (context: ProcessContext) => unknown): string | undefined {
    const context = this.#context();
    try {
      const returned = run(context);
      if (isThenable(returned)) return 'returned a promise; it must be done when it returns';
      this.state = stateText(context.state);
    } catch (error) {
      this.#problem ??= describeThrown(error);
    } finally {
      this.#isOver = true;
    }
    return this.#problem;
  }

  #context(): ProcessContext {
    const { key, timeMs, state, rowOf } = this.#given;
    return {
      key,
      timeMs,
      state: JSON.parse(state) as unknown,
      emit: (row) => this.#do(() => this.emitted.push(rowOf(row))),
      setTimer: (atMs) =>
        this.#do(() => {
          this.timers.set(timerTime(atMs), true);
          if (this.#function.onTimer === undefined) throw new RowError('set a timer, but has no onTimer');
        }),
      clearTimer: (atMs) => this.#do(() => this.timers.set(timerTime(atMs), false)),
    };
  }

  #do(what: () => unknown): void {
    if (this.#isOver) throw new Error('the call is over: use the context only until the function returns');
    try {
      what();
    } catch (error) {
      this.#problem ??= describeThrown(error);
      throw error;
    }
  }
}

function timerTime(atMs: number): number {
  if (Number.isInteger(atMs) && Math.abs(atMs) <= TIMER_MS_MAX) return atMs + 0;
  throw new RowError(`set a timer for ${String(atMs)}, which is not a time in whole epoch milliseconds`);
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** Throws when the state is not JSON. `stringify` comes first: it finds the circles. */
function stateText(state: unknown): string {
  const text = JSON.stringify(state) as string | undefined;
  const problem = jsonProblem(state, 'state');
  if (problem !== undefined || text === undefined) throw new RowError(problem ?? 'state is undefined');
  return text;
}
