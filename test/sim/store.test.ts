/** The store of the simulated world keeps the contract of every store, and loses what a power cut may take. */
import { describe, expect, test } from 'vitest';
import { Machine } from '../../runtime/src/sim/machine.ts';
import { World } from '../../runtime/src/sim/world.ts';
import type { Store } from '../../runtime/src/state/store.ts';
import { batch, bytes, entriesOf, storeSuite } from '../suites/store.suite.ts';

/** Steps whenever somebody waits, for tests that know nothing of a world. */
function goingOn(store: Store, world: World): Store {
  const driven = <T>(work: Promise<T>): Promise<T> => world.run(work);
  async function* scanned(reads: Pick<Store, 'scan'>, ...given: Parameters<Store['scan']>) {
    const scan = reads.scan(...given)[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await driven(scan.next());
      if (done === true) return;
      yield value;
    }
  }
  return {
    get: (key) => driven(store.get(key)),
    getMany: (keys) => driven(store.getMany(keys)),
    scan: (...given) => scanned(store, ...given),
    snapshot: () => {
      const snapshot = store.snapshot();
      return {
        get: (key) => driven(snapshot.get(key)),
        getMany: (keys) => driven(snapshot.getMany(keys)),
        scan: (...given) => scanned(snapshot, ...given),
        release: () => snapshot.release(),
      };
    },
    commit: (each) => driven(store.commit(each)),
    sync: () => driven(store.sync()),
    close: () => store.close(),
  };
}

let opened = 0;
storeSuite('the simulated store', async () => {
  const world = new World(1, 0);
  const machine = new Machine(world);
  const store = await world.run(machine.start().openStore(`/store-${opened++}`));
  return goingOn(store, world);
});

describe('what is left of commits', () => {
  /** Commits a=0, a=1, …, syncs after some, and lets the world do something after the last. */
  async function left(seed: number, then: (machine: Machine) => void): Promise<[string, string][]> {
    const world = new World(seed, 0);
    const machine = new Machine(world);
    const process = machine.start();
    await world.run(
      (async () => {
        const store = await process.openStore('/s');
        for (let i = 0; i < 6; i++) {
          await store.commit(batch(`a=${i}`, `b=${i}`, `k${i}=1`));
          if (i === 2) await store.sync();
        }
      })(),
    );
    then(machine);
    return world.run(machine.start().openStore('/s').then(entriesOf));
  }

  test('a killed process leaves all', async () => {
    for (let seed = 0; seed < 20; seed++)
      expect((await left(seed, (machine) => machine.kill([...machine.processes][0]!)))[0]).toEqual([
        'a',
        '5',
      ]);
  });

  test('a power cut leaves a prefix of whole commits that has all that was synced', async () => {
    const found = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const entries = new Map(await left(seed, (machine) => machine.powerCut()));
      const last = Number(entries.get('a'));
      expect(entries.get('b')).toBe(String(last));
      expect(entries.size).toBe(2 + last + 1);
      found.add(String(last));
    }
    expect([...found].sort()).toEqual(['2', '3', '4', '5']);
  });

  test('one process has it at a time, also while that one is paused; a killed one has it no more', async () => {
    const world = new World(1, 0);
    const machine = new Machine(world);
    const owner = machine.start();
    const store = await world.run(owner.openStore('/s'));
    owner.isPaused = true;
    await expect(world.run(machine.start().openStore('/s'))).rejects.toMatchObject({ code: 'DATA_LOCKED' });
    owner.isPaused = false;
    await world.run(store.commit(batch('a=1')));
    machine.kill(owner);
    const next = await world.run(machine.start().openStore('/s'));
    expect(await world.run(next.get(bytes('a')))).toEqual(bytes('1'));
  });
});
