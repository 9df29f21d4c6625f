/**
 * The three questions below the verdict: is it complete, what was late, is it keeping up.
 *
 * @import { LateRow, RejectedRow, SourceStatus, Status } from '../../../host/host.ts'
 */
import { element, fill, place, say, wordsOf } from './dom.js';
import { ago, counted, duration, eventTime, share, size, whole } from './format.js';

/** @param {Status} status */
export function showComplete(status) {
  const watermark = least(status.sources.map((source) => source.watermarkMs));
  const closings = status.views.flatMap((view) =>
    view.closedUntilMs === undefined ? [] : [view.closedUntilMs],
  );
  const closedUntil = closings.length === 0 ? null : least(closings);
  if (closedUntil !== null) say('complete', `Windows are closed until ${eventTime(closedUntil)}.`);
  else if (watermark !== null) say('complete', `On-time events are in until ${eventTime(watermark)}.`);
  else say('complete', 'Nothing has arrived yet.');
  say('complete-why', completeWhy(status, watermark, closedUntil));
  say('corrections', whole(status.corrections.runs));
  say('last-correction', ago(status.corrections.lastAtMs, status.nowMs));
  const points = pointsOf(status, closedUntil);
  fill(place('times'), points, () => points.map(pointItem));
  fill(place('layers'), [status.lambda, status.versions, Math.floor(status.nowMs / 1000)], () =>
    layersOf(status),
  );
}

/**
 * @param {Status} status
 * @param {number | null} watermark
 * @param {number | null} closedUntil
 */
function completeWhy(status, watermark, closedUntil) {
  const waiting = status.late.waiting;
  if (waiting > 0)
    return `${counted(waiting, 'late event waits', 'late events wait')} to be folded in at the next correction.`;
  if (closedUntil !== null && status.corrections.runs > 0) {
    return `Later windows may still grow. Late events were last folded in ${ago(status.corrections.lastAtMs, status.nowMs)}.`;
  }
  if (watermark === null)
    return 'A window closes when the watermark passes its end and the allowed lateness.';
  return 'Later windows may still grow.';
}

/** @param {readonly (number | null)[]} times */
function least(times) {
  const known = times.filter((ms) => ms !== null);
  return known.length === 0 || known.length < times.length ? null : Math.min(...known);
}

/**
 * A place in event time and what it means there.
 * @typedef {{ atMs: number | null, tone: string, words: string }} TimePoint
 */

/**
 * How far each part has come in event time, the furthest first.
 * @param {Status} status
 * @param {number | null} closedUntil
 * @returns {readonly TimePoint[]}
 */
function pointsOf(status, closedUntil) {
  const points = status.sources.map((source) => ({
    atMs: source.watermarkMs,
    tone: 'wait',
    words: watermarkWords(source),
  }));
  const { lambda } = status;
  if (lambda !== undefined) {
    points.push({
      atMs: lambda.coveredUntilMs,
      tone: 'series',
      words: 'The batch layer has covered everything before',
    });
  }
  if (closedUntil !== null) points.push({ atMs: closedUntil, tone: 'good', words: closedWords(status) });
  return points.sort((a, b) => (b.atMs ?? Infinity) - (a.atMs ?? Infinity));
}

/** @param {Status} status */
function closedWords(status) {
  const corrects = Object.values(status.late.policy).includes('correct');
  return `Windows before this are closed: ${corrects ? 'only a correction changes them' : 'nothing changes them any more'}`;
}

/** @param {SourceStatus} source */
function watermarkWords(source) {
  const idle = source.partitions.filter((partition) => partition.idle).length;
  const all = counted(source.partitions.length, 'partition');
  return `Watermark of ${source.name}: its on-time events are in (${idle === 0 ? all : `${all}, ${whole(idle)} idle`})`;
}

/** @param {TimePoint} point */
function pointItem(point) {
  const at = point.atMs === null ? 'nothing yet' : eventTime(point.atMs);
  return element(
    'li',
    { 'data-tone': point.tone },
    element('time', {}, at),
    element('p', { class: 'quiet' }, point.words),
  );
}

/**
 * What only Lambda or Kappa has.
 * @param {Status} status
 * @returns {readonly Node[]}
 */
