/**
 * A group by windows: tumbling or hopping ones in UTC that it assigns itself, or a window that is a column of its input.
 * `final`: the rows of a window are handed on when it is over. `updates`: at every flush, and for the last time when over.
 */
import type { NodeOf, WindowPlan } from '../../../plan/node.ts';
import { windowColumnOf } from '../../../plan/traits.ts';
import { isWindowKey } from '../../../plan/walk.ts';
import { Lazy } from '../emitter.ts';
import { Panes } from '../panes.ts';
import {
  evaluating,
  type Evaluated,
  type Flow,
  type NodeContext,
  type Stage,
  type StageMemory,
} from '../stage.ts';
import type { Symbol_ } from '../symbol.ts';
import { Unsupported } from '../unsupported.ts';
import type { WindowValue } from '../../../data/value.ts';
import type { GroupMemory } from '../group-memory.ts';
import type { SetNames } from './accumulators.ts';
import { plainKeys } from './group-keys.ts';
import { type Besides, type GroupAt, GroupRecord } from './group-record.ts';

/** A column that is a window lies in panes of no length, each at the end of its windows. */
const COLUMN_GRID = { sizeMs: 0, slideMs: 1, offsetMs: 0 } as const;

function gridOf(window: WindowPlan | null): { sizeMs: number; slideMs: number; offsetMs: number } {
  if (window === null) return COLUMN_GRID;
  if (window.kind === 'session' || window.kind === 'cumulating')
    throw new Unsupported(`${window.kind} windows`);
  if (window.zone !== null) throw new Unsupported('windows in a zone');
  const slideMs = window.kind === 'hopping' ? window.slideMs : window.sizeMs;
  if (window.sizeMs % slideMs !== 0) throw new Unsupported('a size that is no multiple of the slide');
  return { sizeMs: window.sizeMs, slideMs, offsetMs: window.offsetMs };
}

export function windowGroupStage(
  node: NodeOf<'group'>,
  window: WindowPlan | null,
  context: NodeContext,
): Stage {
  return new WindowGroupCode(node, window, context).stage();
}

class WindowGroupCode {
  readonly #node: NodeOf<'group'>;
  readonly #window: WindowPlan | null;
  readonly #context: NodeContext;
  readonly #group: GroupRecord;
  readonly #panes: Panes;
  readonly #name: string;
  /** Whether changes are handed on at every flush. */
  readonly #shows: boolean;
  /** The function that adds up the panes of a window, when it has several. */
  readonly #merge: string | null;
  readonly #memory: GroupMemory | null;
  /** Whether what several windows share is added to each of them at every flush, since it is saved window by window. */
  readonly #isFolded: boolean;

