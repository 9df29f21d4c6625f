/** Whole jobs in the simulated world, seed by seed. `SIM_SEED=n` runs one and prints all it chose, `SIM_SEEDS=n` so many. */
import process from 'node:process';
import { expect, test } from 'vitest';
import { runSeed, type SeedReport } from './job.ts';

const SEEDS = Number(process.env['SIM_SEEDS'] ?? 40);
const ONE = process.env['SIM_SEED'];

test.runIf(ONE !== undefined)('the one seed', async () => {
  const report = await runSeed(Number(ONE));
  process.stdout.write(
    `${JSON.stringify({ ...report, choices: { ...report.choices, lines: undefined } })}\n`,
  );
});

test.runIf(ONE === undefined)(`${SEEDS} seeds`, { timeout: 600_000 }, async () => {
  const reports: SeedReport[] = [];
  const failed: string[] = [];
  const startMs = performance.now();
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      reports.push(await runSeed(seed));
    } catch (error) {
      failed.push(`SIM_SEED=${seed}: ${(error as Error).message.slice(0, 400)}`);
    }
  }
  const seconds = (performance.now() - startMs) / 1000;
  const crashes = reports.reduce((sum, report) => sum + report.crashes, 0);
  process.stdout.write(
    `${crashes} crashes in ${seconds.toFixed(1)} s: ${(crashes / seconds).toFixed(0)} a second\n`,
  );
  const struck = new Map<string, number>();
  for (const name of reports.flatMap((report) => report.struck))
    struck.set(name, (struck.get(name) ?? 0) + 1);
  process.stdout.write(`${JSON.stringify(Object.fromEntries([...struck].sort()))}\n`);
  expect(failed).toEqual([]);
  expect(struck.size, 'kinds of trouble that struck').toBeGreaterThan(8);
});
