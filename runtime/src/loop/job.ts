/**
 * The incremental computation of a layer: epoch after epoch it reads what is new, runs the operators and commits.
 *
 *   read [position, position + rows) ─► operators ─► advance to the watermark ─► flush ─► one atomic commit
 *
 * Micro-batch, streaming, Lambda's speed layer and each version of Kappa are this, with other triggers. How the log is cut
 * into epochs changes nothing but the moment at which rows become visible.
 */
import { type Chain, lower } from '../compile/lower.ts';
import { RowError } from '../expr/functions.ts';
import { prefixOf } from '../state/keys.ts';
import { Batch, type Entry, prefixRange, type Store } from '../state/store.ts';
import { type RowChange, ViewChanges } from '../views/changes.ts';
import type { ViewLayout } from '../views/layout.ts';
import type { Layer } from './layer.ts';
import { readEvents } from './reader.ts';
import { recompute } from './recompute.ts';

interface ViewJob {
  readonly layout: ViewLayout;
  readonly chain: Chain;
  readonly changes: ViewChanges;
}

export class Job {
  readonly layer: Layer;
  readonly #views: readonly ViewJob[];
  /** The batch of the epoch that is running: where late events go. */
  #batch = new Batch();

  private constructor(layer: Layer) {
    this.layer = layer;
    this.#views = layer.layouts.map((layout) => this.#viewJob(layout));
  }

  /** Restores the operators as the last commit left them. */
  static async open(layer: Layer): Promise<Job> {
    const job = new Job(layer);
    for (const { layout, chain } of job.#views) {
      if (chain.group === null) continue;
      chain.group.restore(await entriesOf(layer.ports.store, prefixOf('s', layer.name, layout.view.name)));
    }
    return job;
  }

  #viewJob(layout: ViewLayout): ViewJob {
    const { layer } = this;
    const changes = new ViewChanges(layout);
    const chain = lower({
      plan: layer.plan,
      view: layout.view,
      statePrefix: prefixOf('s', layer.name, layout.view.name),
      next: changes,
      late: {
        allowedMs: layout.source.lateness.allowedMs,
        takes: (at, startMs, endMs) => {
          layer.late(layout, at, [startMs, endMs], this.#batch);
          return false;
        },
      },
    });
    return { layout, chain, changes };
  }

  get stateKeys(): number {
    return this.#views.reduce((sum, { chain }) => sum + (chain.group?.size ?? 0), 0);
  }

  get isCaughtUp(): boolean {
    return this.layer.position >= this.layer.ports.log.end;
  }

  /** Runs one epoch of at most `rowsMax` records; false when there was nothing to read. */
  async epoch(rowsMax: number): Promise<boolean> {
    const { layer } = this;
    if (this.isCaughtUp) return false;
    const startedAtMs = layer.ports.clock.nowMs();
    this.#batch = new Batch();
    const to = Math.min(layer.position + rowsMax, layer.ports.log.end);
    const position = await this.#read(to);
    await layer.markAdmitted(this.#batch);
    const changes = new Map<string, readonly RowChange[]>();
    for (const view of this.#views) {
      view.chain.group?.advance(layer.watermarkMs(view.layout.source.name));
      view.chain.group?.flush();
      view.chain.group?.persist(this.#batch);
      const taken = view.changes.take(layer.name, this.#batch);
      layer.addRows(view.layout.view.name, taken.rowsAdded);
      changes.set(view.layout.view.name, taken.changes);
    }
    await layer.commit(this.#batch, { position, startedAtMs, changes });
    return true;
  }

  #read(to: number): Promise<number> {
    const { layer } = this;
    return readEvents({
      log: layer.ports.log,
      plan: layer.plan,
      times: layer.times,
      from: layer.position,
      to,
      freshFrom: 0,
      handlers: {
        ...layer.intake(this.#batch),
        event: (row, at) => {
          layer.timeline.event(at.eventTimeMs);
          layer.countEvent(at.source);
          for (const { layout, chain } of this.#views) {
            if (layout.source.name !== at.source) continue;
            try {
              chain.input.push(row, 1, at);
            } catch (error) {
              if (!(error instanceof RowError)) throw error;
              layer.rejectRow(layout, at, error, this.#batch);
            }
          }
        },
      },
    });
  }

  /** Takes the late events that wait: recomputes only the windows they touch, from the log. */
  async correct(): Promise<boolean> {
    const { layer } = this;
    if (layer.layouts.every((layout) => layer.correctable(layout).length === 0)) return false;
    const startedAtMs = layer.ports.clock.nowMs();
    const batch = new Batch();
    const changes = new Map<string, readonly RowChange[]>();
    for (const { layout } of this.#views) {
      const starts = layer.correctable(layout);
      if (starts.length === 0) continue;
      const slices = starts.map((fromMs) => ({ fromMs, toMs: fromMs + layout.windowMs }));
      changes.set(
        layout.view.name,
        await recompute({ layer, layout, slices, freshFrom: Infinity, closedOnly: true, batch }),
      );
      for (const startMs of starts) layer.clearDirty(layout.view.name, startMs, batch);
    }
    layer.progress.corrections++;
    layer.progress.lastCorrectionAtMs = startedAtMs;
    await layer.commit(batch, { position: layer.position, startedAtMs, changes });
    return true;
  }
}

async function entriesOf(store: Store, prefix: Buffer): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of store.scan(prefixRange(prefix))) entries.push(entry);
  return entries;
}
