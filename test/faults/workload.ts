/**
 * A data folder that lives through many processes, each hit by one fault, with a record outside of it of what was sent
 * and acknowledged. What any life sees is held against that record; the next life is started as any other.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Architecture } from '../../runtime/src/config/project.ts';
import { glimpseProblems, producerOf, problemsOf, type Seen } from './chunks.ts';
import { type Database, Delivered } from './delivered.ts';
import type { Point, PointName } from './points.ts';
import type { Fault, Shim, Tally } from './shim.ts';

const WORKER = new URL('../../bench/dist/fault-worker.js', import.meta.url).pathname;

/** A process that neither ends nor dies is a finding as well. */
const LIFE_MS_MAX = 120_000;

interface Life {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  /** The failpoint that it died at. */
  readonly died: Point | undefined;
  /** How often it passed each failpoint. */
  readonly counts: Readonly<Partial<Record<PointName, number>>>;
}

interface Heard extends Pick<Life, 'died' | 'counts'> {
  /** What readers saw when everything was visible, and delivered (the last time in this life). */
  readonly seen: Seen | undefined;
}

/** What was injected, by the name under which it is counted. */
const KINDS = {
  'kill before': { calls: 'all', does: 'kill-before' },
  'kill after': { calls: 'all', does: 'kill-after' },
  'torn write': { calls: 'write', does: 'torn' },
  'failed sync': { calls: 'sync', does: 'error:5' },
  'disk full': { calls: 'write', does: 'error:28', ever: true },
  'short write': { calls: 'write', does: 'short' },
} as const satisfies Record<string, Omit<Fault, 'at'>>;
type Kind = keyof typeof KINDS;

const KILLS: readonly Kind[] = ['kill before', 'kill after', 'torn write'];

/** Calls that are refused, or done late, with nobody killed. */
export const REFUSALS = {
  'read fails': { calls: 'read', does: 'error:5' },
  'no descriptor is left': { calls: 'create', does: 'error:24' },
  'no right to create': { calls: 'create', does: 'error:13' },
  'the disk became read-only': { calls: 'write', does: 'error:30', ever: true },
  'every sync fails': { calls: 'sync', does: 'error:5', ever: true },
  'a sync is slow': { calls: 'sync', does: 'delay:700' },
} as const satisfies Record<string, Omit<Fault, 'at'>>;
export type Refusal = keyof typeof REFUSALS;

/** A short write is gone on with; an index of the log that is lost costs nothing but the next opening. */
const goesOn = (kind: Kind, path: string): boolean =>
  kind === 'short write' || (kind === 'failed sync' && path.endsWith('.index'));

const COUNT: Fault = { calls: 'all', at: 0, does: 'count' };

/** What happens before a life without events closes its folder: the recovery, and showing what is there. */
const RECOVERY_SHARE = 0.8;

/** What a process prints of an error that has no code. */
const UNEXPECTED = /not an error we expected|Unhandled|node:internal/;

const WHEN: readonly Point['when'][] = ['before', 'within', 'after'];

/** What a life says, one of these on each line. */
interface Said {
  readonly acked?: number;
  readonly sees?: Seen;
  readonly glimpses?: Seen['chunks'];
  readonly start?: number;
  readonly coldBytes?: number;
  readonly dies?: Point;
  readonly counts?: Life['counts'];
}

/** Eight of ten are kills. */
const ROTATION: readonly Kind[] = [
  'kill before',
  'kill after',
  'torn write',
  'kill before',
  'failed sync',
  'kill after',
  'torn write',
  'kill before',
  'disk full',
  'kill after',
  'kill before',
  'kill after',
  'torn write',
  'kill before',
  'failed sync',
  'kill after',
  'torn write',
  'kill before',
  'short write',
  'kill after',
];

export interface Sweep {
  readonly faults: Readonly<Record<string, number>>;
  readonly kills: number;
  readonly lives: number;
  /** Whether the log lost its beginning and had cold files while this went on. */
  readonly isTrimmed: boolean;
  readonly isCold: boolean;
  readonly violations: readonly string[];
}

export interface PointSweep {
  /** Failpoint → how often a process died at it. */
  readonly died: Readonly<Partial<Record<PointName, number>>>;
  readonly kills: number;
  readonly violations: readonly string[];
}

