/** A wall clock that is set while something is computed delays nothing: what waits waits by the time that passes. */
import { expect, test } from 'vitest';
import { ARCHITECTURES, defaultConfig } from '../../runtime/src/config/project.ts';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import { Engine } from '../../runtime/src/engine/engine.ts';
import { Machine } from '../../runtime/src/sim/machine.ts';
import { World } from '../../runtime/src/sim/world.ts';
import { START_MS } from './choices.ts';
import { DEFINITIONS } from './definitions.ts';
import { sleepOutside } from './session.ts';

const HOUR_MS = 3_600_000;
const LINES = [1, 2, 3].map((n) =>
  JSON.stringify({ n, key: 'x', at: new Date(START_MS + n).toISOString(), value: n }),
);

test.each(ARCHITECTURES.flatMap((name) => [-2, 26_280].map((hours) => [name, hours] as const)))(
  '%s, by %i hours',
  async (architecture, hours) => {
    const world = new World(1, START_MS);
    const process = new Machine(world).start();
    const { clock, disk } = process;
    const story = async (): Promise<void> => {
      const openStore = (folder: string) => process.openStore(folder);
      const data = await openDataFolder('/data', clock, disk, { openStore, random: world.random });
      const engine = await Engine.open({
        plan: DEFINITIONS[0]!.definition.plan,
        config: {
          ...defaultConfig(architecture, { runtime: { jit: 'off' } }),
          trigger: { every: 50, rows: 64, catchUpRows: 64 },
          batch: { every: 100, partition: HOUR_MS },
          corrections: { every: 100 },
        },
        data,
        clock,
        // Behind the moment from which the next epoch is due, and before the wait for it.
        onCommit: () => (world.jumpMs = hours * HOUR_MS),
      });
      const stop = new AbortController();
      const running = engine.run(stop.signal);
      for (const [index, line] of LINES.entries()) {
        await engine.ingest('a', chunk(line));
        await sleepOutside(world, 1_000);
        const [row] = await engine.query('totals', { where: {} });
        expect(row?.['events'], `after event ${index + 1}`).toBe(index + 1);
      }
      stop.abort();
      await running;
    };
    await world.run(story());
    expect(world.jumpMs).not.toBe(0);
  },
);

async function* chunk(line: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(`${line}\n`));
}
