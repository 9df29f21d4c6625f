/** What is particular to files: which partitions are written, what is left behind, what is not touched. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, describe, expect, it } from 'vitest';
import type { Partition } from '../../../runtime/src/config/sinks.ts';
import { type Disk, realDisk } from '../../../runtime/src/ports/disk.ts';
import { FileSink, type FileSinkOptions } from '../../../runtime/src/sinks/files/file-sink.ts';
import type { Marker } from '../../../runtime/src/sinks/sink.ts';
import { claimOf, DATA } from '../../suites/sink.suite.ts';
import { TestView } from '../../suites/sink-views.ts';
import { filesIn, newestManifest, readRows } from './read-files.ts';

const HOUR = 3_600_000;
const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

function newFolder(): string {
  const root = mkdtempSync(join(tmpdir(), 'sink-'));
  roots.push(root);
  return join(root, 'out');
}

function open(folder: string, options: Partial<FileSinkOptions> = {}): FileSink {
  const defaults = { format: 'jsonl', partition: undefined, disk: realDisk, pipeline: 'things' } as const;
  return new FileSink({ folder, view: 'hours', sink: 's', ...defaults, ...options });
}

const markerOf = (sequence: number, generation = 1): Marker => ({
  data: DATA,
  generation,
  sequence,
  commits: 0,
  position: 0,
});

/** Rows of three days, delivered. */
async function threeDays(
  folder: string,
  options: Partial<FileSinkOptions> = {},
): Promise<[FileSink, TestView]> {
  const [sink, view] = [open(folder, options), new TestView('hours')];
  for (const hour of [0, 1, 25, 49]) view.put(['a', [hour * HOUR, (hour + 1) * HOUR], hour]);
  await sink.claim(claimOf(1));
  await sink.deliver(view.delivery(markerOf(3), { isWhole: true }));
  view.settled();
  return [sink, view];
}

const parts = (folder: string): string[] =>
  filesIn(folder).map((name) => name.replace(/\d{12}-[\da-f]{8}-\d+/, '*').replace(/\d{12}/, '*'));

describe('partitions', () => {
  it.for([
    [undefined, ['day=1970-01-01/*.jsonl', 'day=1970-01-02/*.jsonl', 'day=1970-01-03/*.jsonl']],
    ['none', ['*.jsonl']],
    [
      'hour',
      [
        'hour=1970-01-01T00/*.jsonl',
        'hour=1970-01-01T01/*.jsonl',
        'hour=1970-01-02T01/*.jsonl',
        'hour=1970-01-03T01/*.jsonl',
      ],
    ],
    [
      'window',
      [
        'window=1970-01-01T00-00-00.000/*.jsonl',
        'window=1970-01-01T01-00-00.000/*.jsonl',
        'window=1970-01-02T01-00-00.000/*.jsonl',
        'window=1970-01-03T01-00-00.000/*.jsonl',
      ],
    ],
  ] as const satisfies [Partition | undefined, string[]][])('by %s', async ([partition, files]) => {
    const folder = newFolder();
    await threeDays(folder, { partition });
    expect(parts(folder)).toEqual([...files, 'manifest-*.json'].toSorted());
  });

  it('only what changed is written, and an empty one goes', async () => {
    const folder = newFolder();
    const [sink, view] = await threeDays(folder);
    const before = newestManifest(folder)?.files.map(({ name }) => name) ?? [];
    view.put(['b', [26 * HOUR, 27 * HOUR], 1]);
    view.remove(['a', [49 * HOUR, 50 * HOUR], 49]);
    await sink.deliver(view.delivery(markerOf(4)));
    const after = newestManifest(folder)?.files.map(({ name }) => name) ?? [];
    expect(after).toHaveLength(2);
    expect(after.filter((name) => before.includes(name))).toEqual([before[0]]);
    // Nothing else is there: who reads the whole folder finds no row twice.
    expect(filesIn(folder)).toHaveLength(3);
    expect(await readRows(folder, view.layout.columns)).toEqual(view.json());
  });

  it('a view without time has none, and says so', async () => {
    const sink = open(newFolder(), { partition: 'day', view: 'totals' });
    await expect(sink.check(new TestView('totals').layout, null)).rejects.toThrow('say partition: none');
  });
});

it('others may read it, as the umask says', async () => {
  const folder = newFolder();
  const before = process.umask(0o027);
  try {
    await threeDays(folder);
  } finally {
    process.umask(before);
  }
  const modes = (path: string): number => statSync(path).mode & 0o777;
  const files = filesIn(folder).map((name) => modes(join(folder, name)));
  expect(files).toEqual([0o640, 0o640, 0o640, 0o640]);
  expect([modes(folder), modes(join(folder, 'day=1970-01-01'))]).toEqual([0o750, 0o750]);
});

