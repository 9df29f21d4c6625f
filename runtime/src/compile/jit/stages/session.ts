/**
 * A group by sessions: rows of a key that follow each other within a gap. The sessions of a key are a chain.
 *
 *   key       key … | first session
 *   session   next | start | end | key | cells of the aggregates … | when it is saved: rows, number, bits (saved-bits.ts),
 *             the end that is saved
 *
 * A row belongs to the sessions that touch [time, time + gap] and are not over as it sees them; they become one. When what
 * it would be part of is over, it came too late.
 */
import type { NodeOf, WindowPlan } from '../../../plan/node.ts';
import { isWindowKey } from '../../../plan/walk.ts';
import { columnTypes, keyKindsOf, keyWords, layoutOf, load } from '../cells.ts';
import { Lazy } from '../emitter.ts';
import { Records } from '../records.ts';
import { FRESH, listUnsaved } from '../saved-bits.ts';
import { SessionMemory } from '../session-memory.ts';
import { SessionQueue } from '../session-queue.ts';
import { type Evaluated, evaluating, type Flow, type NodeContext, type Stage, keptIn } from '../stage.ts';
import type { RowSymbols, Symbol_ } from '../symbol.ts';
import { type Table, tableClass } from '../table.ts';
import { Unsupported } from '../unsupported.ts';
import { AccumulatorCode } from './accumulators.ts';
import { plainKeys } from './group-keys.ts';

const [NEXT, START, END, KEY, FIRST] = [0, 1, 2, 3, 4];

type SessionPlan = Extract<WindowPlan, { kind: 'session' }>;

export function sessionStage(node: NodeOf<'group'>, window: SessionPlan, context: NodeContext): Stage {
  if (context.mode !== 'final') throw new Unsupported('sessions that are shown before they are over');
  if (context.appendOnly[0] === false) throw new Unsupported('sessions of rows that are taken back');
  return new SessionCode(node, window, context).stage();
}

class SessionCode {
  readonly #node: NodeOf<'group'>;
  readonly #window: SessionPlan;
  readonly #context: NodeContext;
  readonly #keys;
  readonly #table: Table;
  readonly #sessions: Records;
  readonly #accumulators: AccumulatorCode;
  readonly #tableName: string;
  readonly #name: string;
  readonly #queue: string;
  readonly #head: number;
  /** Of a session that is saved: how many rows, its number among those of its key, its bits, its end then; -1 when none is. */
  readonly #rowsCell: number;
  readonly #serialCell: number;
  readonly #savedCell: number;
  readonly #savedEndCell: number;
  readonly #memory: SessionMemory | null;

