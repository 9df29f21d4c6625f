/**
 * Faults that others had and that had no test here yet, by the names of their reports. `regressions.ts` lists all of them, with
 * the tests that others already are.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ARCHITECTURES, defaultConfig } from '../../runtime/src/config/project.ts';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import { Engine } from '../../runtime/src/engine/engine.ts';
import { systemClock } from '../../runtime/src/ports/clock.ts';
import { sale, sales } from '../runtime/architectures/sample.ts';
import { Shim } from './shim.ts';
import { Workload } from './workload.ts';

const shim = new Shim();
const reason = shim.build();
if (reason !== undefined) process.stderr.write(`no first epoch is killed: ${reason}\n`);
const folder = mkdtempSync(join(tmpdir(), 'regressions-'));
afterAll(() => {
  shim.remove();
  rmSync(folder, { recursive: true, force: true });
});

let workload: Workload | undefined;
afterEach(() => workload?.remove());

describe.skipIf(reason !== undefined)('bytewax#181', () => {
  it(
    'a death in the very first life, before anything has made progress, skips nothing',
    { timeout: 300_000 },
    async () => {
      for (const place of [0.3, 0.55, 0.8]) {
        workload = new Workload('streaming', shim);
        const { violations, kills } = await workload.firstLife(place);
        expect(violations).toEqual([]);
        expect(kills).toBe(1);
        workload.remove();
      }
    },
  );
});

describe('risingwave#5192, #22486, #16356', () => {
  it.for(ARCHITECTURES)('%s: ten recoveries without a new event change nothing', async (architecture) => {
    const path = join(folder, architecture);
    const config = defaultConfig(architecture, { trigger: { every: 1000, rows: 3, catchUpRows: 3 } });
    const seen: string[] = [];
    for (let recovery = 0; recovery <= 10; recovery++) {
      const data = await openDataFolder(path, systemClock);
      const engine = await Engine.open({ plan: sales().plan, config, data, clock: systemClock });
      if (recovery === 0) await engine.ingest('sales', events(), 'producer');
      await engine.settle();
      const { sources, views, late, rejected } = await engine.status();
      const rows = await engine.query('perHour', { where: {} });
      const shown = views.map(({ rows: count }) => count);
      seen.push(JSON.stringify({ rows, sources, shown, late, rejected, end: data.log.end }));
      await engine.close();
    }
    expect(new Set(seen).size).toBe(1);
  });

  async function* events(): AsyncIterable<Uint8Array> {
    const all = ['10:00', '11:30', '10:15', '12:00'].map((time, n) => JSON.stringify(sale('a', time, n)));
    yield Buffer.from(`${all.join('\n')}\nno event\n`);
  }
});
