/** One view of a run over files: generated code where there is some for it, the interpreter where not. */
import { Buffer } from 'node:buffer';
import { type CompiledView, compileView } from '../compile/jit/compile-view.ts';
import { mayGenerate } from '../compile/jit/may-generate.ts';
import { whyNot } from '../compile/jit/why-not.ts';
import { type Chain, lower } from '../compile/lower.ts';
import { BATCH_ROWS_MAX, type ColumnBatch, rowAt } from '../data/columns.ts';
import { rowToJson } from '../data/json.ts';
import { nameOfKey } from '../data/key.ts';
import { formatSqlTimestamp } from '../data/timestamp.ts';
import type { Row } from '../data/value.ts';
import { type Collector, isOver, type LateRule, type Position } from '../operators/operator.ts';
import { codeOf } from '../plan/code.ts';
import type { Plan, SourcePlan, ViewPlan } from '../plan/node.ts';
import { ViewLayout } from '../views/layout.ts';

export interface FileViewOptions {
  /** `off`: the interpreter runs everything. */
  readonly jit: 'on' | 'off';
  /** How times are written: ISO 8601, or `yyyy-MM-dd HH:mm:ss.SSS`. */
  readonly times?: 'iso' | 'sql';
  /** Rows in the order of their keys, as a query of the view gives them. */
  readonly ordered?: boolean;
  /** Why the workers that were asked for are not used. */
  readonly undivided?: string;
}

/** How far time has come for the rows of a batch. */
export interface BatchTime {
  /** Before each row, in its partition. */
  readonly watermarks: Float64Array;
  /** After the batch, over all sources of the views. */
  readonly watermarkMs: number;
  /** What the ordinals of the source begin from, so that every event has a place of its own. */
  readonly firstPosition: number;
}

const NEVER = new Float64Array(BATCH_ROWS_MAX).fill(-Infinity);
const PIECE_CHARACTERS = 1 << 16;
const REASONS_MAX = 10;

export class FileView {
  readonly layout: ViewLayout;
  /** Why the interpreter runs it; null when generated code does. */
  readonly interpretedBecause: string | null;
  readonly undivided: string | null;
  late = 0;
  rejected = 0;
  /** Why the first rows were rejected. */
  readonly reasons: string[] = [];
  readonly #plan: Plan;
  readonly #options: FileViewOptions;
  readonly #compiled: CompiledView | null;
  readonly #chain: Chain | null;
  readonly #rows: RowBag;
  /** Under `correct` every event counts, whenever it comes. */
  readonly #takesLate: boolean;

  constructor(plan: Plan, view: ViewPlan, options: FileViewOptions) {
    this.layout = new ViewLayout(plan, view);
    this.#plan = plan;
    this.#options = options;
    this.undivided = options.undivided ?? null;
    this.#rows = new RowBag(this.layout);
    this.#takesLate = this.layout.sources.every(({ lateness }) => lateness.then === 'correct');
    const compiled = this.#compile(view);
    const isCompiled = !('unsupported' in compiled);
    this.interpretedBecause = isCompiled ? null : compiled.unsupported;
    this.#compiled = isCompiled ? compiled : null;
    this.#chain = isCompiled ? null : this.#interpret(view);
  }

  get isCompiled(): boolean {
    return this.#compiled !== null;
  }

