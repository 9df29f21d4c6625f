/**
 * Whole jobs in the simulated world, seed by seed. `SEEDS=n` runs so many, `SEED=n` that one and prints all it chose, both
 * together so many from that one on.
 */
import process from 'node:process';
import { afterAll, describe, expect, test } from 'vitest';
import { ARCHITECTURES } from '../../runtime/src/config/project.ts';
import { architectureOf } from './choices.ts';
import { choicesOf, runSeed } from './job.ts';
import { newTally, runInto } from './seeds.ts';
import { TROUBLES } from './troubles.ts';

const { SEED, SEEDS = SEED === undefined ? '2000' : '1' } = process.env;
const FIRST = Number(SEED ?? 1);
const ALL = Array.from({ length: Number(SEEDS) }, (_, index) => FIRST + index);
/** From so many on everything must have happened. */
const ENOUGH = 2000;

/** What must have been done, besides the troubles that must have struck. */
const DEEDS =
  `backfill, replay, promote, rollback, drop, replay-rejected, snapshot, restore, death while restoring,
 late events: correct, late events: drop, late events: side-output, corrections, another definition,
 several files of a log, refused a second owner, senders of one name, a log whose beginning was removed, files that went cold,
 refused what the log has not any more, replay-late, a log of format 1, sink: jsonl, sink: csv, sink: parquet, sink: database,
 database: lost, database: answer lost, database: crash, database: lost at COMMIT, database: answer lost at COMMIT,
 database: crash at COMMIT, database: a message of the dead, database: set back`.split(/,\s+/);

const tally = newTally();

describe.skipIf(ALL.length === 1)('seeds', () => {
  test.each(ARCHITECTURES)('%s', { timeout: 3_600_000 }, async (architecture) => {
    const failedBefore = tally.failed.length;
    for (const seed of ALL) if (architectureOf(seed) === architecture) await runInto(tally, seed);
    const failed = tally.failed.slice(failedBefore);
    expect(failed).toEqual([]);
  });

  test.runIf(ALL.length >= ENOUGH)('everything that may go wrong did, and everything was done', () => {
    const never = [
      ...TROUBLES.filter((name) => !tally.struck.has(name)),
      ...DEEDS.filter((name) => !tally.did.has(name)),
    ];
    expect(never).toEqual([]);
    expect(tally.idle, 'seeds in which nothing went wrong').toBeLessThan(tally.seeds / 20);
    expect(tally.crashes, 'crashes of a job at work').toBeGreaterThan(5 * tally.seeds);
    expect(tally.crashesWhileOpening).toBeGreaterThan(tally.seeds / 2);
    expect(tally.lost, 'writes, names and commits that power cuts took').toBeGreaterThan(tally.seeds);
  });

  afterAll(() => {
    const counts = `${tally.crashes} crashes at work, ${tally.crashesWhileOpening} while opening`;
    process.stdout.write(`${tally.seeds} simulated jobs, ${counts}, ${tally.steps} steps\n`);
  });
});

describe.runIf(ALL.length === 1)('one seed', () => {
  test(`${FIRST}`, async () => {
    process.stdout.write(`${JSON.stringify(choicesOf(FIRST))}\n`);
    const { choices: _, ...report } = await runSeed(FIRST);
    process.stdout.write(`${JSON.stringify(report)}\n`);
    expect(report.struck, 'troubles that struck').not.toEqual([]);
  });
});

test('a seed is one run: its choices, its steps, its end', async () => {
  const digests = async (): Promise<readonly (readonly [number, number])[]> => {
    const found: (readonly [number, number])[] = [];
    for (const seed of [3, 7, 11, 15, 19]) {
      const { digest, steps } = await runSeed(seed);
      found.push([digest, steps]);
    }
    return found;
  };
  expect(await digests()).toEqual(await digests());
});
