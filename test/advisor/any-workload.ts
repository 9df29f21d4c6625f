/** Workloads that differ in everything that predictions hang on, each by its seed. */
import { SeededRandom } from '../../runtime/src/sim/seeded-random.ts';
import type { GivenAnswers } from '../../src/advisor/answers.ts';

export function anyWorkload(seed: number): GivenAnswers {
  const random = new SeededRandom(seed);
  for (let warm = 0; warm < 5; warm++) random.next();
  const pick = <const T>(choices: readonly T[]): T => choices[random.below(choices.length)] as T;
  const spread = (low: number, high: number): number => low * (high / low) ** random.next();
  return {
    freshness: pick(['200ms', '1s', '5s', '30s', '1m', '5m', '15m', '1h', '4h', '1d']),
    lateness: {
      typical: pick(['100ms', '1s', '5s', '30s', '1m', '5m']),
      max: pick(['10m', '30m', '1h', '2h', '6h']),
      policy: pick(['correct', 'correct', 'correct', 'drop', 'side-output']),
    },
    reprocessing: {
      every: pick(['yearly', 'monthly', 'weekly', 'daily']),
      history: pick(['7d', '30d', '90d', '180d']),
    },
    maturity: pick(['novice', 'intermediate', 'expert']),
    volume: {
      eventsPerSecond: Number(spread(0.01, 3000).toPrecision(2)),
      bytesPerEvent: Math.round(spread(80, 3000)),
      keys: Math.round(spread(1, 100_000)),
    },
    arrival: pick(['continuous', 'continuous', 'bursty']),
    duplicates: pick(['tolerate', 'tolerate', 'never']),
    state: { window: pick(['1m', '5m', '15m', '1h', '6h']), distinct: pick([false, true]) },
    correctBy: pick(['6h', '1d', '1w']),
  };
}
