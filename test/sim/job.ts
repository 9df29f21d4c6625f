/**
 * One seed: a whole job in the simulated world. It lives several times, and in each life something goes wrong; at the end
 * it lives in peace, and what it shows is held against what was sent.
 *
 *   senders ─► engine ─► log, store of one machine ◄─ trouble: deaths, power cuts, faults of the disk, a full disk, a pause
 *   reader  ◄───┘  notes what it saw; every answer must be the result of one prefix of the log
 */
import { CodedError } from 'pipeline-runtime/kit';
import type { Architecture } from '../../runtime/src/config/project.ts';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import { Engine } from '../../runtime/src/engine/engine.ts';
import { linesOf } from '../../runtime/src/ingest/lines.ts';
import { Machine, type SimProcess } from '../../runtime/src/sim/machine.ts';
import { SeededRandom } from '../../runtime/src/sim/seeded-random.ts';
import { type Owner, World } from '../../runtime/src/sim/world.ts';
import { choose, type Choices, type Life, START_MS, type Trouble } from './choices.ts';
import { holds } from './claims.ts';
import { Ledger } from './ledger.ts';

const FOLDER = '/project/data';
/** The world outside of the machine. */
const OUTSIDE: Owner = { isAlive: true, isPaused: false };

export interface SeedReport {
  readonly choices: Choices;
  readonly crashes: number;
  readonly steps: number;
  readonly digest: number;
  /** What struck, by name. */
  readonly struck: readonly string[];
  readonly lost: number;
}

export async function runSeed(seed: number, architectures?: readonly Architecture[]): Promise<SeedReport> {
  const random = new SeededRandom(seed);
  const choices = choose(random, architectures);
  const world = new World(random.below(2 ** 31), START_MS);
  const job = new SimJob(choices, world);
  await world.run(job.run());
  const { machine, struck } = job;
  const stores = [...machine.stores.values()];
  return {
    choices,
    crashes: struck.filter((name) => /^(?:kill|power-cut)/.test(name)).length,
    steps: world.steps,
    digest: world.digest,
    struck,
    lost: machine.files.lostChanges + stores.reduce((sum, store) => sum + store.lostCommits, 0),
  };
}

class SimJob {
  readonly machine: Machine;
  readonly struck: string[] = [];
  readonly #choices: Choices;
  readonly #world: World;
  readonly #ledger: Ledger;

  constructor(choices: Choices, world: World) {
    this.#choices = choices;
    this.#world = world;
    this.machine = new Machine(world);
    this.#ledger = new Ledger(choices);
  }

  async run(): Promise<void> {
    for (const life of this.#choices.lives) await this.#live(life);
    await this.#liveInPeace();
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#world.post(OUTSIDE, resolve, ms));
  }

  async #live(life: Life): Promise<void> {
    const { machine } = this;
    const process = machine.start();
    const { trouble } = life;
    const cutsBefore = machine.powerCuts;
    if (trouble.kind === 'operation') machine.faults.arm(trouble.fault);
    const living = this.#work(process, life).catch((error: unknown) => {
      // A process ends with an error only because of what was done to it.
      if (!(error instanceof CodedError) || !this.#mayFail(trouble)) throw error;
    });
    await Promise.race([living, process.ended, this.#troubled(process, trouble)]);
    const { struck } = machine.faults;
    machine.faults.disarm();
    machine.files.spaceBytes = Infinity;
    this.#world.jumpMs = 0;
    if (struck > 0) this.struck.push(nameOf(trouble));
    if (process.isAlive) machine.kill(process);
    if (machine.powerCuts > cutsBefore) this.#ledger.powerWasCut();
  }

  #mayFail(trouble: Trouble): boolean {
    return (trouble.kind === 'operation' && this.machine.faults.struck > 0) || trouble.kind === 'full';
  }

