/**
 * A stage is the generated code of one node: what it does with a row of each input, written into the loop that brings the
 * row, and for nodes with memory the code of `advance` and `flush`. Rows go on by calling `out`, which writes the code of
 * everything behind.
 */
import type { Column } from '../../data/value.ts';
import type { Expr } from '../../expr/node.ts';
import type { Plan, PlanNode, ViewMode } from '../../plan/node.ts';
import type { Batch, Entry } from '../../state/store.ts';
import { isOfEvents } from '../../plan/traits.ts';
import { nodesOf } from '../../plan/walk.ts';
import { Lazy } from './emitter.ts';
import { expression, mayFail, type Scope } from './expressions.ts';
import type { PlanFunctions } from './options.ts';
import { type Code, type RowSymbols, type Symbol_, valueOf } from './symbol.ts';
import { Unsupported } from './unsupported.ts';

/** Where a row stands in the log, as names of the generated code: see Position of the operators. */
export interface At {
  /** The watermark before the event. */
  readonly watermark: string;
  /** When the event happened. */
  readonly time: string;
  /** The row of the batch. */
  readonly index: string;
}

/** A row on its way through generated code. */
export interface Flow {
  readonly row: RowSymbols;
  /** `1`, `-1` or a local. */
  readonly weight: string;
  /** Null for a row that time or a flush caused. */
  readonly at: At | null;
}

export type Consumer = (flow: Flow) => void;

export interface Stage {
  /** One for each input of the node. */
  readonly inputs: readonly Consumer[];
  /** Writes the body of `advance(wm)`. */
  readonly advance?: () => void;
  /** Writes the body of `flush()`. */
  readonly flush?: () => void;
  /** Writes a loop over all that the node currently gives, handing it on. */
  readonly scan?: () => void;
  /** Writes what is done at the end of a batch. */
  readonly maintain?: () => void;
  readonly sizeBytes?: () => number;
  /** Of a node whose state is saved. */
  readonly memory?: StageMemory;
}

/** How the state of a node is saved, in the format of its operator: see `persist` and `restore` there. */
export interface StageMemory {
  /** Writes what changed since the last call. REQUIRES a `flush` before. */
  persist(batch: Batch): void;
  /**
   * REQUIRES entries of the node in the order of their keys, perhaps in pieces. `isIndexed`: whether the store has the indexes of
   * `operators/` for them.
   */
  restore(entries: Iterable<Entry>, isIndexed: boolean): void;
  /** Writes the code that makes up, after a `restore`, what was handed on before. */
  readonly recall?: () => void;
  /** How many keys there are. */
  size(): number;
}

/** What a stage keeps in one memory, for these keys. */
export function keptIn(
  memory: Pick<StageMemory, 'persist' | 'restore'>,
  keys: { readonly count: number },
): StageMemory {
  return {
    persist: (batch) => memory.persist(batch),
    restore: (entries, isIndexed) => memory.restore(entries, isIndexed),
    size: () => keys.count,
  };
}

/** What is told while code runs; the caller's. */
export interface Hooks {
  /**
   * A row has no value in a node; `index` is the row of the batch, -1 for none. Only columns that the node reads are there.
   * `problem` says why where no expression does: the key of a group is the row then.
   */
  error(node: number, index: number, row: readonly unknown[], problem?: string): void;
  /** Row `index` of the batch came too late for the window; whether it is taken all the same, which only slices may. */
  late(index: number, startMs: number, endMs: number): boolean;
  /** Row `index` of the batch would have joined a session that ended then: see `LateRule.mayMiss`. */
  mayMiss?(index: number, endMs: number): void;
}

export interface NodeContext {
  readonly code: Code;
  readonly plan: Plan;
  readonly mode: ViewMode;
  readonly functions: PlanFunctions;
  /** The number of the node, for errors. */
  readonly index: number;
  /** The columns that leave the node, and those of its inputs. */
  readonly columns: readonly Column[];
  readonly inputColumns: readonly (readonly Column[])[];
  /** Whether the inputs never take rows back. */
  readonly appendOnly: readonly boolean[];
  /** The columns of the node that somebody reads. */
  readonly needed: ReadonlySet<string>;
  readonly out: Consumer;
  /** All that leaves the node is read from its state at the end: it hands nothing on by itself. */
  readonly isRead: boolean;
  readonly allowedMs: number;
  readonly hooks: Hooks;
  /** The keys of the node's state start with this; null when it is not saved. */
  readonly statePrefix: Buffer | null;
}

export type Evaluated = (expr: Expr) => Symbol_;

/**
 * Evaluates expressions over a row and goes on with `body`; a row that has no value is reported and left out. An expression
 * that stands twice is computed once.
 */
export function evaluating(
  { code, functions, index, hooks, inputColumns, statePrefix }: NodeContext,
  flow: Flow,
  exprs: readonly Expr[],
  body: (evaluated: Evaluated) => void,
  input = 0,
): void {
  const { emitter } = code;
  const columns = inputColumns[input] ?? [];
  const risky = exprs.filter((expr) => mayFail(expr, columns));
  const run = (fail: string): void => {
    const scope: Scope = { code, columns, row: flow.row, functions, fail };
    const known = new Map<string, Lazy<Symbol_>>();
    const evaluated = (expr: Expr): Symbol_ => {
      const key = JSON.stringify(expr);
      const lazy = known.get(key) ?? new Lazy(emitter, () => expression(expr, scope));
      known.set(key, lazy);
      return lazy.get();
    };
    for (const expr of risky) evaluated(expr);
    body(evaluated);
  };
  if (risky.length === 0) {
    run('');
    return;
  }
  // A row without an event is kept as it is, with columns that nobody else reads.
  if (statePrefix !== null && flow.at === null && columns.some(({ name }) => !flow.row.has(name)))
    throw new Unsupported('an expression that may fail for rows that time causes');
  const [done, failed] = [emitter.fresh('D'), emitter.fresh('F')];
  emitter.block(`${done}:`, () => {
    emitter.block(`${failed}:`, () => {
      run(`break ${failed};`);
      emitter.line(`break ${done};`);
    });
    const values = columns.map(({ name }) => {
      const symbol = flow.row.get(name)?.get();
      return symbol === undefined ? 'null' : valueOf(symbol);
    });
    const report = `${emitter.bind(hooks)}.error(${index}, ${flow.at?.index ?? -1}, [${values.join(', ')}]);`;
    emitter.line(flow.weight === '1' ? report : `if (${flow.weight} === 1) ${report}`);
  });
}

/**
 * REQUIRES of a node that asks who came first: rows that only come, each with its event, of one source, so that the order
 * in which they come is that of the log.
 */
export function requireArrivals(input: PlanNode, { appendOnly }: NodeContext): void {
  if (appendOnly[0] === false) throw new Unsupported('the order of rows that are taken back');
  if (!isOfEvents(input)) throw new Unsupported('the order of rows that time causes');
  const sources = nodesOf(input).filter((node) => node.kind === 'source');
  if (sources.length > 1) throw new Unsupported('the order of rows of several sources');
}
