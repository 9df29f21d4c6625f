/** A group by plain keys: one record for each key, for ever. When the view is read from the records, nothing is handed on. */
import type { NodeOf } from '../../../plan/node.ts';
import { evaluating, type NodeContext, type Stage } from '../stage.ts';
import { Touched } from '../touched.ts';
import { plainKeys } from './group-keys.ts';
import type { SavedPane } from '../group-memory.ts';
import type { SetNames } from './accumulators.ts';
import { type GroupAt, GroupRecord } from './group-record.ts';

export function keyedGroupStage(node: NodeOf<'group'>, context: NodeContext): Stage {
  const { code, isRead } = context;
  const { emitter } = code;
  const group = new GroupRecord(node, context, { keys: plainKeys(node), shows: !isRead });
  const table = new group.table();
  const sets = group.accumulators.distinct.map((set) => new set.table());
  group.hold(
    () => [table],
    (index) => sets.slice(index, index + 1),
  );
  const records = emitter.bind(table);
  const setNames = sets.map((set) => emitter.bind(set));
  const touched = emitter.bind(new Touched());
  const unsaved = new Touched();
  const all: SavedPane = {
    startMs: NaN,
    endMs: NaN,
    table,
    sets,
    unsaved,
    unsavedMembers: sets.map(() => new Touched()),
    isSaved: false,
  };
  const memory = group.memory(node, { windowIndex: -1, paneOf: () => all, windowOf: () => [NaN, NaN] });
  const unsavedName = memory === null ? undefined : emitter.bind(unsaved);
  const setsOf: SetNames = {
    table: (set) => setNames[set] as string,
    unsaved: memory === null ? undefined : (set) => emitter.bind(all.unsavedMembers[set]),
  };
  const forget = memory === null ? undefined : `${emitter.bind(memory)}.forget(${emitter.bind(all)}, `;
  const everyRecord = (body: (record: GroupAt) => void): void => {
    const record: GroupAt = { records, cells: emitter.local('c', `${records}.cells`), at: 'at' };
    const { stride } = group;
    emitter.block(`for (let at = ${stride}, top = ${records}.top; at < top; at += ${stride})`, () => {
      emitter.block(`if (${records}.isLive(at))`, () => body(record));
    });
  };
  return {
    inputs: [
      (flow) => {
        evaluating(context, flow, group.exprs, (evaluated) => {
          const record = group.add(evaluated, records, flow, setsOf, unsavedName);
          if (!isRead) group.list(record, touched);
        });
      },
    ],
    ...(!isRead && {
      flush: () => {
        emitter.block(`for (let j = 0; j < ${touched}.n; j++)`, () => {
          const at = emitter.local('g', `${touched}.list[j]`);
          const record: GroupAt = { records, cells: emitter.local('c', `${records}.cells`), at };
          group.unlist(record);
          group.show(record);
          group.forgetEmpty(record, forget === undefined ? '' : `${forget}${record.at}); `);
        });
        emitter.line(`${touched}.n = 0;`);
      },
    }),
    scan: () => everyRecord((record) => group.give(record)),
    ...(memory !== null && {
      memory: {
        persist: (batch) => memory.persist(batch, [all]),
        restore: (entries) => memory.restore(entries),
        recall: () => everyRecord((record) => group.recall(record)),
        size: () => table.count,
      },
    }),
    sizeBytes: () => [table, ...sets].reduce((sum, each) => sum + each.sizeBytes, 0),
  };
}
