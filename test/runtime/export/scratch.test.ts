import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FunctionName } from '../../../runtime/src/expr/node.ts';
import { FUNCTIONS } from '../../../runtime/src/expr/functions.ts';
import { exportDuckDb } from '../../../runtime/src/export/sql/duckdb.ts';
import { anyCallOf, anyEvents, anyExpression } from './any-expression.ts';
import { exported, loadTables, streamed } from './duckdb.ts';
import { events, f, map, planOf } from './plans.ts';

describe('each function alone', () => {
  for (const fn of Object.keys(FUNCTIONS) as FunctionName[]) {
    const any = anyCallOf(fn);
    if (any === undefined) continue;
    test(fn, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(any, { minLength: 1, maxLength: 1 }), anyEvents, async (exprs, log) => {
          const { plan, view } = planOf(map(events, { n: f('n'), ...Object.fromEntries(exprs.map((expr, index) => [`e${index}`, expr])) }));
          const query = exportDuckDb(plan, view, await loadTables(plan, log));
          if (!('sql' in query)) { expect(query.unsupported).toMatchObject([{ what: 'regexpExtract' }]); return; }
          expect(await exported(plan, view, log)).toEqual(streamed(plan, view, log));
        }),
        { numRuns: 40 },
      );
    });
  }
});
test('nested', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyExpression, { minLength: 1, maxLength: 2 }), anyEvents, async (exprs, log) => {
          const { plan, view } = planOf(map(events, { n: f('n'), ...Object.fromEntries(exprs.map((expr, index) => [`e${index}`, expr])) }));
          const query = exportDuckDb(plan, view, await loadTables(plan, log));
          if (!('sql' in query)) { expect(query.unsupported).toMatchObject([{ what: 'regexpExtract' }]); return; }
          expect(await exported(plan, view, log)).toEqual(streamed(plan, view, log));
        }),
        { numRuns: 2500 },
      );
});
