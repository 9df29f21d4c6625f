/**
 * Dollars in a month, as low, likely and high. Compute is core hours at one price, storage is volume × retention where it
 * is kept, people are hours of effort. List prices age and differ by region; the range is wide on purpose.
 *
 *   compute  core hours × price         a stream never stops: its cores and one more; runs pay for their start and their reading
 *   storage  bytes kept × price         a log on disks: three replicas, half full, one week; the rest and the lake on objects
 *   people   hours of effort × price
 *   growth   the middle of the coming year: (1 + growth) ÷ 2
 */
import type { Architecture } from '../answers.ts';
import type { Facts } from '../facts.ts';
import type { MonthlyUsd } from '../recommendation.ts';
import { retentionOf } from '../settings.ts';
import { batchLayerEveryOf } from './corrections.ts';
import { effortHoursOf } from './effort.ts';
import { freshnessOf } from './freshness.ts';
import { BATCH_RATE_PER_CORE, REPLAY_RATE_PER_CORE } from './limits.ts';
import { coreSeconds, liveCoresOf, runsPerMonthOf } from './reprocessing.ts';
import { stateBytesOf } from './state.ts';

export interface CostRange {
  readonly low: MonthlyUsd;
  readonly likely: MonthlyUsd;
  readonly high: MonthlyUsd;
}

/** What each line of a cost rests on. */
export const COST_SOURCES: Readonly<Record<'compute' | 'storage' | 'people', readonly string[]>> = {
  compute: [
    'msf-kpu-price',
    'msf-billing',
    'ours-hardware',
    'ours-live-rate',
    'ours-batch-rate',
    'ours-replay-rate',
    'eos-streams-15-30',
  ],
  storage: ['gp3-price', 's3-price', 'ours-hardware', 'tiered-3-9x'],
  people: ['ours-effort', 'ours-person-hour', 'kafka-fte'],
};

const MONTH_HOURS = 720;
const MONTH_SECONDS = MONTH_HOURS * 3600;
/** Three replicas, each on a disk that is half full. */
const DISK_COPIES = 6;
const COLUMNAR_RATIO = 0.25;
const HOT_SECONDS = 7 * 86_400;
const RUN_START_CORE_HOURS = 0.05;
/** A core holds this much state in memory and on its disk without slowing down. */
const STATE_BYTES_PER_CORE = 8e9;

const SPREAD = {
  low: { compute: 0.6, storage: 0.7, people: 0.5 },
  likely: { compute: 1, storage: 1, people: 1 },
  high: { compute: 2, storage: 1.6, people: 2 },
} as const;

export function monthlyCostOf(architecture: Architecture, facts: Facts): CostRange {
  const prices = facts.cloud === 'none' ? facts.assumed.hardware : facts.assumed.cloud;
  const growth = (1 + facts.growthPerYear) / 2;
  const compute = CORE_HOURS[architecture](facts) * growth * prices.coreHourUsd;
  const kept = keptOf(architecture, facts);
  const storage = (kept.diskBytes * prices.diskGbMonthUsd + kept.objectBytes * prices.objectGbMonthUsd) / 1e9;
  const people = effortHoursOf(architecture, facts) * facts.assumed.personHourUsd;
  const at = (spread: (typeof SPREAD)[keyof typeof SPREAD]): MonthlyUsd => {
    const parts = [compute * spread.compute, storage * growth * spread.storage, people * spread.people].map(
      Math.round,
    );
    const [c = 0, s = 0, p = 0] = parts;
    return { compute: c, storage: s, people: p, total: c + s + p };
  };
  return { low: at(SPREAD.low), likely: at(SPREAD.likely), high: at(SPREAD.high) };
}

type CoreHours = (facts: Facts) => number;

const CORE_HOURS: Readonly<Record<Architecture, CoreHours>> = {
  batch: (facts) => {
    const { intervalSeconds } = freshnessOf('batch', facts);
    // Each run overwrites its day: half of it has been read before, on average.
    const rereads = Math.max(1, 86_400 / intervalSeconds / 2);
    return (
      startHours(intervalSeconds) + batchHours(monthlyEventsOf(facts) * rereads + reprocessedOf(facts), facts)
    );
  },
  'micro-batch': (facts) => {
    const starts = startHours(freshnessOf('micro-batch', facts).intervalSeconds);
    return Math.min(MONTH_HOURS, starts) + batchHours(monthlyEventsOf(facts) + reprocessedOf(facts), facts);
  },
  streaming: (facts) => alwaysOnHours(facts) + replayHours(facts),
  kappa: (facts) => alwaysOnHours(facts) + replayHours(facts),
  lambda: (facts) =>
    alwaysOnHours(facts) +
    startHours(batchLayerEveryOf(facts)) +
    batchHours(monthlyEventsOf(facts) + reprocessedOf(facts), facts),
};

function monthlyEventsOf(facts: Facts): number {
  return facts.eventsPerSecond * MONTH_SECONDS;
}

/** Events that are read again in a month. */
function reprocessedOf(facts: Facts): number {
  return facts.every === 'never' ? 0 : facts.history * facts.eventsPerSecond * runsPerMonthOf(facts);
}

function batchHours(events: number, facts: Facts): number {
  return coreSeconds(events, facts, BATCH_RATE_PER_CORE) / 3600;
}

function replayHours(facts: Facts): number {
  return coreSeconds(reprocessedOf(facts), facts, REPLAY_RATE_PER_CORE) / 3600;
}

/** What starting runs costs, whatever they do. */
function startHours(everySeconds: number): number {
  return (MONTH_SECONDS / everySeconds) * RUN_START_CORE_HOURS;
}

/** A stream never stops: its cores, one more to coordinate them, and what exactly-once takes away. */
function alwaysOnHours(facts: Facts): number {
  const cores = Math.max(
    Math.ceil(liveCoresOf(facts)),
    Math.ceil(stateBytesOf('streaming', facts) / STATE_BYTES_PER_CORE),
  );
  const transactions = facts.duplicates === 'never' ? 1.15 : 1;
  return (cores * transactions + 1) * MONTH_HOURS;
}

/** Bytes that are kept, copies and headroom included, by where they are. */
export function keptOf(architecture: Architecture, facts: Facts): { diskBytes: number; objectBytes: number } {
  const perSecond = facts.eventsPerSecond * facts.bytesPerEvent;
  const retained = retentionOf(architecture, facts);
  const hot = perSecond * Math.min(retained, HOT_SECONDS) * DISK_COPIES;
  const old = perSecond * Math.max(0, retained - HOT_SECONDS);
  const tiered = tiersCold(facts);
  const keepsLake = architecture !== 'kappa' && (architecture !== 'streaming' || facts.historyIn !== 'log');
  const history = Math.max(facts.every === 'never' ? 0 : facts.history, 30 * 86_400);
  const lake = keepsLake ? perSecond * history * COLUMNAR_RATIO : 0;
  return { diskBytes: hot + (tiered ? 0 : old * DISK_COPIES), objectBytes: (tiered ? old : 0) + lake };
}

/** Old segments of the log go to object storage when something that does it is there. */
function tiersCold(facts: Facts): boolean {
  return (
    facts.historyIn !== 'log' ||
    ['tiered-storage', 'warpstream'].some((tool) => facts.existing.includes(tool))
  );
}
