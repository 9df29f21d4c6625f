/** The door for bytes takes, rejects and recognises what the door for lines does (A1, A2), in blocks of columns. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEvent } from '../../../runtime/src/data/decode.ts';
import { acceptLines, type Door } from '../../../runtime/src/ingest/accept.ts';
import { acceptBytes } from '../../../runtime/src/ingest/accept-bytes.ts';
import { linesOf } from '../../../runtime/src/ingest/lines.ts';
import type { Block } from '../../../runtime/src/log/log.ts';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import { MemoryLog } from '../../../runtime/src/log/memory-log.ts';
import type { SourcePlan } from '../../../runtime/src/plan/node.ts';
import { parsePlan } from '../../../runtime/src/plan/parse.ts';
import { Machine } from '../../../runtime/src/sim/machine.ts';
import { World } from '../../../runtime/src/sim/world.ts';
import { ManualClock } from '../../../runtime/src/testing/manual-clock.ts';
import { EVENT_TIME, FIELDS, lines } from '../compile/scanner-lines.ts';
import { planOf } from '../plan/plans.ts';

const plain = parsePlan(planOf()).sources[0] as SourcePlan;
const source: SourcePlan = { ...plain, fields: FIELDS, eventTime: EVENT_TIME };

function doorOf(change: Partial<Door> = {}): Door {
  const clock = new ManualClock(Date.UTC(2020, 0, 1));
  return {
    source,
    log: new MemoryLog(clock),
    rejected: new MemoryLog(clock),
    clock,
    partitions: 1,
    ...change,
  };
}

async function* pieces(bytes: Buffer, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function* batches(bytes: Buffer) {
  for await (const line of linesOf(pieces(bytes, bytes.length))) yield [line];
}

async function blocksOf({ log }: Door): Promise<Block[]> {
  const blocks: Block[] = [];
  for await (const block of log.read(0)) blocks.push(block);
  return blocks;
}

/** The events of each partition, decoded, and what was rejected. */
async function contentOf(door: Door): Promise<unknown> {
  const events: Record<number, unknown[]> = {};
  for (const { partition, records } of await blocksOf(door))
    for (const text of records) {
      const own = (events[partition] ??= []);
      own.push(decodeEvent(door.source.fields, JSON.parse(text)));
    }
  const rejected: unknown[] = [];
  for await (const { records } of door.rejected.read(0))
    for (const text of records) rejected.push(JSON.parse(text));
  return { events, rejected };
}

const manyLines = fc
  .array(lines, { minLength: 1, maxLength: 4 })
  .map((all) => Buffer.concat(all.flat().flatMap((line) => [line, Buffer.from('\n')])));

test.each([1, 3])(
  'any lines, cut anywhere, are the same as one by one: %i partitions',
  async (partitions) => {
    await fc.assert(
      fc.asyncProperty(manyLines, fc.integer({ min: 1, max: 5000 }), async (bytes, size) => {
        const [byLine, byBytes] = [doorOf({ partitions }), doorOf({ partitions })];
        const expected = await acceptLines(byLine, batches(bytes), 'p');
        expect(await acceptBytes(byBytes, pieces(bytes, size), 'p')).toEqual(expected);
        expect(await contentOf(byBytes)).toEqual(await contentOf(byLine));
        const again = await acceptBytes(byBytes, pieces(bytes, size + 1), 'p');
        expect(again).toMatchObject({
          accepted: 0,
          rejected: 0,
          known: expected.accepted + expected.rejected,
        });
      }),
      { numRuns: 60 },
    );
  },
);

const good = (n: number, more = ''): string => `{"kind":${n},"seen":"2015-07-15T00:00:00Z"${more}}\n`;
const many = (more = ''): Buffer =>
  Buffer.from(Array.from({ length: 100 }, (_, n) => good(n, more)).join(''));
const isColumns = async (door: Door): Promise<boolean[]> =>
  (await blocksOf(door)).map(({ columns }) => columns !== undefined);

