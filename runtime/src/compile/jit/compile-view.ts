/**
 * Turns the plan of one view into generated code: one loop for each source with everything in it that a row meets, and one
 * function each for time and for the end of an epoch. What it cannot do, it says; the interpreter then runs the view.
 *
 *   batch ─► process: for (i …) { filter, map, group, join … } ─► rows of the view
 *
 * Invariants  J1  The rows of a view are those of the interpreter, however the input is cut into batches and epochs.
 *             J2  No name and no value of a plan is part of generated code.
 */
import { nameOfKey } from '../../data/key.ts';
import { Dictionary } from '../../data/dictionary.ts';
import type { ColumnBatch } from '../../data/columns.ts';
import type { Row } from '../../data/value.ts';
import { inferColumns } from '../../plan/infer.ts';
import { applyTable, type Plan, type PlanNode, type PlanTable, type ViewPlan } from '../../plan/node.ts';
import { isAppendOnly, isStateful } from '../../plan/traits.ts';
import { inputsOf, nodesOf } from '../../plan/walk.ts';
import { Emitter, type Lazy } from './emitter.ts';
import { type JsonFormat, jsonLine, type JsonWriter, writeJson } from './json-writer.ts';
import type { Pages } from './pages.ts';
import { needsOf } from './needs.ts';
import type { PlanFunctions } from './options.ts';
import type { Consumer, Hooks, NodeContext, Stage } from './stage.ts';
import { dedupeStage } from './stages/dedupe.ts';
import { groupStage } from './stages/group.ts';
import { joinStage } from './stages/join.ts';
import { sinkOf } from './stages/sink.ts';
import { type Process, processFunction, viewOver } from './stages/source.ts';
import { filterStage, mapStage, unionStage } from './stages/stateless.ts';
import { topStage } from './stages/top.ts';
import { type Code, type RowSymbols, type Symbol_, valueOf } from './symbol.ts';
import { Unsupported } from './unsupported.ts';

export interface CompileOptions {
  readonly functions: PlanFunctions;
  readonly hooks: Hooks;
  /** How long after the watermark an event still counts. */
  readonly allowedMs: number;
  /** Whether `rows` gives all rows of the view, or the changes alone, as they came. */
  readonly content: boolean;
  /** How times and decimals are written by `writeJson`. */
  readonly json?: JsonFormat;
}

export interface CompiledView {
  /** Of each source that the view reads: the columns that it needs, in this order in the batches. */
  readonly neededFields: ReadonlyMap<string, readonly string[]>;
  /** REQUIRES batches in the order of the log; `watermarks[i]` is the watermark before row i. */
  process(source: string, batch: ColumnBatch, watermarks: Float64Array): void;
  advance(watermarkMs: number): void;
  flush(): void;
  rows(): Iterable<Row>;
  /** Calls back with every change since the last `clearChanges`; without `content`. */
  changes(show: (row: Row, weight: number) => void): void;
  clearChanges(): void;
  /** Writes the rows as lines of JSON, a piece at a time. */
  writeJson(write: (bytes: Uint8Array) => void): void;
  readonly stateBytes: number;
  /** All generated code. */
  code(): string;
}

const STAGES: PlanTable<Stage, NodeContext> = {
  source: () => ({ inputs: [] }),
  filter: filterStage,
  map: mapStage,
  union: unionStage,
  group: groupStage,
  join: joinStage,
  dedupe: dedupeStage,
  top: topStage,
  unnest: refuse,
  over: refuse,
  pattern: refuse,
  process: refuse,
};

function refuse(node: PlanNode): never {
  throw new Unsupported(node.kind);
}

/** REQUIRES a plan from `parsePlan`. */
export function compileView(
  plan: Plan,
  view: ViewPlan,
  options: CompileOptions,
): CompiledView | { readonly unsupported: string } {
  try {
    return compile(plan, view, options);
  } catch (error) {
    if (error instanceof Unsupported) return { unsupported: error.message };
    // Node was told so: --disallow-code-generation-from-strings.
    if (error instanceof EvalError) return { unsupported: 'code may not be generated in this process' };
    throw error;
  }
}

interface Part {
  readonly node: PlanNode;
  readonly users: { readonly part: Part; readonly place: number }[];
  stage: Stage;
}

