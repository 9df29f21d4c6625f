/** For tests of definitions: run one without disk, server or waiting. */
export { ManualClock } from './manual-clock.ts';
export { runToEnd, type TestResult } from './run-to-end.ts';
export { TestDriver, type TestOptions } from './test-driver.ts';
