/**
 * Hours in a month that people spend on operating an architecture: what "simplest" is measured by. The figures are
 * judgements of this project, ordered as the sources order the architectures, not measurements.
 */
import type { Architecture } from '../answers.ts';
import type { Facts } from '../facts.ts';
import { runsPerMonthOf } from './reprocessing.ts';

interface Load {
  readonly baseHours: number;
  /** For each reprocessing. A stream without a second version is stopped, rebuilt, checked and caught up by hand. */
  readonly reprocessHours: number;
  /** What it costs those who have not done it before. */
  readonly factor: Readonly<Record<Facts['maturity'], number>>;
}

const LOADS: Readonly<Record<Architecture, Load>> = {
  batch: { baseHours: 6, reprocessHours: 1, factor: { novice: 1, intermediate: 1, expert: 1 } },
  'micro-batch': { baseHours: 12, reprocessHours: 3, factor: { novice: 1.2, intermediate: 1, expert: 1 } },
  streaming: { baseHours: 40, reprocessHours: 16, factor: { novice: 1.6, intermediate: 1.2, expert: 1 } },
  kappa: { baseHours: 48, reprocessHours: 3, factor: { novice: 3, intermediate: 1.2, expert: 1 } },
  lambda: { baseHours: 90, reprocessHours: 2, factor: { novice: 4, intermediate: 1.5, expert: 1 } },
};

/** A second implementation must be written, kept equal and reconciled. */
const SECOND_CODEBASE_HOURS = 40;
const FAMILIAR = 0.85;
const SCHEDULERS = ['airflow', 'dagster', 'dbt'];
const STREAMERS = ['flink', 'kafka-streams', 'kafka'];

export function effortHoursOf(architecture: Architecture, facts: Facts): number {
  const load = LOADS[architecture];
  const second = architecture === 'lambda' && facts.codebases === 'two' ? SECOND_CODEBASE_HOURS : 0;
  const known = architecture === 'batch' || architecture === 'micro-batch' ? SCHEDULERS : STREAMERS;
  const familiar = known.some((tool) => facts.existing.includes(tool)) ? FAMILIAR : 1;
  const hours = load.baseHours + second + load.reprocessHours * runsPerMonthOf(facts);
  return hours * load.factor[facts.maturity] * familiar;
}
