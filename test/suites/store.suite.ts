/** What every store does: the contract and S1, S2 of `state/store.ts`. */
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { Batch, prefixRange, type Range, type Reads, type Store } from '../../runtime/src/state/store.ts';

/** The entries of a range as Latin-1 texts. */
export async function entriesOf(reads: Reads, range: Range = EVERYTHING): Promise<[string, string][]> {
  const entries: [string, string][] = [];
  for await (const { key, value } of reads.scan(range))
    entries.push([key.toString('latin1'), value.toString('latin1')]);
  return entries;
}

export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const EVERYTHING: Range = { gte: bytes(''), lt: bytes('\xff'.repeat(20)) };

/** A batch in shorthand: `batch('a=1', '-b', '-c..e')`. */
export function batch(...steps: readonly string[]): Batch {
  const result = new Batch();
  for (const step of steps) {
    const range = /^-([^]*)\.\.([^]*)$/.exec(step);
    const put = /^([^]*)=([^]*)$/.exec(step);
    if (range !== null) result.deleteRange({ gte: bytes(range[1] ?? ''), lt: bytes(range[2] ?? '') });
    else if (put !== null) result.put(bytes(put[1] ?? ''), bytes(put[2] ?? ''));
    else result.delete(bytes(step.slice(1)));
  }
  return result;
}

