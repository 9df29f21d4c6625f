/** A proof with figures as they come, without a simulation. */
import { proofOf } from '../../src/advisor/prove/measured.ts';
import { provePlanOf } from '../../src/advisor/prove/plan.ts';
import type { Proof } from '../../src/advisor/prove/proof.ts';
import { partsOf } from '../../src/advisor/prove/tasks.ts';
import { recommend } from '../../src/advisor/recommend.ts';
import type { Simulated, Workload } from 'pipeline-runtime/kit';

const WORKLOAD: Workload = {
  arrivalMs: Float64Array.of(0, 1),
  eventMs: Float64Array.of(0, 1),
  keys: new Uint32Array(2),
  bytesPerEvent: 100,
};
const COSTS = { eventUs: 2, againUs: 2, entryUs: 10, commitUs: 1000, syncUs: 300 };

/** What a simulation gives; every architecture a little later than the one before. */
function simulated(index: number): Simulated {
  const ageP50Ms = [599_000, 149_500, 480.4, 481, 482][index % 5] ?? 1;
  const ageP99Ms = 2 * ageP50Ms;
  return {
    events: 50_000,
    rejected: 0,
    ageP50Ms,
    ageP99Ms,
    curve: Array.from({ length: 240 }, (_, at) => ({
      atSeconds: (at + 1) * 360,
      meanSeconds: ageP50Ms / 1000,
      maxSeconds: ((1 + (at % 7) / 7) * ageP50Ms) / 1000,
    })),
    windows: {
      windows: 24,
      events: 50_000,
      read: 49_990 - 9000 * Number(index === 0),
      inTheEnd: 50_000,
      corrected: 4,
      completeAfterMs: [1000, 3_600_000],
      finalAfterMs: [600_000],
    },
    sight: { read: index === 0 ? 0.81 : 0.9998, correctionDelaysMs: [600_000, 3_500_000] },
    appends: 20_000,
    correctionRuns: 3,
    late: 12,
    commits: 17_767,
    eventsRead: 75_000,
    entriesWritten: 300_000,
    logBytes: 30_000_000,
    stateBytes: 500_000,
    viewBytes: 400_000,
    otherBytes: 4000,
    reprocess: { ms: 900, commitsMs: 2, eventsRead: 50_000, sameRows: true },
    rows: { count: 1200, digest: 'a'.repeat(64) },
  };
}

export function proofSample(): Proof {
  const recommendation = recommend({
    freshness: '15m',
    lateness: { max: '10m' },
    reprocessing: { every: 'monthly' },
    maturity: 'novice',
  });
  const plan = provePlanOf(recommendation.answers, {
    events: 8_640_000,
    horizonSeconds: 86_400,
    bytesPerEvent: 500,
  });
  const parts = partsOf(plan, {
    whole: WORKLOAD,
    sliceOf: () => ({ workload: WORKLOAD, stretches: [[0, 1]] }),
    costs: COSTS,
  });
  return proofOf({
    parts,
    results: parts.map((_, index) => simulated(index)),
    plan,
    recommendation,
    seed: 1,
    hardest: [],
    costs: { ...COSTS, source: 'bench/results/costs.json' },
    workload: { from: 'description', events: 8_640_000, horizonSeconds: 86_400 },
  });
}
