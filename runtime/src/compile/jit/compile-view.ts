/**
 * Turns the plan of one view into generated code: one loop for each source with everything in it that a row meets, and one
 * function each for time and for the end of an epoch. What it cannot do, it says; the interpreter then runs the view.
 *
 *   batch ─► process: for (i …) { filter, map, group, join … } ─► rows of the view
 *
 * Invariants  J1  The rows of a view are those of the interpreter, however the input is cut into batches and epochs.
 *             J2  No name and no value of a plan is part of generated code.
 *             J3  What is saved of a view are the entries of the interpreter: either goes on from what the other left.
 */
import type { ColumnBatch } from '../../data/columns.ts';
import type { Row } from '../../data/value.ts';
import { inferColumns } from '../../plan/infer.ts';
import type { Plan, ViewPlan } from '../../plan/node.ts';
import { isAppendOnly } from '../../plan/traits.ts';
import { Emitter, type Lazy } from './emitter.ts';
import { generate } from './generate.ts';
import { jsonLine, type JsonWriter, writeJson } from './json-writer.ts';
import type { CompileOptions } from './options.ts';
import { type Part, partsOf } from './parts.ts';
import { hasFacts, indexRange, keysIn } from '../../operators/spilled-keys.ts';
import { allBelow } from '../../operators/spilling.ts';
import type { Batch, Entry, Range } from '../../state/store.ts';
import type { Consumer, Stage, StageMemory } from './stage.ts';
import { type Sink, sinkOf } from './stages/sink.ts';
import { type Process, processFunction, viewOver } from './stages/source.ts';
import { type Code, type RowSymbols, type Symbol_, valueOf } from './symbol.ts';
import { Unsupported } from './unsupported.ts';
import { Texts } from './texts.ts';
import { rowsOf, settleRows, type ShowRows } from './view-rows.ts';

export interface CompiledView {
  /** Of each source that the view reads: the columns that it needs, in this order in the batches. */
  readonly neededFields: ReadonlyMap<string, readonly string[]>;
  /** REQUIRES batches in the order of the log; `watermarks[i]` is the watermark before row i. */
  process(source: string, batch: ColumnBatch, watermarks: Float64Array): void;
  advance(watermarkMs: number): void;
  flush(): void;
  rows(): Iterable<Row>;
  /** Calls back with every change since the last `clearChanges`; without `content`. */
  changes(show: ShowChange): void;
  clearChanges(): void;
  /** Writes what changed in the state since the last call. REQUIRES a `flush` before, and a prefix of the state. */
  persist(batch: Batch): void;
  /**
   * REQUIRES a new view. `read` gives the entries of a range in the order of their keys, in pieces. Says which limit the
   * state is beyond, or null: the view is of no use then.
   */
  restore(read: ReadRange, limits: RestoreLimits): Promise<'keys' | 'bytes' | null>;
  /** How many keys the state has. */
  readonly size: number;
  /** Writes the rows as lines of JSON, a piece at a time. */
  writeJson(write: (bytes: Uint8Array) => void): void;
  readonly stateBytes: number;
  /** All generated code. */
  code(): string;
}

export type ReadRange = (range: Range) => AsyncIterable<readonly Entry[]>;

export interface RestoreLimits {
  readonly keysMax: number;
  readonly bytesMax: number;
}

/** `timeMs` and `offset` say where the event of the row is, when that was asked for. */
export type ShowChange = (row: Row, weight: number, timeMs?: number, offset?: number) => void;

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

/** What is generated for a view. */
interface Program {
  readonly fields: ReadonlyMap<string, readonly string[]>;
  readonly sink: Sink;
  readonly texts: Texts;
  readonly stages: readonly Stage[];
  readonly memories: readonly { readonly memory: StageMemory; readonly prefix: Buffer }[];
  readonly source: string;
  /** One for each source, in the order of `fields`. */
  readonly process: readonly Process[];
  readonly advance: (watermarkMs: number) => void;
  readonly flush: () => void;
  readonly rows: (show: ShowChange) => void;
  readonly recall: () => void;
  /** The rows of the pages alone. */
  readonly kept: ShowRows;
  readonly json: (writer: JsonWriter) => void;
}

