/** Whole jobs in the simulated world, seed by seed. `SIM_SEED=n` runs one and prints all it chose, `SIM_SEEDS=n` so many. */
import process from 'node:process';
import { expect, test } from 'vitest';
import { runSeed, type SeedReport } from './job.ts';

const SEEDS = Number(process.env['SIM_SEEDS'] ?? 150);
const ONE = process.env['SIM_SEED'];

test.each(ONE === undefined ? [] : [Number(ONE)])('the one seed, %i', async (seed) => {
  const report = await runSeed(seed);
  const shown = { ...report, choices: { ...report.choices, lines: undefined } };
  process.stdout.write(`${JSON.stringify(shown)}\n`);
  expect(report.struck, 'troubles that struck').not.toEqual([]);
});

test.each(ONE === undefined ? [SEEDS] : [])('%i seeds', { timeout: 3_600_000 }, async (seeds) => {
  const reports: SeedReport[] = [];
  const failed: string[] = [];
  const startUs = cpuUs();
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      reports.push(await runSeed(seed));
    } catch (error) {
      failed.push(`SIM_SEED=${seed}: ${String((error as Error).stack).slice(0, 1_500)}`);
    }
  }
  const seconds = (cpuUs() - startUs) / 1e6;
  const struck = reports.flatMap((report) => report.struck);
  const crashes = reports.reduce((sum, report) => sum + report.crashes, 0);
  const rate = (crashes / seconds).toFixed(1);
  process.stdout.write(
    `${reports.length} jobs, ${struck.length} troubles that struck, ${crashes} of them crashes: ${rate} a CPU second\n`,
  );
  expect(failed).toEqual([]);
  // A seed in which nothing went wrong has tested nothing, and does not count.
  const counted = reports.filter((report) => report.struck.length > 0);
  expect(counted.length, 'jobs in which something went wrong').toBeGreaterThan(seeds * 0.95);
  expect(new Set(struck).size, 'kinds of trouble that struck').toBeGreaterThan(Math.min(20, seeds / 5));
});

test('a seed is one run: its choices, its steps, its end', async () => {
  const digests = async (): Promise<readonly (readonly [number, number])[]> => {
    const found: (readonly [number, number])[] = [];
    for (const seed of [3, 7, 11]) {
      const { digest, steps } = await runSeed(seed);
      found.push([digest, steps]);
    }
    return found;
  };
  expect(await digests()).toEqual(await digests());
});

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
