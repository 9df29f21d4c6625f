/** Random views of every kind of node, over random events: DuckDB and the engine give the same rows. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { exportDuckDb } from '../../../runtime/src/export/sql/duckdb.ts';
import { inferColumns } from '../../../runtime/src/plan/infer.ts';
import { anyLog, anyView } from './any-plan.ts';
import { loadTables, queried, streamed } from './duckdb.ts';

/** What random views may be refused for. */
const REASONS = new Set([
  'late rows',
  'late rows of sessions',
  'sessions of rows that time caused',
  'lookup of rows that time caused',
  'ties',
]);

test('any view gives the rows of the engine', async () => {
  let [written, refused] = [0, 0];
  await fc.assert(
    fc.asyncProperty(anyView, anyLog, async (made, log) => {
      if (made === null) return;
      const { plan, view } = made;
      const query = exportDuckDb(plan, view, await loadTables(plan, log));
      if ('unsupported' in query) {
        refused++;
        expect(query.unsupported.filter(({ what }) => !REASONS.has(what))).toEqual([]);
        return;
      }
      written++;
      expect(await queried(query.sql, inferColumns(plan, view.node))).toEqual(streamed(plan, view, log));
    }),
    { numRuns: 250 },
  );
  expect(written).toBeGreaterThan(refused * 5);
});