describe('a block', () => {
  test('of events that have only what is declared is columns', async () => {
    const door = doorOf();
    await acceptBytes(door, pieces(many(), 1 << 20));
    expect(await isColumns(door)).toEqual([true]);
    expect((await blocksOf(door))[0]).toMatchObject({ count: 100, times: { minMs: Date.UTC(2015, 6, 15) } });
  });

  test.each([
    ['a member', ',"other":1'],
    ['a member inside', ',"bid":{"price":1,"other":null}'],
    ['a member that is written with an escape', ',"oth\\u0065r":1'],
  ])('with %s that is not declared stays text', async (_, more) => {
    const door = doorOf();
    await acceptBytes(door, pieces(many(more), 1 << 20));
    expect((await blocksOf(door))[0]?.records[7]).toBe(good(7, more).trim());
    expect(await isColumns(door)).toEqual([false]);
    const dropping = doorOf({ dropsUnknown: true });
    await acceptBytes(dropping, pieces(many(more), 1 << 20));
    expect(await isColumns(dropping)).toEqual([true]);
  });

  test('that fails is the last one: nothing behind it is in the log', async () => {
    const log = new MemoryLog(new ManualClock(0));
    let appends = 0;
    const failing = Object.assign(Object.create(log) as MemoryLog, {
      append: () => (appends++ === 1 ? Promise.reject(new Error('full')) : Promise.resolve()),
      lastSequence: () => 0,
    });
    const bytes = Buffer.concat(Array.from({ length: 700 }, () => many(',"note":"a text of some length"')));
    await expect(acceptBytes(doorOf({ log: failing }), pieces(bytes, 1 << 16), 'p')).rejects.toThrow('full');
    expect(appends).toBe(2);
  });
});

test('A2: two that send the same under one name at the same time add nothing twice, however each cuts it', async () => {
  const sizes = fc.integer({ min: 1, max: 400 });
  await fc.assert(
    fc.asyncProperty(fc.nat(), sizes, sizes, fc.boolean(), async (seed, size, other, byLines) => {
      const world = new World(seed, Date.UTC(2020, 0, 1));
      const { disk, clock } = new Machine(world).start();
      const openLog = (name: string): Promise<DiskLog> => world.run(DiskLog.open(name, { disk, clock }));
      const [log, rejected] = [await openLog('/log'), await openLog('/rejected')];
      const door = doorOf({ partitions: 2, log, rejected, clock });
      const bytes = Buffer.concat([many(), Buffer.from('no event\n'), many(',"other":1')]);
      const twin = byLines
        ? acceptLines(door, batches(bytes), 'p')
        : acceptBytes(door, pieces(bytes, other), 'p');
      const sent = await world.run(Promise.all([acceptBytes(door, pieces(bytes, size), 'p'), twin]));
      expect(sent.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(200);
      expect([log.end, rejected.end]).toEqual([200, 1]);
    }),
    { numRuns: 20 },
  );
});

test('A2: one name for two sources: what one of them was sent says nothing about the other', async () => {
  const door = doorOf();
  const other = { ...door, source: { ...source, name: 'others' } };
  const bytes = Buffer.from(`${good(1)}no\n${good(2)}`);
  for (const known of [0, 3])
    for (const each of [door, other])
      expect(await acceptBytes(each, pieces(bytes, 100), 'p')).toMatchObject({ known });
});

test('a line that is too long is rejected with its real length, wherever it is cut', async () => {
  const long = Buffer.from(`{"note":"${'x'.repeat(1_200_000)}"}\n`);
  const bytes = Buffer.concat([
    Buffer.from(good(1)),
    long,
    Buffer.from('\n'),
    Buffer.from(good(2)),
    Buffer.from('no'),
  ]);
  for (const size of [1 << 14, 1_000_003, bytes.length]) {
    const result = await acceptBytes(doorOf(), pieces(bytes, size));
    expect(result).toMatchObject({ accepted: 2, rejected: 2 });
    expect(result.problems[0]).toEqual({
      line: 2,
      reason: expect.stringContaining(`${long.length - 1} bytes`) as string,
    });
    expect(result.problems[1]).toMatchObject({ line: 5 });
  }
});
