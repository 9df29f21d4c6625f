/**
 * The answer on top: fresh enough or not, in words first, then in colour.
 *
 * @import { Status } from '../../../host/host.ts'
 * @typedef {object} Verdict
 * @property {'good' | 'bad' | 'wait'} tone
 * @property {string} words
 * @property {string} why
 */
import { place, say } from './dom.js';
import { ago, duration, whole } from './format.js';

/**
 * @param {Status} status
 * @returns {Verdict}
 */
export function verdictOf(status) {
  const { seconds, slaSeconds, holds } = status.freshness;
  const events = status.sources.reduce((total, source) => total + source.eventsIn, 0);
  const lag = status.sources.reduce((total, source) => total + source.lagEvents, 0);
  if (!status.running) {
    return {
      tone: 'wait',
      words: 'Not running.',
      why: 'Nothing is processed until the pipeline is started again.',
    };
  }
  if (events === 0)
    return { tone: 'wait', words: 'No events yet.', why: 'Nothing has arrived that could be late or fresh.' };
  if (!holds) {
    const over = duration(seconds - slaSeconds);
    return {
      tone: 'bad',
      words: 'No, too old.',
      why: `Readers miss events for ${over} longer than was promised.`,
    };
  }
  const why =
    lag === 0
      ? 'Readers see every event that has arrived.'
      : `${whole(lag)} events are on their way to readers.`;
  return { tone: 'good', words: 'Yes, fresh enough.', why };
}

/** @param {Status} status */
export function showVerdict(status) {
  const verdict = verdictOf(status);
  document.body.dataset['state'] = verdict.tone;
  document.title = `${{ good: '✓', bad: '✗', wait: '…' }[verdict.tone]} ${status.pipeline}`;
  say('verdict', verdict.words);
  say('verdict-why', verdict.why);
  showNumbers(status);
  showGauge(status);
}

/** @param {Status} status */
function showNumbers(status) {
  const { freshness, nowMs } = status;
  say('behind', duration(freshness.seconds));
  say('behind-of', `behind, of ${duration(freshness.slaSeconds)} promised`);
  say('p50', orNotYet(freshness.p50Seconds));
  say('p99', orNotYet(freshness.p99Seconds));
  say('sla', duration(freshness.slaSeconds));
  say('last-commit', ago(status.epochs.lastAtMs, nowMs));
  say('next-run', nextRun(status));
}

/** @param {Status} status */
function nextRun(status) {
  if (!status.running) return 'none';
  if (status.nextRunAtMs === null) return 'continuous';
  const seconds = Math.round((status.nextRunAtMs - status.nowMs) / 1000);
  return seconds <= 0 ? 'now' : `in ${duration(seconds)}`;
}

/** @param {number | null} seconds */
function orNotYet(seconds) {
  return seconds === null ? 'not yet' : duration(seconds);
}

/**
 * The bar reaches from nothing to the promise, or to the present age when that is more.
 * @param {Status} status
 */
function showGauge(status) {
  const { seconds, slaSeconds, p50Seconds, p99Seconds } = status.freshness;
  const full = Math.max(slaSeconds, seconds, 0.001);
  const at = (/** @type {number} */ value) => `${Math.min(100, (value / full) * 100)}%`;
  place('gauge-fill').style.width = at(seconds);
  place('gauge-sla').style.left = at(slaSeconds);
  for (const [id, value] of /** @type {const} */ ([
    ['gauge-p50', p50Seconds],
    ['gauge-p99', p99Seconds],
  ])) {
    const mark = place(id);
    mark.hidden = value === null;
    mark.style.left = at(value ?? 0);
  }
  place('gauge').setAttribute(
    'aria-label',
    `${duration(seconds)} behind, of ${duration(slaSeconds)} promised`,
  );
}
