import { expect, test } from 'vitest';
import { compileView, type CompiledView } from '../../../runtime/src/compile/jit/compile-view.ts';
import type { Plan, PlanNode } from '../../../runtime/src/plan/node.ts';
import { batchOf } from './batches.ts';
import { NAMES, planOf } from './nexmark-plans.ts';

const OPTIONS = {
  functions: new Map() as never,
  allowedMs: 0,
  content: true,
  hooks: { late: () => false, error: () => {} },
};

function compiled(plan: Plan): CompiledView {
  const made = compileView(plan, plan.views[0]!, OPTIONS);
  if ('unsupported' in made) throw new Error(made.unsupported);
  return made;
}

/** All strings of a plan that are names or values of the definition: no words of the code. */
function stringsOf(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value === 'string' && value.length > 4) found.add(value);
  else if (typeof value === 'object' && value !== null)
    for (const each of Object.values(value)) stringsOf(each, found);
  return found;
}

test.each(NAMES)('J2 %s: no name and no value of the plan is part of generated code', (name) => {
  const plan = planOf(name);
  const code = compiled(plan).code();
  for (const { name: column } of plan.sources[0]!.fields) expect(code).not.toContain(column);
  const words = new Set(['count', 'first', 'final', 'source', 'regular', 'window', 'times']);
  const own = [...stringsOf([plan.views])].filter((text) => !words.has(text));
  for (const text of own) expect(code).not.toMatch(new RegExp(`\\b${text.replaceAll(/\W/g, '.')}\\b`));
});

test('a name and a text that are code are neither run nor shown', () => {
  const hostile = '`${globalThis.hacked = 1}`];*/globalThis.hacked=1;//';
  const source: PlanNode = { kind: 'source', source: hostile };
  const plan: Plan = {
    version: 1,
    name: 'hostile',
    sources: [
      {
        name: hostile,
        fields: [{ name: hostile, type: 'string', nullable: false }],
        eventTime: [],
        watermark: { delayMs: 0, idleAfterMs: null, futureMs: 0 },
        lateness: { allowedMs: 0, then: 'drop' },
      },
    ],
    functions: [],
    views: [
      {
        name: 'shown',
        mode: 'updates',
        node: {
          kind: 'filter',
          input: source,
          predicate: {
            kind: 'call',
            fn: 'eq',
            args: [
              { kind: 'field', name: hostile },
              { kind: 'literal', type: 'string', value: hostile },
            ],
          },
        },
      },
    ],
  };
  const view = compiled(plan);
  const batch = batchOf([{ name: hostile, type: 'string', nullable: false }], [[hostile], ['other']]);
  view.process(hostile, batch, new Float64Array(2));
  expect([...view.rows()]).toEqual([[hostile]]);
  expect(view.code()).not.toContain('hacked');
  expect('hacked' in globalThis).toBe(false);
});

test('what there is no code for is said, not left out', () => {
  const plan = planOf('q4');
  const [view] = plan.views;
  const node: PlanNode = {
    kind: 'group',
    input: view!.node,
    keys: [],
    aggregates: [{ name: 'm', fn: 'percentile', fraction: 0.5, arg: { kind: 'field', name: 'final' } }],
    ttlMs: null,
  };
  expect(compileView({ ...plan, views: [{ ...view!, node }] }, { ...view!, node }, OPTIONS)).toEqual({
    unsupported: 'aggregate percentile',
  });
});
