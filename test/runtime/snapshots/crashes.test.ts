/**
 * U1 to U4 on the simulated disk: a process is killed, or the power goes, at every operation of taking and of restoring a
 * snapshot. What was there before is whole, what is new is whole or not there, and what is there is what was taken.
 */
import { describe, expect, test } from 'vitest';
import type { CodedError } from '../../../runtime/src/base/coded-error.ts';
import type { Disk } from '../../../runtime/src/ports/disk.ts';
import type { Damage } from '../../../runtime/src/sim/faults.ts';
import { Machine } from '../../../runtime/src/sim/machine.ts';
import { World } from '../../../runtime/src/sim/world.ts';
import { generationsAt } from '../../../runtime/src/snapshots/manifest.ts';
import { folderPlace, readFile, writeFile } from '../../../runtime/src/snapshots/place.ts';
import { restoreSnapshot } from '../../../runtime/src/snapshots/restore.ts';
import { type TakenSnapshot, takeSnapshot } from '../../../runtime/src/snapshots/take.ts';
import { verifySnapshot } from '../../../runtime/src/snapshots/verify.ts';

/** Path → content, at two moments: one file stays, one grows, one goes and one comes. */
const BEFORE = { 'state/1.sst': 'kept', 'state/2.sst': 'gone later', 'log/0.log': 'one' };
const AFTER = { 'state/1.sst': 'kept', 'state/3.sst': 'new', 'log/0.log': 'one two' };
type Contents = Readonly<Record<string, string>>;

// oxlint-disable-next-line require-await
async function* piece(text: string): AsyncIterable<Buffer> {
  yield Buffer.from(text);
}

const go = new AbortController().signal;

async function take(disk: Disk, contents: Contents, keep = 3): Promise<TakenSnapshot> {
  await disk.removeFolder('/source');
  const files = [];
  for (const [path, text] of Object.entries(contents)) {
    const from = `/source/${path}`;
    await disk.makeFolder(from.slice(0, from.lastIndexOf('/')));
    await writeFile(disk, from, piece(text));
    files.push({ path, from, bytes: text.length });
  }
  const place = folderPlace(disk, '/place');
  const options = { pipeline: 'p', position: 1, keep, nowMs: 0, signal: go };
  return takeSnapshot({ place, disk, files, ...options });
}

const restore = (
  disk: Disk,
  options: { generation?: number; orPrevious?: boolean; pipeline?: string } = {},
) =>
  restoreSnapshot({
    place: folderPlace(disk, '/place'),
    disk,
    folder: '/data',
    pipeline: 'p',
    signal: go,
    ...options,
  });

async function textOf(disk: Disk, file: string): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const each of readFile(disk, file)) pieces.push(each);
  return Buffer.concat(pieces).toString();
}

/** All files below a folder. */
async function contentsOf(disk: Disk, folder: string, below = ''): Promise<Contents> {
  const found: Record<string, string> = {};
  for (const { name, kind } of await disk.listAll(`${folder}/${below}`)) {
    if (kind === 'folder') Object.assign(found, await contentsOf(disk, folder, `${below}${name}/`));
    else found[`${below}${name}`] = await textOf(disk, `${folder}/${below}${name}`);
  }
  return found;
}

let struck = 0;
let lost = 0;
/** Prepares, then works until the damage strikes at the n-th operation, then looks. False: it never struck. */
async function strike(
  at: number,
  damage: Damage,
  steps: {
    readonly prepare: (disk: Disk) => Promise<unknown>;
    readonly work: (disk: Disk) => Promise<unknown>;
    readonly look: (disk: Disk) => Promise<void>;
  },
): Promise<boolean> {
  const world = new World(at, 0);
  const machine = new Machine(world);
  const first = machine.start();
  await world.run(steps.prepare(first.disk));
  machine.faults.arm({ at, damage });
  const worked = steps.work(first.disk).catch(() => {});
  await world.run(Promise.race([worked, first.ended]));
  const isStruck = machine.faults.struck > 0;
  if (isStruck) struck++;
  machine.faults.disarm();
  if (!isStruck) machine.powerCut();
  lost += machine.files.lostChanges;
  await world.run(steps.look(machine.start().disk));
  return isStruck;
}

