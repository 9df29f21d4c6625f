import { MemoryPlace, MemorySink } from '../../suites/memory-sink.ts';
import { sinkSuite } from '../../suites/sink.suite.ts';

sinkSuite('memory', () => {
  const place = new MemoryPlace();
  return Promise.resolve({
    open: () => new MemorySink(place),
    content: () => Promise.resolve(place.content()),
    remove: () => Promise.resolve(),
  });
});