export function storeSuite(name: string, openNew: () => Promise<Store>): void {
  describe(`${name} keeps the contract of the store`, () => {
    const opened: Store[] = [];
    const open = async (): Promise<Store> => {
      const store = await openNew();
      opened.push(store);
      return store;
    };
    afterAll(async () => {
      for (const store of opened) await store.close();
    });

    test('a key holds its last value; a key that is not there holds null', async () => {
      const store = await open();
      await store.commit(batch('a=1', 'a=2', 'b=', 'c=1', '-c'));
      expect(await store.get(bytes('a'))).toEqual(bytes('2'));
      expect(await store.get(bytes('b'))).toEqual(bytes(''));
      expect(await store.get(bytes('c'))).toBeNull();
    });

    test('many keys are read at once, in the order in which they are asked for', async () => {
      const store = await open();
      const keys = Array.from({ length: 3000 }, (_, i) => `k${i}`);
      await store.commit(batch(...keys.map((key) => `${key}=${key}`), '-k7'));
      const snapshot = store.snapshot();
      await store.commit(batch('k1=new'));
      const asked = ['k2999', 'k7', 'none', 'k1', 'k2', 'k1'];
      const texts = async (reads: Reads): Promise<unknown[]> =>
        (await reads.getMany(asked.map(bytes))).map((value) => value?.toString() ?? null);
      expect(await texts(store)).toEqual(['k2999', null, null, 'new', 'k2', 'new']);
      expect(await texts(snapshot)).toEqual(['k2999', null, null, 'k1', 'k2', 'k1']);
      expect((await store.getMany(keys.map(bytes))).map((value) => value?.toString())).toEqual(
        keys.map((key) => (key === 'k7' ? undefined : key === 'k1' ? 'new' : key)),
      );
      expect(await store.getMany([])).toEqual([]);
      await snapshot.release();
    });

    test('keys are ordered by their bytes, 0x00 and 0xFF among them; a prefix comes first', async () => {
      const store = await open();
      const keys = [
        '',
        '\x00',
        '\x00\x00',
        '\x00\xff',
        'a',
        'a\x00',
        'a\xff',
        'b',
        '\x80',
        '\xff',
        '\xff\x00',
      ];
      await store.commit(batch(...keys.toReversed().map((key) => `${key}=1`)));
      expect((await entriesOf(store)).map(([key]) => key)).toEqual(keys);
    });

    test('a range holds its start and not its end', async () => {
      const store = await open();
      await store.commit(batch('a=1', 'b=1', 'b\x00=1', 'c=1'));
      const keys = async (gte: string, lt: string): Promise<string[]> =>
        (await entriesOf(store, { gte: bytes(gte), lt: bytes(lt) })).map(([key]) => key);
      expect(await keys('a', 'c')).toEqual(['a', 'b', 'b\x00']);
      expect(await keys('b', 'b\x00')).toEqual(['b']);
      expect(await keys('b', 'b')).toEqual([]);
      expect(await keys('c', 'a')).toEqual([]);
    });

    test('a prefix has its own keys, also one that ends in 0xFF', async () => {
      const store = await open();
      await store.commit(batch('a=1', 'a\xff=1', 'a\xff\xff=1', 'b=1', '`=1'));
      const keys = async (prefix: string): Promise<string[]> =>
        (await entriesOf(store, prefixRange(bytes(prefix)))).map(([key]) => key);
      expect(await keys('a')).toEqual(['a', 'a\xff', 'a\xff\xff']);
      expect(await keys('a\xff')).toEqual(['a\xff', 'a\xff\xff']);
    });

    test('in one batch a deleted range takes what was put before it and not what is put after', async () => {
      const store = await open();
      await store.commit(batch('a=old', 'b=old', 'z=old'));
      await store.commit(batch('b=new', 'c=new', '-a..d', 'c=after', 'd=new'));
      expect(await entriesOf(store)).toEqual([
        ['c', 'after'],
        ['d', 'new'],
        ['z', 'old'],
      ]);
    });

    test('deleting an empty or a turned range changes nothing', async () => {
      const store = await open();
      await store.commit(batch('a=1', 'b=1', '-a..a', '-b..a'));
      expect(await entriesOf(store)).toHaveLength(2);
    });

    test('an empty batch is a commit of nothing', async () => {
      const store = await open();
      await store.commit(new Batch());
      expect(await entriesOf(store)).toEqual([]);
    });

    test('a snapshot goes on showing what was there; so does a scan that has begun', async () => {
      const store = await open();
      await store.commit(batch('a=1', 'b=1'));
      const snapshot = store.snapshot();
      const scan = store.scan(EVERYTHING)[Symbol.asyncIterator]();
      await scan.next();
      await store.commit(batch('a=2', '-b', 'c=2'));
      expect(await entriesOf(snapshot)).toEqual([
        ['a', '1'],
        ['b', '1'],
      ]);
      expect(await snapshot.get(bytes('b'))).toEqual(bytes('1'));
      expect(await snapshot.get(bytes('c'))).toBeNull();
      expect((await scan.next()).value).toMatchObject({ key: bytes('b') });
      expect((await scan.next()).done).toBe(true);
      await snapshot.release();
      expect(await entriesOf(store)).toEqual([
        ['a', '2'],
        ['c', '2'],
      ]);
    });

    test('a scan may be left early, and scans of many entries lose none', async () => {
      const store = await open();
      const keys = Array.from({ length: 3000 }, (_, i) => String(i).padStart(5, '0'));
      await store.commit(batch(...keys.map((key) => `${key}=x`)));
      for await (const { key } of store.scan(EVERYTHING)) {
        expect(key).toEqual(bytes('00000'));
        break;
      }
      expect((await entriesOf(store)).map(([key]) => key)).toEqual(keys);
    });

    test('a value of a megabyte and a batch of ten thousand entries come back', async () => {
      const store = await open();
      const large = new Batch();
      large.put(bytes('large'), Buffer.alloc(1_000_000, 7));
      for (let i = 0; i < 10_000; i++) large.put(bytes(`k${i}`), String(i));
      await store.commit(large);
      expect((await store.get(bytes('large')))?.equals(Buffer.alloc(1_000_000, 7))).toBe(true);
      expect(await entriesOf(store, prefixRange(bytes('k')))).toHaveLength(10_000);
    });

    test('S1: any batches give what the operations one by one give to a sorted map', async () => {
      const key = fc
        .array(fc.constantFrom(0, 1, 0x61, 0xfe, 0xff), { maxLength: 3 })
        .map((b) => Buffer.from(b));
      const operation = fc.oneof(
        fc.record({ kind: fc.constant('put' as const), key, value: fc.uint8Array({ maxLength: 3 }) }),
        fc.record({ kind: fc.constant('delete' as const), key }),
        fc.record({ kind: fc.constant('range' as const), gte: key, lt: key }),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(operation, { maxLength: 6 }), { maxLength: 4 }),
          async (batches) => {
            const store = await open();
            await store.commit(batch('-..\xff\xff\xff\xff'));
            const model = new Map<string, string>();
            for (const operations of batches) {
              const next = new Batch();
              for (const each of operations) {
                if (each.kind === 'put') {
                  next.put(each.key, Buffer.from(each.value));
                  model.set(each.key.toString('latin1'), Buffer.from(each.value).toString('latin1'));
                } else if (each.kind === 'delete') {
                  next.delete(each.key);
                  model.delete(each.key.toString('latin1'));
                } else {
                  next.deleteRange(each);
                  const [gte, lt] = [each.gte.toString('latin1'), each.lt.toString('latin1')];
                  for (const held of model.keys()) if (held >= gte && held < lt) model.delete(held);
                }
              }
              await store.commit(next);
            }
            expect(await entriesOf(store)).toEqual([...model].sort(([a], [b]) => (a < b ? -1 : 1)));
          },
        ),
        { numRuns: 60 },
      );
    });
  });
}
