/**
 * A file of the log goes cold.
 *
 *   blocks ─► Parquet: the blocks, and the events of each source as columns ─► durable ─► read back: the same blocks?
 *          ─► manifest, durable ─► the log reads the cold files ─► the hot file goes
 *
 * A crash before the manifest leaves the hot file, and cold files that the next opening removes; one after it the cold files, and
 * a hot file that the next opening removes.
 */
import { join } from 'node:path';
import { invariant } from '../../base/invariant.ts';
import type { Field } from '../../data/decode.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import type { StoredBlock } from '../block.ts';
import { replaceFramed } from '../framed.ts';
import type { SegmentSummary } from '../segment-index.ts';
import { BLOCK_COLUMN, ColdSegment } from './cold-segment.ts';
import { EventsFile } from './events-file.ts';
import { COLD_MAGIC, type ColdFile, coldFileOf, type ColdManifest } from './manifest.ts';
import { ParquetFile } from './parquet.ts';
import type { ColdPlace } from './place.ts';

/** A row group holds about so many bytes of blocks: what a reader has in memory. */
const GROUP_BYTES_MAX = 4 * 1024 * 1024;

export interface RollOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly folder: string;
  readonly place: ColdPlace;
  /** CRC-32 of the log's name. */
  readonly log: number;
  /** The fields of a source; none are known of one that the definition has not. */
  readonly fieldsOf: (source: string) => readonly Field[];
}

/** What is rolled. */
export interface HotFile {
  readonly firstPosition: number;
  readonly summary: SegmentSummary;
  read(from: number): AsyncIterable<StoredBlock>;
}

/** Makes the cold files of a file and their manifest, all durable. Nothing of the hot file changes. */
export async function rollFile(options: RollOptions, hot: HotFile, previous: number): Promise<ColdSegment> {
  const { disk, folder, place, log } = options;
  const { blocks, groups, events } = await convert(options, hot);
  const digits = String(hot.firstPosition).padStart(20, '0');
  const files: ColdFile[] = [];
  const put = async (name: string, bytes: Uint8Array): Promise<void> => {
    await place.put(name, bytes);
    files.push(coldFileOf(name, bytes));
  };
  await put(`log/${digits}.parquet`, blocks);
  for (const [source, bytes] of events) await put(`events/${folderOf(source)}/${digits}.parquet`, bytes);
  const manifest: ColdManifest = {
    log,
    previous,
    summary: hot.summary,
    files: files as [ColdFile, ...ColdFile[]],
    groups,
  };
  const file = join(folder, ColdSegment.nameOf(hot.firstPosition));
  const cold = new ColdSegment(disk, file, manifest, place);
  await expectSame(hot, cold);
  await replaceFramed(disk, file, COLD_MAGIC, manifest);
  return cold;
}

async function convert(
  { clock, fieldsOf }: RollOptions,
  hot: HotFile,
): Promise<{ blocks: Uint8Array; groups: number[]; events: Map<string, Uint8Array> }> {
  const blocks = await ParquetFile.begin([
    { name: 'position', type: 'integer' },
    { name: 'kind', type: 'text' },
    { name: 'source', type: 'text' },
    { name: BLOCK_COLUMN, type: 'bytes' },
  ]);
  const files = new Map<string, EventsFile>();
  const groups: number[] = [];
  let group: StoredBlock[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (group[0] !== undefined) groups.push(group[0].position);
    blocks.add([
      group.map(({ position }) => BigInt(position)),
      group.map(({ kind }) => kind),
      group.map(({ source }) => source),
      group.map(({ bytes: whole }) => whole),
    ]);
    group = [];
    bytes = 0;
  };
  for await (const block of hot.read(0)) {
    group.push(block);
    bytes += block.bytes.length;
    if (bytes >= GROUP_BYTES_MAX) flush();
    if (block.kind === 'events') {
      const file = files.get(block.source) ?? (await EventsFile.begin(fieldsOf(block.source)));
      files.set(block.source, file);
      file.add(block);
    }
    // Whoever waits to append or to read goes first.
    await clock.turn();
  }
  flush();
  const events = new Map([...files].map(([source, file]) => [source, file.finish()]));
  return { blocks: blocks.finish(), groups, events };
}

/** Both are read: a cold file that gives other bytes back would be found when the hot one is gone. */
async function expectSame(hot: HotFile, cold: ColdSegment): Promise<void> {
  const found = cold.read(0)[Symbol.asyncIterator]();
  for await (const block of hot.read(0)) {
    const next = await found.next();
    const isSame = next.done !== true && next.value.bytes.equals(block.bytes);
    invariant(isSame, `the cold file of position ${block.position} gives its blocks back`);
  }
  invariant((await found.next()).done === true, 'a cold file has no more blocks than the hot one');
}

/** Names of sources are letters, digits and `_`; any other is written so that it can name a folder. */
function folderOf(source: string): string {
  return /^\w[\w-]*$/.test(source) ? source : `x-${Buffer.from(source).toString('hex')}`;
}
