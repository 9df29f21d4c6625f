/** A reader that passes shares its memory with the next; one that keeps blocks does not. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import type { Block } from '../../../runtime/src/log/log.ts';
import { systemClock } from '../../../runtime/src/ports/clock.ts';
import { realDisk } from '../../../runtime/src/ports/disk.ts';

const folder = mkdtempSync(join(tmpdir(), 'passing-'));
afterAll(() => rmSync(folder, { recursive: true }));

const BLOCKS = 60;
const textOf = (block: number): string => `{"block":${block},"text":"${String(block % 10).repeat(90_000)}"}`;

async function allOf(log: DiskLog, isPassing: boolean): Promise<readonly string[]> {
  const seen: string[] = [];
  const kept: Block[] = [];
  for await (const block of log.read(0, { isPassing })) {
    if (isPassing) seen.push(...block.records);
    else kept.push(block);
  }
  return isPassing ? seen : kept.flatMap(({ records }) => records);
}

test('blocks that are kept and blocks that pass are the same, across runs, files and readers (L2)', async () => {
  const ports = { disk: realDisk, clock: systemClock, segmentBytes: 2_500_000 };
  const log = await DiskLog.open(folder, ports);
  const expected = Array.from({ length: BLOCKS }, (_, block) => textOf(block));
  for (const text of expected)
    await log.append({ kind: 'events', source: 's', partition: 0, records: [text] });
  for (let turn = 0; turn < 2; turn++) {
    expect(await allOf(log, false)).toEqual(expected);
    // Two at once: neither overwrites what the other looks at.
    expect(await Promise.all([allOf(log, true), allOf(log, true)])).toEqual([expected, expected]);
  }
  await log.close();
});
