/**
 * What the sinks of a worker have, read from outside by what they say of themselves: files by their manifests, a table by a
 * connection. Each of them is a view at one commit: chunks from the first on, the last of them perhaps half, and never less
 * than was there before.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { newestManifest, readRows } from '../runtime/sinks/read-files.ts';
import { type BucketRow, bucketProblems, CHUNK_EVENTS, type ChunkRow, glimpseProblems } from './chunks.ts';

export interface Database {
  readonly url: string;
  readonly table: string;
}

export class Delivered {
  readonly #folder: string;
  readonly #database: Database | null;
  /** Place → chunk → how many of its events were there. */
  readonly #shown = new Map<string, Map<number, number>>();
  #sequence = 0;
  /** How often the two folders showed the same commit, and were held against each other. */
  compared = 0;

  constructor(folder: string, database: Database | null) {
    this.#folder = folder;
    this.#database = database;
  }

  /** What is wrong with what is there; `isSettled` when everything was to be delivered. */
  async look(seen: readonly ChunkRow[] | null, sent: ReadonlySet<number>): Promise<string[]> {
    const [chunks, table] = [await this.#rowsIn<ChunkRow>('chunks'), await this.#rowsOfTable()];
    const problems = [
      ...this.#problemsOf('files', chunks, seen, sent),
      ...(table === null ? [] : this.#problemsOf('table', table, seen, sent)),
      ...(await this.#bucketProblems(chunks)),
    ];
    const sequence = this.#manifest('chunks')?.sequence ?? 0;
    if (sequence < this.#sequence) problems.push(`files: delivery ${sequence} after ${this.#sequence}`);
    this.#sequence = sequence;
    return problems;
  }

  #manifest(view: string): ReturnType<typeof newestManifest> {
    const folder = join(this.#folder, view);
    return existsSync(folder) ? newestManifest(folder) : null;
  }

  async #rowsIn<Row>(view: string): Promise<Row[]> {
    if (this.#manifest(view) === null) return [];
    return (await readRows(join(this.#folder, view), [])) as unknown as Row[];
  }

  async #rowsOfTable(): Promise<ChunkRow[] | null> {
    if (this.#database === null) return null;
    const { url, table } = this.#database;
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      const found = await client.query<{ is: boolean }>('SELECT to_regclass($1) IS NOT NULL AS is', [table]);
      if (found.rows[0]?.is !== true) return [];
      const { rows } = await client.query<Omit<ChunkRow, 'window'> & { readonly start: Date }>(
        `SELECT chunk, window_start AS start, events::int, total FROM ${table}`,
      );
      return rows.map(({ start, ...row }) => ({ ...row, window: { start: start.toISOString() } }));
    } finally {
      await client.end();
    }
  }

  #problemsOf(
    place: string,
    rows: readonly ChunkRow[],
    seen: readonly ChunkRow[] | null,
    sent: ReadonlySet<number>,
  ): string[] {
    const problems = glimpseProblems(rows);
    const there = new Map(rows.map(({ chunk, events }) => [chunk, events]));
    if (there.size !== rows.length) problems.push('a chunk has two rows');
    const halves = rows.filter(({ events }) => events < CHUNK_EVENTS).length;
    if (halves > 1) problems.push(`${halves} chunks are there in part`);
    for (const [chunk, events] of this.#shown.get(place) ?? [])
      if ((there.get(chunk) ?? 0) < events)
        problems.push(`of chunk ${chunk} there were ${events} events, and now ${there.get(chunk) ?? 0}`);
    for (const chunk of there.keys()) if (!sent.has(chunk)) problems.push(`chunk ${chunk} was never sent`);
    for (const { chunk, events } of seen ?? [])
      if ((there.get(chunk) ?? 0) < events)
        problems.push(`readers see ${events} events of chunk ${chunk}, it has ${there.get(chunk) ?? 0}`);
    this.#shown.set(place, there);
    return problems.map((problem) => `${place}: ${problem}`);
  }

  /** Buckets that are as of the same commit must be those of the chunks. */
  async #bucketProblems(chunks: readonly ChunkRow[]): Promise<string[]> {
    if (this.#manifest('chunks')?.position !== this.#manifest('buckets')?.position) return [];
    const buckets = await this.#rowsIn<BucketRow>('buckets');
    if (chunks.length === 0 && buckets.length === 0) return [];
    this.compared++;
    return bucketProblems(chunks, buckets).map((problem) => `files: ${problem}`);
  }
}