export class Workload {
  readonly folder = mkdtempSync(join(tmpdir(), 'faults-'));
  readonly #data = join(this.folder, 'data');
  readonly #sent = new Set<number>();
  readonly #acked = new Set<number>();
  readonly #violations: string[] = [];
  readonly #faults: Record<string, number> = {};
  /** Chunk → how many of its events a reader has seen: never less. */
  readonly #shown = new Map<number, number>();
  #lives = 0;
  #isTrimmed = false;
  #isCold = false;
  readonly architecture: Architecture;
  readonly #shim: Shim | null;

  readonly #database: Database | null;
  readonly #delivered: Delivered;

  constructor(architecture: Architecture, shim: Shim | null, database: Database | null = null) {
    this.architecture = architecture;
    this.#shim = shim;
    this.#database = database;
    this.#delivered = new Delivered(join(this.folder, 'out'), database);
    mkdirSync(this.#data);
  }

  /**
   * So many faults, one life each, at calls spread over the whole of a life; `round` moves them. Throws when a fault does
   * not fire: then nothing was tested.
   */
  async sweep(faults: number, round = 0): Promise<Sweep> {
    const totals = { sync: 0, write: 0, all: 0 };
    for (const calls of ['sync', 'write', 'all'] as const)
      totals[calls] = (await this.#whole({ calls, at: 0, does: 'count' })).counted;
    for (let index = 0; index < faults; index++) {
      const kind = ROTATION[index % ROTATION.length] ?? 'kill before';
      // Multiples of the golden ratio lie evenly in 0 to 1, however many there are.
      const place = ((index + 1) * 0.618_034 + round * 0.754_878) % 1;
      await this.#suffer(kind, 1 + Math.floor(place * totals[KINDS[kind].calls]));
    }
    await this.#endInPeace();
    return this.#sweepSoFar();
  }

  /** Everything that has a name is acknowledged in the end. */
  async #endInPeace(): Promise<void> {
    await this.#whole();
    await this.#whole();
    const open = [...this.#sent].filter(
      (chunk) => producerOf(chunk) !== undefined && !this.#acked.has(chunk),
    );
    if (open.length > 0) this.#violations.push(`never acknowledged: ${open.join(', ')}`);
    if (this.#delivered.compared === 0) this.#violations.push('two sinks were never at the same commit');
  }

  /**
   * One death at each of some failpoints: before, within or after it, the first or the last time that a life passes it. Each
   * life after a death is a recovery, and ends with the next death.
   */
  async points(names: readonly PointName[]): Promise<PointSweep> {
    const died: Partial<Record<PointName, number>> = {};
    // The first life makes what later ones find.
    await this.#point({ at: 0, when: 'before' });
    const { counts } = await this.#point({ at: 0, when: 'before' });
    let kills = 0;
    for (const [index, name] of names.entries()) {
      const when = WHEN[index % WHEN.length] ?? 'after';
      const at = index % 2 === 0 ? 1 : (counts[name] ?? 1);
      const life = await this.#dieAt({ name, at, when });
      if (life === null) continue;
      died[name] = (died[name] ?? 0) + 1;
      kills++;
    }
    await this.#endInPeace();
    return { died, kills, violations: this.#violations };
  }

  /** Lives differ a little: one that ended before its point was reached so often gives way to an earlier time. */
  async #dieAt(point: Point): Promise<Life | null> {
    for (let { at } = point; at >= 1; at = Math.floor(at / 2)) {
      const life = await this.#point({ ...point, at });
      if (life.died !== undefined) {
        if (life.signal !== 'SIGKILL')
          this.#violations.push(`${point.name}: it was not killed: ${life.stderr}`);
        return life;
      }
      this.#mustEnd(life, 0, `${point.name} was not reached`);
    }
    this.#violations.push(`${point.name} was not reached`);
    return null;
  }

  #point(point: Point): Promise<Life> {
    const environment = { FAULT_POINT: JSON.stringify(point) };
    return this.#life(this.#nextChunks(), environment, `${point.when} ${point.name ?? 'nothing'}`);
  }

  /** Processes that meet a refusal, so often, at places spread over a life; each ends with a code, or goes on to its end. */
  async refuse(refusal: Refusal, times: number): Promise<Sweep> {
    const { calls } = REFUSALS[refusal];
    await this.#whole();
    const { counted } = await this.#whole({ calls, at: 0, does: 'count' });
    for (let time = 1; time <= times; time++) {
      const life = await this.#hit(REFUSALS[refusal], 1 + Math.floor(((time * 0.618_034) % 1) * counted));
      this.#faults[refusal] = (this.#faults[refusal] ?? 0) + 1;
      const isExpected = (life.code === 0 || life.code === 1) && !UNEXPECTED.test(life.stderr);
      if (!isExpected)
        this.#violations.push(`${refusal}: ended with ${life.code ?? life.signal}: ${life.stderr}`);
    }
    await this.#endInPeace();
    return this.#sweepSoFar();
  }

  async #hit(fault: Omit<Fault, 'at'>, first: number): Promise<Life> {
    for (let at = first; at >= 1; at = Math.floor(at / 2)) {
      const life = await this.#live({ ...fault, at });
      if (life.tally.hit > 0) return life;
    }
    throw new Error(`${this.architecture}: ${fault.does} did not fire`);
  }

