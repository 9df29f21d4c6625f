/**
 * What is known outside of the system: what was sent, what was acknowledged, what readers saw. At the end the log and the
 * views are held against it.
 *
 *   nothing acknowledged is missing · nothing is there twice · what was not acknowledged is there whole or not at all
 *   every answer is the result of one prefix of the log · progress never goes back but by a power cut
 */
import type { Engine } from '../../runtime/src/engine/engine.ts';
import type { Owner } from '../../runtime/src/engine/owner.ts';
import type { JsonRow, Status } from '../../runtime/src/host/host.ts';
import type { Block } from '../../runtime/src/log/log.ts';
import type { Choices, Line } from './choices.ts';
import { holds, same } from './claims.ts';
import { type Logged, type SimEvent, TotalsSoFar, WindowsSoFar } from './definitions.ts';
import { Reference } from './reference.ts';

interface Chunk {
  readonly lines: readonly Line[];
  isAcknowledged: boolean;
}

/** What was seen of a view while it ran, and how many events it had counted. */
interface Seen {
  readonly rows: readonly JsonRow[];
  readonly counted: number;
  /** Up to where the log is in it, where somebody says so. */
  readonly position?: number;
}

/** What a reader of a sink found last, and how often it may show less since. */
interface SinkSeen {
  counted: number;
  mayGoBack: number;
}

/** Events of a log in its order, by source. */
type Events = ReadonlyMap<string, readonly Logged[]>;

const sorted = (texts: readonly string[]): string[] => texts.toSorted();

export class Ledger {
  readonly #choices: Choices;
  readonly #reference: Reference;
  /** Source → how many lines a named sender knows to be taken. */
  readonly #taken = new Map<string, number>();
  /** Source → what was sent without a name. */
  readonly #chunks = new Map<string, Chunk[]>();
  readonly #totals: Seen[] = [];
  readonly #windows: Seen[] = [];
  /** Everything that the log ever held. */
  readonly #blocks: Block[] = [];
  readonly #sinks = new Map<string, SinkSeen>();
  /** Folder's name of its data → the generation of its last owner that opened it. */
  readonly #generations = new Map<string, number>();
  #events = 0;
  /** Late events were taken all the same: what windows show is no prefix of the log any more. */
  #hasAdmitted = false;
  #status: Status | null = null;

  constructor(choices: Choices) {
    this.#choices = choices;
    this.#reference = new Reference(choices.chosen);
  }

  acknowledged(source: string, lines: number): void {
    this.#taken.set(source, Math.max(this.taken(source), lines));
  }

  /** How many lines a named sender knows to be taken. */
  taken(source: string): number {
    return this.#taken.get(source) ?? 0;
  }

