/**
 * Rows with the windows that they belong to, as "_start" and "_end": a row for each window of a row.
 *
 * In UTC a grid is arithmetic. In a zone it lies on the clocks: a boundary is the first instant at which they show its
 * point or a later one. So a row is placed by `m`, the latest that the clocks have shown up to its time, as if that were
 * UTC, and the ends of its windows are then read back as instants.
 *
 *   instant    ───────────────┬───────┬────────►           m(t) is the local time of t, but for the second showing of an
 *   local      …… 2:59 ► 2:00 ┘  fold  └ 3:00 ……            hour: there it stays just below the end of the fold
 *
 * The zones are those of DuckDB, which brings its own. Two clock changes within two days would be an error of the query.
 */
import type { WindowPlan } from '../../plan/node.ts';
import { as, nested, type Query, type Relation, select } from './duckdb-query.ts';
import { identifier, intervalLiteral, textLiteral, timestampLiteral } from './duckdb-text.ts';

type GridWindow = Exclude<WindowPlan, { kind: 'session' }>;

/** The rows of a relation in their windows. `time` is their time as SQL, never NULL. */
export function windowed(query: Query, input: Relation, window: GridWindow, time: string): Relation {
  const { zone } = window;
  if (zone === null) return { ...input, from: query.add('windowed', placed(window, input.from, time)) };
  const timed = select({ columns: ['*', as(time, '_t'), as(localTime(time, zone), '_l')], from: input.from });
  const first = select({ columns: ['*', as(firstShowing('"_l"', zone), '_f')], from: nested(timed) });
  const shown = select({ columns: ['*', as(latestShown(zone), '_m')], from: nested(first) });
  const local = query.add('local_windows', placed(window, query.add('clocks', shown), '"_m"'));
  const instants = ['_start', '_end'].map((name) => as(firstShowing(identifier(name), zone), name));
  const sql = select({
    columns: [`* REPLACE (${instants.join(', ')})`],
    from: local,
    where: withoutRepeats(window, zone),
  });
  return { ...input, from: query.add('windowed', sql) };
}

/** The windows of a time on a grid that is arithmetic. */
function placed(window: GridWindow, from: string, time: string): string {
  const size = intervalLiteral(window.sizeMs);
  const bucket = (stepMs: number): string =>
    `time_bucket(${intervalLiteral(stepMs)}, ${time}, ${timestampLiteral(window.offsetMs)})`;
  switch (window.kind) {
    case 'tumbling': {
      const starts = select({ columns: ['*', as(bucket(window.sizeMs), '_start')], from });
      return select({ columns: ['*', as(`"_start" + ${size}`, '_end')], from: nested(starts) });
    }
    case 'hopping': {
      const count = Math.round(window.sizeMs / window.slideMs);
      const start = `${bucket(window.slideMs)} - unnest(range(${count})) * ${intervalLiteral(window.slideMs)}`;
      const starts = select({ columns: ['*', as(start, '_start')], from });
      return select({ columns: ['*', as(`"_start" + ${size}`, '_end')], from: nested(starts) });
    }
    case 'cumulating': {
      const starts = select({ columns: ['*', as(time, '_of'), as(bucket(window.sizeMs), '_start')], from });
      const count = Math.round(window.sizeMs / window.stepMs);
      const end = `"_start" + unnest(range(1, ${count + 1})) * ${intervalLiteral(window.stepMs)}`;
      const ends = select({ columns: ['*', as(end, '_end')], from: nested(starts) });
      return select({ columns: ['*'], from: nested(ends), where: ['"_end" > "_of"'] });
    }
  }
}

/** What the clocks of a zone show at an instant. */
function localTime(instant: string, zone: string): string {
  return `timezone(${textLiteral(zone)}, timezone('UTC', ${instant}))`;
}

/** The latest that the clocks have shown up to "_t", at which they show "_l", and did so first at "_f". */
function latestShown(zone: string): string {
  const offset = (instant: string): string => `(${localTime(instant, zone)} - ${instant})`;
  // If they did before, they went back between the two: to the second, since no zone is finer.
  const seconds = `generate_series(date_trunc('second', "_f"), "_t", INTERVAL 1 SECOND)`;
  const change = `list_min(list_filter(${seconds}, lambda u: ${localTime('u', zone)} <> u + ${offset('"_f"')}))`;
  return `CASE WHEN "_f" = "_t" THEN "_l" ELSE ${change} + ${offset('"_f"')} - INTERVAL '1 milliseconds' END`;
}

/** The first instant at which the clocks of a zone show this local time or a later one. */
function firstShowing(local: string, zone: string): string {
  const by = (day: string): string =>
    `(${local} - (${localTime(`(${local} ${day})`, zone)} - (${local} ${day})))`;
  const [before, after] = [by('- INTERVAL 1 DAY'), by('+ INTERVAL 1 DAY')];
  const change = `list_min(list_filter(generate_series(${after}, ${before}, INTERVAL 1 SECOND), lambda u: ${localTime('u', zone)} >= ${local}))`;
  return [
    `CASE WHEN ${localTime(before, zone)} = ${local} THEN ${before}`,
    `WHEN ${localTime(after, zone)} = ${local} THEN ${after}`,
    `ELSE coalesce(date_trunc('second', ${change}), error('two clock changes within two days')) END`,
  ].join(' ');
}

/** Windows between points that the clocks skip are the same window, as local "_start" and "_end" do not tell. */
function withoutRepeats(window: GridWindow, zone: string): string[] {
  if (window.kind === 'tumbling') return [];
  const same = (name: string, stepMs: number): string =>
    `${firstShowing(identifier(name), zone)} = ${firstShowing(`(${identifier(name)} - ${intervalLiteral(stepMs)})`, zone)}`;
  const repeats =
    window.kind === 'hopping'
      ? [same('_start', window.slideMs), same('_end', window.slideMs)]
      : [same('_end', window.stepMs)];
  return [`NOT (${repeats.join(' AND ')})`];
}
