/**
 * A group by windows: tumbling or hopping ones in UTC that it assigns itself, or a window that is a column of its input.
 * `final`: the rows of a window are handed on when it is over. `updates`: at every flush, and for the last time when over.
 */
import type { NodeOf, WindowPlan } from '../../../plan/node.ts';
import { windowColumnOf } from '../../../plan/traits.ts';
import { isWindowKey } from '../../../plan/walk.ts';
import { Lazy } from '../emitter.ts';
import { Panes } from '../panes.ts';
import { evaluating, type Evaluated, type Flow, type NodeContext, type Stage } from '../stage.ts';
import type { Symbol_ } from '../symbol.ts';
import { Unsupported } from '../unsupported.ts';
import { plainKeys } from './group-keys.ts';
import { type Besides, type GroupAt, GroupRecord } from './group-record.ts';

/** A column that is a window lies in panes of no length, each at the end of its windows. */
const COLUMN_GRID = { sizeMs: 0, slideMs: 1, offsetMs: 0 } as const;

function gridOf(window: WindowPlan | null): { sizeMs: number; slideMs: number; offsetMs: number } {
  if (window === null) return COLUMN_GRID;
  if (window.kind === 'session' || window.kind === 'cumulating') throw new Unsupported(`${window.kind} windows`);
  if (window.zone !== null) throw new Unsupported('windows in a zone');
  const slideMs = window.kind === 'hopping' ? window.slideMs : window.sizeMs;
  if (window.sizeMs % slideMs !== 0) throw new Unsupported('a size that is no multiple of the slide');
  return { sizeMs: window.sizeMs, slideMs, offsetMs: window.offsetMs };
}

export function windowGroupStage(node: NodeOf<'group'>, window: WindowPlan | null, context: NodeContext): Stage {
  const { code, mode, isRead, allowedMs } = context;
  const { emitter } = code;
  const shows = mode === 'updates' && !isRead;
  const grid = gridOf(window);
  const group = new GroupRecord(node, context, { keys: plainKeys(node), shows });
  const { distinct } = group.accumulators;
  const overlaps = grid.slideMs < grid.sizeMs;
  if (overlaps && mode === 'updates') throw new Unsupported('hopping windows that are shown before they are over');
  if (overlaps && distinct.length > 0) throw new Unsupported('countDistinct in hopping windows');
  const panes = new Panes({ ...grid, allowedMs }, group.table, distinct.map(({ table }) => table), context.hooks);
  const name = emitter.bind(panes);
  const merged = overlaps ? mergeFunction(group, context) : null;

  const windowName = node.keys.find(isWindowKey)?.name;
  /** The window of a pane or of one that is due. */
  const besides = (of: string): Besides => {
    if (windowName === undefined) return new Map();
    const type = { type: 'window', nullable: false } as const;
    const make = (): Symbol_ => ({
      rep: 'window',
      type,
      start: emitter.local('w', `${of}.startMs`),
      end: emitter.local('w', `${of}.endMs`),
    });
    return new Map([[windowName, new Lazy(emitter, make)]]);
  };
  const each = (table: string, body: (record: GroupAt) => void): void => {
    const records = emitter.local('h', table);
    const cells = emitter.local('c', `${records}.cells`);
    emitter.block(`for (let at = ${group.stride}, top = ${records}.top; at < top; at += ${group.stride})`, () => {
      emitter.block(`if (${records}.isLive(at))`, () => body({ records, cells, at: 'at' }));
    });
  };
  const showListed = (pane: string): void => {
    emitter.block(`for (let j = 0; j < ${pane}.touched.n; j++)`, () => {
      const at = emitter.local('g', `${pane}.touched.list[j]`);
      const records = emitter.local('h', `${pane}.table`);
      const record: GroupAt = { records, cells: emitter.local('c', `${records}.cells`), at };
      group.unlist(record);
      group.show(record, besides(pane));
      group.forgetEmpty(record);
    });
    emitter.line(`${pane}.touched.n = 0;`);
  };

  return {
    inputs: [
      (flow) => {
        const time = window === null ? [] : [window.time];
        evaluating(context, flow, [...group.exprs, ...time], (evaluated) => {
          paneOf(name, node, window, context, flow, evaluated, (pane) => {
            const records = emitter.local('h', `${pane}.table`);
            const record = group.add(evaluated, records, flow, (set) => `${pane}.sets[${set}]`);
            if (shows) group.list(record, `${pane}.touched`);
          });
        });
      },
    ],
    advance: () => {
      emitter.block(`for (const due of ${name}.due(wm))`, () => {
        if (shows) {
          emitter.block('for (const pane of due.panes)', () => showListed('pane'));
        } else {
          const table = merged === null ? 'due.panes[0].table' : `due.panes.length === 1 ? due.panes[0].table : ${merged}(due.panes)`;
          each(table, (record) => group.give(record, besides('due')));
        }
        emitter.line(`${name}.close(due);`);
      });
    },
    ...(shows && {
      flush: () => {
        emitter.block(`for (const pane of ${name}.open())`, () => showListed('pane'));
      },
    }),
    ...(mode === 'updates' && {
      scan: () => {
        emitter.block(`for (const pane of ${name}.open())`, () => each('pane.table', (record) => group.give(record, besides('pane'))));
      },
    }),
    sizeBytes: () => panes.sizeBytes,
  };
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
    emitter.line(`if (!(${time.js} >= ${pane}.startMs && ${time.js} < ${pane}.endMs)) ${pane} = ${panes}.of(${time.js});`);
    if (at === null) return body(pane);
    emitter.line(`if (${pane}.endMs - 1 + ${allowedMs} <= ${at.watermark}) ${pane} = ${panes}.late(${pane}, ${at.watermark}, ${at.index});`);
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