describe('what is there already', () => {
  it('a folder with something else in it is refused and left alone', async () => {
    const folder = newFolder();
    mkdirSync(folder);
    writeFileSync(join(folder, 'thesis.txt'), 'years of work');
    for (const work of [
      () => open(folder).claim(claimOf(1)),
      () => open(folder).check(new TestView('hours').layout, null),
    ])
      await expect(work()).rejects.toMatchObject({ code: 'SINK_FOREIGN', exitCode: 2 });
    expect(filesIn(folder)).toEqual(['thesis.txt']);
  });

  it('another view, or another pipeline, is refused', async () => {
    const folder = newFolder();
    await threeDays(folder);
    await expect(open(folder, { view: 'totals' }).claim(claimOf(2))).rejects.toThrow('it holds view "hours"');
    await expect(open(folder, { pipeline: 'other' }).claim(claimOf(2))).rejects.toThrow(
      'of pipeline "things"',
    );
  });

  it('a manifest with any bit flipped is refused, with its name', async () => {
    const folder = newFolder();
    await threeDays(folder);
    const [name = ''] = filesIn(folder).filter((file) => file.startsWith('manifest-'));
    const bytes = readFileSync(join(folder, name));
    for (let at = 0; at < bytes.length; at += 7) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      writeFileSync(join(folder, name), flipped);
      await expect(open(folder).claim(claimOf(2))).rejects.toThrow(name);
    }
  });

  it('nothing that was left half done survives a clean start, and nothing else is removed', async () => {
    const folder = newFolder();
    const [, view] = await threeDays(folder);
    const [day = ''] = readdirSync(folder).filter((name) => name.startsWith('day='));
    const left = [
      `${day}/000000000001-11111111-1.jsonl`,
      `${day}/.000000000003-11111111-1.jsonl.part`,
      '.manifest-000000000003.json-11111111-1.part',
      'manifest-000000000001.json',
    ];
    const others = [`${day}/000000000099-11111111-9.jsonl`, `${day}/notes.txt`, 'README.md'];
    for (const name of [...left, ...others]) writeFileSync(join(folder, name), 'x');
    await open(folder).claim(claimOf(2));
    for (const name of left) expect([name, existsSync(join(folder, name))]).toEqual([name, false]);
    for (const name of others) expect([name, existsSync(join(folder, name))]).toEqual([name, true]);
    expect(await readRows(folder, view.layout.columns)).toEqual(view.json());
  });
});

describe('two who write', () => {
  it('a number that is free again is no way in for an owner that slept', async () => {
    const folder = newFolder();
    const [, view] = await threeDays(folder);
    const next = open(folder);
    let isTaken = false;
    const disk: Disk = {
      ...realDisk,
      async open(path, options) {
        // It falls asleep before it writes its manifest; others come, write more than one, and remove the older ones.
        if (options.create && path.includes('.manifest-') && !isTaken) {
          isTaken = true;
          await next.claim(claimOf(3));
          view.put(['b', [HOUR, 2 * HOUR], 2]);
          await next.deliver(view.delivery(markerOf(8, 3)));
        }
        return realDisk.open(path, options);
      },
    };
    const old = open(folder, { disk });
    isTaken = true;
    await old.claim(claimOf(2));
    isTaken = false;
    const zombie = new TestView('hours');
    zombie.put(['zombie', [0, HOUR], 666]);
    await expect(old.deliver(zombie.delivery(markerOf(6, 2)))).rejects.toMatchObject({ code: 'SINK_FENCED' });
    const rows = await readRows(folder, view.layout.columns);
    expect(rows).toHaveLength(5);
    expect(rows).toEqual(expect.arrayContaining(view.json()));
    expect(filesIn(folder).filter((name) => name.startsWith('manifest-'))).toHaveLength(1);
  });
});

describe('a disk that fails', () => {
  /** Fails one call of this kind, as often as it is asked. */
  function failing(
    call: 'rename' | 'link' | 'syncFolder' | 'write' | 'sync',
    code: string,
    at: number,
  ): Disk {
    let calls = 0;
    const hit = (which: string): void => {
      if (which === call && ++calls === at) throw Object.assign(new Error(code), { code });
    };
    return {
      ...realDisk,
      rename: async (from, to) => (hit('rename'), realDisk.rename(from, to)),
      link: async (from, to) => (hit('link'), realDisk.link(from, to)),
      syncFolder: async (path) => (hit('syncFolder'), realDisk.syncFolder(path)),
      async open(path, options) {
        const file = await realDisk.open(path, options);
        return {
          ...file,
          write: async (bytes, position) => (hit('write'), file.write(bytes, position)),
          sync: async () => (hit('sync'), file.sync()),
        };
      },
    };
  }

  it.for([
    ['ENOSPC', 'SINK_UNAVAILABLE'],
    ['EIO', 'SINK_FAILED'],
  ] as const)(
    '%s is %s, whatever call it hits; then it is tried again or begun anew',
    async ([code, expected]) => {
      let hits = 0;
      for (const call of ['write', 'sync', 'rename', 'link', 'syncFolder'] as const) {
        for (let at = 1; at <= 6; at++) {
          const folder = newFolder();
          const [, view] = await threeDays(folder);
          const before = view.json();
          for (const hour of [2, 26, 50]) view.put(['b', [hour * HOUR, (hour + 1) * HOUR], hour]);
          const sink = open(folder);
          await sink.claim(claimOf(2));
          const bad = open(folder, { disk: failing(call, code, at + (call === 'syncFolder' ? 2 : 1)) });
          await bad.claim(claimOf(3));
          const marker = markerOf(8, 3);
          const failed = await bad.deliver(view.delivery(marker)).then(
            () => null,
            (error: unknown) => error,
          );
          const there = await readRows(folder, view.layout.columns);
          if (failed === null) continue;
          hits++;
          expect(failed).toMatchObject({ code: expected });
          const found = await bad.marker();
          expect(there).toEqual(found?.sequence === 8 ? view.json() : before);
          await bad.deliver(view.delivery(markerOf((found?.sequence ?? 0) + 1, 3)));
          expect(await readRows(folder, view.layout.columns)).toEqual(view.json());
          expect(filesIn(folder)).toHaveLength(4);
        }
      }
      expect(hits).toBeGreaterThan(10);
    },
  );
});