const DAMAGES: readonly Damage[] = [
  { does: 'kill', when: 'within' },
  { does: 'power-cut', when: 'before' },
  { does: 'power-cut', when: 'after' },
];

describe.each(DAMAGES)('$does $when an operation', (damage) => {
  test('U1, U2: of taking: the snapshot before is whole, the new one is whole or not there', async () => {
    for (let at = 1, goesOn = true; goesOn; at++) {
      goesOn = await strike(at, damage, {
        prepare: (disk) => take(disk, BEFORE),
        work: (disk) => take(disk, AFTER),
        look: async (disk) => {
          const place = folderPlace(disk, '/place');
          const generations = await generationsAt(place);
          expect(generations).toContain(1);
          for (const generation of generations) {
            await verifySnapshot(place, generation);
            await restore(disk, { generation });
            expect(await contentsOf(disk, '/data')).toEqual(generation === 1 ? BEFORE : AFTER);
            await disk.removeFolder('/data');
          }
          // The next one finds its way, and leaves nothing that no manifest names.
          await take(disk, AFTER, 1);
          expect(Object.keys(await contentsOf(disk, '/place/files')).length).toBe(3);
          expect(await contentsOf(disk, '/place/incoming')).toEqual({});
        },
      });
    }
  });

  test('U1: of taking and dropping the one before: one of the two is there, and whole', async () => {
    for (let at = 1, goesOn = true; goesOn; at++) {
      goesOn = await strike(at, damage, {
        prepare: (disk) => take(disk, BEFORE),
        work: (disk) => take(disk, AFTER, 1),
        look: async (disk) => {
          const place = folderPlace(disk, '/place');
          const generations = await generationsAt(place);
          expect(generations.length).toBeGreaterThan(0);
          for (const generation of generations) await verifySnapshot(place, generation);
        },
      });
    }
  });

  test('U3, U4: of restoring: the data are there whole or not at all', async () => {
    for (let at = 1, goesOn = true; goesOn; at++) {
      goesOn = await strike(at, damage, {
        prepare: (disk) => take(disk, AFTER),
        work: (disk) => restore(disk),
        look: async (disk) => {
          if ((await disk.kindOf('/data')) === undefined) await restore(disk);
          expect(await contentsOf(disk, '/data')).toEqual(AFTER);
          expect(await disk.kindOf('/data.restoring')).toBeUndefined();
        },
      });
    }
  });
});

test('U1: once taking returned, a power cut takes nothing of it; nor of what a restore made', async () => {
  for (let seed = 0; seed < 50; seed++) {
    const world = new World(seed, 0);
    const machine = new Machine(world);
    const { disk } = machine.start();
    await world.run(take(disk, AFTER));
    machine.powerCut();
    const second = machine.start();
    await world.run(verifySnapshot(folderPlace(second.disk, '/place')));
    await world.run(restore(second.disk));
    machine.powerCut();
    expect(await world.run(contentsOf(machine.start().disk, '/data'))).toEqual(AFTER);
  }
});

