/** L1, S3: real power cuts under real processes. Nothing acknowledged is lost, nothing counts twice, and every copy starts. */
import process from 'node:process';
import { afterEach, describe, expect, it } from 'vitest';
import { PowerCuts } from './power-cuts.ts';

const reason = PowerCuts.unavailable();
if (reason !== undefined) process.stderr.write(`the power is not cut: ${reason}\n`);

let machine: PowerCuts | undefined;
afterEach(() => machine?.remove());

describe.skipIf(reason !== undefined)('a power cut', () => {
  it.for(['streaming', 'lambda'] as const)('%s', { timeout: 300_000 }, async (architecture) => {
    machine = new PowerCuts(architecture, 1);
    const { cuts, lossy, violations } = await machine.run(4);
    expect(violations).toEqual([]);
    expect(cuts).toBe(4);
    expect(lossy, 'cuts that took something away').toBeGreaterThan(0);
  });
});
