/**
 * Reports of loss and doubling in systems like this one, each with the test that makes the same thing happen here.
 * `table.test.ts` checks that the tests are there.
 */
export interface Regression {
  readonly report: string;
  readonly what: string;
  /** File below `test/` → a name in it; or why it cannot happen here. */
  readonly tests: Readonly<Record<string, string>> | { readonly cannot: string };
}

const NO_KAFKA = { cannot: 'there is no connector to Kafka yet: it comes with its own tests' };

export const REGRESSIONS: readonly Regression[] = [
  {
    report: 'FLINK-35749, FLINK-31305, FLINK-5701',
    what: 'the error of a write in the background was read by nobody',
    tests: { 'runtime/sinks/pipeline.test.ts': 'that refuses for good ends it at once' },
  },
  {
    report: 'FLINK-31620',
    what: 'what wrapped the writer was flushed, the writer was not',
    tests: { 'suites/sink.suite.ts': 'all rows, then what changed: the sink is the view' },
  },
  {
    report: 'FLINK-33545',
    what: 'a record between the flush and the commit',
    tests: { 'suites/sink.suite.ts': 'a delivery that breaks off changes nothing, and can be made again' },
  },
  { report: 'FLIP-319', what: 'the broker aborted a transaction of a checkpoint', tests: NO_KAFKA },
  {
    report: 'Jepsen, Kafka (KIP-890)',
    what: 'a delayed end of a transaction hit a later one',
    tests: NO_KAFKA,
  },
  {
    report: 'kafkajs#782, #28, #598',
    what: 'offsets and sequences after a rejection or a rebalance',
    tests: NO_KAFKA,
  },
  {
    report: 'platformatic/kafka#326',
    what: 'sends at the same time were acknowledged and dropped',
    tests: NO_KAFKA,
  },
  {
    report: 'vector#25570',
    what: 'a file was removed before the book that names it was durable',
    tests: { 'runtime/log/retention.test.ts': 'a removal that is cut off' },
  },
  {
    report: 'vector#17644, #16525, #16231',
    what: 'half of a write made every start hang, until somebody removed the file',
    tests: {
      'runtime/log/damage.test.ts': 'is cut to its whole blocks when it is the last one, at every length',
    },
  },
  {
    report: 'bytewax#181',
    what: 'a crash before the first progress was written skipped events',
    tests: {
      'faults/regressions.test.ts':
        'a death in the very first life, before anything has made progress, skips nothing',
    },
  },
  {
    report: 'bytewax#352',
    what: 'the last state of a source that ended was not kept',
    tests: { 'faults/kill-sweep.test.ts': 'faults at any call' },
  },
  {
    report: 'rocksdb-js#846',
    what: 'a scan over a damaged block ended without an error',
    tests: {
      'runtime/state/rocksdb.test.ts': 'a flipped bit in a stored value is an error, never another value',
    },
  },
  {
    report: 'leveldown#157',
    what: 'closing with work under way crashed the process',
    tests: {
      'runtime/state/rocksdb.test.ts':
        'leveldown#157: closed under a hundred reads, scans and writes, the process ends as any other',
    },
  },
  {
    report: 'kafka-connect-storage-cloud#253, #93',
    what: 'two tasks wrote one object, and the shorter won',
    tests: {
      'suites/sink.suite.ts':
        'an owner that slept while another took over is refused, and changes nothing (E4)',
    },
  },
  {
    report: 'SPARK-23977',
    what: 'readers saw the output of a task whose job had not committed',
    tests: { 'suites/sink.suite.ts': 'a reader sees the view before or after, during a delivery too (E3)' },
  },
  {
    report: 'risingwave#5192, #22486, #16356',
    what: 'each recovery read one record again',
    tests: { 'faults/regressions.test.ts': '%s: ten recoveries without a new event change nothing' },
  },
  {
    report: 'airflow#16087, #47670, #58935, #23520',
    what: 'a backfill took the place of a scheduled run, or ran twice',
    tests: {
      'runtime/architectures/batch.test.ts': 'a backfill that is repeated changes nothing, and says so',
    },
  },
  {
    report: 'node-cron#563',
    what: 'a run was missed or doubled when the clocks were changed',
    tests: {
      'faults/clock.test.ts': '%s: intervals are of time that passes, so a day of a change has as many runs',
    },
  },
  {
    report: 'bullmq#3183, bull#308',
    what: 'a blocked loop lost its lock, and the job ran twice',
    tests: { 'faults/ownership.test.ts': 'beside a %s owner: exit 1, says who, changes nothing' },
  },
  {
    report: 'nats-server#7564',
    what: 'acknowledged before it was durable',
    tests: { 'faults/power-cuts.test.ts': 'a power cut' },
  },
  {
    report: 'write-file-atomic#64',
    what: 'renamed without making the folder durable',
    tests: {
      'runtime/snapshots/crashes.test.ts':
        'U1: once taking returned, a power cut takes nothing of it; nor of what a restore made',
    },
  },
  {
    report: 'ros2_data_collection#309',
    what: 'a test of no loss passed while a fifth of the rows was there twice',
    tests: {
      'faults/kill-sweep.test.ts': 'finds what is lost, doubled, half, in one view only, or was never sent',
    },
  },
  {
    report: 'Kafka Connect, DeadLetterQueueReporter',
    what: 'what could not be kept as rejected was only logged',
    tests: {
      'runtime/ingest/accept-bytes.test.ts': 'that fails is the last one: nothing behind it is in the log',
    },
  },
];