  constructor(node: NodeOf<'group'>, window: WindowPlan | null, context: NodeContext) {
    const { mode, isRead, allowedMs, hooks, code } = context;
    this.#node = node;
    this.#window = window;
    this.#context = context;
    this.#shows = mode === 'updates' && !isRead;
    const grid = gridOf(window);
    this.#group = new GroupRecord(node, context, { keys: plainKeys(node), shows: this.#shows });
    const sets = this.#group.accumulators.distinct.map(({ table }) => table);
    const overlaps = grid.slideMs < grid.sizeMs;
    if (overlaps && mode === 'updates')
      throw new Unsupported('hopping windows that are shown before they are over');
    if (overlaps && sets.length > 0) throw new Unsupported('countDistinct in hopping windows');
    this.#panes = new Panes({ ...grid, allowedMs }, this.#group.table, sets, hooks);
    this.#name = code.emitter.bind(this.#panes);
    const panes = this.#panes;
    this.#group.hold(
      () => panes.open().map(({ table }) => table),
      (index) => panes.open().flatMap((pane) => pane.sets.slice(index, index + 1)),
    );
    if (overlaps && context.statePrefix !== null && this.#group.retracts)
      throw new Unsupported('the state of hopping windows of rows that are taken back');
    const windowIndex = node.keys.findIndex(({ name }) => name === windowColumnOf(node));
    this.#memory = this.#group.memory(node, {
      windowIndex,
      paneOf: (key) => {
        const [startMs, endMs] = key[windowIndex] as WindowValue;
        if (window === null) return panes.ending(endMs);
        return overlaps ? panes.own(startMs) : panes.of(startMs);
      },
      windowOf: (pane) => panes.windowOf(pane),
    });
    const memory = this.#memory;
    if (memory !== null) panes.onDrop = (pane) => memory.forgetPane(pane);
    this.#merge = overlaps ? mergeFunction(this.#group, context) : null;
    this.#isFolded = overlaps && memory !== null;
  }

  stage(): Stage {
    const { code, mode } = this.#context;
    const { emitter } = code;
    const open = (body: () => void): void => emitter.block(`for (const pane of ${this.#name}.open())`, body);
    return {
      inputs: [(flow) => this.#push(flow)],
      advance: () => this.#advance(),
      ...(this.#shows && { flush: () => open(() => this.#showListed('pane')) }),
      ...(this.#isFolded && { flush: () => this.#fold() }),
      ...(mode === 'updates' && {
        scan: () =>
          open(() => this.#each('pane.table', (record) => this.#group.give(record, this.#besides('pane')))),
      }),
      ...(this.#memory !== null && { memory: this.#saved(this.#memory) }),
      sizeBytes: () => this.#panes.sizeBytes,
    };
  }

  #saved(memory: GroupMemory): StageMemory {
    return {
      persist: (batch) => memory.persist(batch, this.#panes.open()),
      restore: (entries) => memory.restore(entries),
      ...(this.#shows && {
        recall: () =>
          this.#context.code.emitter.block(`for (const pane of ${this.#name}.open())`, () =>
            this.#each('pane.table', (record) => this.#group.recall(record, this.#besides('pane'))),
          ),
      }),
      size: () => this.#panes.records,
    };
  }

  #push(flow: Flow): void {
    const { code } = this.#context;
    const time = this.#window === null ? [] : [this.#window.time];
    evaluating(this.#context, flow, [...this.#group.exprs, ...time], (evaluated) => {
      paneOf(this.#name, this.#node, this.#window, this.#context, flow, evaluated, (pane) => {
        const records = code.emitter.local('h', `${pane}.table`);
        const isSaved = this.#memory !== null;
        const sets: SetNames = {
          table: (set) => `${pane}.sets[${set}]`,
          unsaved: isSaved ? (set) => `${pane}.unsavedMembers[${set}]` : undefined,
        };
        const unsaved = isSaved ? `${pane}.unsaved` : undefined;
        const record = this.#group.add(evaluated, records, flow, sets, unsaved);
        if (this.#shows) this.#group.list(record, `${pane}.touched`);
      });
    });
  }

  #advance(): void {
    const { emitter } = this.#context.code;
    emitter.block(`for (const due of ${this.#name}.due(wm))`, () => {
      const only = 'due.panes[0].table';
      const table =
        this.#merge === null ? only : `due.panes.length === 1 ? ${only} : ${this.#merge}(due.panes)`;
      if (this.#shows) emitter.block('for (const pane of due.panes)', () => this.#showListed('pane'));
      else this.#each(table, (record) => this.#group.give(record, this.#besides('due')));
      emitter.line(`${this.#name}.close(due);`);
    });
  }

  /** Writes: what lies in panes that several windows take goes into the own pane of each window. */
  #fold(): void {
    const { emitter } = this.#context.code;
    emitter.block(`for (const { pane, own } of ${this.#name}.shared())`, () => {
      emitter.block('for (const window of own)', () => {
        const records = emitter.local('h', 'window.table');
        this.#each('pane.table', (from) => {
          const words = Array.from(
            { length: this.#group.keyCells },
            (_, cell) => `${from.cells}[at + ${cell}]`,
          );
          const at = emitter.local('g', `${records}.upsert(${words.join(', ')})`);
          const record: GroupAt = { records, cells: emitter.local('c', `${records}.cells`), at };
          this.#group.listUnsaved(record, 'window.unsaved');
          this.#group.accumulators.merge(record, from);
        });
      });
      emitter.line(`${this.#name}.empty(pane);`);
    });
  }

  /** The window of a pane or of one that is due. */
  #besides(of: string): Besides {
    const { emitter } = this.#context.code;
    const name = this.#node.keys.find(isWindowKey)?.name;
    if (name === undefined) return new Map();
    const make = (): Symbol_ => ({
      rep: 'window',
      type: { type: 'window', nullable: false },
      start: emitter.local('w', `${of}.startMs`),
      end: emitter.local('w', `${of}.endMs`),
    });
    return new Map([[name, new Lazy(emitter, make)]]);
  }

  #each(table: string, body: (record: GroupAt) => void): void {
    const { emitter } = this.#context.code;
    const { stride } = this.#group;
    const records = emitter.local('h', table);
    const cells = emitter.local('c', `${records}.cells`);
    emitter.block(`for (let at = ${stride}, top = ${records}.top; at < top; at += ${stride})`, () => {
      emitter.block(`if (${records}.isLive(at))`, () => body({ records, cells, at: 'at' }));
    });
  }

  #showListed(pane: string): void {
    const { emitter } = this.#context.code;
    emitter.block(`for (let j = 0; j < ${pane}.touched.n; j++)`, () => {
      const at = emitter.local('g', `${pane}.touched.list[j]`);
      const records = emitter.local('h', `${pane}.table`);
      const record: GroupAt = { records, cells: emitter.local('c', `${records}.cells`), at };
      this.#group.unlist(record);
      this.#group.show(record, this.#besides(pane));
      const forget = this.#memory === null ? '' : `${emitter.bind(this.#memory)}.forget(${pane}, ${at}); `;
      this.#group.forgetEmpty(record, forget);
    });
    emitter.line(`${pane}.touched.n = 0;`);
  }
}

