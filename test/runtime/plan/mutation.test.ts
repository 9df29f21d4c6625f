/** A plan file that was edited, by hand or by chance, is a plan or is refused with PLAN_INVALID; nothing else happens. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CodedError } from '../../../runtime/src/base/coded-error.ts';
import { explainPlan, mermaidPlan } from '../../../runtime/src/plan/explain.ts';
import { hashOf } from '../../../runtime/src/plan/hash.ts';
import { inferColumns } from '../../../runtime/src/plan/infer.ts';
import { parsePlan } from '../../../runtime/src/plan/parse.ts';
import { isAppendOnly, isFinal, isOfEvents, keyOf } from '../../../runtime/src/plan/traits.ts';
import { nodesOf } from '../../../runtime/src/plan/walk.ts';
import { ALLOWED } from './allowed.ts';
import { planOf } from './nodes.ts';

type Path = readonly string[];

/** The paths of all values in data. */
function pathsOf(data: unknown, path: Path = []): Path[] {
  if (typeof data !== 'object' || data === null) return [path];
  return [
    ...(path.length > 0 ? [path] : []),
    ...Object.entries(data).flatMap(([key, value]) => pathsOf(value, [...path, key])),
  ];
}

function at(data: unknown, path: Path): unknown {
  return path.reduce((value, key) => (value as Record<string, unknown> | undefined)?.[key], data);
}

type Edit = {
  readonly kind: 'set' | 'remove' | 'add' | 'copy';
  readonly to: number;
  readonly from: number;
  readonly value: unknown;
};

/** The plan with an edit: something else in a place, nothing, one more, or what stands in another place. */
function edited(plan: unknown, { kind, to, from, value }: Edit): void {
  const paths = pathsOf(plan);
  const target = paths[to % paths.length] as Path;
  const parent = at(plan, target.slice(0, -1)) as Record<string, unknown>;
  const key = target.at(-1) as string;
  if (kind === 'remove') Reflect.deleteProperty(parent, key);
  if (kind === 'set') parent[key] = value;
  if (kind === 'add') parent[`${key}x`] = value;
  if (kind === 'copy') parent[key] = structuredClone(at(plan, paths[from % paths.length] as Path));
}

const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('set', 'remove', 'add', 'copy', 'copy', 'copy'),
    to: fc.nat(10_000),
    from: fc.nat(10_000),
    value: fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(0, 1, -1, 2 ** 53, 1e308, null, '', 'origin', 'window'),
    ),
  }),
  { minLength: 1, maxLength: 3 },
);

test('a random edit leaves a plan, or PLAN_INVALID', () => {
  let passed = 0;
  fc.assert(
    fc.property(fc.constantFrom(...ALLOWED), edits, ([, node, mode], changes) => {
      const data = structuredClone(planOf(node, mode));
      for (const change of changes) edited(data, change);
      try {
        const plan = parsePlan(data);
        passed++;
        for (const view of plan.views) {
          for (const each of nodesOf(view.node)) {
            inferColumns(plan, each, (problem) => expect.fail(problem));
            keyOf(plan, each);
            expect([isAppendOnly(each, view.mode), isFinal(each), isOfEvents(each)]).not.toContain(undefined);
          }
        }
        expect(explainPlan(plan) + mermaidPlan(plan) + hashOf(plan)).not.toContain('undefined');
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        expect(error.code).toBe('PLAN_INVALID');
      }
    }),
    { numRuns: 3000 },
  );
  expect(passed).toBeGreaterThan(20);
});