  /** What comes next of a source, of its first lines. */
  nextChunk(source: string, size: number, upTo: number): readonly Line[] {
    const from = (this.#chunks.get(source) ?? []).reduce((sum, { lines }) => sum + lines.length, 0);
    return (this.#choices.lines.get(source) ?? []).slice(from, Math.min(from + size, upTo));
  }

  /** Returns what to call when it was acknowledged. */
  sent(source: string, lines: readonly Line[]): () => void {
    const chunk: Chunk = { lines, isAcknowledged: false };
    const chunks = this.#chunks.get(source);
    if (chunks === undefined) this.#chunks.set(source, [chunk]);
    else chunks.push(chunk);
    return () => {
      chunk.isAcknowledged = true;
    };
  }

  /** After a power cut the state may be one of before: the log is ahead of it. */
  powerWasCut(): void {
    this.mayGoBack();
    this.#status = null;
    for (const name of this.#sinks.keys()) this.sinkMayGoBack(name);
  }

  sinkMayGoBack(name: string): void {
    const seen = this.#sinks.get(name);
    if (seen !== undefined) seen.mayGoBack++;
  }

  /** Late events are about to be admitted. */
  admits(): void {
    this.#hasAdmitted = true;
  }

  mayGoBack(): void {
    this.#events = 0;
  }

  /** How many records must be in the logs from now on. */
  get acknowledgedRecords(): number {
    let records = 0;
    for (const taken of this.#taken.values()) records += taken;
    for (const chunks of this.#chunks.values())
      for (const { lines, isAcknowledged } of chunks) if (isAcknowledged) records += lines.length;
    return records;
  }

  /** Notes what is new in the log, before retention may take it. */
  async mirror(engine: Engine): Promise<void> {
    const { log } = engine.data;
    holds(
      log.start <= this.#mirrored,
      `nothing was removed that others need: ${log.start}, ${this.#mirrored}`,
    );
    for await (const block of log.read(this.#mirrored)) this.#blocks.push(block);
  }

  get #mirrored(): number {
    const last = this.#blocks.at(-1);
    return last === undefined ? 0 : last.position + last.count;
  }

  /** All blocks of a log that may have lost its beginning; what it still has is what it always had. */
  async #blocksOf(engine: Engine): Promise<readonly Block[]> {
    const { log } = engine.data;
    if (log.end >= this.#mirrored) await this.mirror(engine);
    const ever = this.#blocks.filter(({ position }) => position < log.end);
    const shown = (block: Block): unknown => {
      const { position, offset, partition, sequence = null, records } = block;
      return [position, offset, partition, sequence, records];
    };
    const expected = ever.filter(({ position }) => position >= log.start);
    same(expected[0]?.position ?? log.end, log.start, 'where the log begins');
    const found: Block[] = [];
    for await (const block of log.read(log.start)) found.push(block);
    same(found.map(shown), expected.map(shown), 'what is left of the log');
    return ever;
  }

  /** What was acknowledged is in the log from the first moment on. */
  opened(engine: Engine, acknowledged = this.acknowledgedRecords): void {
    engine.retention.register(() => [{ position: this.#mirrored, because: 'the ledger has not seen it' }]);
    const { log, rejected, owner } = engine.data;
    if (owner !== undefined) this.#owned(owner);
    const records = log.end + rejected.end;
    holds(records >= acknowledged, `${records} records after opening, ${acknowledged} were acknowledged`);
  }

  /** Sinks tell owners apart by their generation, and data by their name: both must outlive a power cut. */
  #owned({ data, generation, parents }: Owner): void {
    const [first = data] = this.#generations.keys();
    holds(
      data === first || parents.includes(first),
      'the data keep their name, or those that were restored say it',
    );
    const before = this.#generations.get(data) ?? 0;
    holds(generation > before, `an owner has generation ${generation} after one with ${before}`);
    this.#generations.set(data, generation);
  }

  sawTotals(rows: readonly JsonRow[]): void {
    const counted = countedIn(rows);
    holds(counted >= this.#events, `a reader saw ${counted} events, and ${this.#events} before`);
    this.#events = counted;
    this.#totals.push({ rows, counted });
  }

  sawWindows(rows: readonly JsonRow[]): void {
    if (this.#choices.chosen.policy !== 'correct' && !this.#hasAdmitted)
      this.#windows.push({ rows, counted: countedIn(rows) });
  }

  /** The rows of a view in a place outside, in any order, and up to where it says that the log is in them. */
  sawSink(name: string, view: string, rows: readonly JsonRow[], position: number): void {
    const texts = rows.map((row) => JSON.stringify(row));
    same(new Set(texts).size, texts.length, `rows of sink ${name}, each once`);
    if (view !== 'totals' && view !== 'windows') return;
    const sortedRows = rows.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
    if (view === 'windows') return this.sawWindows(sortedRows);
    const counted = countedIn(rows);
    const seen = this.#sinks.get(name) ?? { counted: 0, mayGoBack: 0 };
    this.#sinks.set(name, seen);
    // Versions of Kappa may be behind each other, and readers are moved between them.
    if (counted < seen.counted && this.#choices.architecture !== 'kappa')
      holds(seen.mayGoBack-- > 0, `sink ${name} had ${seen.counted} events, and has ${counted}`);
    seen.counted = counted;
    this.#totals.push({ rows: sortedRows, counted, position });
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

  /** After everything was sent. */
  async expectRight(engine: Engine): Promise<void> {
    const blocks = await this.#blocksOf(engine);
    const events = eventsIn(blocks);
    this.#expectInput(events, await rejectedIn(engine));
    const first = events.get('a') ?? [];
    this.#expectTotalsSeen(first, blocks);
    this.#expectWindowsSeen(first);
    await this.#expectNaive(engine, first);
    if (!isUnreachable(engine)) await this.#reference.expectSame(engine, blocks);
  }

  /** Of a snapshot that was restored: whatever it has of the log, it has it once, and the views are those of that. */
  async expectRestored(engine: Engine): Promise<void> {
    const blocks = await this.#blocksOf(engine);
    const events = eventsIn(blocks);
    for (const [source, found] of events)
      same(new Set(found.map(({ n }) => n)).size, found.length, `restored: events of ${source}, each once`);
    await this.#expectNaive(engine, events.get('a') ?? []);
    if (!isUnreachable(engine)) await this.#reference.expectSame(engine, blocks);
  }

  async #expectNaive(engine: Engine, events: readonly Logged[]): Promise<void> {
    const totals = new TotalsSoFar();
    const windows = new WindowsSoFar();
    for (const event of events) {
      totals.add(event);
      windows.add(event);
    }
    same(await engine.query('totals', { where: {} }), totals.rows(), 'totals');
    const { chosen } = this.#choices;
    // A partition that was put to sleep starts again behind the others, so that more is late.
    if (chosen.policy !== 'correct' && chosen.name !== 'two sources' && !this.#hasAdmitted)
      same(await engine.query('windows', { where: {} }), windows.rows(), 'windows');
  }

  #expectInput(events: Events, rejected: ReadonlyMap<string, readonly string[]>): void {
    for (const [source, lines] of this.#choices.lines) {
      const inLog = (events.get(source) ?? []).map(({ n, key, at, value }) =>
        JSON.stringify({ n, key, at, value }),
      );
      const outside = rejected.get(source) ?? [];
      if (this.#choices.sending !== 'unnamed') {
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
    for (const { lines, isAcknowledged } of this.#chunks.get(source) ?? []) {
      const good = lines.filter(({ isGood }) => isGood);
      const bad = lines.filter(({ isGood }) => !isGood);
      const found = good.filter(({ text }) => there.delete(text));
      if (isAcknowledged) same(found, good, 'what was acknowledged');
      // One append for each partition: whole or not at all. Events that are not there have no partition that we know.
      if (!isAcknowledged && this.#choices.partitions === 1)
        holds(found.length === 0 || found.length === good.length, 'whole or not at all');
      const isRejectedThere = bad.every(({ text }) => outside.includes(text));
      if (isAcknowledged || found.length > 0) holds(isRejectedThere, 'the rejected come first');
    }
    same([...there], [], 'what was not sent');
  }

  /** Every answer was the result of the first so many events of the log. */
  #expectTotalsSeen(events: readonly Logged[], blocks: readonly Block[]): void {
    const totals = new TotalsSoFar();
    for (const { rows, counted, position } of this.#totals.toSorted((a, b) => a.counted - b.counted)) {
      if (position !== undefined && this.#choices.architecture !== 'lambda')
        same(eventsBefore(blocks, position), counted, `events of a sink that has the log up to ${position}`);
      for (const event of events.slice(totals.events, counted)) totals.add(event);
      same(rows, totals.rows(), `totals of the first ${counted} events`);
    }
    this.#totals.length = 0;
  }

  #expectWindowsSeen(events: readonly Logged[]): void {
    if (this.#choices.chosen.name === 'two sources') return;
    const windows = new WindowsSoFar();
    let prefix = 0;
    for (const { rows, counted } of this.#windows.toSorted((a, b) => a.counted - b.counted)) {
      for (; windows.inTime < counted && prefix < events.length; prefix++)
        windows.add(events[prefix] as Logged);
      same(rows, windows.rows(), `windows of the first ${prefix} events, ${counted} of them in time`);
    }
    this.#windows.length = 0;
  }
}

/** Late events whose windows were removed from the log are listed as late, and counted by nobody. */
function isUnreachable(engine: Engine): boolean {
  return engine.arrangement.unreachableLate > 0;
}

function eventsIn(blocks: readonly Block[]): Events {
  const events = new Map<string, Logged[]>();
  for (const { kind, source, partition, records } of blocks) {
    if (kind !== 'events') continue;
    const ofSource = events.get(source) ?? [];
    events.set(source, ofSource);
    for (const text of records) ofSource.push({ ...(JSON.parse(text) as SimEvent), partition });
  }
  return events;
}

async function rejectedIn(engine: Engine): Promise<Map<string, string[]>> {
  const rejected = new Map<string, string[]>();
  for await (const { source, records } of engine.data.rejected.read(0)) {
    const ofSource = rejected.get(source) ?? [];
    rejected.set(source, ofSource);
    for (const record of records) ofSource.push((JSON.parse(record) as { text: string }).text);
  }
  return rejected;
}

/** Events of the first source in the log before a position. */
function eventsBefore(blocks: readonly Block[], position: number): number {
  return blocks.reduce((sum, block) => {
    if (block.kind !== 'events' || block.source !== 'a') return sum;
    return sum + Math.max(0, Math.min(block.count, position - block.position));
  }, 0);
}

/** What the rows of `totals` and of `windows` are in the order of. */
function placeOf(row: JsonRow): string {
  const { key, window } = row as { readonly key: string; readonly window?: { readonly start: string } };
  return window === undefined ? key : `${key} ${String(Date.parse(window.start)).padStart(16, '0')}`;
}

function countedIn(rows: readonly JsonRow[]): number {
  return rows.reduce((sum, row) => sum + (row['events'] as number), 0);
}