  /** Processes with so many megabytes for their objects, each of which may die of it. */
  async starve(megabytes: readonly number[]): Promise<Sweep> {
    await this.#whole();
    for (const size of megabytes) {
      const environment = { NODE_OPTIONS: `--max-old-space-size=${size} --max-semi-space-size=1` };
      const life = await this.#life(this.#nextChunks(), environment, `${size} MB`);
      if (life.code !== 0) this.#faults['out of memory'] = (this.#faults['out of memory'] ?? 0) + 1;
      if (life.code !== 0 && !/heap/.test(life.stderr))
        this.#violations.push(`${size} MB: ended with ${life.code ?? life.signal}: ${life.stderr}`);
    }
    await this.#endInPeace();
    return this.#sweepSoFar();
  }

  /** The very first life is killed, at a place from 0 to 1 of it. */
  async firstLife(place: number): Promise<Sweep> {
    const measured = new Workload(this.architecture, this.#shim);
    const { counted } = await measured.#whole({ calls: 'all', at: 0, does: 'count' });
    measured.remove();
    await this.#suffer('kill after', 1 + Math.floor(place * counted));
    await this.#endInPeace();
    return this.#sweepSoFar();
  }

  #sweepSoFar(): Sweep {
    const kills = KILLS.reduce((sum, kind) => sum + (this.#faults[kind] ?? 0), 0);
    return {
      faults: this.#faults,
      kills,
      lives: this.#lives,
      isTrimmed: this.#isTrimmed,
      isCold: this.#isCold,
      violations: this.#violations,
    };
  }

  /** Recoveries that are killed while they recover, and those again: three deep, `rounds` times. */
  async recoveries(rounds: number): Promise<Sweep> {
    await this.#whole();
    for (let round = 0; round < rounds; round++) {
      const { counted } = await this.#whole({ calls: 'all', at: 0, does: 'count' });
      await this.#suffer('kill before', 1 + Math.floor(counted * (0.4 + 0.2 * (round % 3))));
      const recovery = (await this.#live(COUNT, [])).tally.counted;
      for (let depth = 1; depth <= 3; depth++) {
        const place = ((3 * round + depth) * 0.618_034) % 1;
        const kind = KILLS[depth % KILLS.length] ?? 'kill before';
        await this.#suffer(kind, 1 + Math.floor(place * recovery * RECOVERY_SHARE), []);
      }
    }
    await this.#endInPeace();
    return this.#sweepSoFar();
  }

  /** A life that meets this fault. Lives differ a little: one that ended before its call gives way to an earlier call. */
  async #suffer(kind: Kind, first: number, chunks?: readonly number[]): Promise<void> {
    for (let at = first; at >= 1; at = Math.floor(at / 2)) {
      const fault = { ...KINDS[kind], at };
      const life = await this.#live(fault, chunks);
      if (life.tally.hit === 0) {
        this.#mustEnd(life, 0, 'not hit');
        continue;
      }
      this.#faults[kind] = (this.#faults[kind] ?? 0) + 1;
      const killed = KILLS.includes(kind);
      const where = `${kind} at ${at}, ${life.tally.path}`;
      if (!killed) this.#mustEnd(life, goesOn(kind, life.tally.path) ? 0 : 1, where);
      else if (life.signal !== 'SIGKILL')
        this.#violations.push(`${where}: it was not killed: ${life.stderr}`);
      return;
    }
    throw new Error(`${this.architecture}: ${kind} did not fire`);
  }

  /** A life without a fault, to its end. */
  async #whole(fault?: Fault): Promise<Tally> {
    const life = await this.#live(fault);
    this.#mustEnd(life, 0, 'no fault');
    return life.tally;
  }

  #mustEnd(
    { code, signal, stderr }: Pick<Life, 'code' | 'signal' | 'stderr'>,
    expected: number,
    what: string,
  ): void {
    if (code !== expected)
      this.#violations.push(`${what}: ended with ${code ?? signal}, not ${expected}: ${stderr}`);
  }

