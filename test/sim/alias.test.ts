/** K2: where readers of Kappa were moved is durable once `promote` or `rollback` returned, whatever a power cut takes. */
import { expect, test } from 'vitest';
import { TestDriver } from '../../runtime/src/testing/index.ts';
import { MemoryLog } from '../../runtime/src/log/memory-log.ts';
import { ManualClock } from '../../runtime/src/testing/manual-clock.ts';
import { Machine } from '../../runtime/src/sim/machine.ts';
import { World } from '../../runtime/src/sim/world.ts';
import { sale, sales } from '../runtime/architectures/sample.ts';

const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);

/** The live version after a power cut that follows the last command. */
async function liveAfter(seed: number, commands: readonly (readonly [string, object])[]) {
  const world = new World(seed, 0);
  const machine = new Machine(world);
  const clock = new ManualClock();
  const logs = { log: new MemoryLog(clock), rejected: new MemoryLog(clock) };
  const open = async (): Promise<TestDriver> => {
    const store = await machine.start().openStore('/state');
    const data = { ...logs, store, close: () => Promise.resolve() };
    return TestDriver.open(sales(), { architecture: 'kappa', clock, data });
  };
  return world.run(
    (async () => {
      const driver = await open();
      await driver.send('sales', [sale('a', '10:00', 1)]);
      for (const [name, params] of commands) await driver.engine.command(name, params);
      machine.powerCut();
      const { versions = [] } = await (await open()).engine.status();
      return versions.find(({ role }) => role === 'live')?.name;
    })(),
  );
}

const REPLAY = ['replay', { as: 'v2', plan: sales('correct', { atLeast: 2 }).plan }] as const;
const PROMOTE = ['promote', { version: 'v2' }] as const;

test.for(SEEDS)('promote, seed %i', async (seed) => {
  expect(await liveAfter(seed, [REPLAY, PROMOTE])).toBe('v2');
});

test.for(SEEDS)('rollback, seed %i', async (seed) => {
  expect(await liveAfter(seed, [REPLAY, PROMOTE, ['rollback', {}]])).toBe('v1');
});
