/** Everything that a seed decides before a simulated job begins or begins again. */
import { ARCHITECTURES, type Architecture, type ProjectConfig } from '../../runtime/src/config/project.ts';
import { defaultConfig } from '../../runtime/src/config/project.ts';
import type { Damage, Fault, OperationKind } from '../../runtime/src/sim/faults.ts';
import type { SeededRandom } from '../../runtime/src/sim/seeded-random.ts';
import { DEFINITIONS, type SimDefinition } from './definitions.ts';

export const START_MS = Date.UTC(2001, 0, 2);
const EVENTS_FROM_MS = START_MS - 86_400_000;

export interface Line {
  readonly text: string;
  /** False for a line that must be rejected. */
  readonly isGood: boolean;
}

export interface Choices {
  readonly architecture: Architecture;
  readonly chosen: SimDefinition;
  readonly partitions: number;
  /** Source → lines in the order in which they are sent. */
  readonly lines: ReadonlyMap<string, readonly Line[]>;
  /** With a producer's name a sender begins again after a crash; without one it never repeats what it is unsure of. */
  readonly isNamed: boolean;
  readonly lives: readonly Life[];
}

/** Something that goes wrong in a life. */
export type Trouble =
  | { readonly kind: 'operation'; readonly fault: Fault }
  | { readonly kind: 'time'; readonly afterMs: number; readonly does: 'kill' | 'power-cut' | 'stop' }
  | { readonly kind: 'full'; readonly afterMs: number; readonly bytes: number; readonly forMs: number }
  | { readonly kind: 'zombie'; readonly afterMs: number; readonly forMs: number }
  | { readonly kind: 'clock'; readonly afterMs: number; readonly jumpMs: number };

export interface Life {
  readonly config: ProjectConfig;
  readonly segmentBytes: number;
  readonly trouble: Trouble;
}

const KEYS = ['x', 'y', 'z', 'é"\\', ''];

export function choose(
  random: SeededRandom,
  architectures: readonly Architecture[] = ARCHITECTURES,
): Choices {
  const architecture = random.pick(architectures);
  const chosen = random.pick(DEFINITIONS);
  const partitions = random.pick([1, 1, 2, 3]);
  const sources = chosen.definition.plan.sources.map(({ name }) => name);
  const lines = new Map(sources.map((name) => [name, linesOf(random, random.between(5, 70))]));
  const lives = Array.from({ length: random.between(2, 6) }, () => lifeOf(random, architecture, partitions));
  return { architecture, chosen, partitions, lines, isNamed: random.chance(0.7), lives };
}

/** Events that come out of order, some of them late, at the very edge of it, or not to be taken at all. */
function linesOf(random: SeededRandom, count: number): Line[] {
  let timeMs = EVENTS_FROM_MS;
  return Array.from({ length: count }, (_, index): Line => {
    timeMs += random.below(180_000);
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
      `${'['.repeat(3000)}${']'.repeat(3000)}`,
      JSON.stringify({ n: event.n, key: event.key }),
    ];
    return { text: random.pick(bad), isGood: false };
  });
}

function triggerOf(random: SeededRandom): ProjectConfig['trigger'] {
  const every = random.pick([1, 20, 500]);
  const rows = random.pick([1, 3, 10, 64, 4096]);
  return { every, rows, catchUpRows: rows };
}

function lifeOf(random: SeededRandom, architecture: Architecture, partitions: number): Life {
  const base = defaultConfig(architecture);
  const config: ProjectConfig = {
    ...base,
    trigger: triggerOf(random),
    batch: { every: random.pick([1_000, 5_000]), partition: random.pick([600_000, 3_600_000, 86_400_000]) },
    corrections: { every: random.pick([1_000, 10_000, 3_600_000]) },
    log: { ...base.log, partitions },
    state: { ...base.state, ...(random.chance(0.3) && { memory: random.pick([1, 4_000]) }) },
  };
  const segmentBytes = random.pick([300, 1_000, 4_000, 1_000_000]);
  return { config, segmentBytes, trouble: troubleOf(random) };
}

const WRITES: readonly OperationKind[] = ['write', 'sync', 'truncate', 'sync-folder', 'store-commit'];

function troubleOf(random: SeededRandom): Trouble {
  const afterMs = random.below(3_000);
  const draw = random.next();
  if (draw < 0.5) return { kind: 'operation', fault: deathOf(random) };
  if (draw < 0.65) return { kind: 'operation', fault: failureOf(random) };
  if (draw < 0.85) return { kind: 'time', afterMs, does: random.pick(['kill', 'power-cut', 'stop']) };
  if (draw < 0.9)
    return { kind: 'full', afterMs, bytes: random.below(800), forMs: random.between(100, 5_000) };
  if (draw < 0.95) return { kind: 'zombie', afterMs, forMs: random.between(100, 120_000) };
  const jumpMs = random.pick([-7_200_000, 3_600_000, 94_608_000_000]);
  return { kind: 'clock', afterMs, jumpMs };
}

/** Deaths at an operation: often while it opens, so that several in a row are deaths of recoveries. */
function deathOf(random: SeededRandom): Fault {
  const does = random.pick(['kill', 'power-cut'] as const);
  const damage: Damage = { does, when: random.pick(['before', 'after', 'within'] as const) };
  if (random.chance(0.5)) return { at: random.between(1, random.pick([8, 40, 300])), damage };
  return { at: random.between(1, random.pick([3, 12, 40])), kinds: [random.pick(WRITES)], damage };
}

function failureOf(random: SeededRandom): Fault {
  const at = random.between(1, random.pick([3, 15]));
  const forEver = random.chance(0.5);
  const damages: readonly (readonly [OperationKind, Damage])[] = [
    ['sync', { does: 'fail', code: 'EIO', forEver }],
    ['sync', { does: 'delay', ms: 30_000 }],
    ['sync-folder', { does: 'fail', code: 'EIO', forEver }],
    ['write', { does: 'fail', code: 'EIO', forEver }],
    ['write', { does: 'fail', code: 'ENOSPC', forEver: false }],
    ['write', { does: 'shorten' }],
    ['read', { does: 'fail', code: 'EIO', forEver: false }],
    ['truncate', { does: 'fail', code: 'EIO', forEver }],
    ['open', { does: 'fail', code: 'EMFILE', forEver: false }],
    ['store-commit', { does: 'fail', code: 'EIO', forEver }],
    ['store-commit', { does: 'fail', code: 'ENOSPC', forEver: false }],
    ['store-read', { does: 'fail', code: 'EIO', forEver: false }],
    ['store-sync', { does: 'fail', code: 'EIO', forEver }],
  ];
  const [kind, damage] = random.pick(damages);
  return { at, kinds: [kind], damage };
}
