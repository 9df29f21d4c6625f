import { CodedError } from 'pipeline-runtime/kit';
import { ManualClock, TestDriver } from 'pipeline-runtime/testing';
import { describe, expect, it } from 'vitest';
import { MemoryLog } from '../../../runtime/src/log/memory-log.ts';
import { systemClock } from '../../../runtime/src/ports/clock.ts';
import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import type { Batch } from '../../../runtime/src/state/store.ts';
import { sale, sales, short } from './sample.ts';

/** The process dies behind so many commits. */
class DyingStore extends MemoryStore {
  commitsLeft = Infinity;

  override commit(batch: Batch): Promise<void> {
    if (this.commitsLeft-- <= 0) return Promise.reject(new Error('dies'));
    return super.commit(batch);
  }
}

const open = (options = {}) => TestDriver.open(sales(), { architecture: 'kappa', ...options });
const roles = async (driver: TestDriver): Promise<string[]> =>
  ((await driver.engine.status()).versions ?? []).map(
    ({ name, role, lagEvents }) => `${name} ${role} ${lagEvents}`,
  );

describe('kappa', () => {
  it('a new version replays the log beside the live one; promote moves readers, rollback moves them back', async () => {
    const driver = await open();
    await driver.send('sales', [sale('a', '10:00', 1), sale('a', '10:30', 6), sale('b', '10:40', 2)]);
    await driver.settle();
    expect(await driver.engine.command('replay', { plan: sales('correct', { atLeast: 2 }).plan })).toEqual({
      version: 'v2',
      sameAsLive: false,
      events: 3,
    });
    expect(await roles(driver)).toEqual(['v1 live 0', 'v2 candidate 3']);
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 2 sales, 7', 'b 10h: 1 sales, 2']);
    await driver.settle();
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 2 sales, 7', 'b 10h: 1 sales, 2']);

    await driver.engine.command('promote', { version: 'v2' });
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 6', 'b 10h: 1 sales, 2']);
    expect(await roles(driver)).toEqual(['v1 previous 0', 'v2 live 0']);

    // Both go on: a rollback finds the old rows up to date.
    await driver.send('sales', [sale('b', '10:50', 1)]);
    await driver.settle();
    await driver.engine.command('rollback', {});
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 2 sales, 7', 'b 10h: 2 sales, 3']);
  });

  it('the live version keeps its own plan when the definition is edited and the process restarts', async () => {
    const driver = await open();
    await driver.send('sales', [sale('a', '10:00', 1)]);
    await driver.settle();
    await driver.restart(sales('correct', { atLeast: 100 }));
    await driver.send('sales', [sale('a', '10:10', 1)]);
    await driver.settle();
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 2 sales, 2']);
  });

  it('versions, the alias and how far each is survive a restart', async () => {
    const driver = await open();
    await driver.send('sales', [sale('a', '10:00', 1), sale('a', '10:30', 6)]);
    await driver.settle();
    await driver.engine.command('replay', { plan: sales('correct', { atLeast: 2 }).plan, as: 'strict' });
    await driver.restart();
    expect(await roles(driver)).toEqual(['v1 live 0', 'strict candidate 2']);
    await driver.engine.command('promote', { version: 'strict' });
    await driver.restart();
    expect(await roles(driver)).toEqual(['v1 previous 0', 'strict live 0']);
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 6']);
  });

  it('a dropped version leaves nothing behind, and its name can be used again', async () => {
    const driver = await open();
    await driver.send('sales', [sale('a', '10:00', 1)]);
    await driver.engine.command('replay', { plan: sales('correct', { atLeast: 100 }).plan, as: 'x' });
    await driver.settle();
    await driver.engine.command('drop', { version: 'x' });
    await driver.engine.command('replay', { plan: sales().plan, as: 'x' });
    await driver.settle();
    await driver.engine.command('promote', { version: 'x' });
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 1']);
  });

  it.for([
    ['promote', { version: 'v9' }, 'There is no version "v9". There are: v1.'],
    ['promote', { version: 'v1' }, 'Version "v1" is live already.'],
    ['rollback', {}, 'There is no version before "v1" to go back to.'],
    ['drop', { version: 'v1' }, 'Version "v1" is live. Promote another one first.'],
    ['replay', { plan: sales().plan, as: '../x' }, '"../x" cannot name a version'],
    ['replay', { plan: sales().plan, as: 'v1' }, 'Version "v1" exists already.'],
    ['backfill', {}, '"backfill" has no meaning under kappa'],
  ] as const)('%s %j is refused', async ([command, params, message]) => {
    const driver = await open();
    const error = await driver.engine.command(command, params).then(
      () => null,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(CodedError);
    expect((error as CodedError).message).toContain(message);
    expect(await roles(driver)).toEqual(['v1 live 0']);
  });

  it('what a version left that was dropped by a process that died half way is no part of one that gets its name', async () => {
    const store = new DyingStore();
    const log = (): MemoryLog => new MemoryLog(systemClock);
    const data = { log: log(), rejected: log(), store, close: () => Promise.resolve() };
    const driver = await open({ data });
    await driver.send('sales', [sale('a', '10:00', 1), sale('a', '10:30', 6), sale('b', '10:40', 2)]);
    await driver.engine.command('replay', { plan: sales('correct', { atLeast: 2 }).plan });
    await driver.settle();
    // The alias forgets it; its rows are still there.
    store.commitsLeft = 1;
    await expect(driver.engine.command('drop', { version: 'v2' })).rejects.toThrow('dies');
    store.commitsLeft = Infinity;
    await driver.restart();
    expect(await roles(driver)).toEqual(['v1 live 0']);
    const { plan } = sales('correct', { atLeast: 6 });
    expect(await driver.engine.command('replay', { plan })).toMatchObject({ version: 'v2' });
    await driver.settle();
    await driver.engine.command('promote', { version: 'v2' });
    expect(short(await driver.rows('perHour'))).toEqual(['a 10h: 1 sales, 6']);
  });

  it('a candidate that is far behind is not promoted', async () => {
    const driver = await open({ epochRows: 1 });
    await driver.send(
      'sales',
      Array.from({ length: 40 }, () => sale('a', '10:00', 1)),
    );
    await driver.settle();
    await driver.engine.command('replay', { plan: sales().plan });
    await expect(driver.engine.command('promote', { version: 'v2' })).rejects.toThrow('is 40 events behind');
  });

  it('a version that is added while the pipeline waits for events begins at once', async () => {
    const clock = new ManualClock(Date.UTC(2001, 0, 2));
    const driver = await open({ clock });
    await driver.send('sales', [sale('a', '10:00', 1)]);
    const stop = new AbortController();
    const running = driver.engine.run(stop.signal);
    await clock.advance(5_000);
    await driver.engine.command('replay', { plan: sales().plan });
    await clock.advance(1);
    expect(await roles(driver)).toEqual(['v1 live 0', 'v2 candidate 0']);
    stop.abort();
    await clock.advance(0);
    await running;
  });

  it('a replay at a rate spares the live version', async () => {
    const clock = new ManualClock(Date.UTC(2001, 0, 2));
    const driver = await open({ clock, epochRows: 10 });
    await driver.send(
      'sales',
      Array.from({ length: 40 }, () => sale('a', '10:00', 1)),
    );
    await driver.settle();
    await driver.engine.command('replay', { plan: sales().plan, rate: 10 });
    const stop = new AbortController();
    const running = driver.engine.run(stop.signal);
    await clock.advance(1_500);
    expect(await roles(driver)).toEqual(['v1 live 0', 'v2 candidate 20']);
    await driver.send('sales', [sale('a', '10:20', 1)]);
    await clock.advance(1_000);
    expect((await roles(driver))[0]).toBe('v1 live 0');
    await clock.advance(5_000);
    expect(await roles(driver)).toEqual(['v1 live 0', 'v2 candidate 0']);
    stop.abort();
    await clock.advance(0);
    await running;
  });
});
