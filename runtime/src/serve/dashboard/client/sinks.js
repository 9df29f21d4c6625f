/**
 * Where results go: a row for each sink. A sink that may be told something twice says so here too.
 *
 * @import { SinkStatus, Status } from '../../../host/host.ts'
 */
import { element, fill, place, say } from './dom.js';
import { ago, counted, duration, size, whole } from './format.js';

const KINDS = { files: 'Files', postgres: 'PostgreSQL', http: 'HTTP' };
const PROMISES = {
  'exactly-once': { tone: 'good', words: 'exactly once' },
  'at-least-once': { tone: 'wait', words: 'at least once' },
};

/** @param {Status} status */
export function showSinks(status) {
  const { sinks = [], nowMs } = status;
  place('sinks').hidden = sinks.length === 0;
  if (sinks.length === 0) return;
  say('sinks-answer', answerOf(sinks));
  say('sinks-why', whyOf(sinks));
  // "2 s ago" changes each second, whatever else does.
  fill(place('sink-rows'), [sinks, Math.floor(nowMs / 1000)], () => sinks.map((sink) => rowOf(sink, nowMs)));
}

/** @param {readonly SinkStatus[]} sinks */
function answerOf(sinks) {
  const failing = sinks.filter((sink) => sink.failing).length;
  if (failing > 0) return `${counted(failing, 'sink does', 'sinks do')} not take anything now.`;
  const behind = sinks.filter(isBehind).length;
  if (behind > 0) return `${counted(behind, 'sink is', 'sinks are')} behind.`;
  return sinks.length === 1 ? 'The sink has everything.' : 'Every sink has everything.';
}

/** @param {readonly SinkStatus[]} sinks */
function whyOf(sinks) {
  if (sinks.some((sink) => sink.failing))
    return 'What waits is kept and delivered once they answer; the pipeline goes on meanwhile.';
  if (sinks.some((sink) => sink.guarantee === 'at-least-once'))
    return 'At least once: after trouble a message may come twice, with the same idempotency key.';
  return 'Each has a view as it was at one commit, and each row once.';
}

/** @param {SinkStatus} sink */
function isBehind(sink) {
  return sink.lagEvents > 0 || sink.lagSeconds > 0 || sink.waitingRows > 0;
}

/**
 * @param {SinkStatus} sink
 * @param {number} nowMs
 */
function rowOf(sink, nowMs) {
  const { tone, words } = PROMISES[sink.guarantee];
  const cells = [
    twoLines(element('strong', {}, sink.name), `view ${sink.view}`),
    element('span', { class: 'chip', 'data-tone': tone }, words),
    twoLines(KINDS[sink.kind], sink.place),
    twoLines(sink.epoch === undefined ? 'none yet' : whole(sink.epoch), ago(sink.deliveredAtMs, nowMs)),
    twoLines(isBehind(sink) ? counted(sink.waitingRows, 'row') : 'nothing', behindWords(sink)),
    errorOf(sink),
  ];
  return element('tr', {}, ...cells.map((cell) => element('td', {}, cell)));
}

/** @param {SinkStatus} sink */
function behindWords(sink) {
  if (!isBehind(sink)) return '';
  return `${size(sink.waitingBytes)}, ${duration(sink.lagSeconds)} old`;
}

/** @param {SinkStatus} sink */
function errorOf(sink) {
  if (sink.lastFailure === null) return element('span', { class: 'none' }, 'none');
  const tries = `${counted(sink.failures, 'failure')}${sink.failing ? ', trying again' : ', over by now'}`;
  const tone = sink.failing ? 'problem wrap' : 'wrap';
  return element(
    'div',
    { class: tone },
    element('p', {}, sink.lastFailure),
    element('p', { class: 'quiet' }, tries),
  );
}

/**
 * @param {string | Node} first
 * @param {string} second
 */
function twoLines(first, second) {
  return element('div', {}, element('p', {}, first), element('p', { class: 'quiet small' }, second));
}