  async #live(
    fault: Fault = COUNT,
    chunks: readonly number[] = this.#nextChunks(),
  ): Promise<Life & { readonly tally: Tally }> {
    const environment = this.#shim?.environment(this.folder, fault) ?? {};
    const what = `${fault.does} at ${fault.at} of ${fault.calls}`;
    const life = await this.#life(chunks, environment, what);
    return { ...life, tally: this.#shim?.tally() ?? { counted: 0, hit: 0, path: '' } };
  }

  async #life(
    chunks: readonly number[],
    environment: Readonly<Record<string, string>>,
    what: string,
  ): Promise<Life> {
    const life = this.#lives++;
    const child = spawn(process.execPath, [WORKER, this.#data, this.architecture, ...chunks.map(String)], {
      env: {
        ...process.env,
        NO_COLOR: '1',
        ...(this.#database !== null && { FAULT_DATABASE: JSON.stringify(this.#database) }),
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr]: [string[], string[]] = [[], []];
    child.stdout.setEncoding('utf8').on('data', (text: string) => stdout.push(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => stderr.push(text));
    const limit = setTimeout(() => {
      this.#violations.push(`life ${life}: neither ended nor died`);
      child.kill('SIGKILL');
    }, LIFE_MS_MAX);
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    clearTimeout(limit);
    const { seen, ...heard } = this.#hear(stdout.join(''), `life ${life}, ${what}`);
    const problems = await this.#delivered.look(seen?.chunks ?? [], this.#sent);
    this.#violations.push(...problems.map((problem) => `life ${life}, ${what}: ${problem}`));
    return { code, signal, stderr: stderr.join(''), ...heard };
  }

  /** What was said is known, in this order, whatever happened after. */
  #hear(stdout: string, life: string): Heard {
    let heard: Heard = { died: undefined, counts: {}, seen: undefined };
    for (const line of stdout.split('\n').filter((each) => each !== '')) {
      const said = JSON.parse(line) as Said;
      if (said.acked !== undefined) this.#acked.add(said.acked);
      this.#isTrimmed ||= (said.start ?? 0) > 0;
      this.#isCold ||= (said.coldBytes ?? 0) > 0;
      const problems = [
        ...(said.sees === undefined ? [] : problemsOf(said.sees, this.#acked, this.#sent)),
        ...this.#goneBack(said.sees?.chunks ?? said.glimpses ?? []),
        ...glimpseProblems(said.glimpses ?? []),
      ];
      this.#violations.push(...problems.map((problem) => `${life}: ${problem}`));
      heard = {
        died: said.dies ?? heard.died,
        counts: said.counts ?? heard.counts,
        seen: said.sees ?? heard.seen,
      };
    }
    return heard;
  }

  /** A commit that readers have seen survives the death of the process (S2). */
  #goneBack(rows: Seen['chunks']): string[] {
    const problems: string[] = [];
    const present = new Map(rows.map(({ chunk, events }) => [chunk, events]));
    for (const [chunk, shown] of this.#shown)
      if (rows.length > 0 && (present.get(chunk) ?? 0) < shown)
        problems.push(
          `of chunk ${chunk} readers had seen ${shown} events, and now ${present.get(chunk) ?? 0}`,
        );
    for (const [chunk, events] of present) this.#shown.set(chunk, events);
    return problems;
  }

  /** Those with a name that are not acknowledged yet, then new ones. */
  #nextChunks(): number[] {
    const open = [...this.#sent].filter(
      (chunk) => producerOf(chunk) !== undefined && !this.#acked.has(chunk),
    );
    const fresh = [this.#sent.size, this.#sent.size + 1, this.#sent.size + 2];
    for (const chunk of fresh) this.#sent.add(chunk);
    return [...open, ...fresh];
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