  constructor(node: NodeOf<'group'>, window: SessionPlan, context: NodeContext) {
    const { code, columns, inputColumns } = context;
    this.#node = node;
    this.#window = window;
    this.#context = context;
    const names = plainKeys(node).map(({ name }) => name);
    this.#keys = layoutOf(columnTypes(columns, new Set(names)), 0, 'code', true);
    this.#head = Math.max(1, this.#keys.end);
    this.#accumulators = new AccumulatorCode(code, node, inputColumns[0] ?? [], columns, false, FIRST);
    if (this.#accumulators.distinct.length > 0) throw new Unsupported('countDistinct in sessions');
    const isSaved = context.statePrefix !== null;
    this.#rowsCell = isSaved ? this.#accumulators.reserve(0) : -1;
    this.#serialCell = isSaved ? this.#accumulators.reserve(0) : -1;
    this.#savedCell = isSaved ? this.#accumulators.reserve(FRESH) : -1;
    this.#savedEndCell = isSaved ? this.#accumulators.reserve(0) : -1;
    const kinds = names.length === 0 ? (['whole'] as const) : keyKindsOf(this.#keys);
    this.#table = new (tableClass({ keys: kinds, template: [0] }))();
    this.#sessions = new Records(FIRST + this.#accumulators.template.length);
    code.texts.held({ records: () => [this.#table], cells: this.#keys.codes });
    code.texts.held({ records: () => [this.#sessions], cells: this.#accumulators.codes });
    this.#tableName = code.emitter.bind(this.#table);
    this.#name = code.emitter.bind(this.#sessions);
    const queue = new SessionQueue(window.gapMs);
    this.#queue = code.emitter.bind(queue);
    this.#memory = this.#memoryOf(context, queue);
  }

  #memoryOf({ statePrefix, code }: NodeContext, queue: SessionQueue): SessionMemory | null {
    if (statePrefix === null) return null;
    return new SessionMemory({
      prefix: statePrefix,
      texts: code.texts,
      table: this.#table,
      sessions: this.#sessions,
      queue,
      keys: this.#keys,
      windowIndex: this.#node.keys.findIndex(isWindowKey),
      parts: this.#accumulators.parts,
      headCell: this.#head,
      cells: {
        next: NEXT,
        start: START,
        end: END,
        key: KEY,
        rows: this.#rowsCell,
        serial: this.#serialCell,
        saved: this.#savedCell,
        savedEnd: this.#savedEndCell,
      },
      first: FIRST,
      template: this.#accumulators.template,
    });
  }

  stage(): Stage {
    return {
      inputs: [
        (flow) => {
          const exprs = [
            ...plainKeys(this.#node).map(({ expr }) => expr),
            ...this.#accumulators.exprs,
            this.#window.time,
          ];
          evaluating(this.#context, flow, exprs, (evaluated) => this.#push(flow, evaluated));
        },
      ],
      advance: () => this.#advance(),
      sizeBytes: () => this.#table.sizeBytes + this.#sessions.sizeBytes,
      ...(this.#memory !== null && { memory: keptIn(this.#memory, this.#sessions) }),
    };
  }

  /** Writes: the state of a session goes, if it is saved. */
  #forget(at: string): void {
    const { emitter } = this.#context.code;
    if (this.#memory !== null) emitter.line(`${emitter.bind(this.#memory)}.forget(${at});`);
  }

  #push({ at, weight }: Flow, evaluated: Evaluated): void {
    if (at === null) throw new Unsupported('sessions of rows that time causes');
    const { code, allowedMs, hooks } = this.#context;
    const { emitter } = code;
    const time = evaluated(this.#window.time);
    if (time.rep !== 'number' || time.type.nullable)
      throw new Unsupported('a session over a time that may be null');
    const words = plainKeys(this.#node).flatMap(({ expr }) => keyWords(code, evaluated(expr)));
    const key = emitter.local(
      'g',
      `${this.#tableName}.upsert(${words.length === 0 ? '0' : words.join(', ')})`,
    );
    const head = `${this.#tableName}.cells[${key} + ${this.#head}]`;
    const [own, count, start, end] = ['x', 'n', 'a', 'e'].map((prefix) => emitter.fresh(prefix)) as [
      string,
      string,
      string,
      string,
    ];
    emitter.line(
      `let ${own} = 0, ${count} = 0, ${start} = ${time.js}, ${end} = ${time.js} + ${this.#window.gapMs};`,
    );
    const cells = emitter.local('c', `${this.#name}.cells`);
    const touches = this.#touches(cells, time.js, at.watermark);
    const rowsOf = (session: string): string => `${cells}[${session} + ${this.#rowsCell}]`;
    emitter.block(`for (let s = ${head}; s !== 0; s = ${cells}[s + ${NEXT}])`, () => {
      emitter.block(`if (${touches})`, () => {
        emitter.line(`if (${cells}[s + ${START}] < ${start}) ${start} = ${cells}[s + ${START}];`);
        emitter.line(`if (${cells}[s + ${END}] > ${end}) ${end} = ${cells}[s + ${END}];`);
        // Of several the one with the most rows goes on, of these the first: a chain has the newest in front.
        if (this.#memory === null) emitter.line(`${own} = s;`);
        else emitter.line(`if (${count} === 0 || ${rowsOf('s')} >= ${rowsOf(own)}) ${own} = s;`);
        emitter.line(`${count}++;`);
      });
    });
    emitter.block(`if (${end} - 1 + ${allowedMs} <= ${at.watermark})`, () => {
      emitter.line(`${emitter.bind(hooks)}.late(${at.index}, ${start}, ${end});`);
      emitter.line(`if (${head} === 0) ${this.#tableName}.remove(${key});`);
    });
    emitter.block('else', () => {
      const mayMiss = `${emitter.bind(hooks)}.mayMiss(${at.index}, ${time.js});`;
      // Whether there was one that ended just then is forgotten, or not yet, as the cut will have it.
      if (hooks.mayMiss !== undefined)
        emitter.line(`if (${time.js} - 1 + ${allowedMs} <= ${at.watermark}) ${mayMiss}`);
      emitter.line(`if (${count} === 0) ${own} = ${this.#beginFunction()}(${key}, ${end});`);
      emitter.line(
        `else if (${count} > 1) ${this.#joinFunction()}(${key}, ${own}, ${time.js}, ${at.watermark});`,
      );
      const now = emitter.local('c', `${this.#name}.cells`);
      emitter.line(`${now}[${own} + ${START}] = ${start};`);
      emitter.line(`${now}[${own} + ${END}] = ${end};`);
      this.#accumulators.add(evaluated, { cells: now, at: own }, weight, { table: () => '' });
      if (this.#memory === null) return;
      emitter.line(`${now}[${own} + ${this.#rowsCell}]++;`);
      const unsaved = emitter.bind(this.#memory.unsaved);
      emitter.line(listUnsaved(`${now}[${own} + ${this.#savedCell}]`, unsaved, own));
    });
  }

  /** Session `s` touches a row at this time and is not over as the row sees it. */
  #touches(cells: string, time: string, watermark: string): string {
    const { gapMs } = this.#window;
    const isOver = `${cells}[s + ${END}] - 1 + ${this.#context.allowedMs} <= ${watermark}`;
    return `${cells}[s + ${START}] <= ${time} + ${gapMs} && ${time} <= ${cells}[s + ${END}] && !(${isOver})`;
  }

  #beginFunction(): string {
    const { emitter } = this.#context.code;
    return emitter.fn('begin', 'key, end', () => {
      emitter.line(`const s = ${this.#name}.alloc(), c = ${this.#name}.cells;`);
      for (const [index, value] of this.#accumulators.template.entries())
        emitter.line(`c[s + ${FIRST + index}] = ${value};`);
      emitter.line(`c[s + ${KEY}] = key;`);
      if (this.#memory !== null)
        emitter.line(`c[s + ${this.#serialCell}] = ${emitter.bind(this.#memory)}.serialOf(key);`);
      emitter.line(`c[s + ${NEXT}] = ${this.#tableName}.cells[key + ${this.#head}];`);
      emitter.line(`${this.#tableName}.cells[key + ${this.#head}] = s;`);
      emitter.line(`${this.#queue}.add(end, s);`);
      emitter.line('return s;');
    });
  }

  /** All sessions that a row touches become part of one of them. */
  #joinFunction(): string {
    const { emitter } = this.#context.code;
    return emitter.fn('join', 'key, own, time, wm', () => {
      emitter.line(`const c = ${this.#name}.cells;`);
      emitter.block(
        `for (let s = ${this.#tableName}.cells[key + ${this.#head}], before = 0; s !== 0;)`,
        () => {
          emitter.line(`const next = c[s + ${NEXT}];`);
          emitter.block(`if (s !== own && ${this.#touches('c', 'time', 'wm')})`, () => {
            this.#accumulators.merge({ cells: 'c', at: 'own' }, { cells: 'c', at: 's' });
            if (this.#memory !== null)
              emitter.line(`c[own + ${this.#rowsCell}] += c[s + ${this.#rowsCell}];`);
            this.#forget('s');
            this.#unlink('key');
          });
          emitter.line('else before = s;');
          emitter.line('s = next;');
        },
      );
    });
  }

  /** Takes `s` out of the chain of a key, where `before` comes before it and `next` behind. */
  #unlink(key: string): void {
    const { emitter } = this.#context.code;
    emitter.line(
      `if (before === 0) ${this.#tableName}.cells[${key} + ${this.#head}] = next; else c[before + ${NEXT}] = next;`,
    );
    emitter.line(`${this.#name}.release(s);`);
  }

  #advance(): void {
    const { code, allowedMs, out } = this.#context;
    const { emitter } = code;
    emitter.line(`const over = wm + 1 - ${allowedMs}, c = ${this.#name}.cells;`);
    emitter.block(`for (const own of ${this.#queue}.take(over))`, () => {
      emitter.line(`if (!${this.#name}.isLive(own)) continue;`);
      emitter.line(`if (c[own + ${END}] > over) { ${this.#queue}.add(c[own + ${END}], own); continue; }`);
      const key = emitter.local('g', `c[own + ${KEY}]`);
      const test = this.#accumulators.overflows({ cells: 'c', at: 'own' });
      const give = (): void => out({ row: this.#rowOf('own', key), weight: '1', at: null });
      if (test === undefined) give();
      else emitter.block(`if (!(${test}))`, give);
      emitter.block(
        `for (let s = ${this.#tableName}.cells[${key} + ${this.#head}], before = 0; s !== 0;)`,
        () => {
          emitter.line(`const next = c[s + ${NEXT}];`);
          emitter.block('if (s === own)', () => {
            this.#forget('own');
            this.#unlink(key);
            emitter.line('break;');
          });
          emitter.line('before = s; s = next;');
        },
      );
      emitter.line(
        `if (${this.#tableName}.cells[${key} + ${this.#head}] === 0) ${this.#tableName}.remove(${key});`,
      );
    });
  }

  #rowOf(at: string, key: string): RowSymbols {
    const { code } = this.#context;
    const { emitter } = code;
    const type = { type: 'window', nullable: false } as const;
    const window = new Lazy<Symbol_>(emitter, () => ({
      rep: 'window',
      type,
      start: emitter.local('w', `c[${at} + ${START}]`),
      end: emitter.local('w', `c[${at} + ${END}]`),
    }));
    const name = this.#node.keys.find(isWindowKey)?.name ?? '';
    const keys = load(code, this.#keys, { records: this.#tableName, cells: `${this.#tableName}.cells` }, key);
    return new Map([[name, window], ...keys, ...this.#accumulators.results({ cells: 'c', at })]);
  }
}
