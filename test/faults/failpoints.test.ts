/** Deaths at moments that have a name, and deaths of recoveries of recoveries: nothing acknowledged is lost or counts twice. */
import process from 'node:process';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Architecture } from '../../runtime/src/config/project.ts';
import { POINT_NAMES, type PointName } from './points.ts';
import { Shim } from './shim.ts';
import { Workload } from './workload.ts';

const shim = new Shim();
const reason = shim.build();
if (reason !== undefined) process.stderr.write(`no recovery is killed: ${reason}\n`);
afterAll(() => shim.remove());

let workload: Workload | undefined;
afterEach(() => workload?.remove());

const OF_RUNS: readonly PointName[] = ['run commit', 'boundary commit'];
/** Log, snapshots and epochs are the same under each architecture, so they die under one. */
const CASES: readonly (readonly [Architecture, readonly PointName[]])[] = [
  ['batch', ['run commit']],
  ['lambda', ['epoch commit', ...OF_RUNS]],
  ['kappa', POINT_NAMES.filter((name) => !OF_RUNS.includes(name))],
];

describe('a death at each failpoint', () => {
  it.for(CASES)('%s', { timeout: 300_000 }, async ([architecture, names]) => {
    workload = new Workload(architecture, null);
    const { died, violations } = await workload.points(names);
    expect(violations).toEqual([]);
    expect(Object.keys(died)).toEqual(names);
  });
});

describe.skipIf(reason !== undefined)('a recovery that is killed, three deep', () => {
  it.for(['streaming', 'kappa'] as const)('%s', { timeout: 300_000 }, async (architecture) => {
    workload = new Workload(architecture, shim);
    const { kills, violations } = await workload.recoveries(2);
    expect(violations).toEqual([]);
    expect(kills).toBe(8);
  });
});
