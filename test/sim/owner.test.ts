/** Who owned a data folder, and which data these are, outlives every power cut: sinks tell owners apart by it (U6, E4). */
import { expect, test } from 'vitest';
import { type DataFolder, openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import type { Owner } from '../../runtime/src/engine/owner.ts';
import { Machine, type SimProcess } from '../../runtime/src/sim/machine.ts';
import { World } from '../../runtime/src/sim/world.ts';

const SEEDS = Array.from({ length: 150 }, (_, seed) => seed);

function open(process: SimProcess): Promise<DataFolder> {
  return openDataFolder('/data', process.clock, process.disk, {
    openStore: (folder) => process.openStore(folder),
    random: process.machine.world.random,
  });
}

test('each owner has a larger generation than all before, and the same data, wherever the power went', async () => {
  let lost = 0;
  for (const seed of SEEDS) {
    const world = new World(seed, 0);
    const machine = new Machine(world);
    const owners: Owner[] = [];
    for (let life = 0; life < 6; life++) {
      const process = machine.start();
      const opening = open(process).then(({ owner }) => owner !== undefined && owners.push(owner));
      const [at, when] = [
        world.random.between(1, 40),
        world.random.pick(['before', 'after', 'within'] as const),
      ];
      machine.faults.arm({ at, damage: { does: 'power-cut', when } });
      await world.run(Promise.race([opening, process.ended]));
      machine.faults.disarm();
      machine.powerCut();
    }
    lost += machine.files.lostChanges;
    const generations = owners.map(({ generation }) => generation);
    expect(generations, `seed ${seed}`).toEqual([...new Set(generations)].sort((a, b) => a - b));
    expect(new Set(owners.map(({ data }) => data)).size, `seed ${seed}`).toBeLessThan(2);
  }
  expect(lost, 'pending writes and names that were lost').toBeGreaterThan(20);
});

test('whose file is gone, as in a copy of the state alone, is other data, which name those they came from', async () => {
  for (const seed of SEEDS.slice(0, 20)) {
    const world = new World(seed, 0);
    const machine = new Machine(world);
    const before = await world.run(open(machine.start()));
    machine.powerCut();
    machine.files.remove('/data/owner.json');
    const after = await world.run(open(machine.start()));
    expect(after.owner?.parents).toEqual([before.owner?.data]);
    expect(after.owner?.data).not.toBe(before.owner?.data);
    expect(after.owner?.generation).toBe(2);
  }
});
