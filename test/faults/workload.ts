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
import { producerOf, problemsOf, type Seen } from './chunks.ts';
import type { Fault, Shim, Tally } from './shim.ts';

const WORKER = new URL('../../bench/dist/fault-worker.js', import.meta.url).pathname;

/** A process that neither ends nor dies is a finding as well. */
const LIFE_MS_MAX = 120_000;

interface Life {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  readonly tally: Tally;
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
  readonly violations: readonly string[];
}

export class Workload {
  readonly folder = mkdtempSync(join(tmpdir(), 'faults-'));
  readonly #data = join(this.folder, 'data');
  readonly #sent = new Set<number>();
  readonly #acked = new Set<number>();
  readonly #violations: string[] = [];
  readonly #faults: Record<string, number> = {};
  #lives = 0;
  readonly architecture: Architecture;
  readonly #shim: Shim;

  constructor(architecture: Architecture, shim: Shim) {
    this.architecture = architecture;
    this.#shim = shim;
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
    await this.#whole();
    await this.#whole();
    const open = [...this.#sent].filter(
      (chunk) => producerOf(chunk) !== undefined && !this.#acked.has(chunk),
    );
    if (open.length > 0) this.#violations.push(`never acknowledged: ${open.join(', ')}`);
    const kills = KILLS.reduce((sum, kind) => sum + (this.#faults[kind] ?? 0), 0);
    return { faults: this.#faults, kills, lives: this.#lives, violations: this.#violations };
  }

  /** A life that meets this fault. Lives differ a little: one that ended before its call gives way to an earlier call. */
  async #suffer(kind: Kind, first: number): Promise<void> {
    for (let at = first; at >= 1; at = Math.floor(at / 2)) {
      const fault = { ...KINDS[kind], at };
      const life = await this.#live(fault);
      if (life.tally.hit === 0) {
        this.#mustEnd(life, 0, 'not hit');
        continue;
      }
      this.#faults[kind] = (this.#faults[kind] ?? 0) + 1;
      const killed = KILLS.includes(kind);
      const where = `${kind} at ${at}`;
      if (!killed) this.#mustEnd(life, kind === 'short write' ? 0 : 1, where);
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

  #mustEnd({ code, signal, stderr }: Life, expected: number, what: string): void {
    if (code !== expected)
      this.#violations.push(`${what}: ended with ${code ?? signal}, not ${expected}: ${stderr}`);
  }

  async #live(fault: Fault = { calls: 'all', at: 0, does: 'count' }): Promise<Life> {
    const chunks = this.#nextChunks();
    const life = this.#lives++;
    const child = spawn(process.execPath, [WORKER, this.#data, this.architecture, ...chunks.map(String)], {
      env: { ...process.env, NO_COLOR: '1', ...this.#shim.environment(this.#data, fault) },
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
    this.#hear(stdout.join(''), `life ${life}, ${fault.does} at ${fault.at} of ${fault.calls}`);
    return { code, signal, stderr: stderr.join(''), tally: this.#shim.tally() };
  }

  /** What was said is known, in this order, whatever happened after. */
  #hear(stdout: string, life: string): void {
    for (const line of stdout.split('\n').filter((each) => each !== '')) {
      const said = JSON.parse(line) as { acked?: number; sees?: Seen };
      if (said.acked !== undefined) this.#acked.add(said.acked);
      if (said.sees !== undefined)
        this.#violations.push(
          ...problemsOf(said.sees, this.#acked, this.#sent).map((problem) => `${life}: ${problem}`),
        );
    }
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
