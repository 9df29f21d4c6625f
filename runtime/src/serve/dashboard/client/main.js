/**
 * The page: asks for the status, shows each answer in its place.
 *
 * @import { LateRow, RejectedRow, Status } from '../../../host/host.ts'
 * @import { Sample } from '../../history.ts'
 */
import { drawChart, Past } from './chart.js';
import { place, say } from './dom.js';
import { ask, follow, keepToken, takeToken } from './feed.js';
import { ago, duration } from './format.js';
import { showViews } from './rows.js';
import { showComplete, showKeepingUp, showLate, showLateRows, showRejectedRows } from './sections.js';
import { showSinks } from './sinks.js';
import { showVerdict } from './verdict.js';

const RECENT_MAX = 5;
const past = new Past();
let lateShown = -1;
let rejectedShown = -1;
let hasPast = false;

/** @param {Status} status */
function show(status) {
  document.body.dataset['link'] = 'live';
  place('notice').hidden = true;
  place('token-form').hidden = true;
  say('pipeline', status.pipeline);
  say('architecture', status.architecture);
  place('architecture').hidden = false;
  const upSeconds =
    status.startedAtMs === null ? null : Math.round((status.nowMs - status.startedAtMs) / 1000);
  say('running', status.running && upSeconds !== null ? `running for ${duration(upSeconds)}` : 'not running');
  showVerdict(status);
  showComplete(status);
  showLate(status);
  showKeepingUp(status);
  showSinks(status);
  showViews(status);
  void showPast(status);
  void showRecent(status);
}

/** @param {Status} status */
async function showPast(status) {
  if (!hasPast) {
    hasPast = true;
    const history = await ask('/api/history').catch(() => null);
    if (history !== null)
      past.start(/** @type {{ everySeconds: number, samples: readonly Sample[] }} */ (history));
  }
  past.add({
    atMs: status.nowMs,
    eventsIn: status.sources.reduce((total, source) => total + source.eventsIn, 0),
    lagEvents: status.sources.reduce((total, source) => total + source.lagEvents, 0),
    freshnessSeconds: status.freshness.seconds,
  });
  drawChart('rate', past.rates(), 'Events in per second');
  drawChart('lag', past.lags(), 'Events waiting');
}

/**
 * The newest late and rejected events, asked for only when there are more than before.
 * @param {Status} status
 */
async function showRecent(status) {
  if (status.late.total !== lateShown) {
    lateShown = status.late.total;
    const late = await ask(`/api/late?limit=${RECENT_MAX}`).catch(() => null);
    if (late !== null) showLateRows(/** @type {{ rows: readonly LateRow[] }} */ (late).rows);
  }
  if (status.rejected !== rejectedShown) {
    rejectedShown = status.rejected;
    const rejected = await ask(`/api/rejected?limit=${RECENT_MAX}`).catch(() => null);
    if (rejected !== null) showRejectedRows(/** @type {{ rows: readonly RejectedRow[] }} */ (rejected).rows);
  }
}

/**
 * @param {number} sinceMs
 * @param {boolean} trying
 */
function showSilence(sinceMs, trying) {
  document.body.dataset['link'] = 'gone';
  const since = `The pipeline stopped answering ${ago(sinceMs, Date.now())}.`;
  const next = trying ? 'Trying again.' : 'Start it with “pipeline run”, then look again.';
  say('notice-words', `${since} What you see is from before. ${next}`);
  place('notice-again').hidden = trying;
  place('notice').hidden = false;
  document.title = `… ${place('pipeline').textContent}`;
}

takeToken();
const feed = follow({
  status: show,
  silence: showSilence,
  tokenNeeded: () => {
    place('token-form').hidden = false;
    say('verdict', 'Locked.');
  },
});
place('notice-again').addEventListener('click', () => feed.again());
place('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const input = place('token');
  if (input instanceof HTMLInputElement) keepToken(input.value);
  feed.again();
});
