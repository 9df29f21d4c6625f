/** The door: A1, A2, and every kind of bad input by name. */
import { describe, expect, test } from 'vitest';
import { acceptLines, type Door, type RejectedRecord } from '../../../runtime/src/ingest/accept.ts';
import { type Line, linesOf } from '../../../runtime/src/ingest/lines.ts';
import { DiskLog } from '../../../runtime/src/log/disk-log.ts';
import type { Log } from '../../../runtime/src/log/log.ts';
import { MemoryLog } from '../../../runtime/src/log/memory-log.ts';
import type { SourcePlan } from '../../../runtime/src/plan/node.ts';
import { parsePlan } from '../../../runtime/src/plan/parse.ts';
import { ManualClock } from '../../../runtime/src/testing/manual-clock.ts';
import { recordsOf } from '../../suites/log.suite.ts';
import { EVERYTHING, NOTHING, prefix, SimDisk } from '../../suites/sim-disk.ts';
import { planOf } from '../plan/plans.ts';

const source = parsePlan(planOf()).sources[0] as SourcePlan;
const NOW = Date.UTC(2001, 0, 10, 12);
const good = (fields: object = {}): string =>
  JSON.stringify({ origin: 'ATL', scheduled: '2001-01-10T06:00:00Z', delay: 1, ...fields });

const OLD = { kind: 'events', source: 'flights', partition: 0 } as const;

interface MemoryDoor extends Door {
  readonly log: MemoryLog;
  readonly rejected: MemoryLog;
}

function doorOf(change: Partial<Door> = {}): MemoryDoor {
  const clock = new ManualClock(NOW);
  const [log, rejected] = [new MemoryLog(clock), new MemoryLog(clock)];
  return { source, log, rejected, clock, partitions: 1, ...change } as MemoryDoor;
}

/** Lines in batches of so many. */
async function* batches(texts: readonly (string | Line)[], size = 1000): AsyncIterable<readonly Line[]> {
  const lines = texts.map((text, i) => (typeof text === 'string' ? { number: i + 1, text } : text));
  for (let from = 0; from < lines.length; from += size)
    yield await Promise.resolve(lines.slice(from, from + size));
}

async function reasonFor(line: string | Uint8Array): Promise<string | undefined> {
  const door = doorOf();
  const lines: Line[] = [];
  const bytes = (async function* once() {
    yield await Promise.resolve(Buffer.from(line as string));
  })();
  for await (const each of linesOf(bytes)) lines.push(each);
  const result = await acceptLines(door, batches(lines));
  expect(result.accepted + result.rejected).toBe(1);
  return result.problems[0]?.reason;
}

