/**
 * What can go wrong, what must come of it, and which test makes it happen. `table.test.ts` checks that the tests are there.
 *
 * Injected by  shim    LD_PRELOAD (`shim.c`): kills, errors, short and torn writes, delays at single calls of a real process
 *              points  failpoints by name (`points.ts`)
 *              power   copies of an ext4 image (`power-cuts.ts`)      tmpfs   a small file system (`mounts.ts`)
 *              sim     the simulator (`runtime/src/sim`)              signals, files, events, clock: what they say
 * Fired        how a test knows that the fault happened: one that did not fire fails it
 */
export interface FaultRow {
  readonly number: number;
  readonly fault: string;
  readonly result: string;
  readonly by: readonly (
    | 'shim'
    | 'points'
    | 'power'
    | 'tmpfs'
    | 'sim'
    | 'signals'
    | 'files'
    | 'events'
    | 'clock'
  )[];
  readonly fired: string;
  /** File below `test/` → names in it, as they are written there. */
  readonly tests: Readonly<Record<string, readonly string[]>>;
}

const SWEEP = { 'faults/kill-sweep.test.ts': ['faults at any call'], 'sim/jobs.test.ts': ['seeds'] };

export const FAULTS: readonly FaultRow[] = [
  {
    number: 1,
    fault: 'kill -9 before or after any write, sync, rename, unlink or truncate',
    result: 'nothing acknowledged is lost, nothing counts twice, the next start needs no hand',
    by: ['shim', 'sim'],
    fired: 'the shim counts its hits; a kill that did not fire throws, one that did not kill is a violation',
    tests: { ...SWEEP, 'runtime/crash/kill.test.ts': ['kill -9 in the middle'] },
  },
  {
    number: 2,
    fault: 'kill -9 at a moment with a name',
    result: 'as 1',
    by: ['points', 'sim'],
    fired: 'the process says at which point it dies; every point of the list must have been died at',
    tests: {
      'faults/failpoints.test.ts': ['a death at each failpoint'],
      'runtime/snapshots/crashes.test.ts': [
        'U1, U2: of taking: the snapshot before is whole, the new one is whole or not there',
        'U3, U4: of restoring: the data are there whole or not at all',
        'the faults above struck, and power cuts took something away',
      ],
      'runtime/log/retention.test.ts': ['a removal that is cut off'],
      'suites/sink.suite.ts': ['a delivery that breaks off changes nothing, and can be made again'],
    },
  },
  {
    number: 3,
    fault: 'a recovery that is killed, and the recovery of that, three deep',
    result: 'as 1',
    by: ['shim', 'sim'],
    fired: 'four kills to each round',
    tests: {
      'faults/failpoints.test.ts': ['a recovery that is killed, three deep'],
      'sim/jobs.test.ts': ['seeds'],
    },
  },
  {
    number: 4,
    fault: 'a power cut at any moment',
    result: 'what was acknowledged is there; the rest may be gone',
    by: ['power', 'sim'],
    fired: 'cuts that took something away are counted',
    tests: { 'faults/power-cuts.test.ts': ['a power cut'], 'sim/jobs.test.ts': ['seeds'] },
  },
  {
    number: 5,
    fault: 'a torn write: any prefix of the last record',
    result: 'the end of the active file is cut off, of no other',
    by: ['shim', 'files'],
    fired: 'every length is tried; the shim counts',
    tests: {
      'runtime/log/damage.test.ts': [
        'is cut to its whole blocks when it is the last one, at every length',
        'is an error when another follows, at every length',
      ],
      'faults/kill-sweep.test.ts': ['faults at any call'],
    },
  },
  {
    number: 6,
    fault: 'what was not synced reaches the disk in any order or not at all',
    result: 'as 4; a snapshot is whole or not there',
    by: ['sim'],
    fired: 'pieces that a power cut took away are counted',
    tests: {
      'runtime/log/durability.test.ts': [
        'a commit whose pages reached the disk in any order is cut to whole blocks, whatever is missing',
      ],
      'runtime/snapshots/crashes.test.ts': [
        'U1: once taking returned, a power cut takes nothing of it; nor of what a restore made',
      ],
      'sim/disk.test.ts': [
        'may leave any part of a write, gaps as zeros, and none of a name: each of them with some seed',
      ],
    },
  },
  {
    number: 7,
    fault: 'a sync fails once',
    result: 'no acknowledgement more, exit 1; only what is really durable is there after',
    by: ['shim', 'sim'],
    fired: 'the shim counts; the simulated disk says that it was reached',
    tests: {
      'runtime/engine/failed-disk.test.ts': ['a failed fsync is no acknowledgement, and ends the run'],
      'runtime/engine/retention.test.ts': ['a failed %s is not tried again: it ends the run'],
      'runtime/log/durability.test.ts': ['of an fsync every append fails until the log is opened again'],
      'faults/kill-sweep.test.ts': ['faults at any call'],
    },
  },
  {
    number: 8,
    fault: 'syncs fail for ever; syncs take long',
    result: 'as 7; nothing is acknowledged before its sync, and what waits is bounded in bytes',
    by: ['shim', 'sim'],
    fired: 'the shim counts',
    tests: {
      'faults/refusals.test.ts': ['a call that is refused'],
      'runtime/log/commit-queue.test.ts': [
        'an append that does not fit waits outside until there is room, in its order',
      ],
      'sim/jobs.test.ts': ['seeds'],
    },
  },
  {
    number: 9,
    fault: 'the disk is full',
    result:
      'events are refused and all else goes on; what is met all the same loses nothing, ends with a code, starts again',
    by: ['tmpfs', 'shim', 'sim'],
    fired: 'the answers of the process name the full disk',
    tests: {
      'faults/full-disk.test.ts': [
        'U7, U8: told by 507, readiness, status, metrics and log; readers go on; taken back when there is room',
        'that is met all the same: nothing acknowledged is lost, and the pipeline goes on, or ends with 1 and starts again',
        'that an epoch meets ends the process with 1, and the next run computes what was acknowledged',
      ],
      'runtime/engine/room.test.ts': ['room on the disk'],
      'runtime/log/durability.test.ts': [
        'a full disk takes appends again once there is space, however full it was',
      ],
    },
  },
  {
    number: 10,
    fault: 'a read fails',
    result: 'an error with a code; nothing is skipped',
    by: ['shim', 'sim'],
    fired: 'the shim counts',
    tests: {
      'faults/refusals.test.ts': ['a call that is refused'],
      'sim/log.test.ts': ['what the disk says while a file is read has a code'],
    },
  },
  {
    number: 11,
    fault: 'no descriptor is left, no right to create, a disk that became read-only, in the middle of a run',
    result: 'an error with a code; what is there stays whole',
    by: ['shim', 'sim'],
    fired: 'the shim counts',
    tests: { 'faults/refusals.test.ts': ['a call that is refused'] },
  },
  {
    number: 12,
    fault: 'a bit of any file is flipped',
    result: 'an error with a code, or what is right',
    by: ['files'],
    fired: 'outcomes are counted, and errors must be among them',
    tests: {
      'runtime/log/damage.test.ts': ['L3: one flipped bit'],
      'runtime/log/index.test.ts': [
        'an index of which any bit is flipped, or that is cut anywhere, changes nothing',
        'verify finds every flipped bit of a sealed file and of its blocks, with file and byte',
      ],
      'runtime/log/retention.test.ts': ['of which any bit is flipped, or that is cut anywhere, is an error'],
      'faults/every-bit.test.ts': [
        'of %s: named, or what was there',
        'of the state: named, or what was there, or an earlier commit',
        'of what RocksDB only writes: nobody opens it',
      ],
      'faults/damaged-files.test.ts': [
        'that says it is of a file that is used again is refused by name: RocksDB would not come back',
        'that says it is longer than the file is refused by name: RocksDB would take it for torn',
      ],
      'runtime/snapshots/crashes.test.ts': ['a snapshot that is not what was taken'],
      'runtime/sinks/file-sink.test.ts': ['a manifest with any bit flipped is refused, with its name'],
    },
  },
  {
    number: 13,
    fault: 'a file is cut, emptied, overwritten, doubled, swapped or gone',
    result: 'an error with a code that changes nothing, or what is right',
    by: ['files'],
    fired: 'the damaged file is written by the test',
    tests: {
      'faults/damaged-files.test.ts': [
        '%s: a code, or what is right',
        'swapped with one of the same kind: a code, or what is right',
        'a log whose newest files are gone, while the results have seen them, is refused',
      ],
      'faults/damaged-state.test.ts': ['is refused, changes no event, and `run --rebuild` computes it again'],
      'runtime/log/file-header.test.ts': ['two files that were swapped are refused'],
      'runtime/snapshots/crashes.test.ts': ['%s: refused by name, the one before on request'],
    },
  },
  {
    number: 14,
    fault: 'the state is gone while sinks show progress',
    result: 'views come from the log again; a sink of other data is refused',
    by: ['files'],
    fired: 'the folder is removed by the test',
    tests: {
      'faults/damaged-files.test.ts': ['all of the state gone: the log has everything'],
      'suites/sink.suite.ts': ['other data are refused; what was restored from them is not'],
    },
  },
  {
    number: 15,
    fault: 'the newest snapshot is damaged',
    result: 'refused by file and byte; the one before on request, and it says what it skipped',
    by: ['files'],
    fired: 'the snapshot is spoilt by the test',
    tests: { 'runtime/snapshots/crashes.test.ts': ['%s: refused by name, the one before on request'] },
  },
  {
    number: 16,
    fault:
      'two processes and one data folder, also after kill -9 and with a number of a process that was taken again',
    result: 'the second exits 1 and changes nothing',
    by: ['signals'],
    fired: 'the second process says who has it',
    tests: {
      'faults/ownership.test.ts': [
        'beside a %s owner: exit 1, says who, changes nothing',
        'after kill -9, and with the number of the dead owner taken by another process, gets the folder',
      ],
    },
  },
  {
    number: 17,
    fault: 'an owner that sleeps while another takes over',
    result: 'when it wakes it acknowledges nothing more and stops',
    by: ['signals', 'sim'],
    fired: 'the old owner ends with the code of a lost folder',
    tests: {
      'faults/ownership.test.ts': [
        'a copy has a new owner; the old one acknowledges nothing more, stops, and leaves the copy as it is',
      ],
      'suites/sink.suite.ts': [
        'an owner that slept while another took over is refused, and changes nothing (E4)',
        'an owner that falls asleep in the middle of a delivery is refused when it wakes (E4)',
      ],
      'faults/sinks.test.ts': [
        'a process that slept while its data were copied and taken over delivers nothing more',
      ],
    },
  },
  {
    number: 18,
    fault: 'SIGTERM, SIGINT, two signals',
    result: 'the epoch is finished, exit 0; the second signal ends it at once, and nothing is lost',
    by: ['signals'],
    fired: 'exit codes',
    tests: {
      'faults/signals.test.ts': [
        'two signals at once end it at once, and nothing that was acknowledged is lost',
      ],
    },
  },
  {
    number: 19,
    fault: 'too little memory',
    result: 'queues are bounded in bytes; a process that dies of it has lost nothing',
    by: ['events'],
    fired: 'deaths by the limit of the heap are counted',
    tests: {
      'faults/refusals.test.ts': ['a process that dies of it has lost nothing that it acknowledged'],
      'runtime/log/commit-queue.test.ts': [
        'an append that does not fit waits outside until there is room, in its order',
      ],
    },
  },
  {
    number: 20,
    fault: 'a process that does nothing for a long time: a blocked loop, a stopped process',
    result: 'it keeps its folder: the lock is of the system and has no time; it goes on when it can',
    by: ['signals'],
    fired: 'the owner stands still while the second process is refused',
    tests: { 'faults/ownership.test.ts': ['beside a %s owner: exit 1, says who, changes nothing'] },
  },
  {
    number: 21,
    fault: 'the wall clock is set: back, on by years, every second',
    result: 'nothing waits longer than before, no run is missed, nobody falls asleep, no watermark falls',
    by: ['clock', 'sim'],
    fired: 'the clock of the test shows the other time',
    tests: {
      'faults/clock.test.ts': [
        'a clock that is set %s',
        'a clock that was years ahead, and is right again',
        'a clock that moves on while time does not',
      ],
      'runtime/loop/watermark.test.ts': ['the watermark never falls, nor does that of a partition'],
      'sim/jobs.test.ts': ['seeds'],
    },
  },
  {
    number: 22,
    fault: 'summer time begins and ends',
    result: 'intervals are of time that passes; days of a place have 23, 24 or 25 hours',
    by: ['clock'],
    fired: 'the offset of the zone changes on that day',
    tests: {
      'faults/clock.test.ts': [
        '%s: intervals are of time that passes, so a day of a change has as many runs',
      ],
      'runtime/law/pains.test.ts': ['days are those of a place, also when the clocks change'],
    },
  },
  {
    number: 23,
    fault: 'a sink is down',
    result: 'tried again with a limit, its lag is shown, it catches up, nothing twice',
    by: ['events'],
    fired: 'the sink of the test refuses',
    tests: {
      'runtime/sinks/pipeline.test.ts': [
        'is tried again while it is down, with its lag in the status, and catches up',
        'that does not come back in time ends the pipeline with a coded error',
      ],
    },
  },
  {
    number: 24,
    fault: 'a sink is slow',
    result: 'epochs wait when more waits than the buffer holds',
    by: ['events'],
    fired: 'the sink of the test waits',
    tests: {
      'runtime/sinks/pipeline.test.ts': [
        'slows the source: epochs wait when more waits than the buffer holds',
      ],
    },
  },
  {
    number: 25,
    fault: 'a connection breaks at any point, also after the commit and before its answer',
    result: 'the marker in the sink is asked, so nothing is there twice',
    by: ['events'],
    fired: 'the delivery is broken off by the test',
    tests: {
      'suites/sink.suite.ts': [
        'a delivery that breaks off changes nothing, and can be made again',
        'what is delivered again changes nothing (E3)',
        'the marker says what is there (E5)',
      ],
      'runtime/sinks/postgres-faults.test.ts': ['on the way to the database'],
      'runtime/sinks/http.test.ts': ['comes again with its key and its bytes: %s'],
      'runtime/sinks/http-pipeline.test.ts': [
        'sends again what was under way, and of the rest only what was not taken (E7); it was taken: %s',
      ],
    },
  },
  {
    number: 31,
    fault: 'the same lines again; a log that is shorter than what was computed from it',
    result: 'what is known adds nothing; a log that lacks events is refused',
    by: ['events', 'files'],
    fired: 'the lines are sent twice, the files removed by the test',
    tests: {
      'runtime/ingest/accept.test.ts': ['A2: what a producer sends again is recognised'],
      'suites/log.suite.ts': ['L4: a sequence that is in the log changes nothing'],
      'faults/damaged-files.test.ts': [
        'a log whose newest files are gone, while the results have seen them, is refused',
      ],
    },
  },
  {
    number: 32,
    fault: 'out of order within, at and beyond the lateness',
    result: 'the boundary is one millisecond',
    by: ['events'],
    fired: 'the events of the test',
    tests: {
      'runtime/operators/group.test.ts': [
        'G1: takes an event one millisecond before it is over, and none from then on',
      ],
      'runtime/law/pains.test.ts': ['what is out of order by less than the delay is never dropped'],
    },
  },
  {
    number: 33,
    fault: 'one event of the far future',
    result:
      'rejected with the reason when it is further ahead of the clock than `watermark.future`; no watermark moves',
    by: ['events'],
    fired: 'the event is among the rejected ones',
    tests: {
      'faults/poison.test.ts': [
        'one event of the far future among good ones moves no watermark: nobody is late for it',
      ],
    },
  },
  {
    number: 34,
    fault: 'an event that cannot be used, nothing but such events, and no place to keep them',
    result: 'each is kept with its reason; the next good one counts; without a place nothing is acknowledged',
    by: ['events', 'sim'],
    fired: 'rejected events are counted',
    tests: {
      'faults/poison.test.ts': [
        '%s: every event is rejected with a reason, time does not move, and a good one counts',
      ],
      'runtime/law/pains.test.ts': ['a bad record does not stop those behind it'],
      'runtime/operators/group.test.ts': [
        'rows that cannot be computed are left out of every aggregate, reported once, and late nowhere',
      ],
      'runtime/ingest/accept.test.ts': [
        'A1: after a crash at any operation of the disk each line is there once, whatever was acknowledged',
      ],
    },
  },
  {
    number: 35,
    fault: 'a giant event, a deep one',
    result: 'rejected with its size, never held whole',
    by: ['events'],
    fired: 'the event is among the rejected ones',
    tests: {
      'runtime/ingest/accept-bytes.test.ts': [
        'a line that is too long is rejected with its real length, wherever it is cut',
      ],
      'faults/poison.test.ts': [
        '%s: every event is rejected with a reason, time does not move, and a good one counts',
      ],
    },
  },
  {
    number: 36,
    fault: 'a changed definition',
    result: 'what fits keeps its state, what does not is refused with the list and the ways out',
    by: ['events'],
    fired: 'the definition of the test',
    tests: {
      'runtime/loop/adoption.test.ts': [
        '%s under %s: as if it had read the whole',
        '%s: is refused with what differs, and nothing is written',
      ],
    },
  },
  {
    number: 37,
    fault: 'files of older and newer formats',
    result: 'older ones are read, newer ones refused and left as they are',
    by: ['files'],
    fired: 'fixtures of earlier formats',
    tests: {
      'runtime/engine/data-v1.test.ts': ['%s goes on from a folder of format 1'],
      'runtime/log/file-header.test.ts': ['a file of a later format is refused with a code of its own'],
      'runtime/loop/conversion.test.ts': ['a newer format is refused, and nothing is written'],
      'faults/ownership.test.ts': ['a folder that is not one of ours'],
    },
  },
  {
    number: 38,
    fault: 'an upgrade that is killed half way',
    result: 'either version starts',
    by: ['sim'],
    fired: 'every commit of the conversion is died behind',
    tests: {
      'runtime/loop/conversion.test.ts': ['a state that was converted goes on to the rows of the whole'],
    },
  },
];
