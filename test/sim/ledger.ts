/**
 * What is known outside of the system: what was sent, what was acknowledged, what readers saw. At the end the log and the
 * views are held against it.
 *
 *   nothing acknowledged is missing · nothing is there twice · what was not acknowledged is there whole or not at all
 *   every answer is the result of one prefix of the log · progress never goes back but by a power cut
 */
import { expect } from 'vitest';
import type { Engine } from '../../runtime/src/engine/engine.ts';
import type { JsonRow, Status } from '../../runtime/src/host/host.ts';
import { MemoryLog } from '../../runtime/src/log/memory-log.ts';
import { systemClock } from '../../runtime/src/ports/clock.ts';
import { MemoryStore } from '../../runtime/src/state/memory.ts';
import { TestDriver } from '../../runtime/src/testing/test-driver.ts';
import type { Choices, Line } from './choices.ts';
import { type Logged, type SimEvent, totalsOf, windowsOf } from './definitions.ts';

interface Chunk {
  readonly lines: readonly Line[];
  isAcknowledged: boolean;
}

/** Events of a log in its order, by source. */
type Events = ReadonlyMap<string, readonly Logged[]>;

const sorted = (texts: readonly string[]): string[] => [...texts].sort();

export class Ledger {
  readonly #choices: Choices;
  /** Source → how many lines a named sender knows to be taken. */
  readonly #taken = new Map<string, number>();
  /** Source → what was sent without a name. */
  readonly #chunks = new Map<string, Chunk[]>();
  /** What was seen of the log while it ran: the events that a view had counted. */
  readonly #seen: { readonly view: 'totals' | 'windows'; readonly rows: readonly JsonRow[] }[] = [];
  #events = 0;
  #status: Status | null = null;

  constructor(choices: Choices) {
    this.#choices = choices;
  }

  acknowledged(source: string, lines: number): void {
    this.#taken.set(source, Math.max(this.#taken.get(source) ?? 0, lines));
  }

