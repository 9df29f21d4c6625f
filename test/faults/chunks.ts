/** Numbered events in chunks, and what is to be seen when some of the chunks are there: computed anew, from the numbers. */

export const CHUNK_EVENTS = 40;
const BUCKETS = 5;

const numbersOf = (chunk: number): number[] =>
  Array.from({ length: CHUNK_EVENTS }, (_, i) => chunk * CHUNK_EVENTS + i);

/** Every other chunk is sent under a name, until it is acknowledged; the others are sent once. */
export const producerOf = (chunk: number): string | undefined =>
  chunk % 2 === 0 ? `chunk-${chunk}` : undefined;

/** The events of a chunk as JSON lines. */
export function linesOf(chunk: number): string {
  return numbersOf(chunk)
    .map((n) => `${JSON.stringify({ at: '2001-01-01T00:00:00Z', chunk, bucket: String(n % BUCKETS), n })}\n`)
    .join('');
}

/** What a life of the worker saw. */
export interface Seen {
  readonly chunks: readonly { readonly chunk: number; readonly events: number; readonly total: number }[];
  readonly buckets: readonly { readonly bucket: string; readonly events: number; readonly total: number }[];
  readonly eventsIn: number;
}

/** Half of a chunk may be visible while epochs run, but nothing of it twice: what is wrong with what a reader saw then. */
export function glimpseProblems(rows: Seen['chunks']): string[] {
  return rows.flatMap(({ chunk, events, total }) => {
    const isBeginning = events <= CHUNK_EVENTS && total === sumOf(numbersOf(chunk).slice(0, events));
    return isBeginning ? [] : [`a reader saw ${events} events of chunk ${chunk} with the sum ${total}`];
  });
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0);

/** What is wrong with what was seen, given what was acknowledged and what was ever sent; empty when nothing is. */
export function problemsOf(seen: Seen, acked: ReadonlySet<number>, sent: ReadonlySet<number>): string[] {
  const problems: string[] = [];
  const present = new Set(seen.chunks.map(({ chunk }) => chunk));
  for (const chunk of acked)
    if (!present.has(chunk)) problems.push(`chunk ${chunk} was acknowledged and is lost`);
  if (present.size !== seen.chunks.length) problems.push('a chunk has two rows');
  for (const { chunk, events, total } of seen.chunks) {
    if (!sent.has(chunk)) problems.push(`chunk ${chunk} was never sent`);
    if (events !== CHUNK_EVENTS || total !== sumOf(numbersOf(chunk)))
      problems.push(`chunk ${chunk}: ${events} events with the sum ${total}`);
  }
  const all = [...present].flatMap(numbersOf);
  const buckets = new Map(seen.buckets.map((row) => [row.bucket, row]));
  if (buckets.size !== seen.buckets.length) problems.push('a bucket has two rows');
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const expected = all.filter((n) => n % BUCKETS === bucket);
    const { events = 0, total = 0 } = buckets.get(String(bucket)) ?? {};
    if (events !== expected.length || total !== sumOf(expected))
      problems.push(
        `bucket ${bucket}: ${events} events with the sum ${total}, not ${expected.length} with ${sumOf(expected)}`,
      );
  }
  if (seen.eventsIn !== all.length) problems.push(`${seen.eventsIn} events in, not ${all.length}`);
  return problems;
}
