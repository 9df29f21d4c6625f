/** The simulated database keeps the contract of sinks, and loses what it should. */
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../runtime/src/sim/seeded-random.ts';
import { sinkSuite } from '../suites/sink.suite.ts';
import { DatabaseSink } from './database-sink.ts';
import { EMPTY, type Line, LostConnection, SimDatabase } from './database.ts';

const TABLE = 'rows';
/** Messages arrive at once. */
const LINE: Line = { later: (work) => work(), heard: (work) => work() };

sinkSuite('a simulated database', () => {
  const database = new SimDatabase(new SeededRandom(1));
  return Promise.resolve({
    open: () => new DatabaseSink(database, TABLE, LINE),
    content: () => Promise.resolve([...database.content(TABLE).rows.values()].flat()),
    remove: () => Promise.resolve(),
  });
});

describe('the simulated database', () => {
  const row = new Map([['k', [{ n: 1 }]]]);

  test('what was not committed is gone when the server crashes, and its lock too', async () => {
    const database = new SimDatabase(new SeededRandom(1));
    const client = database.connect(LINE);
    await client.lock(TABLE);
    await client.stage((before) => ({ ...before, rows: row }));
    const other = database.connect(LINE);
    const waits = other.lock(TABLE);
    database.crash();
    await expect(client.commit()).rejects.toBeInstanceOf(LostConnection);
    await expect(waits).rejects.toBeInstanceOf(LostConnection);
    expect(await database.connect(LINE).lock(TABLE)).toEqual(EMPTY);
  });

  test('whoever comes second waits for the first, and sees what he committed', async () => {
    const database = new SimDatabase(new SeededRandom(1));
    const client = database.connect(LINE);
    await client.lock(TABLE);
    const waits = database.connect(LINE).lock(TABLE);
    await client.stage((before) => ({ ...before, rows: row }));
    expect(database.content(TABLE)).toEqual(EMPTY);
    await client.commit();
    expect((await waits).rows).toEqual(row);
  });

  test('a COMMIT without an answer has happened or not: each with some seed', async () => {
    const found = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const database = new SimDatabase(new SeededRandom(seed));
      const client = database.connect(LINE);
      await client.lock(TABLE);
      await client.stage((before) => ({ ...before, rows: row }));
      database.weather = { trouble: 1 };
      await expect(client.commit()).rejects.toBeInstanceOf(LostConnection);
      found.add(database.content(TABLE).rows === row ? 'happened' : 'did not');
    }
    expect(found).toEqual(new Set(['happened', 'did not']));
  });
});