  #compile(view: ViewPlan): CompiledView | { readonly unsupported: string } {
    if (this.#options.jit === 'off') return { unsupported: 'generated code is switched off' };
    if (!mayGenerate()) return { unsupported: 'this process forbids generated code' };
    // Their order is that of event time, which need not be a column.
    if (this.#options.ordered === true && this.layout.shape === 'events')
      return { unsupported: 'rows of single events, in order' };
    return compileView(this.#plan, view, {
      functions: codeOf(this.#plan),
      hooks: {
        error: (node, _, row, problem) => {
          const functions = codeOf(this.#plan);
          this.#reject(problem ?? whyNot(this.#plan, view, functions, node, row as Row));
        },
        late: () => {
          this.late++;
          return false;
        },
      },
      allowedMs: this.layout.allowedMs,
      content: true,
      json: { times: this.#options.times ?? 'iso' },
    });
  }

  #interpret(view: ViewPlan): Chain {
    const late: LateRule = {
      allowedMs: this.layout.allowedMs,
      isOverFor: (at, endMs) =>
        !this.#takesLate && at !== null && isOver(endMs, late.allowedMs, at.watermarkMs),
      isClosedFor: (at, endMs) => late.isOverFor(at, endMs),
      late: () => void this.late++,
    };
    return lower({
      plan: this.#plan,
      view,
      code: codeOf(this.#plan),
      statePrefix: Buffer.alloc(0),
      next: this.#rows,
      late,
      onError: (error) => this.#reject(error.message),
    });
  }

  #reject(reason: string): void {
    this.rejected++;
    if (this.reasons.length < REASONS_MAX) this.reasons.push(reason);
  }

  reads(source: string): boolean {
    return this.layout.sources.some(({ name }) => name === source);
  }

  neededOf(source: SourcePlan): readonly string[] {
    if (this.#compiled !== null) return this.#compiled.neededFields.get(source.name) ?? [];
    return this.reads(source.name) ? source.fields.map(({ name }) => name) : [];
  }

  /** REQUIRES a batch that has what `neededOf` names, in any order and beside what other views need. */
  process(source: SourcePlan, batch: ColumnBatch, time: BatchTime): void {
    const { watermarks, watermarkMs, firstPosition } = time;
    const names = this.neededOf(source);
    const columns = names.map((name) => batch.columns.find(({ column }) => column.name === name));
    const own = { ...batch, columns: columns as ColumnBatch['columns'] };
    if (this.#compiled !== null) {
      this.#compiled.process(source.name, own, this.#takesLate ? NEVER : watermarks);
      if (!this.#takesLate) this.#compiled.advance(watermarkMs);
      this.#compiled.flush();
      return;
    }
    // What was silent too long is forgotten by the watermark, even where nothing is late.
    this.#pushRows(source, own, watermarks, firstPosition);
    this.#chain?.settle(this.#takesLate ? -Infinity : watermarkMs);
  }

  #pushRows({ name }: SourcePlan, batch: ColumnBatch, watermarks: Float64Array, firstPosition: number): void {
    for (let index = 0; index < batch.n; index++) {
      const row = rowAt(batch, index);
      const offset = batch.ordinals[index] as number;
      const at: Position = {
        source: name,
        partition: 0,
        offset,
        position: firstPosition + offset,
        eventTimeMs: batch.times[index] as number,
        watermarkMs: watermarks[index] as number,
        event: row,
        firstReading: true,
      };
      this.#chain?.push(row, at);
    }
  }

  end(): void {
    this.#compiled?.advance(Infinity);
    this.#compiled?.flush();
    this.#chain?.settle(Infinity);
  }

  rows(): Iterable<Row> {
    const rows = this.#compiled?.rows() ?? this.#rows.rows();
    if (this.#options.ordered !== true || this.layout.shape === 'events') return rows;
    return [...rows].sort((a, b) => this.layout.compare(a, b));
  }

  /** The rows of an ordered view with the values that put them into their order. */
  *ordered(): Iterable<{ readonly key: Row; readonly row: Row }> {
    if (this.layout.shape === 'events') return yield* this.#rows.placed();
    for (const row of this.rows()) yield { key: this.layout.nameValues(row), row };
  }

  /** The memory that generated code holds for the view. */
  get stateBytes(): number {
    return this.#compiled?.stateBytes ?? 0;
  }

  code(): string | null {
    return this.#compiled?.code() ?? null;
  }

  /** Writes the rows as lines of JSON. */
  writeJson(write: (bytes: Uint8Array) => void): void {
    if (this.#compiled !== null && this.#options.ordered !== true) return this.#compiled.writeJson(write);
    let piece = '';
    for (const row of this.rows()) {
      piece += `${JSON.stringify(this.toJson(row))}\n`;
      if (piece.length < PIECE_CHARACTERS) continue;
      write(Buffer.from(piece));
      piece = '';
    }
    write(Buffer.from(piece));
  }

  toJson(row: Row): Record<string, unknown> {
    const json: Record<string, unknown> = { ...rowToJson(this.layout.columns, row) };
    if (this.#options.times !== 'sql') return json;
    for (const [index, column] of this.layout.columns.entries()) {
      const value = row[index] ?? null;
      if (column.type === 'timestamp' && value !== null)
        json[column.name] = formatSqlTimestamp(value as number);
    }
    return json;
  }
}

/** The rows of an interpreted view. */
class RowBag implements Collector {
  readonly #layout: ViewLayout;
  readonly #list: { readonly row: Row; readonly at: Position }[] = [];
  readonly #byName = new Map<string, { readonly row: Row; count: number }>();

  constructor(layout: ViewLayout) {
    this.#layout = layout;
  }

  push(row: Row, weight: 1 | -1, at: Position | null): void {
    const { shape, replaces } = this.#layout;
    if (shape === 'events' && at !== null) {
      this.#list.push({ row, at });
      return;
    }
    const isBag = shape === 'bag';
    const name = nameOfKey(isBag ? row : this.#layout.nameValues(row));
    const known = this.#byName.get(name);
    const count = (known?.count ?? 0) + weight;
    if (count === 0 && !replaces) this.#byName.delete(name);
    else if (isBag && known !== undefined) known.count = count;
    else this.#byName.set(name, { row, count: replaces ? 1 : count });
  }

  /** Rows of single events in their order, with their places in it. */
  *placed(): Iterable<{ readonly key: Row; readonly row: Row }> {
    this.#list.sort((a, b) => a.at.eventTimeMs - b.at.eventTimeMs || a.at.position - b.at.position);
    for (const { row, at } of this.#list) yield { key: [at.eventTimeMs, at.position], row };
  }

  *rows(): Iterable<Row> {
    for (const { row } of this.placed()) yield row;
    for (const { row, count } of this.#byName.values()) for (let copy = 0; copy < count; copy++) yield row;
  }
}
