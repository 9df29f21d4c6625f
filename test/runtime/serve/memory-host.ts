/** A host in memory that honours the contract of `host.ts`: what the server sees of a pipeline, without one. */
import { failure } from '../../../runtime/src/base/errors.ts';
import type {
  Host,
  IngestResult,
  JsonRow,
  LateRow,
  RejectedRow,
  Status,
  ViewChange,
  ViewQuery,
} from '../../../runtime/src/host/host.ts';

const LINE_BYTES_MAX = 1_000_000;
const HOUR_MS = 3_600_000;
export const MORNING_MS = Date.UTC(2001, 0, 10, 6);

type OnChange = (changes: readonly ViewChange[]) => void;

export class MemoryHost implements Host {
  readonly views = new Map<string, JsonRow[]>([['delays', flightRows()]]);
  readonly lines: string[] = [];
  readonly lateRows: LateRow[] = [];
  readonly rejectedRows: RejectedRow[] = [];
  readonly commands: { name: string; params: unknown }[] = [];
  readonly subscribers = new Set<OnChange>();
  override: Partial<Status> = {};
  failWith: Error | null = null;

  async status(): Promise<Status> {
    this.#mayFail();
    return { ...baseStatus(this), ...this.override };
  }

  async query(view: string, query: ViewQuery): Promise<readonly JsonRow[]> {
    this.#mayFail();
    const rows = this.views.get(view);
    if (rows === undefined) throw failure('VIEW_UNKNOWN', { view, known: [...this.views.keys()] });
    const known = ['origin', 'window', 'flights', 'meanDelay', 'destinations'];
    for (const column of Object.keys(query.where)) {
      if (!known.includes(column)) throw failure('COLUMN_UNKNOWN', { column, view, known });
    }
    const found = rows.filter((row) => {
      const startMs = Date.parse((row['window'] as { start: string }).start);
      const inTime = startMs >= (query.fromMs ?? -Infinity) && startMs < (query.toMs ?? Infinity);
      return inTime && Object.entries(query.where).every(([column, value]) => textOf(row[column]) === value);
    });
    if (query.order === 'newest') found.sort((a, b) => startOf(b) - startOf(a));
    return found.slice(0, query.limit);
  }

  subscribe(view: string, onChange: OnChange): () => void {
    if (!this.views.has(view)) throw failure('VIEW_UNKNOWN', { view, known: [...this.views.keys()] });
    this.subscribers.add(onChange);
    return () => this.subscribers.delete(onChange);
  }

  emit(changes: readonly ViewChange[]): void {
    for (const onChange of this.subscribers) onChange(changes);
  }

  async ingest(source: string, lines: AsyncIterable<Uint8Array>): Promise<IngestResult> {
    this.#mayFail();
    if (source !== 'flights') throw failure('SOURCE_UNKNOWN', { source, known: ['flights'] });
    const chunks: Uint8Array[] = [];
    for await (const chunk of lines) chunks.push(chunk);
    const problems: { line: number; reason: string }[] = [];
    let accepted = 0;
    for (const [i, line] of Buffer.concat(chunks).toString('utf8').split('\n').entries()) {
      if (line.trim() === '') continue;
      const reason = reasonAgainst(line);
      if (reason === null) {
        accepted++;
        this.lines.push(line.trim());
      } else problems.push({ line: i + 1, reason });
    }
    return { accepted, rejected: problems.length, problems: problems.slice(0, 10) };
  }

  async late(limit: number): Promise<readonly LateRow[]> {
    return this.lateRows.slice(0, limit);
  }

  async rejected(limit: number): Promise<readonly RejectedRow[]> {
    return this.rejectedRows.slice(0, limit);
  }

  async command(name: string, params: unknown): Promise<unknown> {
    this.#mayFail();
    this.commands.push({ name, params });
    if (name === 'promote') throw failure('VERSION_INVALID', { problem: 'There is no version "v9".' });
    return name === 'nothing' ? undefined : { done: name };
  }

  #mayFail(): void {
    if (this.failWith !== null) throw this.failWith;
  }
}

function reasonAgainst(line: string): string | null {
  if (Buffer.byteLength(line) > LINE_BYTES_MAX) return 'the line is over 1 MB';
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? null : 'not an object';
  } catch {
    return 'not JSON';
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function startOf(row: JsonRow): number {
  return Date.parse((row['window'] as { start: string }).start);
}

/** Airports by hour: the shape that the sample's question has. */
function flightRows(): JsonRow[] {
  const rows: JsonRow[] = [];
  for (const [a, origin] of ['ATL', 'BOS', 'DEN', 'DFW', 'JFK', 'LAX', 'ORD', 'SEA', 'SFO'].entries()) {
    for (let hour = 0; hour < 8; hour++) {
      const startMs = MORNING_MS + hour * HOUR_MS;
      const window = {
        start: new Date(startMs).toISOString(),
        end: new Date(startMs + HOUR_MS).toISOString(),
      };
      const flights = 3 + ((a * 7 + hour * 5) % 29);
      const meanDelay = Math.sin(a + hour) * 14 + 6.5;
      rows.push({ origin, window, flights, meanDelay, destinations: 2 + (flights % 11) });
    }
  }
  return rows;
}

function baseStatus(host: MemoryHost): Status {
  const nowMs = Date.now();
  const rows = host.views.get('delays')?.length ?? 0;
  return {
    version: 1,
    pipeline: 'departures',
    architecture: 'micro-batch',
    running: true,
    startedAtMs: nowMs - 7_500_000,
    nowMs,
    freshness: { seconds: 162, slaSeconds: 900, holds: true, p50Seconds: 148, p99Seconds: 297 },
    sources: [
      {
        name: 'flights',
        watermarkMs: MORNING_MS + 6.75 * HOUR_MS,
        eventsIn: 12_804 + host.lines.length,
        lagEvents: 146,
        partitions: [
          {
            partition: 0,
            endOffset: 12_804,
            nextOffset: 12_658,
            watermarkMs: MORNING_MS + 6.75 * HOUR_MS,
            idle: false,
          },
        ],
      },
    ],
    views: [
      {
        name: 'delays',
        mode: 'updates',
        columns: ['origin', 'window', 'flights', 'meanDelay', 'destinations'],
        keys: ['origin', 'window'],
        rows,
        updatedAtMs: nowMs - (nowMs % 300_000),
        closedUntilMs: MORNING_MS + 4 * HOUR_MS,
      },
    ],
    late: { total: 137, policy: { flights: 'correct' }, waiting: 14 },
    rejected: 3,
    epochs: { committed: 412, lastAtMs: nowMs - 42_000, lastDurationMs: 84, lastRows: 1_204 },
    state: { keys: 2_981, memoryBytes: 1_913_402, sizeBytes: 1_482_330 },
    nextRunAtMs: nowMs + 138_000,
    corrections: { runs: 2, lastAtMs: nowMs - 1_900_000 },
  };
}
