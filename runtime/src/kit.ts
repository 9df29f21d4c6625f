/** What our own command lines share with the runtime. Not for users: the definition language is the main entry. */
export { CodedError, errorsOf, row, type ErrorRow } from './base/coded-error.ts';
export { formatDuration, parseDuration } from './base/durations.ts';
export { failure } from './base/errors.ts';
export { invariant } from './base/invariant.ts';
export { nearest } from './base/nearest.ts';
export { formatSize, parseSize } from './base/sizes.ts';
export { EXIT, report, runProgram } from './cli/exit.ts';
export { untilInterrupted } from './cli/signals.ts';
export { columnsOf, mayAsk, paint, printable, table, wrap } from './cli/terminal.ts';
export { checkYaml, describeIssue, readYaml, readYamlFile } from './config/yaml.ts';
export { measureEvents } from './profile/load.ts';
export type { EventMeasures, Quantiles } from './profile/measure-events.ts';
export { loadProve } from './prove/load.ts';
export type { Costs } from './prove/costs.ts';
export type { Task } from './prove/prove-worker.ts';
export type { Simulated, SimulatedSettings } from './prove/simulate.ts';
export type { Description, Workload } from './prove/workload.ts';
