import { MemoryLog } from '../../../runtime/src/log/memory-log.ts';
import { ManualClock } from '../../../runtime/src/testing/manual-clock.ts';
import { logSuite } from '../../suites/log.suite.ts';

logSuite('MemoryLog', () => Promise.resolve(new MemoryLog(new ManualClock())));
