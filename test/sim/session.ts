/** A simulated process at work: it opens the data, takes what senders send, and answers readers and an operator. */
// Loaded before the world begins: in it nobody waits for files of the real one.
import 'hyparquet';
import 'hyparquet-writer';
import { CodedError } from '../../runtime/src/base/coded-error.ts';
import type { ProjectConfig } from '../../runtime/src/config/project.ts';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import { Engine } from '../../runtime/src/engine/engine.ts';
import { linesOf } from '../../runtime/src/ingest/lines.ts';
import type { Plan } from '../../runtime/src/plan/node.ts';
import type { SimProcess } from '../../runtime/src/sim/machine.ts';
import type { Owner, World } from '../../runtime/src/sim/world.ts';
import type { Choices, Life } from './choices.ts';
import { ALLOWED } from './definitions.ts';
import type { Ledger } from './ledger.ts';
import type { Operator } from './operator.ts';
import type { SimSinks } from './sinks.ts';

export const FOLDER = '/project/data';
/** The world outside of the machine. */
/** A log of small files has checksums for each column: small blocks too. */
const SMALL_FILE_BYTES = 1_000_000;
const OUTSIDE: Owner = { isAlive: true, isPaused: false };

export function sleepOutside(world: World, ms: number): Promise<void> {
  return new Promise((resolve) => world.post(OUTSIDE, resolve, ms));
}

export interface SessionOptions {
  readonly process: SimProcess;
  readonly life: Life;
  readonly choices: Choices;
  readonly ledger: Ledger;
  readonly operator: Operator;
  readonly sinks: SimSinks;
  readonly folder?: string;
}

