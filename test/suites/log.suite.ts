/** What every log does: the invariants L1, L2 and L4 of `log/log.ts`. L3 needs a disk; see `disk-log.test.ts`. */
import { afterAll, describe, expect, test } from 'vitest';
import type { Block, Log, TextAppend } from '../../runtime/src/log/log.ts';

export function events(...records: string[]): TextAppend {
  return { kind: 'events', source: 'clicks', partition: 0, records };
}

export async function blocksOf(log: Log, from = 0): Promise<Block[]> {
  const blocks: Block[] = [];
  for await (const block of log.read(from)) blocks.push(block);
  return blocks;
}

/** The records of a log in their order. */
export async function recordsOf(log: Log): Promise<string[]> {
  return (await blocksOf(log)).flatMap((block) => block.records);
}

export function logSuite(name: string, openNew: () => Promise<Log>): void {
  describe(`${name} keeps the contract of the log`, () => {
    const opened: Log[] = [];
    const open = async (): Promise<Log> => {
      const log = await openNew();
      opened.push(log);
      return log;
    };
    afterAll(() => Promise.all(opened.map((log) => log.close())));

    test('L2: positions count records, of control blocks too; a block is read whole', async () => {
      const log = await open();
      await log.append(events('a', 'b'));
      await log.append({ kind: 'idle', source: 'clicks', partition: 0, records: ['{}'] });
      await log.append(events('c'));
      const blocks = await blocksOf(log);
      expect(blocks.map(({ kind, position, count, records }) => [kind, position, count, records])).toEqual([
        ['events', 0, 2, ['a', 'b']],
        ['idle', 2, 1, ['{}']],
        ['events', 3, 1, ['c']],
      ]);
      expect(log.end).toBe(4);
    });

    test('offsets count the events of a source and partition; control blocks take none', async () => {
      const log = await open();
      await log.append(events('a', 'b'));
      await log.append({ kind: 'idle', source: 'clicks', partition: 0, records: ['{}'] });
      await log.append({ ...events('x'), partition: 1 });
      await log.append({ ...events('y'), source: 'orders' });
      await log.append(events('c'));
      const places = (await blocksOf(log)).map((b) => [b.source, b.partition, b.offset]);
      expect(places).toEqual([
        ['clicks', 0, 0],
        ['clicks', 0, 2],
        ['clicks', 1, 0],
        ['orders', 0, 0],
        ['clicks', 0, 2],
      ]);
      expect([0, 1, 2].map((partition) => log.endOffset('clicks', partition))).toEqual([3, 1, 0]);
    });

    test('what stands in a head comes back: partitions, producer, sequence, time of the append', async () => {
      const log = await open();
      await log.append({ ...events('a'), partition: 2, partitions: 4, producer: 'p', sequence: 7 });
      const [block] = await blocksOf(log);
      expect(block).toMatchObject({ partition: 2, partitions: 4, producer: 'p', sequence: 7 });
      expect(block?.appendedAtMs).toBe(Date.UTC(2001, 0, 1));
    });

    test('texts come back as they went in, whatever they hold', async () => {
      const log = await open();
      const texts = ['', '\u0000\u2028', 'é😀', '{"a":"\\n"}', 'PBK1'];
      await log.append(events(...texts));
      expect(await recordsOf(log)).toEqual(texts);
    });

    test('a read from inside a block begins with that block', async () => {
      const log = await open();
      await log.append(events('a', 'b', 'c'));
      await log.append(events('d'));
      const firsts = [];
      for (const from of [0, 2, 3, 4, 99]) firsts.push((await blocksOf(log, from))[0]?.position);
      expect(firsts).toEqual([0, 0, 3, undefined, undefined]);
    });

    test('a read ends where the log ended when it began', async () => {
      const log = await open();
      await log.append(events('a'));
      const reading = log.read(0)[Symbol.asyncIterator]();
      expect((await reading.next()).value).toMatchObject({ position: 0 });
      await log.append(events('b'));
      expect((await reading.next()).done).toBe(true);
    });

    test('L4: a sequence that is in the log changes nothing', async () => {
      const log = await open();
      await log.append({ ...events('a', 'b'), producer: 'p', sequence: 2 });
      await log.append({ ...events('a', 'b'), producer: 'p', sequence: 2 });
      await log.append({ ...events('a'), producer: 'p', sequence: 1 });
      await log.append({ ...events('q'), producer: 'q', sequence: 1 });
      expect(await recordsOf(log)).toEqual(['a', 'b', 'q']);
      expect(['p', 'q', 'r'].map((producer) => log.lastSequence(producer))).toEqual([2, 1, 0]);
    });

    test('L4: the same sequence twice at once is appended once', async () => {
      const log = await open();
      const append = { ...events('a'), producer: 'p', sequence: 1 };
      await Promise.all([log.append(append), log.append(append), log.append({ ...append, sequence: 2 })]);
      expect(await recordsOf(log)).toEqual(['a', 'a']);
      expect(log.end).toBe(2);
    });

    test('appends at once keep their order, even thousands of them', async () => {
      const log = await open();
      const texts = Array.from({ length: 5000 }, (_, i) => String(i));
      const sends = texts.map((text, i) => log.append({ ...events(text), producer: 'p', sequence: i + 1 }));
      // This one is sent while the first are done and the last still wait.
      const last = sends[0]?.then(() =>
        log.append({ ...events('last'), producer: 'p', sequence: texts.length + 1 }),
      );
      await Promise.all([...sends, last]);
      expect(await recordsOf(log)).toEqual([...texts, 'last']);
    });

    test('waiting ends with the next record, or with the signal', async () => {
      const log = await open();
      const { signal } = new AbortController();
      const stop = new AbortController();
      await log.append(events('a'));
      await log.waitBeyond(0, signal);
      const order: string[] = [];
      const waits = Promise.all([
        log.waitBeyond(1, signal).then(() => order.push('record')),
        log.waitBeyond(99, stop.signal).then(() => order.push('signal')),
      ]);
      await log.append(events('b'));
      await log.append(events('c'));
      expect(order).toEqual(['record']);
      stop.abort();
      await waits;
      await log.waitBeyond(99, stop.signal);
      expect(order).toEqual(['record', 'signal']);
    });
  });
}