function layersOf(status) {
  const { lambda, versions, nowMs } = status;
  const nodes = [];
  if (lambda !== undefined) {
    const covered = lambda.coveredUntilMs;
    const words =
      covered === null
        ? 'The batch layer has not run yet; every window comes from the speed layer.'
        : `Batch answers until ${eventTime(covered)}, the speed layer after that.`;
    const runs = `${counted(lambda.batchRuns, 'batch run')}, the last ${ago(lambda.lastBatchAtMs, nowMs)}.`;
    nodes.push(
      element('h3', {}, 'Two layers'),
      element('p', {}, words),
      element('p', { class: 'quiet' }, runs),
    );
  }
  if (versions !== undefined) {
    const items = versions.map((version) =>
      element(
        'li',
        {},
        element('strong', {}, version.name),
        ' ',
        element(
          'span',
          { class: 'chip', 'data-tone': version.role === 'live' ? 'good' : 'wait' },
          version.role,
        ),
        ` ${version.lagEvents === 0 ? 'caught up' : `${counted(version.lagEvents, 'event')} behind`}, created ${ago(version.createdAtMs, nowMs)}`,
      ),
    );
    nodes.push(element('h3', {}, 'Versions'), element('ul', { class: 'plain' }, ...items));
  }
  return nodes;
}

const POLICIES = {
  correct: 'is folded into its result at the next correction',
  drop: 'is counted and dropped',
  'side-output': 'is kept apart, in the view of late events',
};

/** @param {Status} status */
export function showLate(status) {
  const events = status.sources.reduce((total, source) => total + source.eventsIn, 0);
  const { total, waiting, policy } = status.late;
  say(
    'late',
    total === 0 ? 'Nothing so far.' : `${counted(total, 'event')}, ${share(total, events)} of all.`,
  );
  const policies = Object.entries(policy);
  const [first] = policies;
  const same = first !== undefined && policies.every(([, rule]) => rule === first[1]);
  const each = policies.map(([source, rule]) => `From ${source}, a late event ${POLICIES[rule]}.`).join(' ');
  say('late-why', same ? `What comes after its window has closed ${POLICIES[first[1]]}.` : each);
  say('late-total', whole(total));
  say('late-waiting', whole(waiting));
  say('rejected-total', whole(status.rejected));
}

/** @param {readonly LateRow[]} rows */
export function showLateRows(rows) {
  fill(place('late-events'), rows, () =>
    rows.map((row) => {
      const by = element('strong', {}, `${duration(row.lateByMs / 1000)} late`);
      const at = element('span', { class: 'quiet' }, eventTime(row.eventTimeMs));
      return element(
        'li',
        {},
        element('p', { class: 'split' }, by, at),
        element('p', {}, inShort(row.event)),
      );
    }),
  );
}

/**
 * The values of an event, without the times: they are in their own column.
 * @param {Readonly<Record<string, unknown>>} event
 */
function inShort(event) {
  const values = Object.entries(event).filter(([, value]) => !/^\d{4}-\d\d-\d\dT/.test(String(value)));
  return values
    .map(([name, value]) => `${name} ${wordsOf(value)}`)
    .join(' · ')
    .slice(0, 160);
}

/** @param {readonly RejectedRow[]} rows */
export function showRejectedRows(rows) {
  place('rejected-events').hidden = rows.length === 0;
  fill(place('rejected-list'), rows, () =>
    rows.map((row) =>
      element(
        'li',
        {},
        element('p', {}, `${row.reason} (${row.source}, ${row.at})`),
        element('code', {}, row.text.slice(0, 400)),
      ),
    ),
  );
}

/** @param {Status} status */
export function showKeepingUp(status) {
  const lag = status.sources.reduce((total, source) => total + source.lagEvents, 0);
  const { epochs, state } = status;
  say(
    'keeping',
    lag === 0
      ? 'Caught up with the log.'
      : `${counted(lag, 'event waits', 'events wait')} for the next epoch.`,
  );
  say('events-in', whole(status.sources.reduce((total, source) => total + source.eventsIn, 0)));
  say('epochs', whole(epochs.committed));
  say('epoch-rows', epochs.lastRows === null ? 'none yet' : counted(epochs.lastRows, 'event'));
  say('epoch-took', epochs.lastDurationMs === null ? 'none yet' : duration(epochs.lastDurationMs / 1000));
  say('state-keys', whole(state.keys));
  say('state-memory', size(state.memoryBytes));
  say('state-size', size(state.sizeBytes));
}
