import { MemoryStore } from '../../../runtime/src/state/memory.ts';
import { storeSuite } from '../../suites/store.suite.ts';

storeSuite('MemoryStore', () => Promise.resolve(new MemoryStore()));
