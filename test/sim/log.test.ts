/** What the log does about faults of its disk: examples that seeds of whole jobs found. */
import { expect, test } from 'vitest';
import { defaultConfig } from '../../runtime/src/config/project.ts';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import { Engine } from '../../runtime/src/engine/engine.ts';
import { DiskLog } from '../../runtime/src/log/disk-log.ts';
import type { Append } from '../../runtime/src/log/log.ts';
import { Machine, type SimProcess } from '../../runtime/src/sim/machine.ts';
import { World } from '../../runtime/src/sim/world.ts';
import { DEFINITIONS } from './definitions.ts';

const EVENT: Append = { kind: 'events', source: 'a', partition: 0, records: ['{"n":1}'] };

function open({ disk, clock }: SimProcess): Promise<DiskLog> {
  return DiskLog.open('/log', { disk, clock });
}

async function recordsIn(log: DiskLog): Promise<readonly string[]> {
  const records: string[] = [];
  for await (const block of log.read(0)) records.push(...block.records);
  return records;
}

test('the header of a file whose first fsync failed is made durable when it is opened again', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const world = new World(seed, 0);
    const machine = new Machine(world);
    const first = machine.start();
    machine.faults.arm({ at: 1, kinds: ['sync'], damage: { does: 'fail', code: 'EIO', forEver: false } });
    const appending = open(first).then((log) => log.append(EVENT));
    await expect(world.run(appending)).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED' });
    machine.kill(first);
    await world.run(open(machine.start()).then((log) => log.append(EVENT)));
    machine.powerCut();
    expect(await world.run(open(machine.start()).then(recordsIn))).toEqual(EVENT.records);
  }
});

test('what the disk says while a file is read has a code', async () => {
  const world = new World(1, 0);
  const machine = new Machine(world);
  const log = await world.run(open(machine.start()));
  await world.run(log.append(EVENT));
  machine.faults.arm({ at: 1, kinds: ['open'], damage: { does: 'fail', code: 'EMFILE', forEver: false } });
  await expect(world.run(recordsIn(log))).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
});

test('what the disk says while a data folder is opened has a code', async () => {
  const world = new World(1, 0);
  const machine = new Machine(world);
  const owner = machine.start();
  machine.faults.arm({
    at: 1,
    kinds: ['write'],
    path: 'owner.json',
    damage: { does: 'fail', code: 'ENOSPC', forEver: false },
  });
  const openStore = (path: string) => owner.openStore(path);
  const opening = openDataFolder('/data', owner.clock, owner.disk, { openStore });
  await expect(world.run(opening)).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
});

test('U9: a power cut right behind a removal takes back no commit that the removed events would be needed for', async () => {
  const plan = DEFINITIONS[0]!.definition.plan;
  const base = defaultConfig('streaming', { runtime: { jit: 'off' } });
  const config = {
    ...base,
    trigger: { ...base.trigger, rows: 2, catchUpRows: 2 },
    log: { ...base.log, retention: { size: 1 } },
  };
  let removed = 0;
  for (let seed = 0; seed < 40; seed++) {
    const world = new World(seed, Date.UTC(2001, 0, 2));
    const machine = new Machine(world);
    const open_ = async (owner: SimProcess): Promise<Engine> => {
      const openStore = (path: string) => owner.openStore(path);
      const data = await openDataFolder('/data', owner.clock, owner.disk, { openStore, segmentBytes: 300 });
      return Engine.open({ plan, config, data, clock: owner.clock });
    };
    const first = await world.run(open_(machine.start()));
    for (let n = 0; n < 12; n++) {
      const line = { n, key: 'x', at: new Date(Date.UTC(2001, 0, 1, n)).toISOString(), value: n };
      await world.run(first.ingest('a', once(JSON.stringify(line))));
    }
    await world.run(first.settle());
    await world.run(first.retention.apply());
    removed += first.data.log.start;
    machine.powerCut();
    const again = await world.run(open_(machine.start()));
    await world.run(again.settle());
    expect(await world.run(again.query('totals', { where: {} })), `seed ${seed}`).toMatchObject([
      { events: 12 },
    ]);
  }
  expect(removed).toBeGreaterThan(40);
});

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(`${text}\n`));
}