function programOf(plan: Plan, view: ViewPlan, options: CompileOptions): Program {
  const emitter = new Emitter();
  const texts = new Texts(options.textsMax ?? TEXTS_MAX);
  const code: Code = { emitter, texts, dictionary: `${emitter.bind(texts)}.dictionary` };
  const columns = inferColumns(plan, view.node);
  const sink = sinkOf(code, columns, options.placed === true);
  // Where rows of the view go, in the code that is being written: kept while events are processed, shown while it is read.
  const shown: { consume: Consumer } = { consume: sink.consume };
  const parts = partsOf(plan, view, code, options, (flow) => shown.consume(flow));
  const stages = parts.map(({ stage }) => stage);
  const fields = new Map<string, readonly string[]>();
  const exported: Record<string, string> = {};
  for (const [source, own] of sourcesOf(parts)) {
    exported[`process${fields.size}`] = processOf(code, own, stages);
    fields.set(
      source,
      columnsOf(own).map(({ name }) => name),
    );
  }
  const each = (params: string, write: (stage: Stage) => (() => void) | undefined): string =>
    emitter.fn('time', params, () => {
      for (const body of stages.map(write)) if (body !== undefined) emitter.block('', body);
    });
  exported['advance'] = each('wm', ({ advance }) => advance);
  exported['flush'] = each('', ({ flush }) => flush);
  exported['recall'] = each('', ({ memory }) => memory?.recall);
  const content = (params: string, show: ShowRow): string =>
    emitter.fn('read', params, () => {
      emitter.block('', () => sink.scan(show));
      shown.consume = ({ row, weight }) => show(row, weight, []);
      for (const { isRead, stage } of parts)
        if (isRead && stage.scan !== undefined) emitter.block('', stage.scan);
      shown.consume = sink.consume;
    });
  const show: ShowRow = (row, weight, place) => {
    const values = columns.map(({ name }) => valueOf((row.get(name) as Lazy<Symbol_>).get()));
    emitter.line(`show(${[`[${values.join(', ')}]`, weight, ...place].join(', ')});`);
  };
  exported['rows'] = content('show', show);
  exported['kept'] = emitter.fn('kept', 'show', () => sink.scan(show));
  exported['json'] = content('w', jsonLine(code, columns));
  const source = emitter.module(exported);
  const made = generate({ P: emitter.bound }, source) as Readonly<Record<string, unknown>>;
  const process = [...fields.keys()].map((_, index) => made[`process${index}`] as Process);
  const memories = parts.flatMap(({ stage: { memory }, prefix }) =>
    memory === undefined || prefix === null ? [] : [{ memory, prefix }],
  );
  return { ...(made as unknown as Program), fields, sink, texts, stages, memories, source, process };
}

type ShowRow = (row: RowSymbols, weight: string, place: readonly string[]) => void;

/** The parts that are sources, by the name of the source. */
function sourcesOf(parts: readonly Part[]): ReadonlyMap<string, readonly Part[]> {
  const sources = new Map<string, Part[]>();
  for (const part of parts) {
    if (part.node.kind !== 'source') continue;
    sources.set(part.node.source, [...(sources.get(part.node.source) ?? []), part]);
  }
  return sources;
}

/** The columns that any of the parts reads. */
function columnsOf(parts: readonly Part[]): Part['columns'] {
  const columns = new Map(
    parts.flatMap((part) => part.columns.map((column) => [column.name, column] as const)),
  );
  return [...columns.values()];
}

function processOf(code: Code, parts: readonly Part[], stages: readonly Stage[]): string {
  const consume: Consumer = (flow) => {
    for (const { out } of parts) out(flow);
  };
  return processFunction(code, columnsOf(parts), consume, () => {
    for (const stage of stages) stage.maintain?.();
  });
}

/** So many texts a view may have before those that are not in use are looked for. */
const TEXTS_MAX = 1 << 16;
/** From here on rows that were taken back are looked for among the rows of the view. */
const SETTLE_FROM_ROWS = 1 << 16;

function compile(plan: Plan, view: ViewPlan, options: CompileOptions): CompiledView {
  const program = programOf(plan, view, options);
  const { fields, sink, stages, texts } = program;
  const takesBack = !isAppendOnly(view.node, view.mode);
  // Rows that were taken back stay until there are twice as many as were left the last time.
  let settleAbove = options.content && takesBack ? SETTLE_FROM_ROWS : Infinity;
  const settle = (): void => {
    if (!takesBack) return;
    settleRows(sink.rows, program.kept);
    if (options.content) settleAbove = Math.max(SETTLE_FROM_ROWS, 2 * sink.rows.count);
  };
  const names = [...fields.keys()];
  const compiled: CompiledView = {
    neededFields: fields,
    process: (name, batch, watermarks) => {
      const { n, columns, bytes, times, ordinals } = batch;
      const process = program.process[names.indexOf(name)];
      process?.(n, columns, bytes, viewOver(batch), watermarks, times, ordinals);
    },
    advance: program.advance,
    flush: () => {
      program.flush();
      texts.maintain();
      if (sink.rows.count > settleAbove) settle();
    },
    changes: program.rows,
    clearChanges: () => sink.rows.clear(),
    rows: () => {
      settle();
      return rowsOf(program.rows);
    },
    writeJson: (write) => {
      settle();
      writeJson(program.json, write, options.json ?? {});
    },
    persist: (batch) => {
      for (const { memory } of stages) memory?.persist(batch);
    },
    restore: async (read, { keysMax, bytesMax }) => {
      const indexed = new Set<StageMemory>();
      for (const { memory, prefix } of program.memories) {
        for await (const index of read(indexRange(prefix))) {
          if (keysIn(index) > keysMax) return 'keys';
          if (hasFacts(index, prefix)) indexed.add(memory);
        }
      }
      for (const { memory, prefix } of program.memories) {
        for await (const piece of read(allBelow(prefix))) {
          memory.restore(piece, indexed.has(memory));
          if (compiled.stateBytes > bytesMax) return 'bytes';
        }
      }
      program.recall();
      return null;
    },
    get size() {
      return stages.reduce((sum, { memory }) => sum + (memory?.size() ?? 0), 0);
    },
    get stateBytes() {
      const own = sink.rows.sizeBytes + texts.dictionary.bytesUsed;
      return stages.reduce((sum, stage) => sum + (stage.sizeBytes?.() ?? 0), own);
    },
    code: () => program.source,
  };
  return compiled;
}
