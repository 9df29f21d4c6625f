/**
 * What a pipeline measured, day by day (UTC), as small files beside its data:
 *
 *   data/observed/2026-11-30.json     counts and histograms of the events that were appended on this day
 *
 * They are notes, not data: a pipeline computes without them, and a file that cannot be read is one day less. They are not
 * part of a snapshot. Days are kept for 400 days, so that a year can be seen behind a pipeline whose log keeps a week.
 */
import { join } from 'node:path';
import { z } from 'zod';
import type { Disk } from '../ports/disk.ts';
import { BinCounter } from './bins.ts';

export const OBSERVED_FOLDER = 'observed';
const DAYS_MAX = 400;
const FILE_BYTES_MAX = 1_000_000;
const DAY_MS = 86_400_000;

const count = z.number().min(0);
const bins = z.array(z.tuple([z.int().min(0), count]).readonly()).readonly();

const daySchema = z.object({
  version: z.literal(1),
  day: z.iso.date(),
  /** When the first and the last event of the day were appended. */
  firstMs: z.number(),
  lastMs: z.number(),
  events: count,
  late: count,
  rejected: count,
  corrections: count,
  /** From the append of an event to the commit that made it visible. */
  visibleMs: bins,
  /** How far events are behind the newest before them in their partition: what a watermark waits for. A sample. */
  behindMs: bins,
  /** How many events the sample has, and their bytes as JSON. */
  sampled: z.object({ events: count, bytes: count }),
  /** How the pipeline ran when the day was last written. */
  architecture: z.string().max(100),
  slaSeconds: z.number(),
});

export type Day = Readonly<z.output<typeof daySchema>>;

export interface NotesPlace {
  readonly disk: Disk;
  readonly folder: string;
}

export function dayOf(ms: number): string {
  return new Date(Math.floor(ms / DAY_MS) * DAY_MS).toISOString().slice(0, 10);
}

/** Both together; what is said only once is said by the second. */
export function mergeDays(first: Day, second: Day): Day {
  const visible = new BinCounter(first.visibleMs);
  visible.merge(second.visibleMs);
  const behind = new BinCounter(first.behindMs);
  behind.merge(second.behindMs);
  return {
    ...second,
    firstMs: Math.min(first.firstMs, second.firstMs),
    lastMs: Math.max(first.lastMs, second.lastMs),
    events: first.events + second.events,
    late: first.late + second.late,
    rejected: first.rejected + second.rejected,
    corrections: first.corrections + second.corrections,
    visibleMs: visible.bins,
    behindMs: behind.bins,
    sampled: {
      events: first.sampled.events + second.sampled.events,
      bytes: first.sampled.bytes + second.sampled.bytes,
    },
  };
}

/** Every day that was noted, oldest first, and the files that are none. Changes nothing; nothing there is no error. */
export async function readDays({ disk, folder }: NotesPlace): Promise<{
  readonly days: readonly Day[];
  readonly unreadable: readonly string[];
}> {
  const days: Day[] = [];
  const unreadable: string[] = [];
  for (const name of await namesIn({ disk, folder })) {
    const day = await readDay({ disk, folder }, name.slice(0, 10));
    if (day === null) unreadable.push(join(folder, name));
    else days.push(day);
  }
  return { days, unreadable };
}

async function namesIn({ disk, folder }: NotesPlace): Promise<string[]> {
  const entries = await disk.listAll(folder);
  return entries
    .filter(({ name, kind }) => kind === 'file' && /^\d{4}-\d\d-\d\d\.json$/.test(name))
    .map(({ name }) => name)
    .sort();
}

/** A day as it was noted; null when it was not, or cannot be read. */
async function readDay({ disk, folder }: NotesPlace, day: string): Promise<Day | null> {
  const file = join(folder, `${day}.json`);
  if ((await disk.kindOf(file)) !== 'file') return null;
  const handle = await disk.open(file, { create: false, readOnly: true });
  try {
    const bytes = Buffer.alloc(Math.min(await handle.size(), FILE_BYTES_MAX));
    for (let read = 0; read < bytes.length;) {
      const length = await handle.read(bytes.subarray(read), read);
      if (length === 0) break;
      read += length;
    }
    const parsed = daySchema.safeParse(JSON.parse(bytes.toString()));
    return parsed.success && parsed.data.day === day ? parsed.data : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  } finally {
    await handle.close();
  }
}

/** Adds to what is noted of a day. REQUIRES the folder. The file is replaced whole, and not synced: it may be lost, never half of it taken. */
export async function addToDay(place: NotesPlace, day: Day): Promise<void> {
  const { disk, folder } = place;
  const before = await readDay(place, day.day);
  const bytes = Buffer.from(JSON.stringify(before === null ? day : mergeDays(before, day)));
  const file = join(folder, `${day.day}.json`);
  const next = `${file}.next`;
  await disk.remove(next);
  const handle = await disk.open(next, { create: true });
  try {
    for (let written = 0; written < bytes.length;)
      written += await handle.write(bytes.subarray(written), written);
  } finally {
    await handle.close();
  }
  await disk.rename(next, file);
  const names = await namesIn(place);
  for (const name of names.slice(0, Math.max(0, names.length - DAYS_MAX)))
    await disk.remove(join(folder, name));
}
