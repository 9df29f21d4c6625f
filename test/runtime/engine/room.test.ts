/** Room on the disk: events are refused below the reserve, work pauses below half of it, and both go on by themselves. */
import { CodedError } from 'pipeline-runtime/kit';
import { ManualClock, TestDriver } from 'pipeline-runtime/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { openDataFolder } from '../../../runtime/src/engine/data-folder.ts';
import { Room } from '../../../runtime/src/engine/room.ts';
import { systemClock } from '../../../runtime/src/ports/clock.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import { SimDisk } from '../../suites/sim-disk.ts';
import { sale, sales } from '../architectures/sample.ts';

const RESERVE = 100_000;

class CountedDisk extends SimDisk {
  free = 10 * RESERVE;
  override freeBytes(): Promise<number> {
    return Promise.resolve(this.free);
  }
}

let close: () => Promise<void> = () => Promise.resolve();
afterEach(() => close());

async function open() {
  const disk = new CountedDisk();
  const openStore = () => Promise.resolve(new MemoryStore());
  const data = await openDataFolder('/data', systemClock, disk, { openStore, reserveBytes: RESERVE });
  const driver = await TestDriver.open(sales(), { data });
  close = () => data.close();
  const { room } = data;
  if (room === undefined) throw new Error('a folder has room');
  return { disk, driver, room, engine: driver.engine };
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof CodedError ? error.code : String(error)),
  );

const TEN = sale('a', '10:00', 1);

describe('room on the disk', () => {
  it('U7: below the reserve no event is taken, what is in the log is computed and read', async () => {
    const { disk, driver, room } = await open();
    await driver.send('sales', [TEN]);
    disk.free = RESERVE - 1;
    await room.look();
    expect(await codeOf(driver.send('sales', [TEN]))).toBe('DISK_FULL');
    await driver.settle();
    expect((await driver.rows('perHour')).map((row) => row['sales'])).toEqual([1]);
    expect((await driver.engine.status()).disk).toEqual({
      freeBytes: RESERVE - 1,
      reserveBytes: RESERVE,
      intake: 'refused',
      epochs: 'running',
      refusals: 1,
    });
  });

  it('U7: at the reserve events are taken', async () => {
    const { disk, driver, room } = await open();
    disk.free = RESERVE;
    await room.look();
    expect(await codeOf(driver.send('sales', [TEN]))).toBe('done');
  });

  it('below half of it no epoch and no command begins; readers are answered; dropping is not refused', async () => {
    const { disk, driver, room, engine } = await open();
    await driver.send('sales', [TEN]);
    await driver.settle();
    disk.free = RESERVE / 2 - 1;
    await room.look();
    expect(await codeOf(engine.settle())).toBe('DISK_FULL');
    expect(await driver.rows('perHour')).toHaveLength(1);
    expect((await engine.status()).disk).toMatchObject({ intake: 'refused', epochs: 'paused' });
  });

  it('U8: a run that paused goes on when there is room, without a restart', async () => {
    const { disk, driver, room, engine } = await open();
    await driver.send('sales', [TEN]);
    disk.free = 0;
    await room.look();
    const told: string[] = [];
    room.onChange = ({ intake, epochs }) => void told.push(`${intake} ${epochs}`);
    const stop = new AbortController();
    const running = codeOf(engine.run(stop.signal));
    await room.look();
    expect((await driver.rows('perHour')).length).toBe(0);
    const committed = engine.nextCommit();
    disk.free = 10 * RESERVE;
    await committed;
    expect((await driver.rows('perHour')).map((row) => row['sales'])).toEqual([1]);
    expect(told).toEqual(['open running']);
    stop.abort();
    expect(await running).toBe('done');
  });

  it('a run that is paused ends when it is told to', async () => {
    const { disk, driver, room, engine } = await open();
    await driver.send('sales', [TEN]);
    disk.free = 0;
    await room.look();
    const stop = new AbortController();
    const running = codeOf(engine.run(stop.signal));
    stop.abort();
    expect(await running).toBe('done');
    expect(await driver.rows('perHour')).toHaveLength(0);
  });
});

describe('looking', () => {
  const clock = new ManualClock();
  let looks = 0;
  const roomOf = (reserveBytes: number) => {
    looks = 0;
    const freeBytes = () => Promise.resolve(++looks * RESERVE);
    return new Room({ folder: '/data', reserveBytes, clock, freeBytes });
  };

  it('happens once a second, and once for each eighth of the reserve that is written', async () => {
    const room = roomOf(800);
    await room.admit(1);
    await room.admit(98);
    expect(looks).toBe(1);
    await room.admit(3);
    expect(looks).toBe(2);
    await clock.advance(999);
    await room.admit(1);
    expect(looks).toBe(2);
    await clock.advance(1);
    await room.admit(1);
    expect(looks).toBe(3);
  });

  it('does not happen before appends where no reserve is kept', async () => {
    const room = roomOf(0);
    await room.admit(1_000_000);
    await room.begin();
    expect(looks).toBe(0);
  });

  it('without a reserve, a disk with nothing left is told as full until there is room', async () => {
    let free = 0;
    const freeBytes = () => Promise.resolve(free);
    const room = new Room({ folder: '/data', reserveBytes: 0, clock, freeBytes });
    await room.look();
    expect(room.status).toMatchObject({ intake: 'refused', epochs: 'running' });
    expect(await codeOf(room.admit(1))).toBe('DISK_FULL');
    free = 1;
    await room.look();
    expect(await codeOf(room.admit(1))).toBe('done');
  });

  it('a disk that does not say how full it is refuses nothing', async () => {
    const room = new Room({
      folder: '/data',
      reserveBytes: 1,
      clock,
      freeBytes: () => Promise.reject(new Error('ENOSYS')),
    });
    await room.admit(1);
    expect(room.status).toMatchObject({ freeBytes: null, intake: 'open' });
  });
});
