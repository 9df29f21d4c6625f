/** Everything that a seed decides before a simulated job begins or begins again. */
import {
  ARCHITECTURES,
  type Architecture,
  defaultConfig,
  type ProjectConfig,
} from '../../runtime/src/config/project.ts';
import { FILE_FORMATS, type SinkConfig } from '../../runtime/src/config/sinks.ts';
import type { SeededRandom } from '../../runtime/src/sim/seeded-random.ts';
import { DEFINITIONS, type SimDefinition } from './definitions.ts';
import { type Plight, plightOf } from './troubles.ts';

export const START_MS = Date.UTC(2001, 0, 2);
const EVENTS_FROM_MS = START_MS - 86_400_000;

export interface Line {
  readonly text: string;
  /** False for a line that must be rejected. */
  readonly isGood: boolean;
}

/**
 * With a producer's name a sender begins again after a crash; without one it never repeats what it is unsure of. Twins are
 * two that send the same under one name at the same time: one of them was believed to be dead.
 */
export type Sending = 'named' | 'unnamed' | 'twins';

export interface Choices {
  readonly architecture: Architecture;
  readonly chosen: SimDefinition;
  readonly partitions: number;
  /** Source → lines in the order in which they are sent. */
  readonly lines: ReadonlyMap<string, readonly Line[]>;
  readonly sending: Sending;
  /** Of each source so many lines are in the log from the beginning, as version 0.1.0 wrote them; 0 for a new folder. */
  readonly oldLines: number;
  readonly lives: readonly Life[];
}

export interface Life {
  readonly config: ProjectConfig;
  readonly segmentBytes: number;
  /** How many lines of each source are sent by the end of this life at most. */
  readonly linesUpTo: number;
  /** The definition that runs: the first one, or from some life on the changed one. */
  readonly isChanged: boolean;
  readonly plight: Plight;
  /** How often a message to or from the database goes wrong, of 1. */
  readonly lineTrouble: number;
  /** Somebody restores an older copy of the database before it. */
  readonly setsDatabaseBack: boolean;
}

/** A view that is delivered, through all lives under this name. */
interface ChosenSink {
  readonly name: string;
  readonly view: string;
  readonly kind: 'files' | 'postgres';
}

const KEYS = ['x', 'y', 'z', 'é"\\', ''];
/** Many: what a job costs before the first and after the last is shared by them. */
const LIVES_MIN = 8;
const LIVES_MAX = 22;

/** The architecture of a seed: of five in a row each has one. */
export function architectureOf(seed: number): Architecture {
  return ARCHITECTURES[seed % ARCHITECTURES.length] as Architecture;
}

export function choose(random: SeededRandom, architecture: Architecture): Choices {
  const chosen = random.pick(DEFINITIONS);
  const partitions = random.pick([1, 1, 2, 3]);
  const sources = chosen.definition.plan.sources.map(({ name }) => name);
  const linesPerLife = random.pick([1, 2, 2, 4]);
  const count = random.between(LIVES_MIN, LIVES_MAX);
  const sinks = sinksOf(random, chosen);
  const changedFrom = random.chance(0.5) ? random.between(1, count) : Infinity;
  const lives: Life[] = [];
  for (let index = 0; index < count; index++) {
    const isLast = index === count - 1;
    const config = {
      ...configOf(random, architecture, partitions),
      sinks: sinks.flatMap((sink) => (isLast || random.chance(0.93) ? [sinkConfigOf(random, sink)] : [])),
    };
    const segmentBytes = random.pick([600, 2_000, 1_000_000, 1_000_000]);
    const linesUpTo = (index + 1) * linesPerLife;
    const isChanged = index >= changedFrom;
    const plight = plightOf(random, lives.at(-1)?.plight);
    const lineTrouble = random.pick([0, 0, 0.03, 0.15]);
    const setsDatabaseBack = random.chance(0.04);
    lives.push({ config, segmentBytes, linesUpTo, isChanged, plight, lineTrouble, setsDatabaseBack });
  }
  const lines = new Map(sources.map((name) => [name, linesOf(random, (count + 1) * linesPerLife)]));
  const sending = random.pick(['named', 'named', 'twins', 'unnamed'] as const);
  const oldLines = random.chance(0.15) ? random.between(1, 3 * linesPerLife) : 0;
  return { architecture, chosen, partitions, lines, sending, oldLines, lives };
}

