/** What the simulated disk leaves, and in which order the world goes on. */
import { describe, expect, test } from 'vitest';
import type { Disk } from '../../runtime/src/ports/disk.ts';
import type { Damage } from '../../runtime/src/sim/faults.ts';
import { Machine, type SimProcess } from '../../runtime/src/sim/machine.ts';
import { World } from '../../runtime/src/sim/world.ts';

interface Outcome {
  readonly names: readonly string[];
  readonly texts: Readonly<Record<string, string>>;
}

/** Runs some work on a disk, then `end`, and says what the next process finds. */
async function after(
  seed: number,
  work: (disk: Disk, process: SimProcess) => Promise<void>,
  end: (machine: Machine, process: SimProcess) => void,
): Promise<Outcome> {
  const world = new World(seed, 0);
  const machine = new Machine(world);
  const process = machine.start();
  await world.run(
    Promise.race([process.disk.makeFolder('/d').then(() => work(process.disk, process)), process.ended]),
  );
  end(machine, process);
  const { disk } = machine.start();
  const texts: Record<string, string> = {};
  return world.run(
    (async () => {
      for (const { name, sizeBytes } of await disk.listAll('/d')) {
        const into = Buffer.alloc(sizeBytes);
        await (await disk.open(`/d/${name}`, { create: false })).read(into, 0);
        texts[name] = into.toString('latin1');
      }
      return { names: Object.keys(texts).sort(), texts };
    })(),
  );
}

async function put(disk: Disk, name: string, text: string): Promise<void> {
  const file = await disk.open(`/d/${name}`, { create: true });
  await file.write(Buffer.from(text), 0);
  await file.sync();
}

const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);
const cut = (machine: Machine): void => machine.powerCut();

describe('a power cut', () => {
  test('leaves what was synced, under a name that was synced', async () => {
    for (const seed of SEEDS) {
      const { texts } = await after(
        seed,
        async (disk) => {
          await put(disk, 'a', 'synced');
          await disk.syncFolder('/d');
          const file = await disk.open('/d/a', { create: false });
          await file.write(Buffer.from('more'), 6);
        },
        cut,
      );
      expect(texts['a']?.startsWith('synced')).toBe(true);
    }
  });

  test('may leave any part of a write, gaps as zeros, and none of a name: each of them with some seed', async () => {
    const found = new Set<string>();
    for (const seed of SEEDS) {
      const { texts } = await after(
        seed,
        async (disk) => {
          const file = await disk.open('/d/a', { create: true });
          await disk.syncFolder('/d');
          await file.write(Buffer.from('x'.repeat(640)), 0);
          await (await disk.open('/d/b', { create: true })).sync();
        },
        cut,
      );
      found.add(
        texts['a'] === '' ? 'nothing' : texts['a']?.includes('\0') === true ? 'gap' : `${texts['a']?.length}`,
      );
      found.add('b' in texts ? 'name' : 'no name');
    }
    for (const each of ['nothing', 'gap', '640', 'name', 'no name']) expect([...found]).toContain(each);
    // Torn at any byte.
    expect(found.size).toBeGreaterThan(20);
  });

  test('leaves the old or the new content of a name that was replaced, never half of either', async () => {
    const found = new Set<string | undefined>();
    for (const seed of SEEDS) {
      const { texts } = await after(
        seed,
        async (disk) => {
          await put(disk, 'a', 'old');
          await disk.syncFolder('/d');
          await put(disk, 'a.new', 'new');
          await disk.rename('/d/a.new', '/d/a');
        },
        cut,
      );
      found.add(texts['a']);
    }
    expect(found).toEqual(new Set(['old', 'new']));
  });
});

test('a killed process leaves all that it wrote', async () => {
  for (const seed of SEEDS.slice(0, 20)) {
    const { texts } = await after(
      seed,
      async (disk) => {
        const file = await disk.open('/d/a', { create: true });
        await file.write(Buffer.from('abc'), 0);
        await file.truncate(2);
      },
      (machine, process) => machine.kill(process),
    );
    expect(texts).toEqual({ a: 'ab' });
  }
});

test('a sync that failed: readers see the bytes, and no later sync makes them durable', async () => {
  let lost = 0;
  for (const seed of SEEDS) {
    const { texts } = await after(
      seed,
      async (disk, { machine }) => {
        const file = await disk.open('/d/a', { create: true });
        await disk.syncFolder('/d');
        await file.write(Buffer.from('abc'), 0);
        const damage: Damage = { does: 'fail', code: 'EIO', forEver: false };
        machine.faults.arm({ at: 1, kinds: ['sync'], damage });
        await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
        await file.sync();
        const into = Buffer.alloc(3);
        await file.read(into, 0);
        expect(into.toString()).toBe('abc');
      },
      cut,
    );
    if (texts['a'] === '') lost++;
  }
  expect(lost).toBeGreaterThan(100);
});

test('a full disk takes what fits and then says so', async () => {
  const { texts } = await after(
    1,
    async (disk, { machine }) => {
      machine.files.spaceBytes = 5;
      const file = await disk.open('/d/a', { create: true });
      expect(await file.write(Buffer.from('abcdefgh'), 0)).toBe(5);
      await expect(file.write(Buffer.from('fgh'), 5)).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(await file.write(Buffer.from('x'), 0)).toBe(1);
      expect(await disk.freeBytes('/d')).toBe(0);
    },
    (machine, process) => machine.kill(process),
  );
  expect(texts).toEqual({ a: 'xbcde' });
});

test.each(['before', 'after', 'within'] as const)(
  'a process that dies %s a write does not go on',
  async (when) => {
    let wentOn = false;
    const { texts } = await after(
      3,
      async (disk, { machine }) => {
        const file = await disk.open('/d/a', { create: true });
        machine.faults.arm({ at: 1, kinds: ['write'], damage: { does: 'kill', when } });
        await file.write(Buffer.from('0123456789'), 0);
        wentOn = true;
      },
      (machine) => expect(machine.kills).toBe(1),
    );
    expect(wentOn).toBe(false);
    const length = texts['a']?.length ?? -1;
    if (when === 'within') expect(length).toBeGreaterThan(0);
    expect(length).toBeLessThanOrEqual({ before: 0, within: 9, after: 10 }[when]);
    if (when === 'after') expect(length).toBe(10);
  },
);

describe('the world', () => {
  /** Who goes on when, of four that do something three times and two that sleep. */
  async function story(seed: number): Promise<string> {
    const world = new World(seed, 0);
    const { clock, disk } = new Machine(world).start();
    let text = '';
    const worker = async (name: string): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await disk.freeBytes('/');
        text += name;
      }
    };
    const sleeper = async (ms: number): Promise<void> => {
      await clock.sleep(ms);
      text += `(${ms})`;
    };
    await world.run(
      Promise.all(['a', 'b', 'c', 'd'].map(worker).concat([5_000, 1_000].map(sleeper))).then(() => undefined),
    );
    return text;
  }

  test('goes on alike with one seed, and differently with another', async () => {
    const stories = new Set<string>();
    for (const seed of SEEDS.slice(0, 50)) {
      const text = await story(seed);
      expect(await story(seed)).toBe(text);
      stories.add(text);
    }
    expect(stories.size).toBeGreaterThan(45);
  });

  test('sleepers wake in the order of their times, and nobody waits for real time', async () => {
    for (const seed of SEEDS.slice(0, 50)) expect(await story(seed)).toMatch(/\(1000\).*\(5000\)/);
  });

  test('says so when nothing can go on', async () => {
    await expect(new World(1, 0).run(new Promise(() => {}))).rejects.toThrow('stands still');
  });
});