/** Writes how the pane of a row is found, and `body` for it unless the row is late. */
function paneOf(
  panes: string,
  node: NodeOf<'group'>,
  window: WindowPlan | null,
  { code, allowedMs, hooks }: NodeContext,
  { at }: Flow,
  evaluated: Evaluated,
  body: (pane: string) => void,
): void {
  const { emitter } = code;
  const pane = emitter.fresh('w');
  emitter.line(`let ${pane} = ${panes}.current;`);
  if (window === null) {
    const key = node.keys.find((candidate) => 'expr' in candidate && candidate.name === windowColumnOf(node));
    const symbol = key !== undefined && 'expr' in key ? evaluated(key.expr) : undefined;
    if (symbol?.rep !== 'window') throw new Unsupported('a key that is no window');
    if (symbol.type.nullable) throw new Unsupported('a window that may be null');
    const put = (): void => {
      emitter.line(`if (${pane}.endMs !== ${symbol.end}) ${pane} = ${panes}.ending(${symbol.end});`);
      body(pane);
    };
    if (at === null) return put();
    emitter.block(`if (${symbol.end} - 1 + ${allowedMs} <= ${at.watermark})`, () => {
      emitter.line(`${emitter.bind(hooks)}.late(${at.index}, ${symbol.start}, ${symbol.end});`);
    });
    emitter.block('else', put);
    return;
  }
  const time = evaluated(window.time);
  if (time.rep !== 'number') throw new Unsupported('a window over something that is no time');
  const put = (): void => {
    emitter.line(
      `if (!(${time.js} >= ${pane}.startMs && ${time.js} < ${pane}.endMs)) ${pane} = ${panes}.of(${time.js});`,
    );
    if (at === null) return body(pane);
    emitter.line(
      `if (${pane}.endMs - 1 + ${allowedMs} <= ${at.watermark}) ${pane} = ${panes}.late(${pane}, ${at.watermark}, ${at.index});`,
    );
    emitter.block(`if (${pane} !== null)`, () => body(pane));
  };
  if (time.type.nullable) throw new Unsupported('a window over a time that may be null');
  put();
}

/** Writes a function that adds up the panes of a window in a table of its own. */
function mergeFunction(group: GroupRecord, { code }: NodeContext): string {
  const { emitter } = code;
  const scratch = emitter.bind(new group.table());
  const keys = group.keyCells;
  return emitter.fn('merge', 'panes', () => {
    emitter.line(`${scratch}.clear();`);
    emitter.block('for (const { table } of panes)', () => {
      const from = emitter.local('c', 'table.cells');
      emitter.block(`for (let at = ${group.stride}; at < table.top; at += ${group.stride})`, () => {
        emitter.block('if (table.isLive(at))', () => {
          const words = Array.from({ length: keys }, (_, cell) => `${from}[at + ${cell}]`);
          const at = emitter.local('g', `${scratch}.upsert(${words.join(', ')})`);
          const to = emitter.local('c', `${scratch}.cells`);
          group.accumulators.merge({ cells: to, at }, { cells: from, at: 'at' });
        });
      });
    });
    emitter.line(`return ${scratch};`);
  });
}
