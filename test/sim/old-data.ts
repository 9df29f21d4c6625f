/** A data folder that version 0.1.0 left: its log has the first lines of each source, and its senders are told so. */
import { crc32 } from 'node:zlib';
import type { SimFileSystem } from '../../runtime/src/sim/disk.ts';
import type { SeededRandom } from '../../runtime/src/sim/seeded-random.ts';
import { type Choices, START_MS } from './choices.ts';
import type { Ledger } from './ledger.ts';
import { type OldBlock, writeOldLog } from './old-log.ts';
import { FOLDER } from './session.ts';

/** False when the seed begins with nothing. */
export function beginWithOldLog(
  { lines, oldLines, partitions, sending }: Choices,
  files: SimFileSystem,
  ledger: Ledger,
  random: SeededRandom,
): boolean {
  const blocks: OldBlock[] = [];
  let position = 0;
  for (const [source, all] of lines) {
    // Those that are rejected are in another log.
    const firstBad = all.findIndex(({ isGood }) => !isGood);
    const some = all.slice(0, Math.min(oldLines, firstBad < 0 ? all.length : firstBad));
    if (some.length === 0) continue;
    const offsets = new Map<number, number>();
    for (const [index, { text }] of some.entries()) {
      const partition = partitions === 1 ? 0 : crc32(text) % partitions;
      const offset = offsets.get(partition) ?? 0;
      offsets.set(partition, offset + 1);
      blocks.push({
        kind: 'events',
        source,
        partition,
        ...(partitions > 1 && { partitions }),
        offset,
        commit: position,
        appendedAtMs: START_MS - 60_000 + position,
        // Names of producers had no source then.
        ...(sending !== 'unnamed' && { producer: `sender of ${source}/${partition}`, sequence: index + 1 }),
        position: position++,
        records: [text],
      });
    }
    if (sending === 'unnamed') ledger.sent(source, some)();
    else ledger.acknowledged(source, some.length);
  }
  if (blocks.length > 0) writeOldLog(files, `${FOLDER}/log`, blocks, random);
  return blocks.length > 0;
}
