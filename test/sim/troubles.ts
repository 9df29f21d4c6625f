/** What goes wrong in a life of a simulated job. */
import type { Damage, Fault, OperationKind } from '../../runtime/src/sim/faults.ts';
import type { SeededRandom } from '../../runtime/src/sim/seeded-random.ts';

export type Trouble =
  | { readonly kind: 'operation'; readonly fault: Fault }
  | { readonly kind: 'time'; readonly afterMs: number; readonly does: 'kill' | 'power-cut' | 'stop' }
  | { readonly kind: 'full'; readonly afterMs: number; readonly bytes: number; readonly forMs: number }
  | { readonly kind: 'zombie'; readonly afterMs: number; readonly forMs: number }
  | { readonly kind: 'clock'; readonly afterMs: number; readonly jumpMs: number };

/** A trouble, and when its counting begins: with the life, or when the data are open and there is work to disturb. */
export interface Plight {
  readonly trouble: Trouble;
  readonly from: 'start' | 'open';
}

export function plightOf(random: SeededRandom, before: Plight | undefined): Plight {
  // What was torn is cut off by the next that opens, which may die of it.
  if (before !== undefined && tears(before) && random.chance(0.6))
    return { trouble: atTruncate(random), from: 'start' };
  return { trouble: troubleOf(random), from: random.chance(0.15) ? 'start' : 'open' };
}

function troubleOf(random: SeededRandom): Trouble {
  const afterMs = random.below(150);
  const draw = random.next();
  if (draw < 0.5) return { kind: 'operation', fault: deathOf(random) };
  if (draw < 0.6) return { kind: 'operation', fault: failureOf(random) };
  if (draw < 0.92)
    return { kind: 'time', afterMs, does: random.pick(['kill', 'power-cut', 'power-cut', 'stop']) };
  if (draw < 0.95) return { kind: 'full', afterMs, bytes: random.below(800), forMs: random.between(50, 300) };
  if (draw < 0.97) return { kind: 'zombie', afterMs, forMs: random.between(100, 60_000) };
  const jumpMs = random.pick([-7_200_000, 3_600_000, 94_608_000_000]);
  return { kind: 'clock', afterMs, jumpMs };
}

const WRITES: readonly OperationKind[] = ['write', 'sync', 'sync-folder', 'rename', 'store-commit'];

function deathOf(random: SeededRandom): Fault {
  const does = random.pick(['kill', 'power-cut'] as const);
  const damage: Damage = { does, when: random.pick(['before', 'after', 'within'] as const) };
  const draw = random.next();
  // The first operations behind the opening come before any work.
  if (draw < 0.6) return { at: random.chance(0.2) ? random.between(1, 12) : random.between(12, 70), damage };
  if (draw < 0.7) return { at: random.between(1, 4), kinds: ['write'], damage: { does, when: 'within' } };
  const kind = random.pick(WRITES);
  return { at: random.between(1, 5), kinds: [kind], damage };
}

const FAILURES: readonly (readonly [
  OperationKind,
  Omit<Extract<Damage, { does: 'fail' }>, 'forEver'> | Damage,
])[] = [
  ['sync', { does: 'fail', code: 'EIO' }],
  ['sync', { does: 'delay', ms: 1_000 }],
  ['sync-folder', { does: 'fail', code: 'EIO' }],
  ['write', { does: 'fail', code: 'EIO' }],
  ['write', { does: 'fail', code: 'ENOSPC', forEver: false }],
  ['write', { does: 'shorten' }],
  ['read', { does: 'fail', code: 'EIO', forEver: false }],
  ['open', { does: 'fail', code: 'EMFILE', forEver: false }],
  ['rename', { does: 'fail', code: 'EIO' }],
  ['store-commit', { does: 'fail', code: 'EIO' }],
  ['store-commit', { does: 'fail', code: 'ENOSPC', forEver: false }],
  ['store-read', { does: 'fail', code: 'EIO', forEver: false }],
  ['store-sync', { does: 'fail', code: 'EIO' }],
];

/** Operations that come once or twice in a life, most of them while it opens. */
const RARE: ReadonlySet<OperationKind> = new Set(['store-sync', 'rename']);

function failureOf(random: SeededRandom): Fault {
  const [kind, drawn] = random.pick(FAILURES);
  const forEver = random.chance(0.5);
  const damage = drawn.does === 'fail' ? { forEver, ...drawn } : drawn;
  return { at: RARE.has(kind) ? 1 : random.between(1, 4), kinds: [kind], damage };
}

function tears({ trouble }: Plight): boolean {
  if (trouble.kind !== 'operation') return false;
  const { damage, kinds } = trouble.fault;
  return 'when' in damage && damage.when === 'within' && kinds?.[0] === 'write';
}

function atTruncate(random: SeededRandom): Trouble {
  const forEver = random.chance(0.5);
  const when = random.pick(['before', 'after'] as const);
  const damage = random.pick<Damage>([
    { does: 'fail', code: 'EIO', forEver },
    { does: 'kill', when },
    { does: 'power-cut', when },
  ]);
  return { kind: 'operation', fault: { at: 1, kinds: ['truncate'], damage } };
}

/** What struck, for counting. */
export function nameOf(trouble: Trouble): string {
  if (trouble.kind === 'time') return trouble.does;
  if (trouble.kind !== 'operation') return trouble.kind;
  const { damage, kinds } = trouble.fault;
  if (damage.does === 'kill' || damage.does === 'power-cut')
    return `${damage.does} ${damage.when}${kinds?.[0] === 'truncate' ? ' truncate' : ''}`;
  const what = damage.does === 'fail' ? `${damage.code}${damage.forEver ? ' for ever' : ''}` : damage.does;
  return `${kinds?.[0]} ${what}`;
}

/** Every name that `nameOf` can give: each must have struck in a whole run. */
export const TROUBLES: readonly string[] = [
  ...['before', 'after', 'within'].flatMap((when) => [`kill ${when}`, `power-cut ${when}`]),
  'kill',
  'power-cut',
  'stop',
  'full',
  'zombie',
  'clock',
  ...['EIO', 'EIO for ever'].map((what) => `truncate ${what}`),
  ...['kill', 'power-cut'].flatMap((does) => ['before', 'after'].map((when) => `${does} ${when} truncate`)),
  ...FAILURES.flatMap(([kind, damage]) => {
    if (damage.does !== 'fail') return [`${kind} ${damage.does}`];
    const once = `${kind} ${damage.code}`;
    return 'forEver' in damage ? [once] : [once, `${once} for ever`];
  }),
];