describe('a snapshot that is not what was taken', () => {
  type Spoil = (disk: Disk, manifest: string) => Promise<unknown>;
  const overwrite = async (disk: Disk, file: string, text: string): Promise<void> => {
    await disk.remove(file);
    await writeFile(disk, file, piece(text));
  };
  const nameOf = async (disk: Disk, text: string): Promise<string> => {
    const all = await contentsOf(disk, '/place/files');
    return `/place/files/${Object.keys(all).find((name) => all[name] === text)}`;
  };
  const spoils: Readonly<Record<string, readonly [Spoil, string]>> = {
    'a file cut short': [async (disk) => overwrite(disk, await nameOf(disk, 'new'), 'ne'), 'ends at byte 2'],
    'a bit of a file': [async (disk) => overwrite(disk, await nameOf(disk, 'new'), 'neu'), 'at byte 0'],
    'a file that is missing': [async (disk) => disk.remove(await nameOf(disk, 'new')), 'missing'],
    'a file in the place of another': [
      async (disk) => overwrite(disk, await nameOf(disk, 'new'), 'kept'),
      'at byte 0',
    ],
    'a bit of the manifest': [
      async (disk, manifest) =>
        overwrite(
          disk,
          manifest,
          (await textOf(disk, manifest)).replace('new', 'neu').replace('3.sst', '4.sst'),
        ),
      'its checksum',
    ],
    'a manifest cut short': [
      async (disk, manifest) => overwrite(disk, manifest, (await textOf(disk, manifest)).slice(0, 50)),
      'its checksum',
    ],
    'an empty manifest': [(disk, manifest) => overwrite(disk, manifest, ''), 'its checksum'],
    'the manifest of another generation': [
      async (disk, manifest) => overwrite(disk, manifest, await textOf(disk, '/place/manifests/0000000001')),
      'another generation',
    ],
  };

  test.for(Object.entries(spoils))(
    '%s: refused by name, the one before on request',
    async ([, [spoil, reason]]) => {
      const world = new World(1, 0);
      const { disk } = new Machine(world).start();
      await world.run(
        (async () => {
          await take(disk, BEFORE);
          await take(disk, AFTER);
          await spoil(disk, '/place/manifests/0000000002');
          const error = (await restore(disk).catch((each: unknown) => each)) as CodedError;
          expect(error.code).toBe('SNAPSHOT_DAMAGED');
          expect(error.message).toMatch(
            /\/place\/(?:files\/[0-9a-f]{64}|manifests\/0000000002): damaged at byte \d+/,
          );
          expect(error.message).toContain(reason);
          await expect(verifySnapshot(folderPlace(disk, '/place'))).rejects.toThrow(reason);
          expect(await disk.kindOf('/data')).toBeUndefined();
          expect(await disk.kindOf('/data.restoring')).toBeUndefined();
          const restored = await restore(disk, { orPrevious: true });
          expect(restored.generation).toBe(1);
          expect(restored.skipped.map(({ generation }) => generation)).toEqual([2]);
          expect(await contentsOf(disk, '/data')).toEqual(BEFORE);
        })(),
      );
    },
  );

  test('a newer format, another pipeline, a folder of something else, data that are there', async () => {
    const world = new World(1, 0);
    const { disk } = new Machine(world).start();
    await world.run(
      (async () => {
        await expect(restore(disk)).rejects.toMatchObject({ code: 'SNAPSHOT_NONE' });
        await take(disk, AFTER);
        await expect(restore(disk, { pipeline: 'q' })).rejects.toMatchObject({ code: 'SNAPSHOT_FOREIGN' });
        await disk.makeFolder('/data');
        await writeFile(disk, '/data/mine', piece('x'));
        await expect(restore(disk)).rejects.toMatchObject({ code: 'RESTORE_OCCUPIED' });
        expect(await contentsOf(disk, '/data')).toEqual({ mine: 'x' });
        await writeFile(disk, '/place/manifests/notes.txt', piece('x'));
        await expect(take(disk, AFTER)).rejects.toMatchObject({ code: 'SNAPSHOT_FOREIGN' });
      })(),
    );
  });
});

test('only new contents are copied, and `keep` snapshots stay', async () => {
  const world = new World(1, 0);
  const { disk } = new Machine(world).start();
  await world.run(
    (async () => {
      expect((await take(disk, BEFORE, 2)).copiedFiles).toBe(3);
      expect((await take(disk, BEFORE, 2)).copiedFiles).toBe(0);
      expect(await take(disk, AFTER, 2)).toMatchObject({
        copiedFiles: 2,
        copiedBytes: 'new'.length + 'one two'.length,
      });
      const place = folderPlace(disk, '/place');
      expect(await generationsAt(place)).toEqual([3, 2]);
      await take(disk, AFTER, 2);
      expect(await generationsAt(place)).toEqual([4, 3]);
      expect(Object.values(await contentsOf(disk, '/place/files')).toSorted()).toEqual([
        'kept',
        'new',
        'one two',
      ]);
    })(),
  );
});

test('the faults above struck, and power cuts took something away', () => {
  expect(struck).toBeGreaterThan(200);
  expect(lost).toBeGreaterThan(0);
});
