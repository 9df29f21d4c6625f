import type { Pipeline } from '../dsl/pipeline.ts';
import type { JsonRow, LateRow, RejectedRow } from '../host/host.ts';
import { TestDriver, type TestOptions } from './test-driver.ts';

export interface TestResult {
  /** The final rows of each view, in the order of their keys; windows and times as ISO 8601 strings. */
  readonly views: Readonly<Record<string, readonly JsonRow[]>>;
  readonly late: readonly LateRow[];
  readonly rejected: readonly RejectedRow[];
}

/** Runs a definition over a finite input to its end, so that every window closes. */
export async function runToEnd(
  definition: Pipeline,
  input: Readonly<Record<string, readonly (object | string)[]>>,
  options: TestOptions = {},
): Promise<TestResult> {
  const driver = await TestDriver.open(definition, options);
  for (const [source, events] of Object.entries(input)) await driver.send(source, events);
  await driver.end();
  await driver.settle();
  const views: Record<string, readonly JsonRow[]> = {};
  for (const { name } of definition.plan.views) views[name] = await driver.rows(name);
  return { views, late: await driver.late(), rejected: await driver.rejected() };
}
