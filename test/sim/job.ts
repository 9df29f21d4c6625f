/**
 * One seed: a whole job in the simulated world. It lives several times, and in each life something goes wrong; at the end
 * it lives in peace, and what it shows is held against what was sent.
 *
 *   senders ─► engine ─► log, store of one machine ◄─ trouble: deaths, power cuts, faults of the disk, a full disk, a pause
 *   reader  ◄───┘  notes what it saw; every answer must be the result of one prefix of the log
 */
// What the log loads on demand is there already: a module that is read from a real disk, under load, would look like a
// world that stands still.
import 'hyparquet';
import 'hyparquet-writer';
import { CodedError } from '../../runtime/src/base/coded-error.ts';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import type { Engine } from '../../runtime/src/engine/engine.ts';
import { Machine, type SimProcess } from '../../runtime/src/sim/machine.ts';
import { SeededRandom } from '../../runtime/src/sim/seeded-random.ts';
import { World } from '../../runtime/src/sim/world.ts';
import { architectureOf, choose, type Choices, type Life, START_MS } from './choices.ts';
import { holds } from './claims.ts';
import { Ledger } from './ledger.ts';
import { beginWithOldLog } from './old-data.ts';
import { Operator } from './operator.ts';
import { SimSinks } from './sinks.ts';
import { FOLDER, Session, sleepOutside } from './session.ts';
import { nameOf, type Trouble } from './troubles.ts';

/** So long a life goes on when what was to go wrong does not come. */
const LIFE_MS = 200;
const RESTORED = '/restored';

export interface SeedReport {
  readonly choices: Choices;
  /**
   * Deaths and power cuts of a process that had opened the data and worked since. After each of them another life opened
   * and worked: the last one always does.
   */
  readonly crashes: number;
  /** Deaths and power cuts of a process that had not come so far. */
  readonly crashesWhileOpening: number;
  readonly steps: number;
  readonly digest: number;
  /** What struck, by name. */
  readonly struck: readonly string[];
  /** What was done besides, by name. */
  readonly did: readonly string[];
  /** Writes, names and commits that power cuts took away. */
  readonly lost: number;
}

/** Throws a ClaimError, or what the product threw when it should not have. */
export async function runSeed(seed: number): Promise<SeedReport> {
  const random = new SeededRandom(seed);
  const choices = choose(random, architectureOf(seed));
  const world = new World(random.below(2 ** 31), START_MS);
  const job = new SimJob(choices, world);
  await world.run(job.run());
  return job.report();
}

/** For messages: without the lines themselves. */
export function choicesOf(seed: number): unknown {
  const choices = choose(new SeededRandom(seed), architectureOf(seed));
  const lives = choices.lives.map(({ plight, linesUpTo, segmentBytes, isChanged, config }) => {
    const { trigger, batch, corrections, log, state, runtime } = config;
    return { plight, linesUpTo, segmentBytes, isChanged, trigger, batch, corrections, log, state, runtime };
  });
  return { ...choices, chosen: choices.chosen.name, lines: undefined, lives };
}

class SimJob {
  readonly #choices: Choices;
  readonly #world: World;
  readonly #machine: Machine;
  readonly #ledger: Ledger;
  readonly #operator: Operator;
  readonly #sinks: SimSinks;
  readonly #struck: string[] = [];
  readonly #did = new Set<string>();
  #crashes = 0;
  #crashesWhileOpening = 0;

  constructor(choices: Choices, world: World) {
    this.#choices = choices;
    this.#world = world;
    this.#machine = new Machine(world);
    this.#ledger = new Ledger(choices);
    const did = (what: string): unknown => this.#did.add(what);
    this.#operator = new Operator(choices, this.#ledger, world.random, did);
    this.#sinks = new SimSinks(this.#machine, choices, this.#ledger, did);
  }

