/**
 * What is known outside of the system: what was sent, what was acknowledged, what readers saw. At the end the log and the
 * views are held against it.
 *
 *   nothing acknowledged is missing · nothing is there twice · what was not acknowledged is there whole or not at all
 *   every answer is the result of one prefix of the log · progress never goes back but by a power cut
 */
import type { Engine } from '../../runtime/src/engine/engine.ts';
import type { JsonRow, Status } from '../../runtime/src/host/host.ts';
import { MemoryLog } from '../../runtime/src/log/memory-log.ts';
import { systemClock } from '../../runtime/src/ports/clock.ts';
import { MemoryStore } from '../../runtime/src/state/memory.ts';
import { TestDriver } from '../../runtime/src/testing/test-driver.ts';
import type { Choices, Line } from './choices.ts';
import { holds, same } from './claims.ts';
import { type Logged, type SimEvent, totalsOf, WindowsSoFar } from './definitions.ts';

interface Chunk {
  readonly lines: readonly Line[];
  isAcknowledged: boolean;
}

/** What one batch made of a log that ended there. */
interface Batch {
  readonly end: number;
  readonly rows: ReadonlyMap<string, readonly JsonRow[]>;
  readonly late: number;
}

/** Events of a log in its order, by source. */
type Events = ReadonlyMap<string, readonly Logged[]>;

const sorted = (texts: readonly string[]): string[] => texts.toSorted();

export class Ledger {
  readonly #choices: Choices;
  /** Source → how many lines a named sender knows to be taken. */
  readonly #taken = new Map<string, number>();
  /** Source → what was sent without a name. */
  readonly #chunks = new Map<string, Chunk[]>();
  /** What was seen of the log while it ran: the events that a view had counted. */
  readonly #seen: {
    readonly view: 'totals' | 'windows';
    readonly rows: readonly JsonRow[];
    readonly counted: number;
  }[] = [];
  #events = 0;
  #batch: Batch | null = null;
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
    const records = log.end + rejected.end;
    holds(records >= acknowledged, `${records} records after opening, ${acknowledged} were acknowledged`);
  }

  sawTotals(rows: readonly JsonRow[]): void {
    const events = countedIn(rows);
    holds(events >= this.#events, `a reader saw ${events} events, and ${this.#events} before`);
    this.#events = events;
    this.#seen.push({ view: 'totals', rows, counted: events });
  }

  sawWindows(rows: readonly JsonRow[]): void {
    if (this.#choices.chosen.policy === 'correct') return;
    this.#seen.push({ view: 'windows', rows, counted: countedIn(rows) });
  }

  sawStatus(status: Status): void {
    const before = this.#status;
    this.#status = status;
    if (before === null || status.versions !== undefined) return;
    holds(status.epochs.committed >= before.epochs.committed, 'epochs do not go back');
    for (const [index, source] of status.sources.entries()) {
      const earlier = before.sources[index];
      const isLater = (source.watermarkMs ?? -Infinity) >= (earlier?.watermarkMs ?? -Infinity);
      holds(isLater, `the watermark of ${source.name} does not go back`);
      holds(source.eventsIn >= (earlier?.eventsIn ?? 0), `events of ${source.name} do not go back`);
    }
  }

  async expectRight(engine: Engine): Promise<void> {
    const events = await eventsIn(engine);
    this.#expectInput(events, await rejectedIn(engine));
    const first = events.get('a') ?? [];
    this.#expectSeen(first);
    same(await engine.query('totals', { where: {} }), totalsOf(first), 'totals');
    const { chosen } = this.#choices;
    const windows = new WindowsSoFar();
    for (const event of first) windows.add(event);
    // A partition that was put to sleep starts again behind the others, so that more is late.
    const isNaive = chosen.policy !== 'correct' && chosen.name !== 'two sources';
    if (isNaive) same(await engine.query('windows', { where: {} }), windows.rows(), 'windows');
    if (isNaive && chosen.name.startsWith('plain'))
      same((await engine.status()).late.total, 2 * windows.late, 'late events');
    await this.#expectBatch(engine);
  }

  #expectInput(events: Events, rejected: ReadonlyMap<string, readonly string[]>): void {
    for (const [source, lines] of this.#choices.lines) {
      const inLog = (events.get(source) ?? []).map(({ n, key, at, value }) =>
        JSON.stringify({ n, key, at, value }),
      );
      const outside = rejected.get(source) ?? [];
      if (this.#choices.isNamed) {
        const texts = (isGood: boolean): string[] =>
          sorted(lines.filter((line) => line.isGood === isGood).map(({ text }) => text));
        same(sorted(inLog), texts(true), `events of ${source}, each once`);
        same(sorted(outside), texts(false), `rejected lines of ${source}, each once`);
        continue;
      }
      this.#expectChunks(source, inLog, outside);
    }
  }

  #expectChunks(source: string, inLog: readonly string[], outside: readonly string[]): void {
    same(new Set(inLog).size, inLog.length, 'nothing twice');
    const there = new Set(inLog);
    const wrong = [...outside];
    for (const { lines, isAcknowledged } of this.#chunks.get(source) ?? []) {
      const good = lines.filter(({ isGood }) => isGood);
      const bad = lines.filter(({ isGood }) => !isGood);
      const found = good.filter(({ text }) => there.delete(text));
      if (isAcknowledged) same(found, good, 'what was acknowledged');
      // One append for each partition: whole or not at all. Events that are not there have no partition that we know.
      if (!isAcknowledged && this.#choices.partitions === 1)
        holds(found.length === 0 || found.length === good.length, 'whole or not at all');
      const isRejectedThere = bad.every(({ text }) => wrong.includes(text));
      if (isAcknowledged || found.length > 0) holds(isRejectedThere, 'the rejected come first');
    }
    same([...there], [], 'what was not sent');
  }

  /** Every answer was the result of the first so many events of the log. */
  #expectSeen(events: readonly Logged[]): void {
    const windows = new WindowsSoFar();
    let prefix = 0;
    for (const { view, rows, counted } of this.#seen.toSorted((a, b) => a.counted - b.counted)) {
      if (view === 'totals') {
        same(rows, totalsOf(events.slice(0, counted)), `totals of the first ${counted} events`);
        continue;
      }
      if (this.#choices.chosen.name === 'two sources') continue;
      for (; windows.inTime < counted && prefix < events.length; prefix++)
        windows.add(events[prefix] as Logged);
      same(rows, windows.rows(), `windows of the first ${prefix} events, ${counted} of them in time`);
    }
    this.#seen.length = 0;
  }

  /** One batch over the same log: every view, and what is late. */
  async #expectBatch(engine: Engine): Promise<void> {
    const { end } = engine.data.log;
    if (this.#batch?.end !== end) this.#batch = { end, ...(await this.#computeBatch(engine)) };
    for (const [name, rows] of this.#batch.rows)
      same(await engine.query(name, { where: {} }), rows, `${name} as one batch has it`);
    same((await engine.status()).late.total, this.#batch.late, 'late events as one batch has them');
  }

  async #computeBatch(engine: Engine): Promise<Omit<Batch, 'end'>> {
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
    const rows = new Map<string, readonly JsonRow[]>();
    for (const { name } of definition.plan.views) rows.set(name, await driver.rows(name));
    return { rows, late: (await driver.engine.status()).late.total };
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

function countedIn(rows: readonly JsonRow[]): number {
  return rows.reduce((sum, row) => sum + (row['events'] as number), 0);
}
