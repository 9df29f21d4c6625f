/** Whole jobs in the simulated world, seed by seed. `SIM_SEED=n` runs one, `SIM_SEEDS=n` so many. */
import process from 'node:process';
import { test } from 'vitest';
import { runSeed, type SeedReport } from './job.ts';

const SEEDS = Number(process.env['SIM_SEEDS'] ?? 2_000);
const ONE = process.env['SIM_SEED'];

async function explained(seed: number): Promise<SeedReport> {
  try {
    return await runSeed(seed);
  } catch (error) {
    (error as Error).message = `SIM_SEED=${seed}: ${(error as Error).message}`;
    throw error;
  }
}

test.runIf(ONE !== undefined)('the one seed', async () => {
  const report = await explained(Number(ONE));
  process.stdout.write(
    `${JSON.stringify({ ...report, choices: { ...report.choices, lines: undefined } })}\n`,
  );
});

test.runIf(ONE === undefined)(`${SEEDS} seeds`, { timeout: 600_000 }, async () => {
  const reports: SeedReport[] = [];
  const startMs = performance.now();
  for (let seed = 1; seed <= SEEDS; seed++) reports.push(await explained(seed));
  const seconds = (performance.now() - startMs) / 1000;
  const crashes = reports.reduce((sum, report) => sum + report.crashes, 0);
  process.stdout.write(
    `${crashes} crashes in ${seconds.toFixed(1)} s: ${(crashes / seconds).toFixed(0)} a second\n`,
  );
  const struck = new Map<string, number>();
  for (const name of reports.flatMap((report) => report.struck))
    struck.set(name, (struck.get(name) ?? 0) + 1);
  process.stdout.write(`${JSON.stringify(Object.fromEntries([...struck].sort()))}\n`);
});
