/**
 * Real power cuts. The data folder lies in an ext4 image on a loop device; what of the image's file is there at a moment is
 * what the disk had been given by then. So a copy of that file is a machine whose power went at that moment:
 *
 *   worker ─► ext4 ─► loop ─► disk.img ── stopped, copied ─► cut.img ─► mounted: its journal is replayed ─► worker ─► oracle
 *
 * The worker stands still, each of its threads outside of the kernel, while the image is copied: a copy is of one moment.
 * Which moment is drawn from all changes of files that the worker makes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  type FSWatcher,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Architecture } from '../../runtime/src/config/project.ts';
import { SeededRandom } from '../../runtime/src/sim/seeded-random.ts';
import { producerOf, problemsOf, type Seen } from './chunks.ts';
import { Delivered } from './delivered.ts';
import { command, Mounts } from './mounts.ts';

const WORKER = new URL('../../bench/dist/fault-worker.js', import.meta.url).pathname;
const IMAGE_BYTES = 96 * 1024 * 1024;
const CHUNKS_PER_LIFE = 8;
/** Cuts in one life; more of them would hold almost the same. */
const CUTS_PER_LIFE = 4;
/** About so many changes of files does a life make. */
const CHANGES_PER_LIFE = 120;

interface Cut {
  readonly image: string;
  readonly acked: ReadonlySet<number>;
  readonly sent: ReadonlySet<number>;
}

export interface CutReport {
  /** Copies that were mounted and held against what had been acknowledged. */
  readonly cuts: number;
  /** Copies in which something was missing that the worker had written: a cut that takes nothing away tests nothing. */
  readonly lossy: number;
  readonly violations: readonly string[];
}

export class PowerCuts {
  readonly #folder = mkdtempSync(join(tmpdir(), 'power-'));
  readonly #mounts = new Mounts();
  readonly #architecture: Architecture;
  readonly #random: SeededRandom;
  readonly #image = join(this.#folder, 'disk.img');
  readonly #disk = join(this.#folder, 'disk');
  readonly #sent = new Set<number>();
  readonly #acked = new Set<number>();
  readonly #violations: string[] = [];
  #lossy = 0;

  /** Why there are no power cuts here; undefined when there are. */
  static unavailable(): string | undefined {
    const reason = Mounts.unavailable();
    if (reason !== undefined) return reason;
    const folder = mkdtempSync(join(tmpdir(), 'power-'));
    const mounts = new Mounts();
    try {
      makeImage(join(folder, 'probe.img'));
      mountImage(mounts, join(folder, 'probe.img'), join(folder, 'probe'));
      return undefined;
    } catch (error) {
      return (error as Error).message;
    } finally {
      mounts.remove();
      rmSync(folder, { recursive: true, force: true });
    }
  }

