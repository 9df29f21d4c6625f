/** The scanner of a source for some views: it reads what they need, and no more than the time of what none of them takes. */
import { gateOf } from '../compile/gate.ts';
import { type Scanner, scannerFor, type ScannerOptions } from '../compile/jit/scanner.ts';
import { isTable } from '../plan/event-time.ts';
import type { Plan, SourcePlan } from '../plan/node.ts';
import type { FileView } from './file-view.ts';

export type Plausible = NonNullable<ScannerOptions['plausible']>;

export interface RunScannerOptions {
  readonly jit: 'on' | 'off';
  readonly plausible?: Plausible;
  /** Columns that nobody needs but the run. */
  readonly more?: readonly string[];
}

export function runScanner(
  plan: Plan,
  views: readonly FileView[],
  source: SourcePlan,
  { jit, plausible, more = [] }: RunScannerOptions,
): Scanner {
  const needed = new Set([...views.flatMap((view) => view.neededOf(source)), ...more]);
  const gate = views.every(({ isCompiled }) => isCompiled) ? gateOf(plan, source.name) : null;
  return scannerFor(source, [...needed], {
    ...(gate !== null && { only: gate }),
    ...(plausible !== undefined && !isTable(source) && { plausible }),
    jit,
  });
}
