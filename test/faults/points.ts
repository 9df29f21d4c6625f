/**
 * Failpoints by name: moments at which a process of the tests kills itself. A point is known by what the pipeline does to
 * its disk and its store just then, so there is no code for it in the product.
 *
 *   disk, store of the worker ─► does it match the point, for the n-th time? ─► killed before it, within it or after it
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import type { Disk, DiskFile } from '../../runtime/src/ports/disk.ts';
import type { Store } from '../../runtime/src/state/store.ts';

/** Something that is done to a file or a folder, or a commit of the store with the keys that it writes. */
interface Deed {
  readonly does:
    | 'create'
    | 'write'
    | 'sync'
    | 'rename'
    | 'link'
    | 'remove'
    | 'sync-folder'
    | 'commit'
    | 'state-sync';
  readonly path: string;
  readonly keys: readonly string[];
}

const onFile =
  (does: Deed['does'], path: RegExp) =>
  (deed: Deed): boolean =>
    deed.does === does && path.test(deed.path);
const commitOf =
  (key: RegExp) =>
  (deed: Deed): boolean =>
    deed.does === 'commit' && deed.keys.some((each) => key.test(each));

export const POINTS = {
  'owner record': onFile('rename', /\/owner\.json$/),
  'log append': onFile('write', /\/log\/\d+\.log$/),
  'log sync': onFile('sync', /\/log\/\d+\.log$/),
  'log roll': onFile('create', /\/log\/\d+\.log$/),
  'log roll is named': onFile('sync-folder', /\/log$/),
  'log index': onFile('write', /\/log\/\d+\.index$/),
  'epoch commit': commitOf(/^p\|(?:live|speed|kappa-)/),
  'run commit': commitOf(/^p\|(?:scheduled|batch)/),
  'version commit': commitOf(/^m\|kappa$/),
  'boundary commit': commitOf(/^m\|lambda$/),
  'state sync': (deed) => deed.does === 'state-sync',
  'snapshot begin': onFile('link', /\/stage\//),
  'snapshot file': onFile('write', /\/place\/incoming\/[0-9a-f]{64}$/),
  'snapshot file is there': onFile('rename', /\/place\/files\//),
  'snapshot manifest': onFile('write', /\/place\/incoming\/\d+/),
  'snapshot commit': onFile('link', /\/place\/manifests\//),
  'snapshot prune': onFile('remove', /\/place\/(?:files|manifests)\//),
} as const satisfies Readonly<Record<string, (deed: Deed) => boolean>>;
export type PointName = keyof typeof POINTS;
export const POINT_NAMES = Object.keys(POINTS) as PointName[];

/** Where a process kills itself; without a name it only counts. */
export interface Point {
  readonly name?: PointName;
  /** The n-th time, from 1. */
  readonly at: number;
  readonly when: 'before' | 'within' | 'after';
}

export class Points {
  readonly #point: Point;
  readonly counts: Partial<Record<PointName, number>> = {};

  constructor(point: Point) {
    this.#point = point;
  }

  /** Does something, or dies of it. `part` does half of it. */
  async #doing<T>(
    does: Deed['does'],
    path: string,
    work: () => Promise<T>,
    more: { readonly keys?: readonly string[]; readonly part?: () => Promise<unknown> } = {},
  ): Promise<T> {
    const when = this.#reached({ does, path, keys: more.keys ?? [] });
    if (when === 'before') die(this.#point);
    if (when === 'within') {
      await more.part?.();
      die(this.#point);
    }
    const result = await work();
    if (when === 'after') die(this.#point);
    return result;
  }

  #reached(deed: Deed): Point['when'] | null {
    let when: Point['when'] | null = null;
    for (const name of POINT_NAMES) {
      if (!POINTS[name](deed)) continue;
      const count = (this.counts[name] ?? 0) + 1;
      this.counts[name] = count;
      if (name === this.#point.name && count === this.#point.at) when = this.#point.when;
    }
    return when;
  }

  disk(disk: Disk): Disk {
    return {
      ...disk,
      rename: (from, to) => this.#doing('rename', to, () => disk.rename(from, to)),
      link: (from, to) => this.#doing('link', to, () => disk.link(from, to)),
      remove: (file) => this.#doing('remove', file, () => disk.remove(file)),
      syncFolder: (folder) => this.#doing('sync-folder', folder, () => disk.syncFolder(folder)),
      open: async (file, options) => {
        const open = (): Promise<DiskFile> => disk.open(file, options);
        return this.#file(file, await (options.create ? this.#doing('create', file, open) : open()));
      },
    };
  }

  #file(path: string, file: DiskFile): DiskFile {
    return {
      ...file,
      write: (bytes, position) =>
        this.#doing('write', path, () => file.write(bytes, position), {
          part: () => file.write(bytes.subarray(0, bytes.length >> 1), position),
        }),
      sync: () => this.#doing('sync', path, () => file.sync()),
    };
  }

  /** Only for what the engine does: the owner of the folder has the store before. */
  store(store: Store): Store {
    return new Proxy(store, {
      get: (target, name) => {
        if (name === 'commit')
          return (batch: Parameters<Store['commit']>[0]) => {
            const keys = batch.operations.flatMap((each) => ('key' in each ? [each.key.toString()] : []));
            return this.#doing('commit', '', () => target.commit(batch), { keys });
          };
        if (name === 'sync') return () => this.#doing('state-sync', '', () => target.sync());
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }
}

/** Says where, so that who listens knows that the point was reached, and is gone. */
function die(point: Point): never {
  writeSync(1, `${JSON.stringify({ dies: point })}\n`);
  process.kill(process.pid, 'SIGKILL');
  throw new Error('killed');
}
