/**
 * Local time in the zones of the IANA database, as Node carries it. Local time is counted in milliseconds as if it were
 * UTC, so that days and hours are arithmetic.
 *
 *   UTC    ────────┬───────┬────────►      a segment: a stretch of UTC with one offset; `to` of one is `from` of the next
 *   local  ────────┐  gap  ├──┐fold        in a gap no local time exists, in a fold each exists twice
 *
 * Intl is asked once for each day of a stretch of about a hundred days, when the first time of the stretch is asked for;
 * after that, a time costs a few comparisons.
 */
import { invariant } from '../base/invariant.ts';

interface Segment {
  readonly from: number;
  readonly to: number;
  readonly offset: number;
}

const DAY_MS = 86_400_000;
const CHUNK_MS = 100 * DAY_MS;
/** More than anyone reads at once (over a thousand years), and a bound against hostile times. */
const CHUNKS_MAX = 4096;
/** Two days before the last instant that a Date can hold, so that its local time is one too. */
const DATE_MS_MAX = 8.64e15 - 2 * DAY_MS;

/** Names as the IANA database writes them. Offsets such as `+01:00` are no zones: they know no daylight saving. */
const ZONE_SHAPE = /^[A-Za-z][A-Za-z0-9_]*(?:[/+-][A-Za-z0-9_]+)*$/;

const ZONES = new Map<string, Zone>();

/** The milliseconds on the clocks of a zone at an instant; null is UTC. REQUIRES a known zone. */
export function localMs(zone: string | null, instantMs: number): number {
  return zone === null ? instantMs : zoneOf(zone).localMs(instantMs);
}

/**
 * The instant at which the clocks of a zone show these milliseconds; null is UTC. At a fold the first such instant, in a
 * gap the instant at which the clocks went forward. REQUIRES a known zone.
 */
export function utcMs(zone: string | null, clockMs: number): number {
  return zone === null ? clockMs : zoneOf(zone).utcMs(clockMs);
}

/** What is wrong with the name of a zone, or undefined. */
export function zoneProblem(name: string): string | undefined {
  if (ZONE_SHAPE.test(name) && name.length <= 63) {
    try {
      if (new Intl.DateTimeFormat('en-US', { timeZone: name }).format(0) !== '') return undefined;
    } catch {
      // Said below: Intl knows no such zone.
    }
  }
  return `"${name}" is not a time zone; say a name such as Europe/Berlin`;
}

/** For loops that stay in one zone. REQUIRES a known zone. */
export function zoneOf(name: string): Zone {
  let zone = ZONES.get(name);
  if (zone === undefined) {
    invariant(zoneProblem(name) === undefined, `zone ${name} exists`);
    zone = new Zone(name);
    ZONES.set(name, zone);
  }
  return zone;
}

export class Zone {
  readonly #format: Intl.DateTimeFormat;
  readonly #chunks = new Map<number, readonly Segment[]>();
  /** Times come in clusters: most lie in the segment of the one before. */
  #last: Segment = { from: 0, to: 0, offset: 0 };

  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  localMs(instantMs: number): number {
    return instantMs + this.#segmentAt(instantMs).offset;
  }

  utcMs(clockMs: number): number {
    // No offset reaches a day, so this segment begins before any instant with this local time.
    let segment = this.#segmentAt(clockMs - DAY_MS);
    for (;;) {
      const candidate = clockMs - segment.offset;
      if (candidate < segment.from) return segment.from;
      if (candidate < segment.to) return candidate;
      segment = this.#segmentAt(segment.to);
    }
  }

  #segmentAt(instantMs: number): Segment {
    const last = this.#last;
    if (instantMs >= last.from && instantMs < last.to) return last;
    const number = Math.floor(instantMs / CHUNK_MS);
    let chunk = this.#chunks.get(number);
    if (chunk === undefined) {
      if (this.#chunks.size >= CHUNKS_MAX) this.#chunks.clear();
      chunk = this.#readChunk(number * CHUNK_MS);
      this.#chunks.set(number, chunk);
    }
    const found = chunk.find((segment) => instantMs < segment.to);
    invariant(found !== undefined, 'the segments of a chunk cover it');
    this.#last = found;
    return found;
  }

  /** The segments of [start, start + CHUNK_MS), each clock change found to the millisecond. */
  #readChunk(start: number): readonly Segment[] {
    const segments: Segment[] = [];
    const end = start + CHUNK_MS;
    let from = start;
    let offset = this.#offsetAt(start);
    for (let day = start; day < end; day += DAY_MS) {
      const next = this.#offsetAt(day + DAY_MS);
      if (next === offset) continue;
      let [before, after] = [Math.max(day, from), day + DAY_MS];
      while (after - before > 1) {
        const middle = Math.floor((before + after) / 2);
        if (this.#offsetAt(middle) === offset) before = middle;
        else after = middle;
      }
      segments.push({ from, to: after, offset });
      from = after;
      offset = this.#offsetAt(after);
      // A day with two changes is read again from the first on.
      if (offset !== next) day -= DAY_MS;
    }
    if (from < end) segments.push({ from, to: end, offset });
    return segments;
  }

  #offsetAt(instantMs: number): number {
    const second = Math.floor(Math.max(-DATE_MS_MAX, Math.min(DATE_MS_MAX, instantMs)) / 1000) * 1000;
    const parts = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
    let beforeChrist = false;
    for (const { type, value } of this.#format.formatToParts(second)) {
      if (type === 'era') beforeChrist = value.startsWith('B');
      else if (type in parts) parts[type as keyof typeof parts] = Number(value);
    }
    const local = new Date(0);
    local.setUTCFullYear(beforeChrist ? 1 - parts.year : parts.year, parts.month - 1, parts.day);
    return local.setUTCHours(parts.hour, parts.minute, parts.second) - second;
  }
}
