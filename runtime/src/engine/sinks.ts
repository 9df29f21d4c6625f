/** The sinks of an engine: where views are read from, and as whom they are delivered. */
import { join } from 'node:path';
import type { Arrangement } from '../architectures/arrangement.ts';
import { CodedError } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import type { SinkConfig } from '../config/sinks.ts';
import { type Disk, realDisk } from '../ports/disk.ts';
import type { Random } from '../ports/random.ts';
import type { Plan } from '../plan/node.ts';
import type { Journal } from '../sinks/journal.ts';
import { openSink } from '../sinks/open.ts';
import { Outbox } from '../sinks/outbox.ts';
import type { Claim, Sink } from '../sinks/sink.ts';
import { Sinks } from '../sinks/sinks.ts';
import type { ViewPart } from '../views/reader.ts';
import { ViewLayout } from '../views/layout.ts';
import type { Reads } from '../state/store.ts';
import type { DataFolder } from './data-folder.ts';
import type { EngineOptions } from './engine.ts';

/** Where sinks write, and another way to make them; the real outside unless said. */
export interface SinkPorts {
  readonly disk?: Disk;
  readonly random?: Random;
  readonly makeSink?: (config: SinkConfig, journal: Journal) => Sink;
}

/** Null without sinks. Throws SINK_INVALID. */
export async function openSinks(
  { plan, config, data, clock, sinkPorts = {} }: EngineOptions,
  arrangement: () => Arrangement,
): Promise<Sinks | null> {
  const { sinks: configs } = config;
  if (configs.length === 0) {
    // What an earlier config left would go stale.
    await Outbox.open(data.store, []);
    return null;
  }
  const unknown = configs.find(({ view }) => !plan.views.some(({ name }) => name === view));
  if (unknown !== undefined) throw unknownView(unknown, plan);
  return Sinks.open({
    store: data.store,
    configs,
    clock,
    disk: realDisk,
    ...sinkPorts,
    claim: claimOf(data),
    pipeline: plan.name,
    locate: (reads, view) => locate(arrangement(), reads, view),
    checkOwner: () => data.owner?.check() ?? Promise.resolve(),
  });
}

/** Looks whether a sink can be delivered to, without doing it; says where it is. Throws SINK_…. */
export async function checkSink(config: SinkConfig, plan: Plan, claim: Claim | null): Promise<string> {
  const view = plan.views.find(({ name }) => name === config.view);
  if (view === undefined) throw unknownView(config, plan);
  const sink = openSink(config, { disk: realDisk, pipeline: plan.name, journal: null });
  try {
    await sink.check(new ViewLayout(plan, view), claim);
    return `${sink.place}, ${sink.guarantee}`;
  } finally {
    await sink.close();
  }
}

function unknownView({ name, view }: SinkConfig, plan: Plan): Error {
  const views = plan.views.map((each) => each.name);
  const near = nearest(view, views);
  const hint = near === undefined ? `There are: ${views.join(', ')}.` : `Did you mean "${near}"?`;
  return failure('SINK_INVALID', { sink: name, problem: `there is no view "${view}". ${hint}` });
}

export function claimOf({ owner }: Pick<DataFolder, 'owner'>): Claim {
  if (owner === undefined) return { data: 'memory', parents: [], generation: 1 };
  const { data, parents, generation } = owner;
  return { data, parents, generation };
}

/** Null when the version that is live does not have the view. */
async function locate(
  arrangement: Arrangement,
  reads: Reads,
  view: string,
): Promise<{ readonly layout: ViewLayout; readonly parts: readonly ViewPart[] } | null> {
  try {
    return await arrangement.locate(reads, view);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'VIEW_UNKNOWN') return null;
    throw error;
  }
}

/** Folders of sinks are named from the project. */
export function withSinkFolders(root: string, configs: readonly SinkConfig[]): SinkConfig[] {
  return configs.map((config) => {
    const { to } = config;
    return to.kind === 'files' ? { ...config, to: { ...to, folder: join(root, to.folder) } } : config;
  });
}
