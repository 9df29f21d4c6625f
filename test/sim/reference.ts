/** What one batch makes of the same log, without disk, deaths or epochs: every view must be that, and what is late. */
import { Engine } from '../../runtime/src/engine/engine.ts';
import { defaultConfig } from '../../runtime/src/config/project.ts';
import type { JsonRow } from '../../runtime/src/host/host.ts';
import type { Block } from '../../runtime/src/log/log.ts';
import { MemoryLog } from '../../runtime/src/log/memory-log.ts';
import { systemClock } from '../../runtime/src/ports/clock.ts';
import { MemoryStore } from '../../runtime/src/state/memory.ts';
import { same } from './claims.ts';
import type { SimDefinition } from './definitions.ts';

interface Batch {
  readonly end: number;
  readonly isChanged: boolean;
  readonly rows: ReadonlyMap<string, readonly JsonRow[]>;
  readonly late: number;
}

const CONFIG = defaultConfig('batch', { runtime: { jit: 'off' } });

const ALL = { where: {} };

export class Reference {
  readonly #chosen: SimDefinition;
  /** Of the log as it was then. */
  #batch: Batch | null = null;

  constructor(chosen: SimDefinition) {
    this.#chosen = chosen;
  }

  /** `blocks` is everything that was ever in the log. */
  async expectSame(engine: Engine, blocks: readonly Block[]): Promise<void> {
    const { end } = engine.data.log;
    const isChanged = engine.arrangement.serving.plan.views.some(({ name }) => name === 'peaks');
    if (this.#batch?.end !== end || this.#batch.isChanged !== isChanged)
      this.#batch = await this.#compute(blocks, isChanged);
    for (const [name, rows] of this.#batch.rows)
      same(await engine.query(name, ALL), rows, `${name} as one batch has it`);
    // What was late for a view before the view was there is not counted.
    if (!isChanged)
      same(engine.arrangement.serving.progress.late, this.#batch.late, 'late events as one batch has them');
  }

  async #compute(blocks: readonly Block[], isChanged: boolean): Promise<Batch> {
    const definition = isChanged ? this.#chosen.changed : this.#chosen.definition;
    const log = new MemoryLog(systemClock);
    for (const { kind, source, partition, partitions, records } of blocks)
      await log.append({ kind, source, partition, ...(partitions !== undefined && { partitions }), records });
    const data = {
      log,
      rejected: new MemoryLog(systemClock),
      store: new MemoryStore(),
      close: () => Promise.resolve(),
    };
    const { plan } = definition;
    const batch = await Engine.open({ plan, config: CONFIG, data, clock: systemClock });
    await batch.settle();
    const rows = new Map<string, readonly JsonRow[]>();
    for (const { name } of definition.plan.views) rows.set(name, await batch.query(name, ALL));
    return { end: log.end, isChanged, rows, late: batch.arrangement.serving.progress.late };
  }
}
