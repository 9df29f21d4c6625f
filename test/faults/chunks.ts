/** Numbered events in chunks, and what is to be seen when some of the chunks are there: computed anew, from the numbers. */

export const CHUNK_EVENTS = 40;
const BUCKETS = 5;
const BEGIN_MS = Date.UTC(2001, 0, 1);
/** Time moves on with the chunks, so that windows and partitions close and the beginning of the log may go. */
const CHUNK_MS = 30 * 60_000;
export const WINDOW_MS = 3_600_000;

const numbersOf = (chunk: number): number[] =>
  Array.from({ length: CHUNK_EVENTS }, (_, i) => chunk * CHUNK_EVENTS + i);

/** Every other chunk is sent under a name, until it is acknowledged; the others are sent once. */
export const producerOf = (chunk: number): string | undefined =>
  chunk % 2 === 0 ? `chunk-${chunk}` : undefined;

/** When all events of a chunk happened. */
export const timeOf = (chunk: number): number => BEGIN_MS + chunk * CHUNK_MS;

/** The events of a chunk as JSON lines. */
export function linesOf(chunk: number): string {
  const at = new Date(timeOf(chunk)).toISOString();
  return numbersOf(chunk)
    .map((n) => `${JSON.stringify({ at, chunk, bucket: String(n % BUCKETS), n })}\n`)
    .join('');
}

/** The start of the window that a chunk is in, as rows show it. */
const windowOf = (chunk: number): string =>
  new Date(Math.floor(timeOf(chunk) / WINDOW_MS) * WINDOW_MS).toISOString();

/** A window of event time, as rows show it. */
interface Window {
  readonly start: string;
}
export interface ChunkRow {
  readonly chunk: number;
  readonly window: Window;
  readonly events: number;
  readonly total: number;
}
export interface BucketRow {
  readonly bucket: string;
  readonly window: Window;
  readonly events: number;
  readonly total: number;
}

/** What a life of the worker saw. */
export interface Seen {
  readonly chunks: readonly ChunkRow[];
  readonly buckets: readonly BucketRow[];
  readonly eventsIn: number;
}

/** Half of a chunk may be visible while epochs run, but nothing of it twice: what is wrong with what a reader saw then. */
export function glimpseProblems(rows: readonly ChunkRow[]): string[] {
  return rows.flatMap(({ chunk, window, events, total }) => {
    const isBeginning = events <= CHUNK_EVENTS && total === sumOf(numbersOf(chunk).slice(0, events));
    if (isBeginning && window.start === windowOf(chunk)) return [];
    return [`a reader saw ${events} events of chunk ${chunk} with the sum ${total} in ${window.start}`];
  });
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0);

/** What is wrong with the buckets, given how many events of each chunk are there. */
export function bucketProblems(
  chunks: readonly Pick<ChunkRow, 'chunk' | 'events'>[],
  buckets: readonly BucketRow[],
): string[] {
  const expected = new Map<string, { events: number; total: number }>();
  for (const { chunk, events } of chunks)
    for (const n of numbersOf(chunk).slice(0, events)) {
      const key = `${n % BUCKETS} at ${windowOf(chunk)}`;
      const sum = expected.get(key) ?? { events: 0, total: 0 };
      expected.set(key, { events: sum.events + 1, total: sum.total + n });
    }
  const problems: string[] = [];
  const found = new Map(buckets.map((row) => [`${row.bucket} at ${row.window.start}`, row]));
  if (found.size !== buckets.length) problems.push('a bucket has two rows');
  for (const key of new Set([...expected.keys(), ...found.keys()])) {
    const { events, total } = found.get(key) ?? { events: 0, total: 0 };
    const wanted = expected.get(key) ?? { events: 0, total: 0 };
    if (events !== wanted.events || total !== wanted.total)
      problems.push(
        `bucket ${key}: ${events} events with the sum ${total}, not ${wanted.events} with ${wanted.total}`,
      );
  }
  return problems;
}

/** What is wrong with what was seen, given what was acknowledged and what was ever sent; empty when nothing is. */
export function problemsOf(
  { chunks, buckets, eventsIn }: Seen,
  acked: ReadonlySet<number>,
  sent: ReadonlySet<number>,
): string[] {
  const problems: string[] = [];
  const present = new Set(chunks.map(({ chunk }) => chunk));
  for (const chunk of acked)
    if (!present.has(chunk)) problems.push(`chunk ${chunk} was acknowledged and is lost`);
  if (present.size !== chunks.length) problems.push('a chunk has two rows');
  for (const { chunk, events, total } of chunks) {
    if (!sent.has(chunk)) problems.push(`chunk ${chunk} was never sent`);
    if (events !== CHUNK_EVENTS || total !== sumOf(numbersOf(chunk)))
      problems.push(`chunk ${chunk}: ${events} events with the sum ${total}`);
  }
  const whole = [...present].map((chunk) => ({ chunk, events: CHUNK_EVENTS }));
  problems.push(...bucketProblems(whole, buckets));
  const all = CHUNK_EVENTS * present.size;
  if (eventsIn !== all) problems.push(`${eventsIn} events in, not ${all}`);
  return problems;
}
