/** What all streams of lines hold together is bounded, however many there are and however slow the log is (A3). */
import { expect, test } from 'vitest';
import { acceptBytes } from '../../../runtime/src/ingest/accept-bytes.ts';
import type { Door } from '../../../runtime/src/ingest/accept.ts';
import { InFlight } from '../../../runtime/src/ingest/in-flight.ts';
import { MemoryLog } from '../../../runtime/src/log/memory-log.ts';
import type { SourcePlan } from '../../../runtime/src/plan/node.ts';
import { parsePlan } from '../../../runtime/src/plan/parse.ts';
import { systemClock } from '../../../runtime/src/ports/clock.ts';
import { ManualClock } from '../../../runtime/src/testing/manual-clock.ts';
import { planOf } from '../plan/plans.ts';

const source = parsePlan(planOf()).sources[0] as SourcePlan;
const CHUNK = 65_536;

/** A log that takes nothing before it is let. */
class SlowLog extends MemoryLog {
  #isOpen: () => void = () => {};
  readonly #opening = new Promise<void>((resolve) => {
    this.#isOpen = resolve;
  });

  open(): void {
    this.#isOpen();
  }

  override async append(...args: Parameters<MemoryLog['append']>): ReturnType<MemoryLog['append']> {
    await this.#opening;
    return super.append(...args);
  }
}

function doorOf(log: MemoryLog, inFlight: InFlight): Door {
  const clock = new ManualClock(Date.UTC(2020, 0, 1));
  return { source, log, rejected: new MemoryLog(clock), clock, partitions: 1, inFlight };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 500; turn++) await systemClock.turn();
}

test('40 streams of whole lines are read no further than all of them may hold, and then all is taken', async () => {
  const inFlight = new InFlight(4_000_000);
  const log = new SlowLog(new ManualClock(Date.UTC(2020, 0, 1)));
  const door = { ...doorOf(log, inFlight), rejected: log };
  const line = `${'x'.repeat(1023)}\n`;
  let read = 0;
  async function* stream(): AsyncIterable<Uint8Array> {
    for (let chunk = 0; chunk < 10; chunk++) {
      read += CHUNK;
      yield await Promise.resolve(Buffer.from(line.repeat(CHUNK / line.length)));
    }
  }
  const streams = Array.from({ length: 40 }, () => acceptBytes(door, stream()));
  await settled();
  const stuck = read;
  expect(stuck).toBeLessThan(4_000_000 + 41 * 2 * CHUNK);
  await settled();
  expect(read).toBe(stuck);
  log.open();
  const results = await Promise.all(streams);
  expect(results.map(({ accepted, rejected }) => accepted + rejected)).toEqual(
    results.map(() => (10 * CHUNK) / line.length),
  );
  expect(inFlight.bytes).toBe(0);
});

test('beginnings of lines are refused once they alone are too much; what came before counts, the others go on', async () => {
  const inFlight = new InFlight(2_000_000);
  const door = doorOf(new MemoryLog(new ManualClock(Date.UTC(2020, 0, 1))), inFlight);
  let end: () => void = () => {};
  const ending = new Promise<void>((resolve) => {
    end = resolve;
  });
  async function* stream(): AsyncIterable<Uint8Array> {
    yield Buffer.from('whole\n');
    for (let chunk = 0; chunk < 4; chunk++) yield await Promise.resolve(Buffer.alloc(CHUNK, 'x'));
    await ending;
    yield Buffer.from('\n');
  }
  const streams = Array.from({ length: 20 }, () =>
    acceptBytes(door, stream()).then(
      ({ rejected }) => rejected,
      (error: { code: string; retry: boolean }) => `${error.code} ${error.retry}`,
    ),
  );
  await settled();
  expect(inFlight.bytes).toBeLessThan(3_000_000);
  end();
  const results = await Promise.all(streams);
  const busy = results.filter((each) => each === 'INTAKE_BUSY true').length;
  expect(busy).toBeGreaterThan(5);
  expect(busy).toBeLessThan(20);
  expect(results.filter((each) => each === 2)).toHaveLength(20 - busy);
  expect(door.rejected.end).toBe(20 + (20 - busy));
  expect(inFlight.bytes).toBe(0);
});

test('a stream that waits for its sender keeps no room of what it held', async () => {
  const inFlight = new InFlight(1e9);
  const door = doorOf(new MemoryLog(new ManualClock(Date.UTC(2020, 0, 1))), inFlight);
  let end: () => void = () => {};
  const ending = new Promise<void>((resolve) => {
    end = resolve;
  });
  async function* stream(): AsyncIterable<Uint8Array> {
    yield Buffer.from(`${'x'.repeat(1000)}\n`.repeat(2000));
    await ending;
  }
  const taking = acceptBytes(door, stream());
  await settled();
  expect(inFlight.bytes).toBeLessThan(100_000);
  end();
  await taking;
});