describe('an event that is wrong is rejected, with the reason', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['no JSON', '{"origin":', 'not JSON: '],
    ['two documents', `${good()}${good()}`, 'not JSON: '],
    ['NaN', '{"origin":"ATL","scheduled":"2001-01-10T06:00:00Z","delay":NaN}', 'not JSON: '],
    ['a list', '[1]', 'the event is an array, not a JSON object'],
    ['null', 'null', 'the event is null, not a JSON object'],
    ['a number', '12', 'the event is 12, not a JSON object'],
    ['a missing time', good({ scheduled: undefined }), 'field "scheduled" is missing'],
    ['a null time', good({ scheduled: null }), 'field "scheduled" is null'],
    [
      'a time without a zone',
      good({ scheduled: '2001-01-10T06:00:00' }),
      'field "scheduled" is "2001-01-10T06:00:00", not an ISO 8601 time with Z or an offset',
    ],
    [
      'a day that the month does not have',
      good({ scheduled: '2001-02-29T06:00:00Z' }),
      'not an ISO 8601 time',
    ],
    [
      'a time as a number',
      good({ scheduled: 979106400000 }),
      'field "scheduled" is 979106400000, not an ISO 8601 time',
    ],
    [
      'a century ago',
      good({ scheduled: '1901-01-10T06:00:00Z' }),
      'scheduled is 1901-01-10T06:00:00.000Z, before 1970',
    ],
    [
      'a century ahead',
      good({ scheduled: '2101-01-10T06:00:00Z' }),
      'scheduled is 2101-01-10T06:00:00.000Z, more than 1d ahead of the clock',
    ],
    ['a wrong type', good({ origin: 7 }), 'field "origin" is 7, not a string'],
    ['a list as a field', good({ origin: ['ATL'] }), 'field "origin" is an array, not a string'],
    [
      'a fraction for a whole number',
      good({ delay: 1.5 }),
      'field "delay" is 1.5, not a whole number up to 2^53 - 1',
    ],
    ['2^53', good({ delay: 2 ** 53 }), 'field "delay" is 9007199254740992, not a whole number'],
    [
      'a number that is infinite in JavaScript',
      good().replace('"delay":1', '"delay":1e999'),
      'field "delay" is null, not a whole number',
    ],
    [
      'half a surrogate',
      good().replace('ATL', String.raw`\ud800`),
      'field "origin" is "\\ud800", not a string',
    ],
    [
      'a field of the prototype',
      '{"__proto__":{"origin":"ATL"},"scheduled":"2001-01-10T06:00:00Z"}',
      'field "origin" is missing',
    ],
    ['over a megabyte', good({ origin: 'x'.repeat(1_000_000) }), 'bytes, over the 1 MB that one may have'],
    ['not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'the line is not UTF-8 text'],
    ['nesting without an end', '['.repeat(500_000), 'not JSON: '],
  ])('%s', async (_, line, reason) => {
    expect(await reasonFor(line)).toContain(reason);
  });

  test.each<[string, string]>([
    ['a missing value that may be null', good({ delay: undefined })],
    ['fields that the source does not name', good({ extra: { deep: [1] } })],
    ['one millisecond before the limit', good({ scheduled: '2001-01-11T12:00:00.000Z' })],
    ['white space and a byte order mark around it', `\ufeff  ${good()} \r`],
    ['a key twice: the last counts', `{"origin":1,${good().slice(1)}`],
  ])('%s is accepted', async (_, line) => {
    expect(await reasonFor(line)).toBeUndefined();
  });

  test('and kept whole, with line, time and reason; at most ten problems come back', async () => {
    const door = doorOf();
    const result = await acceptLines(door, batches([good(), ...Array.from({ length: 12 }, () => 'no')]));
    expect(result).toMatchObject({ accepted: 1, rejected: 12 });
    expect(result.problems).toHaveLength(10);
    const records = (await recordsOf(door.rejected)).map((text) => JSON.parse(text) as RejectedRecord);
    expect(records).toHaveLength(12);
    expect(records[0]).toEqual({
      source: 'flights',
      line: 2,
      reason: expect.stringContaining('not JSON'),
      at: '2001-01-10T12:00:00.000Z',
      text: 'no',
      whole: true,
    });
  });
});

