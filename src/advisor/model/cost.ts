/**
 * Dollars in a month, as low, likely and high. Compute is core hours at one price, storage is volume × retention where it
 * is kept, people are hours of effort. List prices age and differ by region; the range is wide on purpose.
 */
import type { Architecture } from '../answers.ts';
import type { Facts } from '../facts.ts';
import type { MonthlyUsd } from '../recommendation.ts';
import { retentionOf } from '../settings.ts';
import { effortHoursOf } from './effort.ts';
import { freshnessOf } from './freshness.ts';
import { BATCH_RATE_PER_CORE, REPLAY_RATE_PER_CORE } from './limits.ts';
import { liveCoresOf, runsPerMonthOf } from './reprocessing.ts';

export interface CostRange {
  readonly low: MonthlyUsd;
  readonly likely: MonthlyUsd;
  readonly high: MonthlyUsd;
}

interface Prices {
  readonly coreHourUsd: number;
  readonly diskGbMonthUsd: number;
  readonly objectGbMonthUsd: number;
}

/** One list, from quoted figures; other clouds are taken to be near it. Own hardware is what it costs over its life. */
const CLOUD: Prices = { coreHourUsd: 0.11, diskGbMonthUsd: 0.08, objectGbMonthUsd: 0.023 };
const HARDWARE: Prices = { coreHourUsd: 0.02, diskGbMonthUsd: 0.02, objectGbMonthUsd: 0.01 };

const PERSON_HOUR_USD = 90;
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
  const prices = facts.cloud === 'none' ? HARDWARE : CLOUD;
  const growth = (1 + facts.growthPerYear) / 2;
  const compute = CORE_HOURS[architecture](facts) * growth * prices.coreHourUsd;
  const storage = storageUsd(architecture, facts, prices) * growth;
  const people = effortHoursOf(architecture, facts) * PERSON_HOUR_USD;
  const at = (spread: (typeof SPREAD)[keyof typeof SPREAD]): MonthlyUsd => {
    const parts = [compute * spread.compute, storage * spread.storage, people * spread.people].map(
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
    return startHours(intervalSeconds) + batchHours(monthlyEventsOf(facts) * rereads + reprocessedOf(facts));
  },
  'micro-batch': (facts) => {
    const starts = startHours(freshnessOf('micro-batch', facts).intervalSeconds);
    return Math.min(MONTH_HOURS, starts) + batchHours(monthlyEventsOf(facts) + reprocessedOf(facts));
  },
  streaming: (facts) => alwaysOnHours(facts) + replayHours(facts),
  kappa: (facts) => alwaysOnHours(facts) + replayHours(facts),
  lambda: (facts) =>
    alwaysOnHours(facts) + startHours(86_400) + batchHours(monthlyEventsOf(facts) + reprocessedOf(facts)),
};

function monthlyEventsOf(facts: Facts): number {
  return facts.eventsPerSecond * MONTH_SECONDS;
}

/** Events that are read again in a month. */
function reprocessedOf(facts: Facts): number {
  return facts.every === 'never' ? 0 : facts.history * facts.eventsPerSecond * runsPerMonthOf(facts);
}

function batchHours(events: number): number {
  return events / BATCH_RATE_PER_CORE / 3600;
}

function replayHours(facts: Facts): number {
  return reprocessedOf(facts) / REPLAY_RATE_PER_CORE / 3600;
}

/** What starting runs costs, whatever they do. */
function startHours(everySeconds: number): number {
  return (MONTH_SECONDS / everySeconds) * RUN_START_CORE_HOURS;
}

/** A stream never stops: its cores, one more to coordinate them, and what exactly-once takes away. */
function alwaysOnHours(facts: Facts): number {
  const cores = Math.max(
    Math.ceil(liveCoresOf(facts)),
    Math.ceil(stateBytesOf(facts) / STATE_BYTES_PER_CORE),
  );
  const transactions = facts.duplicates === 'never' ? 1.15 : 1;
  return (cores * transactions + 1) * MONTH_HOURS;
}

/** State of every key in the windows that are open; distinct values and joins keep more than a number. */
export function stateBytesOf(facts: Facts): number {
  const openWindows = 1 + facts.latest / facts.window;
  const events = facts.eventsPerSecond * (facts.window + facts.latest);
  const entries = Math.min(facts.keys * openWindows, events);
  const values = facts.distinct ? Math.min(events, entries * 100) * 16 : 0;
  const sides = facts.joins ? events * facts.bytesPerEvent : 0;
  return entries * 200 + values + sides;
}

function storageUsd(architecture: Architecture, facts: Facts, prices: Prices): number {
  const perSecond = (facts.eventsPerSecond * facts.bytesPerEvent) / 1e9;
  const retained = retentionOf(architecture, facts);
  const disk = perSecond * Math.min(retained, HOT_SECONDS) * DISK_COPIES * prices.diskGbMonthUsd;
  const cold = perSecond * Math.max(0, retained - HOT_SECONDS);
  const colder = tiersCold(facts)
    ? cold * prices.objectGbMonthUsd
    : cold * DISK_COPIES * prices.diskGbMonthUsd;
  const keepsLake = architecture !== 'kappa' && (architecture !== 'streaming' || facts.historyIn !== 'log');
  const history = Math.max(facts.every === 'never' ? 0 : facts.history, 30 * 86_400);
  const lake = keepsLake ? perSecond * history * COLUMNAR_RATIO * prices.objectGbMonthUsd : 0;
  return disk + colder + lake;
}

/** Old segments of the log go to object storage when something that does it is there. */
function tiersCold(facts: Facts): boolean {
  return (
    facts.historyIn !== 'log' ||
    ['tiered-storage', 'warpstream'].some((tool) => facts.existing.includes(tool))
  );
}