  constructor(architecture: Architecture, seed: number) {
    this.#architecture = architecture;
    this.#random = new SeededRandom(seed);
    makeImage(this.#image);
    mountImage(this.#mounts, this.#image, this.#disk);
    mkdirSync(join(this.#disk, 'data'));
  }

  /** Cuts the power so often, in as many lives as that takes. */
  async run(cuts: number): Promise<CutReport> {
    let done = 0;
    for (let life = 0; done < cuts; life++) {
      if (life > cuts + 3) throw new Error(`${this.#architecture}: the power was not cut`);
      const taken = await this.#live(Math.min(CUTS_PER_LIFE, cuts - done));
      for (const cut of taken) await this.#examine(cut, `cut ${++done}`);
    }
    return { cuts: done, lossy: this.#lossy, violations: this.#violations };
  }

  /** One life on the disk, with copies of it taken in between. */
  async #live(cuts: number): Promise<Cut[]> {
    const chunks = nextChunks(this.#sent, this.#acked);
    for (const chunk of chunks) this.#sent.add(chunk);
    const { child, done } = this.#start(join(this.#disk, 'data'), chunks, this.#acked);
    const taken: Cut[] = [];
    let changes = 0;
    const next = (): number => changes + 1 + this.#random.below(CHANGES_PER_LIFE / cuts);
    let cutAt = next();
    const watcher: FSWatcher = watch(this.#disk, { recursive: true }, () => {
      if (++changes < cutAt || taken.length >= cuts || !stop(child)) return;
      const image = join(this.#folder, `cut-${taken.length}.img`);
      copyFileSync(this.#image, image);
      taken.push({ image, acked: new Set(this.#acked), sent: new Set(this.#sent) });
      cutAt = next();
      child.kill('SIGCONT');
    });
    const { problems, stderr, code } = await done;
    watcher.close();
    if (code !== 0) this.#violations.push(`a life without a cut ended with ${code}: ${stderr}`);
    this.#violations.push(...problems);
    return taken;
  }

  /** A machine comes up after the cut: what is there must be right, and what is sent again counts once. */
  async #examine({ image, acked, sent }: Cut, name: string): Promise<void> {
    const mounts = new Mounts();
    const disk = join(this.#folder, 'after');
    try {
      mountImage(mounts, image, disk);
      const [ackedNow, sentNow] = [new Set(acked), new Set(sent)];
      const chunks = nextChunks(sentNow, ackedNow);
      for (const chunk of chunks) sentNow.add(chunk);
      const delivered = new Delivered(join(disk, 'out'), null);
      const had = await delivered.look([], sent);
      const { done } = this.#start(join(disk, 'data'), chunks, ackedNow, sentNow);
      const { problems, stderr, code, seen } = await done;
      if (code !== 0) this.#violations.push(`${name}: ended with ${code}: ${stderr}`);
      const has = await delivered.look(seen?.chunks ?? [], sentNow);
      this.#violations.push(...[...had, ...problems, ...has].map((problem) => `${name}: ${problem}`));
      // What was sent and is not there: the worker had been given it, and the cut took it or came before it.
      if (seen !== undefined && seen.chunks.length < sent.size) this.#lossy++;
    } finally {
      mounts.remove();
      rmSync(image);
    }
  }

  #start(
    data: string,
    chunks: readonly number[],
    acked: Set<number>,
    sent: ReadonlySet<number> = this.#sent,
  ): { child: ChildProcess; done: Promise<Outcome> } {
    mkdirSync(data, { recursive: true });
    const child = spawn(process.execPath, [WORKER, data, this.#architecture, ...chunks.map(String)], {
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const problems: string[] = [];
    const stderr: string[] = [];
    let [rest, seen]: [string, Seen | undefined] = ['', undefined];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const said = JSON.parse(line) as { acked?: number; sees?: Seen };
        if (said.acked !== undefined) acked.add(said.acked);
        if (said.sees === undefined) continue;
        seen ??= said.sees;
        problems.push(...problemsOf(said.sees, acked, sent));
      }
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => stderr.push(text));
    const done = once(child, 'close').then(([code]) => ({
      code: code as number | null,
      stderr: stderr.join(''),
      problems,
      seen,
    }));
    return { child, done };
  }

  remove(): void {
    this.#mounts.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface Outcome {
  readonly code: number | null;
  readonly stderr: string;
  readonly problems: readonly string[];
  /** What readers saw first. */
  readonly seen: Seen | undefined;
}

/** Those with a name that are not acknowledged yet, then new ones. */
function nextChunks(sent: ReadonlySet<number>, acked: ReadonlySet<number>): number[] {
  const open = [...sent].filter((chunk) => producerOf(chunk) !== undefined && !acked.has(chunk));
  return [...open, ...Array.from({ length: CHUNKS_PER_LIFE }, (_, index) => sent.size + index)];
}

/** Stops a process, and returns when none of its threads is in the kernel any more; false when it is gone. */
function stop(child: ChildProcess): boolean {
  child.kill('SIGSTOP');
  const tasks = `/proc/${child.pid}/task`;
  try {
    while (!readdirSync(tasks).every((task) => stateOf(`${tasks}/${task}/stat`) === 'T'));
    return true;
  } catch {
    return false;
  }
}

function stateOf(stat: string): string {
  const text = readFileSync(stat, 'utf8');
  const state = text.slice(text.lastIndexOf(')') + 2)[0] ?? '';
  if (state === 'Z' || state === 'X') throw new Error('it has ended');
  return state;
}

function makeImage(file: string): void {
  writeFileSync(file, '');
  truncateSync(file, IMAGE_BYTES);
  command('mkfs.ext4', ['-q', '-F', '-m', '0', '-J', 'size=4', file]);
}

/** No commit of the journal but those that a sync asks for, so that nothing moves while a copy is taken. */
function mountImage(mounts: Mounts, image: string, place: string): void {
  mounts.mount(place, ['-o', 'loop,commit=3600', image]);
}
