import { describe, expect, test } from 'vitest';
import type { Line } from '../../../runtime/src/ingest/lines.ts';
import { atRate, atSpeed, inBatches, type Pace, UNPACED } from '../../../runtime/src/ingest/pace.ts';
import { ManualClock } from '../../../runtime/src/testing/manual-clock.ts';

async function* lines(texts: readonly string[]): AsyncIterable<Line> {
  for (const [i, text] of texts.entries()) yield await Promise.resolve({ number: i + 1, text });
}

/** Reads batches in the background; `seen` holds them with the time at which they came. */
function reader(texts: AsyncIterable<Line>, dueMs: Pace['dueMs'], stop = new AbortController()) {
  const clock = new ManualClock(0);
  const seen: string[] = [];
  const done = (async () => {
    for await (const batch of inBatches(texts, { dueMs, clock, signal: stop.signal }))
      seen.push(`${clock.nowMs()}: ${batch.map(({ text }) => text).join(' ')}`);
    seen.push('end');
  })();
  return { clock, seen, done, stop };
}

test('at a rate lines come so many a second; those due within a moment come together', async () => {
  const { clock, seen, done } = reader(lines(['a', 'b', 'c', 'd', 'e']), atRate(4));
  await clock.advance(499);
  expect(seen).toEqual(['0: a', '250: b']);
  await clock.advance(1000);
  await done;
  expect(seen).toEqual(['0: a', '250: b', '500: c', '750: d', '1000: e', 'end']);
});

test('at a speed lines come as their times say, so many times faster; what is out of order comes at once', async () => {
  const timeOf = ({ text }: Line): number | undefined => (text === '?' ? undefined : Number(text));
  const { clock, seen, done } = reader(
    lines(['1000', '1010', '4000', '2000', '?', '10000']),
    atSpeed(2, timeOf),
  );
  await clock.advance(10_000);
  await done;
  expect(seen).toEqual(['0: 1000 1010', '1500: 4000 2000 ?', '4500: 10000', 'end']);
});

test('unpaced lines come a thousand at a time', async () => {
  const texts = Array.from({ length: 2500 }, (_, i) => String(i));
  const { seen, done } = reader(lines(texts), UNPACED);
  await done;
  expect(seen.map((each) => each.split(' ').length - 1)).toEqual([1000, 1000, 500, 0]);
});

test('large lines come in smaller batches', async () => {
  const { seen, done } = reader(lines(Array.from({ length: 5 }, () => 'x'.repeat(900_000))), UNPACED);
  await done;
  expect(seen.map((each) => each.split(' ').length - 1)).toEqual([2, 2, 1, 0]);
});

describe('a sender that is slow', () => {
  /** Lines that come when they are told to. */
  function slow() {
    let give: (line: Line | null) => void = () => {};
    let number = 0;
    async function* all(): AsyncIterable<Line> {
      for (;;) {
        const line = await new Promise<Line | null>((resolve) => (give = resolve));
        if (line === null) return;
        yield line;
      }
    }
    return {
      all: all(),
      send: (text: string | null) => give(text === null ? null : { number: ++number, text }),
    };
  }

  test('does not keep back lines that are there', async () => {
    const { all, send } = slow();
    const { clock, seen, done } = reader(all, UNPACED);
    await clock.advance(5);
    send('a');
    await clock.advance(5);
    send('b');
    await clock.advance(5);
    expect(seen).toEqual([]);
    await clock.advance(100);
    expect(seen).toEqual(['25: a b']);
    send('c');
    await clock.advance(0);
    send(null);
    await clock.advance(0);
    await done;
    expect(seen).toEqual(['25: a b', '115: c', 'end']);
  });

  test('does not hold up an end by the signal', async () => {
    const { all, send } = slow();
    const { clock, seen, done, stop } = reader(all, UNPACED);
    await clock.advance(5);
    send('a');
    await clock.advance(5);
    stop.abort();
    await done;
    expect(seen).toEqual(['end']);
  });
});

test('an error of the sender is the error of the batches', async () => {
  async function* failing(): AsyncIterable<Line> {
    yield await Promise.resolve({ number: 1, text: 'a' });
    throw new Error('torn');
  }
  await expect(reader(failing(), UNPACED).done).rejects.toThrow('torn');
});

test('what was read before the input broke is taken', async () => {
  async function* broken(): AsyncIterable<Line> {
    yield* lines(['a', 'b']);
    throw new Error('unplugged');
  }
  const { clock, seen, done } = reader(broken(), UNPACED);
  const ended = done.catch((error: Error) => error.message);
  await clock.advance(100);
  expect(await ended).toBe('unplugged');
  expect(seen).toEqual(['0: a b']);
});

test('an end by the signal does not wait for a line that may never come', async () => {
  async function* silent(): AsyncIterable<Line> {
    await new Promise(() => {});
    yield { number: 1, text: 'never' };
  }
  const { clock, seen, done, stop } = reader(silent(), UNPACED);
  await clock.advance(1_000);
  stop.abort();
  await done;
  expect(seen).toEqual(['end']);
});