/** Events that come out of order, some of them late, at the very edge of it, or not to be taken at all. */
function linesOf(random: SeededRandom, count: number): Line[] {
  let timeMs = EVENTS_FROM_MS;
  return Array.from({ length: count }, (_, index): Line => {
    timeMs += random.below(300_000);
    const backMs = random.pick([0, 0, 0, 60_000, 300_000, 1_020_000, 1_020_001, 3_600_000]);
    const event = {
      n: index + 1,
      key: random.pick(KEYS),
      at: new Date(timeMs - backMs).toISOString(),
      value: random.between(-5, 50),
    };
    if (!random.chance(0.06)) return { text: JSON.stringify(event), isGood: true };
    const bad = [
      `{"n": ${event.n}, "key"`,
      JSON.stringify({ ...event, at: '2099-01-01T00:00:00.000Z' }),
      JSON.stringify({ ...event, value: 'much' }),
      `${'['.repeat(300)}${']'.repeat(300)}`,
      JSON.stringify({ n: event.n, key: event.key }),
    ];
    return { text: random.pick(bad), isGood: false };
  });
}

/** Most jobs deliver nothing: the rest of them costs enough. */
function sinksOf(random: SeededRandom, { definition }: SimDefinition): ChosenSink[] {
  const draw = random.next();
  const kinds: readonly ChosenSink['kind'][] = [
    ...(draw < 0.35 || draw > 0.5 ? [] : (['files'] as const)),
    ...(draw < 0.45 || draw > 0.65 ? [] : (['postgres'] as const)),
  ];
  const views = definition.plan.views.map(({ name }) => name);
  return kinds.map((kind) => {
    const view = random.pick(['totals', 'totals', 'windows', random.pick(views)]);
    return { kind, view, name: `${view}_${kind}` };
  });
}

const BY_WINDOW: ReadonlySet<string> = new Set(['windows', 'closed', 'others', 'visits']);

/** Settings may change with every life; what the sink has must not. */
function sinkConfigOf(random: SeededRandom, { name, view, kind }: ChosenSink): SinkConfig {
  const rest = {
    name,
    view,
    every: random.pick([0, 0, 30, 300]),
    buffer: random.pick([1, 300, 1_000_000]),
    giveUpAfter: 900_000,
  };
  if (kind === 'postgres')
    return { ...rest, to: { kind, url: '', schema: 'public', table: name, timeoutMs: 30_000 } };
  const format = random.chance(0.9) ? 'jsonl' : random.pick(FILE_FORMATS);
  const partition = BY_WINDOW.has(view)
    ? random.pick([undefined, undefined, 'none', 'window', 'hour', 'day'] as const)
    : undefined;
  return { ...rest, to: { kind, folder: `/project/out/${name}`, format, partition } };
}

const BASES = new Map(ARCHITECTURES.map((architecture) => [architecture, defaultConfig(architecture)]));

/** Settings may change with every life: the answer must not. */
function configOf(random: SeededRandom, architecture: Architecture, partitions: number): ProjectConfig {
  const base = BASES.get(architecture) as ProjectConfig;
  const rows = random.pick([1, 3, 10, 64, 4096]);
  return {
    ...base,
    trigger: { every: random.pick([10, 50, 200]), rows, catchUpRows: random.pick([rows, 4096]) },
    batch: { every: random.pick([100, 1_000]), partition: random.pick([600_000, 3_600_000, 86_400_000]) },
    corrections: { every: random.pick([100, 1_000, 3_600_000]) },
    log: {
      ...base.log,
      partitions,
      commitEvery: random.pick([0, 0, 10]),
      ...(random.chance(0.3) && {
        retention: random.pick([
          { size: 1 },
          { size: 1_500 },
          { time: 1_000 },
          { time: 60_000, size: 5_000 },
        ]),
      }),
      ...(random.chance(0.08) && { cold: { after: random.pick([1, 1_000]) } }),
    },
    state: { ...base.state, ...(random.chance(0.3) && { memory: random.pick([1, 4_000]) }) },
    // Generated code costs far more to make than such a small job takes.
    runtime: { jit: random.chance(0.05) ? 'on' : 'off' },
  };
}
