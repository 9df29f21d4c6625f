/** Fault 38: the conversion of a store is killed behind each of its commits; after that either version starts. */
import { expect, it } from 'vitest';
import { type Architecture, defaultConfig } from '../../../runtime/src/config/project.ts';
import { Engine } from '../../../runtime/src/engine/engine.ts';
import { openDataFolder } from '../../../runtime/src/engine/data-folder.ts';
import { STATE_FORMAT } from '../../../runtime/src/state/format.ts';
import { metaKey, progressKey } from '../../../runtime/src/state/keys.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import { Batch, type Entry, type Range, type Store } from '../../../runtime/src/state/store.ts';
import { ManualClock } from 'pipeline-runtime/testing';
import definition from '../../fixtures/data-v1/definition.ts';
import { after, contentOf, copyOf, expectedOf, removeCopy, send } from '../../fixtures/data-v1/folder.ts';

const ALL: Range = { gte: Buffer.from([0]), lt: Buffer.from([0xff]) };

async function entriesOf(store: Store, range = ALL): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of store.scan(range)) entries.push(entry);
  return entries;
}

/** A store that dies behind so many commits: later ones do not happen. */
class DyingStore extends MemoryStore {
  commitsLeft = Infinity;

  override commit(batch: Batch): Promise<void> {
    if (this.commitsLeft-- <= 0) return Promise.reject(new Error('killed'));
    return super.commit(batch);
  }
}

/** The fixture's store in memory, and its log. */
async function fixture(architecture: Architecture) {
  const folder = copyOf(architecture);
  const clock = new ManualClock(Date.UTC(2001, 0, 1, 12));
  const data = await openDataFolder(folder, clock);
  const entries = await entriesOf(data.store);
  return {
    entries,
    data,
    open: (store: Store) =>
      Engine.open({
        plan: definition.plan,
        config: defaultConfig(architecture, {
          log: { partitions: 2, commitEvery: 0 },
          trigger: { every: 1000, rows: 40, catchUpRows: 40 },
          batch: { every: 3_600_000, partition: 3_600_000 },
        }),
        data: { ...data, store },
        clock,
      }),
    close: async () => {
      await data.close();
      removeCopy(folder);
    },
  };
}

async function filled(store: MemoryStore, entries: readonly Entry[]): Promise<void> {
  const batch = new Batch();
  for (const { key, value } of entries) batch.put(key, value);
  await store.commit(batch);
}

const asJson = async (content: Promise<unknown>): Promise<unknown> =>
  JSON.parse(JSON.stringify(await content)) as unknown;

/** What the older version reads: a node of format 1 has a number, and a plan stood nowhere. */
const ofFormat1 = (entries: readonly Entry[]): string[] =>
  entries
    .map(({ key, value }) => [key.toString('latin1'), value.toString('latin1')])
    .filter(([key = '']) => !/^(?:s\|[^|]*\|[^|]*\|[a-z]|m\|format|i\|)/.test(key))
    .map((pair) => pair.join('='));

it.for(['streaming', 'lambda'] satisfies Architecture[])(
  '%s: after a kill at each step of the conversion either version starts',
  async (architecture) => {
    const { entries, data, open, close } = await fixture(architecture);
    const layer = architecture === 'streaming' ? 'live' : 'speed';
    let steps = 0;
    let before = 0;
    for (; ; steps++) {
      const store = new DyingStore();
      await filled(store, entries);
      store.commitsLeft = steps;
      const killed = await open(store).then(
        () => false,
        () => true,
      );
      const progress = JSON.parse(String(await store.get(progressKey(layer)))) as { format?: number };
      if (progress.format === undefined) {
        before++;
        expect(ofFormat1(await entriesOf(store))).toEqual(ofFormat1(entries));
      } else {
        expect(progress).toMatchObject({ format: STATE_FORMAT });
        expect(progress).not.toHaveProperty('planHash');
      }
      store.commitsLeft = Infinity;
      // Every ninth one also goes on: each of them takes a while.
      if (steps % 9 === 0 || !killed) {
        const engine = await open(store);
        expect(await asJson(contentOf(engine))).toEqual(expectedOf('before'));
        expect(engine.arrangement.jobs[0]?.stateKeys).toBeGreaterThan(100);
        const numbered = (await entriesOf(store)).filter(({ key }) =>
          /^s\|[^|]*\|[^|]*\|\d/.test(key.toString()),
        );
        expect(numbered).toEqual([]);
      }
      if (!killed) break;
    }
    expect(before).toBeGreaterThan(20);
    expect(data.log.end).toBeGreaterThan(0);
    await close();
  },
);

it('a state that was converted goes on to the rows of the whole', async () => {
  const { entries, open, close } = await fixture('streaming');
  const store = new DyingStore();
  await filled(store, entries);
  store.commitsLeft = 12;
  await expect(open(store)).rejects.toThrow('killed');
  store.commitsLeft = Infinity;
  const engine = await open(store);
  await send(engine, after);
  await engine.end();
  await engine.settle();
  expect(await asJson(contentOf(engine))).toEqual(expectedOf('after'));
  await close();
});

it('a newer format is refused, and nothing is written', async () => {
  const { entries, open, close } = await fixture('streaming');
  const store = new DyingStore();
  await filled(store, [...entries, { key: metaKey('format'), value: Buffer.from(String(STATE_FORMAT + 1)) }]);
  const before = await entriesOf(store);
  store.commitsLeft = 0;
  await expect(open(store)).rejects.toMatchObject({ code: 'STATE_NEWER', exitCode: 2 });
  expect(await entriesOf(store)).toEqual(before);
  await close();
});
