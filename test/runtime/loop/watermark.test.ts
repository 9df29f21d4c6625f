/** When an event is late and when a window closes: the rules of event time, one test each. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SourceTime } from '../../../runtime/src/loop/watermark.ts';

const DELAY = 10;

/** Steps in shorthand: `0@50` an event of partition 0, `idle 1`, `of 2` two partitions expected, `end`. */
function step(time: SourceTime, text: string): number | undefined {
  const event = /^(\d)@(\d+)$/.exec(text);
  const [word, number] = text.split(' ');
  if (event !== null) return time.observe(Number(event[1]), Number(event[2]));
  if (word === 'idle') time.sleep(Number(number));
  else if (word === 'of') time.expect(Number(number));
  else if (word === 'end') time.end();
  return undefined;
}

function after(...steps: readonly string[]): SourceTime {
  const time = new SourceTime(DELAY);
  for (const each of steps) step(time, each);
  return time;
}

describe('a partition', () => {
  test('before its first event no time has passed', () => {
    expect(new SourceTime(DELAY).observe(0, 50)).toBe(-Infinity);
  });

  test('is as far as its largest event time before this event, minus the delay', () => {
    const time = after('0@50');
    expect(step(time, '0@30')).toBe(40);
    expect(step(time, '0@70')).toBe(40);
    expect(step(time, '0@10')).toBe(60);
  });

  test('judges an event by itself, not by the others', () => {
    const time = after('of 2', '0@1000', '1@20');
    expect(step(time, '1@15')).toBe(10);
    expect(step(time, '0@15')).toBe(990);
  });

  test('that falls asleep and wakes is not behind what the source had reached meanwhile', () => {
    const time = after('of 2', '0@50', '1@20', 'idle 1', '0@500');
    expect(time.watermarkMs).toBe(490);
    expect(step(time, '1@30')).toBe(490);
  });

  test('that wakes keeps its own time where that is further', () => {
    const time = after('of 2', '0@50', '1@900', 'idle 1');
    expect(step(time, '1@30')).toBe(890);
  });

  test('that nobody had expected begins at what the source had reached', () => {
    const time = after('0@50');
    expect(step(time, '1@5')).toBe(40);
  });
});

describe('a source', () => {
  test('is as far as the slowest partition', () => {
    expect(after('of 2', '0@100', '1@30').watermarkMs).toBe(20);
  });

  test('has not moved while a partition has not spoken', () => {
    expect(after('of 2', '0@100').watermarkMs).toBe(-Infinity);
  });

  test('goes on without a partition that is idle, spoken or not', () => {
    expect(after('of 2', '0@100', 'idle 1').watermarkMs).toBe(90);
    expect(after('idle 1', 'of 2', '0@100').watermarkMs).toBe(90);
  });

  test('stands still while all are idle', () => {
    const time = after('of 2', '0@100', '1@40', 'idle 0', 'idle 1');
    expect(time.watermarkMs).toBe(30);
    expect([time.isIdle(0), time.isIdle(1), time.isIdle(2)]).toEqual([true, true, true]);
  });

  test('remembers what it reached before the last partition fell silent, asked or not', () => {
    const asked = after('of 2', '0@100', '1@40', 'idle 1');
    expect(asked.watermarkMs).toBe(90);
    step(asked, 'idle 0');
    const notAsked = after('of 2', '0@100', '1@40', 'idle 1', 'idle 0');
    expect(notAsked.watermarkMs).toBe(asked.watermarkMs);
  });

  test('with more partitions than before waits for the new ones, and does not fall', () => {
    const time = after('0@100', 'of 3', '1@95');
    expect(time.watermarkMs).toBe(90);
    expect(after('0@100', 'of 3', '1@200', '2@200', '0@300').watermarkMs).toBe(190);
  });

  test('is at the end of time after its end; every later event is late', () => {
    const time = after('0@100', 'end');
    expect(time.watermarkMs).toBe(Infinity);
    expect(time.partitionWatermarkMs(0)).toBe(Infinity);
    expect(step(time, '0@200')).toBe(Infinity);
  });
});

describe('any log', () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.tuple(fc.nat(2), fc.nat(99)).map(([p, at]) => `${p}@${at}`) },
      { weight: 2, arbitrary: fc.nat(2).map((p) => `idle ${p}`) },
      { weight: 1, arbitrary: fc.constantFrom('of 2', 'of 3') },
      { weight: 1, arbitrary: fc.constant('end') },
    ),
    { maxLength: 30 },
  );

  test('the watermark never falls, nor does that of a partition', () => {
    fc.assert(
      fc.property(steps, (log) => {
        const time = new SourceTime(DELAY);
        let before = -Infinity;
        const ofPartition = [-Infinity, -Infinity, -Infinity];
        for (const each of log) {
          step(time, each);
          expect(time.watermarkMs).toBeGreaterThanOrEqual(before);
          before = time.watermarkMs;
          for (const [p, was] of ofPartition.entries()) {
            const now = time.partitionWatermarkMs(p) ?? -Infinity;
            expect(now).toBeGreaterThanOrEqual(was);
            ofPartition[p] = now;
          }
        }
      }),
    );
  });

  test('however it is cut, saved, restored and asked, every event is judged alike', () => {
    fc.assert(
      fc.property(steps, fc.infiniteStream(fc.nat(3)), (log, coins) => {
        const whole = new SourceTime(DELAY);
        let cut = new SourceTime(DELAY);
        for (const each of log) {
          const coin = coins.next().value;
          if (coin === 0) cut = new SourceTime(DELAY, JSON.parse(JSON.stringify(cut.save())));
          if (coin === 1) void cut.watermarkMs;
          expect(step(cut, each)).toBe(step(whole, each));
        }
        expect(cut.watermarkMs).toBe(whole.watermarkMs);
        expect(cut.save()).toEqual(whole.save());
      }),
      { numRuns: 500 },
    );
  });
});