describe('A2: what a producer sends again is recognised', () => {
  const texts = Array.from({ length: 12 }, (_, i) => (i % 4 === 3 ? `bad ${i}` : good({ delay: i })));
  const accepted = texts.filter((text) => !text.startsWith('bad'));

  test('line by line, however it is cut this time', async () => {
    const door = doorOf();
    await acceptLines(door, batches(texts.slice(0, 7), 3), 'p');
    const result = await acceptLines(door, batches(texts, 5), 'p');
    expect(result).toMatchObject({ known: 7, accepted: 3, rejected: 2 });
    expect(await recordsOf(door.log)).toEqual(accepted);
    expect(await recordsOf(door.rejected)).toHaveLength(3);
  });

  test('one name for two sources: what one of them was sent says nothing about the other', async () => {
    const door = doorOf();
    const other = { ...door, source: { ...source, name: 'arrivals' } };
    await acceptLines(door, batches(texts), 'p');
    expect(await acceptLines(other, batches(texts), 'p')).toMatchObject({
      accepted: 9,
      rejected: 3,
      known: 0,
    });
    for (const again of [door, other])
      expect(await acceptLines(again, batches(texts), 'p')).toMatchObject({ accepted: 0, known: 12 });
  });

  test('what a log of version 0.1 has is known', async () => {
    const door = doorOf();
    const records = texts.slice(0, 3);
    await door.log.append({ ...OLD, producer: 'p/0', sequence: 3, records });
    await door.rejected.append({ ...OLD, producer: 'p', sequence: 4, records: ['{}'] });
    expect(await acceptLines(door, batches(texts), 'p')).toMatchObject({
      known: 4,
      accepted: 6,
      rejected: 2,
    });
  });

  test('without a name nothing is', async () => {
    const door = doorOf();
    await acceptLines(door, batches(texts));
    await acceptLines(door, batches(texts));
    expect(door.log.end).toBe(18);
  });

  test('lines that are judged otherwise today stay what they were', async () => {
    const door = doorOf();
    const late = good({ scheduled: '2001-01-12T00:00:00Z' });
    await acceptLines(door, batches([good(), late, good({ delay: 2 })]), 'p');
    const tomorrow = { ...door, clock: new ManualClock(NOW + 86_400_000) };
    expect(await acceptLines(tomorrow, batches([good(), late, good({ delay: 2 })]), 'p')).toMatchObject({
      known: 3,
    });
    const yesterday = { ...door, clock: new ManualClock(NOW - 3 * 86_400_000) };
    expect(await acceptLines(yesterday, batches([good(), late, good({ delay: 2 })]), 'p')).toMatchObject({
      known: 3,
    });
    expect([door.log.end, door.rejected.end]).toEqual([2, 1]);
  });

  test('over partitions an event has one place, and every block says how many there are', async () => {
    const door = doorOf({ partitions: 3 });
    await acceptLines(door, batches(texts, 5), 'p');
    await acceptLines(door, batches(texts, 4), 'p');
    expect((await recordsOf(door.log)).sort()).toEqual(accepted.toSorted());
    const ends = [0, 1, 2].map((partition) => door.log.endOffset('flights', partition));
    expect(ends.filter((end) => end > 0).length).toBeGreaterThan(1);
    for await (const block of door.log.read(0)) expect(block.partitions).toBe(3);
  });

  test('A1: after a crash at any operation of the disk each line is there once, whatever was acknowledged', async () => {
    for (const survivors of [NOTHING, EVERYTHING, prefix(200)]) {
      let isReached = true;
      for (let at = 1; isReached; at++) {
        const disk = new SimDisk();
        disk.fault = { at, code: 'EIO', forEver: true };
        const first = await sendOver(disk, 4);
        isReached = disk.isFaultReached;
        disk.crash(survivors);
        const before = await contents(disk);
        expect(before.log.length).toBeGreaterThanOrEqual(first.accepted);
        expect(before.rejected.length).toBeGreaterThanOrEqual(first.rejected);
        await sendOver(disk, 5);
        const { log, rejected } = await contents(disk);
        expect(log.sort(), `operation ${at}`).toEqual(accepted.toSorted());
        expect(rejected.sort()).toEqual(['bad 11', 'bad 3', 'bad 7']);
      }
    }
  });

  const logsOn = async (disk: SimDisk): Promise<{ log: Log; rejected: Log }> => {
    const ports = { disk, clock: new ManualClock(NOW), segmentBytes: 600 };
    return { log: await DiskLog.open('/log', ports), rejected: await DiskLog.open('/rejected', ports) };
  };

  /** Sends everything to logs on a disk; returns the counts that were last reported. */
  async function sendOver(disk: SimDisk, size: number): Promise<{ accepted: number; rejected: number }> {
    const total = { accepted: 0, rejected: 0 };
    try {
      const door = { ...doorOf(await logsOn(disk)), partitions: 2 };
      await acceptLines(door, batches(texts, size), 'p', (now) => Object.assign(total, now));
    } catch (error) {
      expect(error).toMatchObject({ kind: 'external' });
    }
    return total;
  }

  async function contents(disk: SimDisk): Promise<{ log: string[]; rejected: string[] }> {
    const { log, rejected } = await logsOn(disk);
    const records = await recordsOf(rejected);
    return {
      log: await recordsOf(log),
      rejected: records.map((text) => (JSON.parse(text) as RejectedRecord).text),
    };
  }
});
