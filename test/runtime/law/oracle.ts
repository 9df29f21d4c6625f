/**
 * What the flights views must be, computed from scratch in the plainest way: no epochs, no state, no shared code. Sums are
 * exact rationals over BigInt, so that the oracle does not round before the end either.
 */
export interface Flight {
  readonly scheduled: string;
  readonly delay: number;
  readonly origin: string;
  readonly destination: string;
}

export interface OracleRules {
  readonly delayMs: number;
  readonly allowedMs: number;
  readonly policy: 'correct' | 'drop' | 'side-output';
  readonly mode: 'updates' | 'final';
}

const HOUR_MS = 3_600_000;

interface Group {
  readonly origin: string;
  readonly startMs: number;
  readonly delays: number[];
  readonly destinations: Set<string>;
}

export function oracle(
  events: readonly Flight[],
  rules: OracleRules,
): { rows: unknown[]; lateOffsets: number[] } {
  const groups = new Map<string, Group>();
  const late: { event: Flight; startMs: number }[] = [];
  const lateOffsets: number[] = [];
  let maxMs = -Infinity;
  const isOver = (startMs: number, watermarkMs: number): boolean =>
    startMs + HOUR_MS - 1 + rules.allowedMs <= watermarkMs;
  const add = ({ origin, destination, delay }: Flight, startMs: number): void => {
    const key = `${origin} ${startMs}`;
    const group = groups.get(key) ?? { origin, startMs, delays: [], destinations: new Set() };
    groups.set(key, group);
    group.delays.push(delay);
    group.destinations.add(destination);
  };
  for (const [offset, event] of events.entries()) {
    const timeMs = Date.parse(event.scheduled);
    const startMs = Math.floor(timeMs / HOUR_MS) * HOUR_MS;
    if (isOver(startMs, maxMs - rules.delayMs)) {
      late.push({ event, startMs });
      lateOffsets.push(offset);
    } else {
      add(event, startMs);
    }
    maxMs = Math.max(maxMs, timeMs);
  }
  if (rules.policy === 'correct') for (const { event, startMs } of late) add(event, startMs);
  const watermarkMs = maxMs - rules.delayMs;
  const shown = [...groups.values()].filter(
    (g) => rules.mode === 'updates' || isOver(g.startMs, watermarkMs),
  );
  shown.sort((a, b) => (a.origin < b.origin ? -1 : a.origin > b.origin ? 1 : a.startMs - b.startMs));
  return { rows: shown.map(rowOf), lateOffsets };
}

function rowOf({ origin, startMs, delays, destinations }: Group): unknown {
  // Delays are whole minutes, so their sum is exact in BigInt and far below 2^53.
  const total = Number(delays.reduce((sum, delay) => sum + BigInt(delay), 0n));
  const window = { start: new Date(startMs).toISOString(), end: new Date(startMs + HOUR_MS).toISOString() };
  return {
    origin,
    window,
    flights: delays.length,
    meanDelay: total / delays.length,
    destinations: destinations.size,
  };
}