export class Session {
  readonly #options: SessionOptions;
  readonly #world: World;
  readonly #stop = new AbortController();
  #engine: Engine | null = null;
  #onOpen: () => void = () => {};
  /** Resolves when it is open. */
  readonly opened = new Promise<void>((resolve) => {
    this.#onOpen = resolve;
  });
  #recordsBefore = 0;
  #epochsBefore = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#world = options.process.machine.world;
  }

  async open(): Promise<Engine> {
    const { process, life, choices, sinks, folder = FOLDER } = this.#options;
    const { config, segmentBytes, isChanged } = life;
    const data = await openDataFolder(folder, process.clock, process.disk, {
      openStore: (path) => process.openStore(path),
      random: this.#world.random,
      segmentBytes,
      columnSumsFromBytes: segmentBytes < SMALL_FILE_BYTES ? 0 : SMALL_FILE_BYTES,
      commitEveryMs: config.log.commitEvery,
    });
    const { plan } = isChanged ? choices.chosen.changed : choices.chosen.definition;
    const allowed = isChanged ? ALLOWED : { fromNowOn: false, drop: [] };
    const rest = { config, data, clock: process.clock, sinkPorts: sinks.portsOf(process) };
    const engine = await Engine.open({ ...rest, plan, config: withSinksOf(plan, config), allowed }).catch(
      (error: unknown) => {
        // A view that is new would lack what was removed: the definition stays as it was.
        if (!isChanged || (error as CodedError).code !== 'LOG_TRIMMED') throw error;
        return Engine.open({ ...rest, plan: choices.chosen.definition.plan });
      },
    );
    this.#recordsBefore = recordsOf(engine);
    this.#epochsBefore = epochsOf(engine);
    this.#engine = engine;
    return engine;
  }

  get isOpen(): boolean {
    return this.#engine !== null;
  }

  /** Whether it has taken events or committed results since it opened. */
  get hasWorked(): boolean {
    const engine = this.#engine;
    return (
      engine !== null && (recordsOf(engine) > this.#recordsBefore || epochsOf(engine) > this.#epochsBefore)
    );
  }

  /** Runs until it is stopped. */
  async work(): Promise<void> {
    const { ledger, life } = this.#options;
    const engine = await this.open();
    ledger.opened(engine);
    await this.#options.sinks.look(engine);
    this.#onOpen();
    const { signal } = this.#stop;
    await Promise.all([engine.run(signal), this.send(engine, life.linesUpTo), this.#read(engine)]);
    await engine.close();
  }

  /** As a signal does. */
  stop(): void {
    this.#stop.abort();
  }

  /** Sends every source up to a line. */
  async send(engine: Engine, upTo: number): Promise<void> {
    const { sending, lines } = this.#options.choices;
    const senders = [...lines.keys()].flatMap((source) => {
      if (sending === 'unnamed') return [this.#sendOnce(engine, source, upTo)];
      const sender = (): Promise<void> => this.#sendAll(engine, source, upTo);
      return sending === 'twins' ? [sender(), sender()] : [sender()];
    });
    await Promise.all(senders);
  }

  /** From the beginning, under a name: what was taken before is known. Tries again while the disk is full. */
  async #sendAll(engine: Engine, source: string, upTo: number): Promise<void> {
    const { choices, ledger } = this.#options;
    const texts = (choices.lines.get(source) ?? []).slice(0, upTo).map(({ text }) => `${text}\n`);
    const producer = `sender of ${source}`;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const chunks = this.#chunks(source, texts);
      try {
        if (this.#world.random.chance(0.3)) {
          await engine.ingest(source, chunks, producer);
          if (!signal.aborted) ledger.acknowledged(source, texts.length);
        } else {
          const onProgress = (total: { accepted: number; rejected: number; known?: number | undefined }) =>
            ledger.acknowledged(source, total.accepted + total.rejected + (total.known ?? 0));
          await engine.ingestLines(source, linesOf(chunks), { producer, onProgress });
        }
        return;
      } catch (error) {
        if (!isRetryable(error)) throw error;
        await this.#sleep(300);
      }
    }
  }

  async *#chunks(source: string, texts: readonly string[]): AsyncGenerator<Uint8Array> {
    const { random } = this.#world;
    // What it knows to be taken it mostly sends at once.
    let size = random.chance(0.8) ? this.#options.ledger.taken(source) : 0;
    for (let from = 0; from < texts.length && !this.#stop.signal.aborted;) {
      const to = from + Math.max(1, size);
      yield Buffer.from(texts.slice(from, to).join(''));
      from = to;
      size = random.between(1, 12);
      if (random.chance(0.7)) await this.#sleep(random.below(100));
    }
  }

  /** Each chunk once: what becomes of one that was not acknowledged is not known. */
  async #sendOnce(engine: Engine, source: string, upTo: number): Promise<void> {
    const { random } = this.#world;
    const { ledger } = this.#options;
    while (!this.#stop.signal.aborted) {
      const chunk = ledger.nextChunk(source, random.between(1, 12), upTo);
      if (chunk.length === 0) return;
      const settle = ledger.sent(source, chunk);
      try {
        await engine.ingest(source, once(chunk.map((line) => `${line.text}\n`).join('')));
        settle();
      } catch (error) {
        if (!isRetryable(error)) throw error;
        await this.#sleep(300);
      }
      await this.#sleep(random.below(100));
    }
  }

  /** Asks for views again and again, and now and then does what an operator does. */
  async #read(engine: Engine): Promise<void> {
    const { ledger, operator, sinks } = this.#options;
    const { random } = this.#world;
    while (!this.#stop.signal.aborted) {
      await this.#sleep(random.below(300));
      if (this.#stop.signal.aborted) return;
      await ledger.mirror(engine);
      await sinks.look(engine);
      await engine.retention.apply();
      await engine.retention.roll();
      const draw = random.next();
      if (draw < 0.35) ledger.sawTotals(await engine.query('totals', { where: {} }));
      else if (draw < 0.55) ledger.sawWindows(await engine.query('windows', { where: {} }));
      else if (draw < 0.7) ledger.sawStatus(await engine.status());
      else await operator.act(engine);
    }
  }

  #sleep(ms: number): Promise<void> {
    return sleepOutside(this.#world, ms);
  }
}

/** Of a view that the definition has not any more nothing can be delivered. */
function withSinksOf(plan: Plan, config: ProjectConfig): ProjectConfig {
  const sinks = config.sinks.filter(({ view }) => plan.views.some(({ name }) => name === view));
  return { ...config, sinks };
}

function recordsOf({ data: { log, rejected } }: Engine): number {
  return log.end + rejected.end;
}

function epochsOf(engine: Engine): number {
  return engine.arrangement.serving.progress.epochs;
}

function isRetryable(error: unknown): boolean {
  return error instanceof CodedError && /ENOSPC/.test(error.message);
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}