  report(): SeedReport {
    const { files, stores } = this.#machine;
    return {
      choices: this.#choices,
      crashes: this.#crashes,
      crashesWhileOpening: this.#crashesWhileOpening,
      steps: this.#world.steps,
      digest: this.#world.digest,
      struck: this.#struck,
      did: [...this.#did],
      lost: [...stores.values()].reduce((sum, { lostCommits }) => sum + lostCommits, files.lostChanges),
    };
  }

  async run(): Promise<void> {
    if (beginWithOldLog(this.#choices, this.#machine.files, this.#ledger, this.#world.random))
      this.#did.add('a log of format 1');
    for (const life of this.#choices.lives) await this.#live(life);
    await this.#liveInPeace();
    if (this.#world.random.chance(0.6)) await this.#restore();
  }

  #session(process: SimProcess, life: Life, folder = FOLDER): Session {
    const [choices, ledger] = [this.#choices, this.#ledger];
    const [operator, sinks] = [this.#operator, this.#sinks];
    return new Session({ process, life, choices, ledger, operator, sinks, folder });
  }

  #sleep(ms: number): Promise<void> {
    return sleepOutside(this.#world, ms);
  }

  async #live(life: Life): Promise<void> {
    const machine = this.#machine;
    const process = machine.start();
    const { trouble, from } = life.plight;
    const cutsBefore = machine.powerCuts;
    const session = this.#session(process, life);
    this.#sinks.begin(life);
    let hasEnded = false;
    const ended = (): void => {
      hasEnded = true;
    };
    const living = session.work().then(ended, (error: unknown) => {
      ended();
      // A process ends with an error only because of what was done to it.
      if (!(error instanceof CodedError) || !this.#mayFail(trouble)) throw error;
    });
    const troubled = async (): Promise<void> => {
      if (from === 'open') await session.opened;
      await this.#troubled(process, session, living, trouble);
    };
    await Promise.race([living, process.ended, troubled()]);
    if (machine.faults.struck > 0) this.#struck.push(nameOf(trouble));
    machine.faults.disarm();
    machine.files.spaceBytes = Infinity;
    this.#world.jumpMs = 0;
    if (process.isAlive) machine.kill(process);
    if (!hasEnded) this.#died(session);
    if (machine.powerCuts > cutsBefore) this.#ledger.powerWasCut();
  }

  #died(session: Session): void {
    if (session.hasWorked) this.#crashes++;
    else this.#crashesWhileOpening++;
  }

  #mayFail(trouble: Trouble): boolean {
    return (trouble.kind === 'operation' && this.#machine.faults.struck > 0) || trouble.kind === 'full';
  }

  /** Resolves when the trouble is over, or when it did not come and the life is long enough. */
  async #troubled(
    process: SimProcess,
    session: Session,
    living: Promise<void>,
    trouble: Trouble,
  ): Promise<void> {
    const { files, faults } = this.#machine;
    if (trouble.kind === 'operation') {
      const { damage } = trouble.fault;
      faults.arm(trouble.fault);
      return this.#sleep(LIFE_MS + (damage.does === 'delay' ? damage.ms : 0));
    }
    await this.#sleep(trouble.afterMs);
    if (!process.isAlive) return;
    this.#struck.push(nameOf(trouble));
    if (trouble.kind === 'time') {
      if (trouble.does === 'kill') this.#machine.kill(process);
      else if (trouble.does === 'power-cut') this.#machine.powerCut();
      else session.stop();
      if (trouble.does === 'stop') await living;
    } else if (trouble.kind === 'full') {
      files.spaceBytes = files.usedBytes + trouble.bytes;
      await this.#sleep(trouble.forMs);
      files.spaceBytes = Infinity;
      await this.#sleep(LIFE_MS);
    } else if (trouble.kind === 'zombie') await this.#haunt(process, trouble.forMs);
    else {
      this.#world.jumpMs = trouble.jumpMs;
      await this.#sleep(LIFE_MS);
    }
  }

  /** The owner stands still, another process comes and is refused, and the owner goes on. */
  async #haunt(process: SimProcess, forMs: number): Promise<void> {
    process.isPaused = true;
    await this.#sleep(forMs);
    const other = this.#machine.start();
    const opening = openDataFolder(FOLDER, other.clock, other.disk, {
      openStore: (path) => other.openStore(path),
      random: this.#world.random,
    });
    // Unless the owner had not come to the lock yet.
    const opened = await opening.catch((error: unknown) => error);
    if (opened instanceof Error) {
      holds((opened as CodedError).code === 'DATA_LOCKED', `refused: ${opened.message}`);
      this.#did.add('refused a second owner');
    }
    this.#machine.kill(other);
    process.isPaused = false;
    await this.#sleep(LIFE_MS);
  }

  /** Everything is sent that was not, and what there is then must be right, now and after a restart. */
  async #liveInPeace(): Promise<void> {
    const life = this.#choices.lives.at(-1) as Life;
    const restarts = this.#world.random.chance(0.3);
    this.#sinks.calm();
    for (const isFirst of restarts ? [true, false] : [true]) {
      const process = this.#machine.start();
      const session = this.#session(process, life);
      const engine = await session.open();
      this.#ledger.opened(engine);
      if (isFirst) await session.send(engine, Infinity);
      await engine.settle();
      await this.#ledger.mirror(engine);
      await this.#sinks.look(engine);
      await this.#sinks.expectSame(engine);
      await engine.retention.apply();
      while (await engine.retention.roll());
      await this.#ledger.expectRight(engine);
      if (isFirst) {
        holds(session.hasWorked, 'there was something left to do');
        this.#noteWhatWasThere(engine);
      }
      if (isFirst) this.#machine.kill(process);
      else await engine.close();
    }
  }

  /** Parts of the product that a run over many seeds must have come through. */
  #noteWhatWasThere(engine: Engine): void {
    const { serving, corrections } = engine.arrangement;
    const { progress, plan } = serving;
    if (this.#choices.sending === 'twins') this.#did.add('senders of one name');
    if (progress.late > 0) this.#did.add(`late events: ${this.#choices.chosen.policy}`);
    if (corrections.runs > 0) this.#did.add('corrections');
    if (plan.views.some(({ name }) => name === 'peaks')) this.#did.add('another definition');
    if (engine.data.log.start > 0) this.#did.add('a log whose beginning was removed');
    if (this.#machine.files.find(`${FOLDER}/cold/log`) !== undefined) this.#did.add('files that went cold');
    const logs = [...this.#machine.files.folder(`${FOLDER}/log`).names.keys()];
    if (logs.filter((name) => name.endsWith('.log')).length > 1) this.#did.add('several files of a log');
  }

  /** A snapshot that was taken on the way, perhaps while a process died, is made a data folder, perhaps in two attempts. */
  async #restore(): Promise<void> {
    const life = this.#choices.lives.at(-1) as Life;
    const { random } = this.#world;
    const machine = this.#machine;
    const first = machine.start();
    if (random.chance(0.5)) {
      const does = random.pick(['kill', 'power-cut'] as const);
      machine.faults.arm({
        at: random.between(1, 80),
        damage: { does, when: random.pick(['before', 'after', 'within']) },
      });
      await Promise.race([this.#operator.restore(first, RESTORED), first.ended]);
      if (machine.faults.struck > 0) this.#did.add('death while restoring');
      machine.faults.disarm();
    }
    if (first.isAlive) machine.kill(first);
    const process = machine.start();
    const records = await this.#operator.restore(process, RESTORED);
    if (records === null) return;
    const session = this.#session(process, life, RESTORED);
    const engine = await session.open();
    this.#ledger.opened(engine, records);
    await engine.settle();
    await this.#sinks.expectSame(engine);
    await this.#ledger.expectRestored(engine);
    this.#did.add('restore');
    await engine.close();
  }
}
