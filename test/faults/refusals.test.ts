/** A system that refuses: reads that fail, no descriptors, no rights, a disk that became read-only, no memory. */
import process from 'node:process';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { REFUSALS, type Refusal, Workload } from './workload.ts';
import { Shim } from './shim.ts';

const shim = new Shim();
const reason = shim.build();
if (reason !== undefined) process.stderr.write(`nothing is refused: ${reason}\n`);
afterAll(() => shim.remove());

let workload: Workload | undefined;
afterEach(() => workload?.remove());

describe.skipIf(reason !== undefined)('a call that is refused', () => {
  it.for(Object.keys(REFUSALS) as Refusal[])(
    '%s: the process ends with a code or goes on, and nothing acknowledged is lost',
    { timeout: 300_000 },
    async (refusal) => {
      workload = new Workload('streaming', shim);
      const { violations, faults } = await workload.refuse(refusal, 3);
      expect(violations).toEqual([]);
      expect(faults[refusal]).toBe(3);
    },
  );
});

describe('too little memory', () => {
  it('a process that dies of it has lost nothing that it acknowledged', { timeout: 300_000 }, async () => {
    workload = new Workload('streaming', null);
    const { violations, faults } = await workload.starve([9, 11, 13]);
    expect(violations).toEqual([]);
    expect(faults['out of memory']).toBeGreaterThan(0);
  });
});