  nextChunk(source: string, size: number): readonly Line[] {
    const from = (this.#chunks.get(source) ?? []).reduce((sum, { lines }) => sum + lines.length, 0);
    return (this.#choices.lines.get(source) ?? []).slice(from, from + size);
  }

  /** Returns what to call when it was acknowledged. */
  sent(source: string, lines: readonly Line[]): () => void {
    const chunk: Chunk = { lines, isAcknowledged: false };
    this.#chunks.set(source, [...(this.#chunks.get(source) ?? []), chunk]);
    return () => {
      chunk.isAcknowledged = true;
    };
  }

  /** After a power cut the state may be one of before: the log is ahead of it. */
  powerWasCut(): void {
    this.mayGoBack();
    this.#status = null;
  }

  mayGoBack(): void {
    this.#events = 0;
  }

  /** What was acknowledged is in the log from the first moment on. */
  opened(engine: Engine): void {
    const { log, rejected } = engine.data;
    let acknowledged = 0;
    for (const taken of this.#taken.values()) acknowledged += taken;
    for (const chunks of this.#chunks.values())
      for (const { lines, isAcknowledged } of chunks) if (isAcknowledged) acknowledged += lines.length;
    expect(log.end + rejected.end, 'records after opening').toBeGreaterThanOrEqual(acknowledged);
  }

  sawTotals(rows: readonly JsonRow[]): void {
    const events = rows.reduce((sum, row) => sum + (row['events'] as number), 0);
    expect(events, 'a reader never sees less than before').toBeGreaterThanOrEqual(this.#events);
    this.#events = events;
    this.#seen.push({ view: 'totals', rows });
  }

  sawWindows(rows: readonly JsonRow[]): void {
    if (this.#choices.chosen.policy !== 'correct') this.#seen.push({ view: 'windows', rows });
  }

  sawStatus(status: Status): void {
    const before = this.#status;
    this.#status = status;
    if (before === null || status.versions !== undefined) return;
    expect(status.epochs.committed).toBeGreaterThanOrEqual(before.epochs.committed);
    for (const [index, source] of status.sources.entries()) {
      const earlier = before.sources[index];
      expect(source.watermarkMs ?? -Infinity).toBeGreaterThanOrEqual(earlier?.watermarkMs ?? -Infinity);
      expect(source.eventsIn).toBeGreaterThanOrEqual(earlier?.eventsIn ?? 0);
    }
  }

  async expectRight(engine: Engine): Promise<void> {
    const events = await eventsIn(engine);
    this.#expectInput(events, await rejectedIn(engine));
    const first = events.get('a') ?? [];
    this.#expectSeen(first);
    expect(await engine.query('totals', { where: {} })).toEqual(totalsOf(first));
    const { chosen } = this.#choices;
    const windows = windowsOf(first);
    // A partition that was put to sleep starts again behind the others, so that more is late.
    const isNaive = chosen.policy !== 'correct' && chosen.name !== 'two sources';
    if (isNaive) expect(await engine.query('windows', { where: {} })).toEqual(windows.rows);
    if (isNaive && chosen.name.startsWith('plain'))
      expect((await engine.status()).late.total).toBe(2 * windows.late);
    await this.#expectBatch(engine);
  }

  #expectInput(events: Events, rejected: ReadonlyMap<string, readonly string[]>): void {
    for (const [source, lines] of this.#choices.lines) {
      const inLog = (events.get(source) ?? []).map(({ partition: _, ...event }) => JSON.stringify(event));
      const outside = rejected.get(source) ?? [];
      if (this.#choices.isNamed) {
        const texts = (isGood: boolean): string[] =>
          sorted(lines.filter((line) => line.isGood === isGood).map(({ text }) => text));
        expect(sorted(inLog), `events of ${source}, each once`).toEqual(texts(true));
        expect(sorted(outside), `rejected lines of ${source}, each once`).toEqual(texts(false));
        continue;
      }
      this.#expectChunks(source, inLog, outside);
    }
  }

  #expectChunks(source: string, inLog: readonly string[], outside: readonly string[]): void {
    expect(new Set(inLog).size, 'nothing twice').toBe(inLog.length);
    const there = new Set(inLog);
    const wrong = [...outside];
    for (const { lines, isAcknowledged } of this.#chunks.get(source) ?? []) {
      const good = lines.filter(({ isGood }) => isGood);
      const bad = lines.filter(({ isGood }) => !isGood);
      const found = good.filter(({ text }) => there.delete(text));
      if (isAcknowledged) expect(found).toEqual(good);
      // One append for each partition: whole or not at all. Events that are not there have no partition that we know.
      if (!isAcknowledged && this.#choices.partitions === 1) expect([0, good.length]).toContain(found.length);
      const isRejectedThere = bad.every(({ text }) => wrong.includes(text));
      if (isAcknowledged || found.length > 0) expect(isRejectedThere, 'the rejected come first').toBe(true);
    }
    expect([...there], 'nothing that was not sent').toEqual([]);
  }

  /** Every answer was the result of the first so many events of the log. */
  #expectSeen(events: readonly Logged[]): void {
    for (const { view, rows } of this.#seen) {
      const counted = rows.reduce((sum, row) => sum + (row['events'] as number), 0);
      if (view === 'totals') {
        expect(rows, `the first ${counted} events`).toEqual(totalsOf(events.slice(0, counted)));
        continue;
      }
      if (this.#choices.chosen.name === 'two sources') continue;
      let prefix = counted;
      while (prefix < events.length && prefix - windowsOf(events.slice(0, prefix)).late < counted) prefix++;
      expect(rows, `some first events, ${counted} of them in time`).toEqual(
        windowsOf(events.slice(0, prefix)).rows,
      );
    }
    this.#seen.length = 0;
  }

  /** One batch over the same log: every view, and what is late. */
  async #expectBatch(engine: Engine): Promise<void> {
    const { definition } = this.#choices.chosen;
    const log = new MemoryLog(systemClock);
    for await (const { kind, source, partition, partitions, records } of engine.data.log.read(0))
      await log.append({ kind, source, partition, ...(partitions !== undefined && { partitions }), records });
    const data = {
      log,
      rejected: new MemoryLog(systemClock),
      store: new MemoryStore(),
      close: () => Promise.resolve(),
    };
    const driver = await TestDriver.open(definition, { architecture: 'batch', data });
    await driver.settle();
    for (const { name } of definition.plan.views)
      expect(await engine.query(name, { where: {} }), name).toEqual(await driver.rows(name));
    const late = async (each: Engine): Promise<unknown> => (await each.status()).late.total;
    expect(await late(engine), 'late events').toBe(await late(driver.engine));
  }
}

async function eventsIn(engine: Engine): Promise<Events> {
  const events = new Map<string, Logged[]>();
  for await (const { kind, source, partition, records } of engine.data.log.read(0)) {
    if (kind !== 'events') continue;
    const ofSource = events.get(source) ?? [];
    events.set(source, ofSource);
    for (const text of records) ofSource.push({ ...(JSON.parse(text) as SimEvent), partition });
  }
  return events;
}

async function rejectedIn(engine: Engine): Promise<Map<string, string[]>> {
  const rejected = new Map<string, string[]>();
  for await (const { source, records } of engine.data.rejected.read(0))
    for (const record of records) {
      const { text } = JSON.parse(record) as { text: string };
      rejected.set(source, [...(rejected.get(source) ?? []), text]);
    }
  return rejected;
}
