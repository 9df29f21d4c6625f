/** Many seeds, one after the other: what struck, what was done and what failed, together. */
import { choicesOf, runSeed } from './job.ts';

export interface Tally {
  seeds: number;
  /** See SeedReport. */
  crashes: number;
  crashesWhileOpening: number;
  steps: number;
  /** Writes, names and commits that power cuts took away. */
  lost: number;
  /** Name → how often: what struck, and in how many seeds something was done. */
  readonly struck: Map<string, number>;
  readonly did: Map<string, number>;
  /** Seeds in which nothing struck: they have tested nothing. */
  idle: number;
  /** What a person needs to go on with a seed that failed. */
  readonly failed: string[];
}

export function newTally(): Tally {
  const counts = { seeds: 0, crashes: 0, crashesWhileOpening: 0, steps: 0, lost: 0, idle: 0 };
  return { ...counts, struck: new Map(), did: new Map(), failed: [] };
}

export async function runInto(tally: Tally, seed: number): Promise<void> {
  tally.seeds++;
  try {
    const report = await runSeed(seed);
    tally.crashes += report.crashes;
    tally.crashesWhileOpening += report.crashesWhileOpening;
    tally.steps += report.steps;
    tally.lost += report.lost;
    if (report.struck.length === 0) tally.idle++;
    for (const name of report.struck) count(tally.struck, name);
    for (const name of report.did) count(tally.did, name);
  } catch (error) {
    tally.failed.push(failureOf(seed, error));
  }
}

function count(names: Map<string, number>, name: string): void {
  names.set(name, (names.get(name) ?? 0) + 1);
}

const SHOWN = 2_000;

/** The seed, all that it chose, and the command that runs it alone. */
function failureOf(seed: number, error: unknown): string {
  const { stack = String(error) } = error as Error;
  return [
    `seed ${seed}: SEED=${seed} npx vitest run test/sim/jobs.test.ts`,
    JSON.stringify(choicesOf(seed)),
    stack.slice(0, SHOWN),
  ].join('\n');
}
