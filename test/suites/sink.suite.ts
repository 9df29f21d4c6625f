/** What every sink does: the contract and E3 to E5 of `sinks/sink.ts`. */
import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { JsonRow } from '../../runtime/src/host/host.ts';
import {
  CLAIM_STEP,
  type Claim,
  type Delivery,
  type Marker,
  type Sink,
} from '../../runtime/src/sinks/sink.ts';
import { systemClock } from '../../runtime/src/ports/clock.ts';
import { TestView } from './sink-views.ts';

/** A place outside, and what a reader finds there. */
export interface SinkPlace {
  /** Another process that would deliver there. */
  open(): Sink;
  /** The rows as the API would answer them, in any order. */
  content(view: TestView): Promise<readonly JsonRow[]>;
  remove(): Promise<void>;
}

export const DATA = '11111111-aaaa-bbbb-cccc-000000000000';
const HOUR = 3_600_000;

export const claimOf = (generation: number, data = DATA, parents: readonly string[] = []): Claim => ({
  data,
  parents,
  generation,
});

/** An owner of the data: one process, which keeps the books that a courier keeps. */
class TestOwner {
  readonly sink: Sink;
  readonly claim: Claim;
  sequence = 0;

  constructor(sink: Sink, claim: Claim) {
    this.sink = sink;
    this.claim = claim;
  }

  async take(): Promise<Marker | null> {
    const found = await this.sink.claim(this.claim);
    this.sequence = (found?.sequence ?? 0) + CLAIM_STEP;
    return found;
  }

  next(): Marker {
    const { data, generation } = this.claim;
    return { data, generation, sequence: this.sequence + 1, commits: this.sequence, position: 0 };
  }

  async deliver(view: TestView, options: { readonly isWhole?: boolean } = {}): Promise<void> {
    const delivery = view.delivery(this.next(), options);
    await this.sink.deliver(delivery);
    this.sequence = delivery.marker.sequence;
    view.settled();
  }
}

const sorted = (rows: readonly JsonRow[]): string[] => rows.map((row) => JSON.stringify(row)).sort();

