/**
 * What a changed definition means for what is stored: rows of views and what nodes remember.
 *
 *   keeps         stored results are what the new definition would have computed
 *   starts        a new view; it is computed from the beginning of the log
 *   drops         a view that is gone, with its rows; only when it is asked for
 *   from-now-on   results so far stay as they are, and what comes is computed otherwise; only when it is asked for
 *   refused       what is stored means nothing under the new definition
 *
 * Invariants  C1  Without being asked, nothing is kept that a replay of the log under the new definition would contradict.
 */
import { compareViews, type PlanChange, type Verdict, type ViewContext } from './compare-view.ts';
import { fieldChanges } from './evolve.ts';
import type { Plan, SourcePlan } from './node.ts';
import { sourcesOf } from './walk.ts';

export interface PlanComparison {
  readonly changes: readonly PlanChange[];
  readonly started: readonly string[];
  readonly dropped: readonly string[];
}

/** What may happen besides what is compatible. */
export interface Allowed {
  readonly fromNowOn: boolean;
  readonly drop: readonly string[];
  /** What would begin before the log does begins where the log does. */
  readonly partial?: boolean;
}

/** REQUIRES plans from `parsePlan`. */
export function comparePlans(old: Plan, now: Plan): PlanComparison {
  const changes: PlanChange[] = [];
  const add = (change: PlanChange): void => void changes.push(change);
  if (old.name !== now.name)
    add({ where: 'pipeline', old: old.name, new: now.name, verdict: 'keeps', because: 'only its name' });
  for (const source of old.sources) {
    const next = now.sources.find(({ name }) => name === source.name);
    if (next !== undefined) compareSources(source, next, add);
  }
  compareClocks(old, now, add);
  const started = now.views.filter(({ name }) => !old.views.some((each) => each.name === name));
  const dropped = old.views.filter(({ name }) => !now.views.some((each) => each.name === name));
  for (const { name } of started)
    add(of(`view "${name}"`, 'none', 'new', 'starts', 'it is computed from the beginning of the log'));
  for (const { name } of dropped)
    add(of(`view "${name}"`, 'there', 'gone', 'drops', 'its rows would be removed'));
  for (const view of old.views) {
    const next = now.views.find(({ name }) => name === view.name);
    const context: ViewContext = { old, now, mode: view.mode, where: `view "${view.name}"`, add };
    if (next !== undefined) compareViews(view, next, context);
  }
  const namesOf = (views: readonly { readonly name: string }[]): string[] => views.map(({ name }) => name);
  return { changes, started: namesOf(started), dropped: namesOf(dropped) };
}

/** The changes that stand in the way. */
export function refusals({ changes }: PlanComparison, { fromNowOn, drop }: Allowed): readonly PlanChange[] {
  return changes.filter(({ verdict, where }) => {
    if (verdict === 'from-now-on') return !fromNowOn;
    if (verdict === 'drops') return !drop.some((view) => where === `view "${view}"`);
    return verdict === 'refused';
  });
}

export function describeChange({ where, old, new: now, because }: PlanChange): string {
  return `${where}: ${old} → ${now} (${because})`;
}

const LATE_RULE = 'which events count depends on it, from the first one on';

type SourceRule = (old: SourcePlan, now: SourcePlan, add: (change: PlanChange) => void) => void;

/** Every property of a source: a new one must say what its change means. */
const SOURCE: { readonly [K in Exclude<keyof SourcePlan, 'name'>]: SourceRule } = {
  fields: (old, now, add) => {
    for (const { field, old: before, new: after, problem } of fieldChanges(old.fields, now.fields))
      add(
        of(
          `source "${old.name}", field "${field}"`,
          before,
          after,
          problem === null ? 'keeps' : 'refused',
          problem ?? 'events in the log are read with it',
        ),
      );
  },
  eventTime: (old, now, add) =>
    differs(`source "${old.name}", eventTime`, old.eventTime.join(', '), now.eventTime.join(', '), add),
  watermark: (old, now, add) => {
    const where = `source "${old.name}", watermark`;
    differs(`${where}, delay`, `${old.watermark.delayMs}ms`, `${now.watermark.delayMs}ms`, add);
    const decided = 'what it decided stands in the log';
    for (const key of ['idleAfterMs', 'futureMs'] as const)
      differs(`${where}, ${key}`, `${old.watermark[key]}`, `${now.watermark[key]}`, add, 'keeps', decided);
  },
  lateness: (old, now, add) => {
    const where = `source "${old.name}", lateness`;
    differs(`${where}, allowed`, `${old.lateness.allowedMs}ms`, `${now.lateness.allowedMs}ms`, add);
    differs(`${where}, then`, old.lateness.then, now.lateness.then, add);
  },
};

function compareSources(old: SourcePlan, now: SourcePlan, add: (change: PlanChange) => void): void {
  for (const rule of Object.values(SOURCE)) rule(old, now, add);
}

function differs(
  where: string,
  old: string,
  now: string,
  add: (change: PlanChange) => void,
  verdict: Verdict = 'refused',
  because = LATE_RULE,
): void {
  if (old !== now) add(of(where, old, now, verdict, because));
}

function of(where: string, old: string, now: string, verdict: Verdict, because: string): PlanChange {
  return { where, old, new: now, verdict, because };
}

/** Sources that meet in a view wait for each other, in every view. */
function compareClocks(old: Plan, now: Plan, add: (change: PlanChange) => void): void {
  for (const source of old.sources) {
    if (!now.sources.some(({ name }) => name === source.name)) continue;
    const [before, after] = [metBy(old, source.name), metBy(now, source.name)];
    if (before === after) continue;
    const because = 'sources that meet in a view close windows together, and now there are others';
    add(of(`source "${source.name}"`, `meets ${before}`, `meets ${after}`, 'refused', because));
  }
}

/** The names of the sources that a source meets in views, directly or through others. */
function metBy(plan: Plan, name: string): string {
  const groups = plan.views.map((view) => new Set(sourcesOf(plan, view.node).map((each) => each.name)));
  const met = new Set([name]);
  for (let size = 0; size !== met.size;) {
    size = met.size;
    for (const group of groups) {
      if (![...group].some((each) => met.has(each))) continue;
      for (const each of group) met.add(each);
    }
  }
  met.delete(name);
  return met.size === 0 ? 'none' : [...met].sort().join(', ');
}