  /** Resolves when the trouble is over, or when it did not come and the life is long enough. */
  async #troubled(process: SimProcess, trouble: Trouble): Promise<void> {
    if (trouble.kind === 'operation') {
      await this.#sleep(trouble.fault.damage.does === 'delay' ? 45_000 : 12_000);
      return;
    }
    await this.#sleep(trouble.afterMs);
    if (!process.isAlive) return;
    this.struck.push(nameOf(trouble));
    if (trouble.kind === 'time') {
      if (trouble.does === 'kill') this.machine.kill(process);
      else if (trouble.does === 'power-cut') this.machine.powerCut();
      else await this.#stopped;
    } else if (trouble.kind === 'full') {
      const { files } = this.machine;
      files.spaceBytes = files.usedBytes + trouble.bytes;
      await this.#sleep(trouble.forMs);
      files.spaceBytes = Infinity;
      await this.#sleep(3_000);
    } else if (trouble.kind === 'zombie') await this.#haunt(process, trouble.forMs);
    else {
      this.#world.jumpMs = trouble.jumpMs;
      await this.#sleep(5_000);
    }
  }

  /** The owner stands still, another process comes and is refused, and the owner goes on. */
  async #haunt(process: SimProcess, forMs: number): Promise<void> {
    process.isPaused = true;
    await this.#sleep(forMs);
    const other = this.machine.start();
    const opening = openDataFolder(FOLDER, other.clock, other.disk, {
      openStore: (path) => other.openStore(path),
    });
    // Unless the owner had not come to the lock yet.
    const opened = await opening.catch((error: unknown) => error);
    if (opened instanceof Error)
      holds((opened as CodedError).code === 'DATA_LOCKED', `refused: ${opened.message}`);
    this.machine.kill(other);
    process.isPaused = false;
    await this.#sleep(2_000);
  }

  /** Ends a life as a signal does, and resolves when it has ended. */
  #stop = new AbortController();
  #onStopped: () => void = () => {};
  get #stopped(): Promise<void> {
    this.#stop.abort();
    return new Promise((resolve) => {
      this.#onStopped = resolve;
    });
  }

  async #open(process: SimProcess, life: Life): Promise<Engine> {
    const { config, segmentBytes } = life;
    const options = { openStore: (path: string) => process.openStore(path), segmentBytes };
    const data = await openDataFolder(FOLDER, process.clock, process.disk, options);
    const { plan } = this.#choices.chosen.definition;
    return Engine.open({ plan, config, data, clock: process.clock });
  }

  async #work(process: SimProcess, life: Life): Promise<void> {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    const engine = await this.#open(process, life);
    this.#ledger.opened(engine);
    const senders = this.#senders(engine, signal);
    const reading = this.#read(engine, process, signal);
    await Promise.all([engine.run(signal), ...senders, reading]);
    await engine.close();
    this.#onStopped();
    await new Promise(() => {});
  }

  #senders(engine: Engine, signal: AbortSignal): Promise<void>[] {
    const { isNamed, lines } = this.#choices;
    return [...lines.keys()].map((source) =>
      isNamed ? this.#sendAll(engine, source, signal) : this.#sendOnce(engine, source, signal),
    );
  }

  /** From the beginning, under a name: what was taken before is known. Tries again while the disk is full. */
  async #sendAll(engine: Engine, source: string, signal: AbortSignal): Promise<void> {
    const lines = this.#choices.lines.get(source) ?? [];
    while (!signal.aborted) {
      const chunks = this.#chunks(
        lines.map(({ text }) => text),
        signal,
      );
      try {
        await engine.ingestLines(source, linesOf(chunks), {
          producer: `sender of ${source}`,
          onProgress: ({ accepted, rejected, known = 0 }) =>
            this.#ledger.acknowledged(source, accepted + rejected + known),
        });
        return;
      } catch (error) {
        if (!isRetryable(error)) throw error;
        await this.#sleep(300);
      }
    }
  }

  async *#chunks(texts: readonly string[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { random } = this.#world;
    for (let from = 0; from < texts.length && !signal.aborted;) {
      const to = from + random.between(1, 12);
      yield Buffer.from(
        texts
          .slice(from, to)
          .map((text) => `${text}\n`)
          .join(''),
      );
      from = to;
      if (random.chance(0.7)) await this.#sleep(random.below(200));
    }
  }

  /** Each chunk once: what becomes of one that was not acknowledged is not known. */
  async #sendOnce(engine: Engine, source: string, signal: AbortSignal): Promise<void> {
    const { random } = this.#world;
    while (!signal.aborted) {
      const chunk = this.#ledger.nextChunk(source, random.between(1, 12));
      if (chunk.length === 0) return;
      const text = chunk.map((line) => `${line.text}\n`).join('');
      const settle = this.#ledger.sent(source, chunk);
      try {
        await engine.ingest(source, once(text));
        settle();
      } catch (error) {
        if (!isRetryable(error)) throw error;
        await this.#sleep(300);
      }
      await this.#sleep(random.below(200));
    }
  }

  /** Asks for views again and again, and now and then does what an operator does. */
  async #read(engine: Engine, process: SimProcess, signal: AbortSignal): Promise<void> {
    const { random } = this.#world;
    while (!signal.aborted) {
      await this.#sleep(random.below(800));
      if (signal.aborted || !process.isAlive) return;
      const draw = random.next();
      if (draw < 0.45) this.#ledger.sawTotals(await engine.query('totals', { where: {} }));
      else if (draw < 0.7) this.#ledger.sawWindows(await engine.query('windows', { where: {} }));
      else if (draw < 0.9) this.#ledger.sawStatus(await engine.status());
      else await this.#command(engine);
    }
  }

  async #command(engine: Engine): Promise<void> {
    const { random } = this.#world;
    const { architecture, chosen } = this.#choices;
    if (architecture === 'batch' || architecture === 'lambda') await engine.command('backfill', {});
    if (architecture !== 'kappa') return;
    const versions = (await engine.command('versions', {})) as readonly { name: string; role: string }[];
    const other = versions.find(({ role }) => role !== 'live')?.name;
    const name = other === undefined ? 'replay' : random.pick(['promote', 'rollback', 'drop']);
    const params = name === 'replay' ? { plan: chosen.definition.plan } : { version: other };
    try {
      if (name === 'rollback' || name === 'promote') this.#ledger.mayGoBack();
      await engine.command(name, name === 'rollback' ? {} : params);
    } catch (error) {
      // What cannot be done now: too far behind, nothing to go back to.
      if ((error as CodedError).code !== 'VERSION_INVALID') throw error;
    }
  }

  /** Everything is sent that was not, and what there is then must be right, now and after a restart. */
  async #liveInPeace(): Promise<void> {
    const [life] = this.#choices.lives;
    if (life === undefined) return;
    for (const isFirst of [true, false]) {
      const process = this.machine.start();
      const engine = await this.#open(process, life);
      this.#ledger.opened(engine);
      const never = new AbortController().signal;
      if (isFirst) await Promise.all(this.#senders(engine, never));
      await engine.settle();
      await this.#ledger.expectRight(engine);
      if (isFirst) this.machine.kill(process);
      else await engine.close();
    }
  }
}

function nameOf(trouble: Trouble): string {
  if (trouble.kind === 'time') return trouble.does;
  if (trouble.kind !== 'operation') return trouble.kind;
  const { damage, kinds } = trouble.fault;
  if (damage.does === 'kill' || damage.does === 'power-cut') return `${damage.does} ${damage.when}`;
  const what = damage.does === 'fail' ? `${damage.code}${damage.forEver ? ' for ever' : ''}` : damage.does;
  return `${kinds?.[0]} ${what}`;
}

function isRetryable(error: unknown): boolean {
  return error instanceof CodedError && /ENOSPC/.test(error.message);
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}