/** What a list has more of than another. */
function without(rows: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return rows.filter((row) => {
    const at = left.indexOf(row);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

export function sinkSuite(name: string, makePlace: (view: TestView) => Promise<SinkPlace>): void {
  describe(`${name} keeps the contract of sinks`, () => {
    const places: SinkPlace[] = [];
    afterEach(async () => {
      for (const place of places.splice(0)) await place.remove();
    });
    const start = async (
      view: ConstructorParameters<typeof TestView>[0] = 'hours',
    ): Promise<{ view: TestView; place: SinkPlace; owner: TestOwner; differs: () => Promise<string[]> }> => {
      const made = new TestView(view);
      const place = await makePlace(made);
      places.push(place);
      const owner = new TestOwner(place.open(), claimOf(1));
      /** Rows that only one of the two has. */
      const differs = async (): Promise<string[]> => {
        const [there, here] = [sorted(await place.content(made)), sorted(made.json())];
        return [...without(there, here), ...without(here, there)];
      };
      return { view: made, place, owner, differs };
    };

    test('all rows, then what changed: the sink is the view', async () => {
      const { view, owner, differs } = await start();
      expect(await owner.take()).toBeNull();
      for (let n = 0; n < 5; n++) view.put([`k${n}`, [n * HOUR, (n + 1) * HOUR], n]);
      await owner.deliver(view, { isWhole: true });
      expect(await differs()).toEqual([]);
      view.put(['k1', [HOUR, 2 * HOUR], 100]);
      view.put(['k1', [50 * HOUR, 51 * HOUR], 7]);
      view.remove(['k2', [2 * HOUR, 3 * HOUR], 2]);
      await owner.deliver(view);
      expect(await differs()).toEqual([]);
      for (const row of [3, 4]) view.remove([`k${row}`, [row * HOUR, (row + 1) * HOUR], row]);
      await owner.deliver(view);
      expect(await differs()).toEqual([]);
      view.put(['new', [0, HOUR], 1]);
      await owner.deliver(view, { isWhole: true });
      expect(await differs()).toEqual([]);
    });

    test('a view without rows', async () => {
      const { view, owner, differs } = await start();
      await owner.take();
      await owner.deliver(view, { isWhole: true });
      expect(await differs()).toEqual([]);
      view.put(['a', [0, HOUR], 1]);
      await owner.deliver(view);
      view.remove(['a', [0, HOUR], 1]);
      await owner.deliver(view);
      expect(await differs()).toEqual([]);
    });

    test('what is delivered again changes nothing (E3)', async () => {
      const { view, owner, differs } = await start('totals');
      await owner.take();
      view.put(['a', 1]);
      view.put(['b', 2]);
      await owner.deliver(view, { isWhole: true });
      for (let again = 0; again < 3; again++) {
        view.put(['a', 1]);
        await owner.deliver(view);
      }
      expect(await differs()).toEqual([]);
    });

    test('a bag holds a row as often as the view', async () => {
      const { view, owner, differs } = await start('bag');
      await owner.take();
      view.put(['red', null], { count: 3 });
      view.put(['red', 'x'], { count: 1 });
      await owner.deliver(view, { isWhole: true });
      expect(await differs()).toEqual([]);
      view.put(['red', null], { count: 2 });
      view.put(['red', 'x'], { count: 0 });
      view.put(['', ''], { count: 2 });
      await owner.deliver(view);
      expect(await differs()).toEqual([]);
    });

    test('every kind of value arrives as it is', async () => {
      const { view, owner, differs } = await start('events');
      await owner.take();
      const texts = [
        '',
        ' ',
        'a"b',
        "a'b\\",
        'a,b;c\nd\r\ne',
        'né 🛫 \u2028',
        '{"a":1}',
        'NULL',
        '\\N',
        '=1+1',
      ];
      for (const [n, text] of texts.entries()) {
        const note = n % 2 === 0 ? null : text;
        const tags = { items: n % 3 === 0 ? [] : [text, 'b', ''] };
        const real = [0.1, -0, 1e-7, 2 ** 970, 5e-324, 123_456.789][n % 6] ?? 0;
        const whole = [0, -1, 2 ** 53 - 1, -(2 ** 53 - 1)][n % 4] ?? 0;
        const at = Date.UTC(2001, 0, 1 + n);
        const seen = [null, 0, -1, 253_402_300_799_999, Date.UTC(1900, 1, 28, 1, 2, 3, 4)][n % 5] ?? null;
        const price = [0, 5, -5, 2 ** 53 - 1, -(2 ** 53 - 1), 1000][n % 6] ?? 0;
        view.put([at, text, whole, real, n % 2 === 0, seen, price, tags, note], { at: [at, 0, n] });
      }
      await owner.deliver(view, { isWhole: true });
      expect(await differs()).toEqual([]);
    });

    test('two events with the same columns are two rows', async () => {
      const { view, owner, differs } = await start('events');
      await owner.take();
      const row = [5, 'a', 1, 1, true, null, 0, { items: [] }, null];
      for (const offset of [1, 2, 3]) view.put(row, { at: [5, 0, offset] });
      await owner.deliver(view, { isWhole: true });
      view.remove(row, [5, 0, 2]);
      await owner.deliver(view);
      expect(await differs()).toEqual([]);
    });

    test('the marker says what is there (E5)', async () => {
      const { view, place, owner } = await start();
      expect(await owner.sink.marker()).toBeNull();
      await owner.take();
      expect(await owner.sink.marker()).toMatchObject({ data: DATA, generation: 1, sequence: CLAIM_STEP });
      view.put(['a', [0, HOUR], 1]);
      const delivery = view.delivery({ ...owner.next(), commits: 17, position: 4711 }, { isWhole: true });
      await owner.sink.deliver(delivery);
      expect(await owner.sink.marker()).toMatchObject(delivery.marker);
      expect(await new TestOwner(place.open(), claimOf(2)).take()).toMatchObject(delivery.marker);
      expect(await owner.sink.marker()).toMatchObject({
        generation: 2,
        sequence: delivery.marker.sequence + CLAIM_STEP,
        commits: 17,
        position: 4711,
      });
    });

    test('a delivery that breaks off changes nothing, and can be made again', async () => {
      const { view, owner, differs } = await start();
      await owner.take();
      view.put(['a', [0, HOUR], 1]);
      await owner.deliver(view, { isWhole: true });
      const before = await owner.sink.marker();
      const other = new TestView('hours');
      for (let n = 0; n < 6; n++) other.put([`b${n}`, [0, HOUR], 1]);
      for (const isWhole of [false, true]) {
        const delivery = other.delivery(owner.next(), { isWhole });
        await expect(owner.sink.deliver(breakingOff(delivery))).rejects.toThrow('broken off');
        expect(await differs()).toEqual([]);
        expect(await owner.sink.marker()).toEqual(before);
      }
      view.put(['c', [0, HOUR], 1]);
      await owner.deliver(view);
      expect(await differs()).toEqual([]);
    });

    test('a reader sees the view before or after, during a delivery too (E3)', async () => {
      const { view, place, owner, differs } = await start();
      await owner.take();
      view.put(['a', [0, HOUR], 1]);
      view.put(['b', [30 * HOUR, 31 * HOUR], 1]);
      await owner.deliver(view, { isWhole: true });
      const before = sorted(view.json());
      for (const isWhole of [false, true]) {
        for (let n = 0; n < 8; n++) view.put([`c${n}`, [30 * n * HOUR, (30 * n + 1) * HOUR], 1]);
        let looks = 0;
        const delivery = watched(view.delivery(owner.next(), { isWhole }), async () => {
          looks++;
          const seen = sorted(await place.content(view));
          expect([before, sorted(view.json())]).toContainEqual(seen);
        });
        await owner.sink.deliver(delivery);
        owner.sequence = delivery.marker.sequence;
        expect(looks).toBeGreaterThan(2);
        expect(await differs()).toEqual([]);
      }
    });

    test('an owner that slept while another took over is refused, and changes nothing (E4)', async () => {
      const { view, place, owner, differs } = await start();
      await owner.take();
      view.put(['a', [0, HOUR], 1]);
      await owner.deliver(view, { isWhole: true });
      const next = new TestOwner(place.open(), claimOf(2));
      await next.take();
      const zombie = new TestView('hours');
      zombie.put(['zombie', [0, HOUR], 666]);
      const attempt = (isWhole: boolean): Promise<void> =>
        owner.sink.deliver(zombie.delivery(owner.next(), { isWhole }));
      for (const isWhole of [false, true])
        await expect(attempt(isWhole)).rejects.toMatchObject({ code: 'SINK_FENCED', retry: false });
      expect(await differs()).toEqual([]);
      for (let n = 0; n < 3; n++) {
        view.put(['b', [0, HOUR], n]);
        await next.deliver(view);
        await expect(attempt(false)).rejects.toMatchObject({ code: 'SINK_FENCED' });
        expect(await differs()).toEqual([]);
      }
      await expect(owner.take()).rejects.toMatchObject({ code: 'SINK_FENCED' });
      expect(await differs()).toEqual([]);
      expect(await next.sink.marker()).toMatchObject({ generation: 2, sequence: next.sequence });
    });

    test('an owner that falls asleep in the middle of a delivery is refused when it wakes (E4)', async () => {
      const { view, place, owner, differs } = await start();
      await owner.take();
      view.put(['a', [0, HOUR], 1]);
      await owner.deliver(view, { isWhole: true });
      const zombie = new TestView('hours');
      for (let n = 0; n < 4; n++) zombie.put([`zombie${n}`, [0, HOUR], 666]);
      let wake: () => void = () => {};
      const asleep = new Promise<void>((resolve) => {
        wake = resolve;
      });
      let onAsleep: () => void = () => {};
      const falls = new Promise<void>((resolve) => {
        onAsleep = resolve;
      });
      const delivery = watched(zombie.delivery(owner.next()), async () => {
        onAsleep();
        await asleep;
      });
      const waking = owner.sink.deliver(delivery).then(
        () => 'delivered',
        (error: { code: string }) => error.code,
      );
      await falls;
      const next = new TestOwner(place.open(), claimOf(2));
      const taking = next.take().then(async () => {
        view.put(['b', [0, HOUR], 2]);
        await next.deliver(view, { isWhole: true });
      });
      // Where the first has a lock, the other waits for it; where not, it is done first.
      const enough = (async () => {
        for (let turn = 0; turn < 500; turn++) await systemClock.turn();
        return false;
      })();
      const wasFirst = await Promise.race([taking.then(() => true), enough]);
      wake();
      const end = await waking;
      await taking;
      expect(wasFirst ? ['SINK_FENCED'] : ['SINK_FENCED', 'delivered']).toContain(end);
      expect(await differs()).toEqual([]);
    });

    test('other data are refused; what was restored from them is not', async () => {
      const { view, place, owner, differs } = await start();
      await owner.take();
      view.put(['a', [0, HOUR], 1]);
      await owner.deliver(view, { isWhole: true });
      const other = '22222222-aaaa-bbbb-cccc-000000000000';
      const stranger = new TestOwner(place.open(), claimOf(9, other));
      await expect(stranger.take()).rejects.toMatchObject({ code: 'SINK_TAKEN' });
      expect(await differs()).toEqual([]);
      const restored = new TestOwner(place.open(), claimOf(1, other, [DATA]));
      expect(await restored.take()).toMatchObject({ data: DATA });
      view.put(['b', [0, HOUR], 1]);
      await restored.deliver(view, { isWhole: true });
      expect(await differs()).toEqual([]);
      await expect(owner.deliver(view)).rejects.toMatchObject({ code: 'SINK_FENCED' });
      await expect(new TestOwner(place.open(), claimOf(5)).take()).rejects.toMatchObject({
        code: 'SINK_TAKEN',
      });
    });

    test('a sink that has another sequence than was left is not added to', async () => {
      const { view, owner, differs } = await start();
      await owner.take();
      view.put(['a', [0, HOUR], 1]);
      await owner.deliver(view, { isWhole: true });
      const other = new TestView('hours');
      other.put(['b', [0, HOUR], 1]);
      for (const off of [-1, 1]) {
        const marker = { ...owner.next(), sequence: owner.sequence + 1 + off };
        await expect(owner.sink.deliver(other.delivery(marker))).rejects.toMatchObject({
          code: 'SINK_MOVED',
          retry: true,
        });
      }
      expect(await differs()).toEqual([]);
    });

    test(
      'random changes, crashes and owners: the sink is the view as of its marker',
      { timeout: 120_000 },
      async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(
              fc.record({
                puts: fc.array(fc.tuple(fc.nat(6), fc.nat(40), fc.nat(9)), { maxLength: 6 }),
                isWhole: fc.boolean(),
                end: fc.constantFrom('well', 'well', 'broken', 'new owner'),
              }),
              { minLength: 1, maxLength: 8 },
            ),
            async (steps) => {
              const { view, place, owner: first, differs } = await start();
              let owner = first;
              await owner.take();
              await owner.deliver(view, { isWhole: true });
              for (const { puts, isWhole, end } of steps) {
                const seen = sorted(view.json());
                for (const [key, hour, n] of puts) {
                  const row = [`k${key}`, [hour * HOUR, (hour + 1) * HOUR] as const, n];
                  if (n === 0) view.remove(row);
                  else view.put(row);
                }
                if (end === 'broken' && (puts.length > 0 || isWhole)) {
                  const delivery = breakingOff(view.delivery(owner.next(), { isWhole, pieceRows: 1 }));
                  await owner.sink.deliver(delivery).catch(() => {});
                  // One piece is sent before it breaks off: with one piece it may be whole.
                  const content = sorted(await place.content(view));
                  expect([seen, sorted(view.json())]).toContainEqual(content);
                  const marker = await owner.sink.marker();
                  owner.sequence = marker?.sequence ?? 0;
                }
                if (end === 'new owner') {
                  const next = new TestOwner(place.open(), claimOf(owner.claim.generation + 1));
                  await next.take();
                  await expect(
                    owner.sink.deliver(view.delivery(owner.next(), { isWhole })),
                  ).rejects.toMatchObject({ code: 'SINK_FENCED' });
                  owner = next;
                }
                await owner.deliver(view, { isWhole });
                expect(await differs()).toEqual([]);
              }
            },
          ),
          { numRuns: 12 },
        );
      },
    );
  });
}

/** Hands on a delivery whose rows end with an error after the first piece. */
function breakingOff(delivery: Delivery): Delivery {
  const breaking = async function* <T>(items: AsyncIterable<T>): AsyncIterable<T> {
    for await (const item of items) {
      yield item;
      throw new Error('broken off');
    }
    throw new Error('broken off');
  };
  return {
    ...delivery,
    keys: () => delivery.keys(),
    changes: () => breaking(delivery.changes()),
    rows: (fromMs, toMs) => breaking(delivery.rows(fromMs, toMs)),
  };
}

/** Hands on a delivery that does something between its pieces. */
function watched(delivery: Delivery, look: () => Promise<void>): Delivery {
  const looking = async function* <T>(items: AsyncIterable<T>): AsyncIterable<T> {
    for await (const item of items) {
      await look();
      yield item;
    }
    await look();
  };
  return {
    ...delivery,
    keys: () => delivery.keys(),
    changes: () => looking(delivery.changes()),
    rows: (fromMs, toMs) => looking(delivery.rows(fromMs, toMs)),
  };
}
