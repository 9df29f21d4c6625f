/**
 * Runs a definition without disk, server or waiting: push events, let the pipeline catch up, look at the views.
 *
 *   const driver = await TestDriver.open(definition, { architecture: 'kappa' });
 *   await driver.send('flights', [{ origin: 'ATL', … }]);
 *   await driver.settle();
 *   await driver.rows('delays');
 */
import { type Architecture, defaultConfig, type ProjectConfig } from '../config/project.ts';
import type { Pipeline } from '../dsl/pipeline.ts';
import type { DataFolder } from '../engine/data-folder.ts';
import { Engine } from '../engine/engine.ts';
import type { SinkPorts } from '../engine/sinks.ts';
import { MemoryLog } from '../log/memory-log.ts';
import { type Clock, systemClock } from '../ports/clock.ts';
import type { JsonRow, LateRow, RejectedRow } from '../host/host.ts';
import { MemoryStore } from '../state/memory.ts';

export interface TestOptions {
  /** Default `streaming`: an epoch takes whatever is there. */
  readonly architecture?: Architecture;
  /** The most events of one epoch: how finely the input is cut. */
  readonly epochRows?: number;
  readonly partitions?: number;
  readonly clock?: Clock;
  readonly config?: Partial<ProjectConfig>;
  /** @internal Where the data are; in memory unless said. */
  readonly data?: DataFolder;
  /** @internal What its sinks are made of. */
  readonly sinkPorts?: SinkPorts;
}

/** What `pipeline run --rebuild` and `pipeline backfill` say when they open a pipeline whose definition changed. */
interface Reopening {
  readonly rebuild?: boolean;
  readonly adopt?: boolean;
  readonly fromNowOn?: boolean;
  readonly drop?: readonly string[];
  readonly partial?: boolean;
}

const ROWS_MAX = 1_000_000;

export class TestDriver {
  readonly #definition: Pipeline;
  readonly #options: TestOptions;
  readonly #data: DataFolder;
  engine: Engine;

  private constructor(definition: Pipeline, options: TestOptions, data: DataFolder, engine: Engine) {
    this.#definition = definition;
    this.#options = options;
    this.#data = data;
    this.engine = engine;
  }

  static async open(definition: Pipeline, options: TestOptions = {}): Promise<TestDriver> {
    const clock = options.clock ?? systemClock;
    const data: DataFolder = options.data ?? {
      log: new MemoryLog(clock),
      rejected: new MemoryLog(clock),
      store: new MemoryStore(),
      close: () => Promise.resolve(),
    };
    return new TestDriver(definition, options, data, await openEngine(definition, options, data));
  }

  /** Drops everything that is only in memory, as a crash does, and opens the pipeline again, perhaps as another. */
  async restart(
    definition: Pipeline = this.#definition,
    options: TestOptions & Reopening = {},
  ): Promise<void> {
    this.engine = await openEngine(definition, { ...this.#options, ...options }, this.#data);
  }

  /** Sends events: objects, or texts that may be no JSON at all. */
  async send(source: string, events: readonly (object | string)[]): Promise<void> {
    const text = events
      .map((event) => (typeof event === 'string' ? event : JSON.stringify(event)))
      .join('\n');
    await this.engine.ingest(source, chunk(text));
  }

  /** Says that no event will follow: every window closes. */
  end(): Promise<void> {
    return this.engine.end();
  }

  /** Runs until everything that was sent is visible, late events included. */
  settle(): Promise<void> {
    return this.engine.settle();
  }

  rows(view: string): Promise<readonly JsonRow[]> {
    return this.engine.query(view, { where: {} });
  }

  late(): Promise<readonly LateRow[]> {
    return this.engine.late(ROWS_MAX);
  }

  rejected(): Promise<readonly RejectedRow[]> {
    return this.engine.rejected(ROWS_MAX);
  }
}

function openEngine(
  definition: Pipeline,
  options: TestOptions & Reopening,
  data: DataFolder,
): Promise<Engine> {
  const config = defaultConfig(options.architecture ?? 'streaming', options.config);
  const { clock = systemClock, epochRows = config.trigger.rows, partitions = 1 } = options;
  return Engine.open({
    plan: definition.plan,
    config: {
      ...config,
      trigger: { ...config.trigger, rows: epochRows, catchUpRows: epochRows },
      log: { ...config.log, partitions },
    },
    data,
    clock,
    rebuild: options.rebuild ?? false,
    adopt: options.adopt ?? false,
    ...(options.sinkPorts !== undefined && { sinkPorts: options.sinkPorts }),
    allowed: {
      fromNowOn: options.fromNowOn ?? false,
      drop: options.drop ?? [],
      partial: options.partial ?? false,
    },
  });
}

async function* chunk(text: string): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}