function compile(plan: Plan, view: ViewPlan, options: CompileOptions): CompiledView {
  const emitter = new Emitter();
  const code: Code = { emitter, dictionary: emitter.bind(new Dictionary()) };
  const columnsOf = remembered((node: PlanNode) => inferColumns(plan, node));
  const needs = needsOf(view.node, columnsOf);
  const sink = sinkOf(code, columnsOf(view.node));
  const parts = partsOf(view.node);
  const root = parts.at(-1) as Part;
  // Where rows of the view go, in the code that is being written: kept while events are processed, shown while it is read.
  const shown: { consume: Consumer } = { consume: sink.consume };
  for (const [index, part] of [...parts.entries()].toReversed()) {
    const inputs = inputsOf(part.node);
    part.stage = applyTable(STAGES, part.node, {
      code,
      plan,
      mode: view.mode,
      functions: options.functions,
      index,
      columns: columnsOf(part.node),
      inputColumns: inputs.map(columnsOf),
      appendOnly: inputs.map((input) => isAppendOnly(input, view.mode)),
      needed: needs.get(part.node) ?? new Set(),
      out: (flow) => {
        for (const { part: user, place } of part.users) user.stage.inputs[place]?.(flow);
        if (part === root) shown.consume(flow);
      },
      isRead: options.content && isRead(part, root),
      allowedMs: options.allowedMs,
      hooks: options.hooks,
    });
  }
  const exported: Record<string, string> = {};
  const stages = parts.map(({ stage }) => stage);
  const fields = new Map<string, readonly string[]>();
  for (const part of parts) {
    if (part.node.kind !== 'source') continue;
    const columns = columnsOf(part.node).filter(({ name }) => needs.get(part.node)?.has(name));
    const key = `process${fields.size}`;
    fields.set(part.node.source, columns.map(({ name }) => name));
    const consume: Consumer = (flow) => {
      for (const { part: user, place } of part.users) user.stage.inputs[place]?.(flow);
      if (part === root) shown.consume(flow);
    };
    exported[key] = processFunction(code, columns, consume, () => {
      for (const stage of stages) stage.maintain?.();
    });
  }
  const each = (params: string, write: (stage: Stage) => (() => void) | undefined): string =>
    emitter.fn('time', params, () => {
      for (const stage of stages) {
        const body = write(stage);
        if (body !== undefined) emitter.block('', body);
      }
    });
  exported['advance'] = each('wm', ({ advance }) => advance);
  exported['flush'] = each('', ({ flush }) => flush);
  const content = (params: string, show: (row: RowSymbols, weight: string) => void): string =>
    emitter.fn('read', params, () => {
      emitter.block('', () => sink.scan(show));
      shown.consume = ({ row, weight }) => show(row, weight);
      for (const part of parts) {
        const { scan } = part.stage;
        if (options.content && isRead(part, root) && scan !== undefined) emitter.block('', scan);
      }
      shown.consume = sink.consume;
    });
  const columns = columnsOf(view.node);
  const show = (row: RowSymbols, weight: string): void => {
    const values = columns.map(({ name }) => valueOf((row.get(name) as Lazy<Symbol_>).get()));
    emitter.line(`show([${values.join(', ')}], ${weight});`);
  };
  exported['rows'] = content('show', show);
  exported['kept'] = emitter.fn('kept', 'show', () => sink.scan(show));
  exported['json'] = content('w', jsonLine(code, columns));
  const source = emitter.module(exported);
  const generated = (new Function('P', source) as (bound: readonly unknown[]) => Generated)(emitter.bound);
  // Rows that are taken back are in the pages until there are twice as many as were left the last time.
  const takesBack = !isAppendOnly(view.node, view.mode);
  let settleAbove = options.content && takesBack ? SETTLE_FROM_ROWS : Infinity;
  const settle = (): void => {
    settleRows(sink.rows, generated['kept'] as ShowRows);
    if (options.content) settleAbove = Math.max(SETTLE_FROM_ROWS, 2 * sink.rows.count);
  };
  const settled = <F>(read: F): F => {
    if (takesBack) settle();
    return read;
  };
  return {
    neededFields: fields,
    process: (name, batch, watermarks) => {
      const index = [...fields.keys()].indexOf(name);
      (generated[`process${index}`] as Process)(batch.n, batch.columns, batch.bytes, viewOver(batch), watermarks, batch.times);
    },
    advance: generated['advance'] as (watermarkMs: number) => void,
    flush: () => {
      (generated['flush'] as () => void)();
      if (sink.rows.count > settleAbove) settle();
    },
    changes: generated['rows'] as ShowRows,
    clearChanges: () => sink.rows.clear(),
    rows: () => rowsOf(settled(generated['rows'] as ShowRows)),
    writeJson: (write) => writeJson(settled(generated['json'] as (writer: JsonWriter) => void), write, options.json ?? {}),
    get stateBytes() {
      return sink.rows.sizeBytes + stages.reduce((sum, stage) => sum + (stage.sizeBytes?.() ?? 0), 0);
    },
    code: () => source,
  };
}

const SETTLE_FROM_ROWS = 1 << 16;

type Generated = Readonly<Record<string, unknown>>;
type ShowRows = CompiledView['changes'];

function rowsOf(read: ShowRows): readonly Row[] {
  const rows: Row[] = [];
  read((row) => void rows.push(row));
  return rows;
}

/** Forgets rows that were taken back, with what took them back. */
function settleRows(pages: Pages, read: ShowRows): void {
  const gone = new Map<string, number>();
  read((row, weight) => {
    if (weight === 1) return;
    const name = nameOfKey(row);
    gone.set(name, (gone.get(name) ?? 0) + 1);
  });
  if (gone.size === 0) return;
  const isKept: boolean[] = [];
  read((row, weight) => {
    const name = nameOfKey(row);
    const count = gone.get(name) ?? 0;
    if (weight === 1 && count > 0) gone.set(name, count - 1);
    isKept.push(weight === 1 && count === 0);
  });
  pages.retain((row) => isKept[row] === true);
}

function remembered<K, V>(make: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const value = known.get(key) ?? make(key);
    known.set(key, value);
    return value;
  };
}

/** Whether all that leaves a part reaches the view through nothing that remembers. */
function isRead(part: Part, root: Part): boolean {
  if (part === root) return true;
  const [user] = part.users;
  return part.users.length === 1 && user !== undefined && !isStateful(user.part.node) && isRead(user.part, root);
}

function partsOf(root: PlanNode): readonly Part[] {
  const parts = new Map<PlanNode, Part>();
  for (const node of nodesOf(root)) {
    const part: Part = { node, users: [], stage: { inputs: [] } };
    for (const [place, input] of inputsOf(node).entries()) parts.get(input)?.users.push({ part, place });
    parts.set(node, part);
  }
  return [...parts.values()];
}
