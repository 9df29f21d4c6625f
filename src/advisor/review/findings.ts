/** Each promise and answer beside what was measured, and the answers with what was measured in their place. */
import { formatDuration, formatSize } from 'pipeline-runtime/kit';
import type { GivenAnswers } from '../answers.ts';
import { answerAt, completeAnswers, secondsText, withAnswer } from '../complete.ts';
import { percent } from '../print/phrases.ts';
import { upwards } from '../profile.ts';
import { questionOf } from '../questions.ts';
import { type Span, spanOf } from '../spans.ts';
import type { Measured } from './measured.ts';
import type { ReviewInput } from './review.ts';
import { perYear, type Trend } from './trend.ts';

export interface Finding {
  readonly about: 'freshness' | 'lateness' | 'late events' | 'volume' | 'event size' | 'growth' | 'rejected';
  /** `warning`: an answer is not what is measured, though the decision may hold. `info`: measured, and nothing to hold it to. */
  readonly level: 'holds' | 'warning' | 'broken' | 'info';
  /** The answer, or what follows from it; null where there is none. */
  readonly answered: string | null;
  readonly measured: string;
  readonly says: string;
}

/** A number this many times the answer is another number. */
const OTHER = 1.5;
/** `lateness.max` is taken for what 999 of 1000 events stay under. */
const LATE_SHARE = 0.001;
const REJECTED_SHARE = 0.01;

/** Whether a figure lies outside of what an answer covers, by half of it. */
function isOutside(value: number, [low, high]: Span): boolean {
  return value > high * OTHER || value < low / OTHER;
}

function spanAt(answers: GivenAnswers, path: string): Span {
  const complete = completeAnswers(answers).answers;
  return spanOf(questionOf(path), answerAt(complete, path));
}

function shortNumber(value: number): number {
  return Number(value.toPrecision(2));
}

/** The growth that was measured, where it can be told from the answer. */
function otherGrowth(answers: GivenAnswers, trend: Trend | null): number | null {
  if (trend === null) return null;
  const [low, high] = spanAt(answers, 'volume.growthPerYear');
  if (perYear(trend.low) <= high && perYear(trend.high) >= low) return null;
  return Math.min(100, Math.max(0.1, shortNumber(perYear(trend.likely))));
}

/**
 * The answers as they were observed. A longer lateness replaces the answer, a shorter one does not; volumes replace it when
 * they are others, and what the answer left open is closed.
 */
export function observedAnswers(
  answers: GivenAnswers,
  measured: Measured,
  trend: Trend | null,
): GivenAnswers {
  let observed = answers;
  const put = (path: string, value: unknown): void => {
    observed = withAnswer(observed, path, value);
  };
  const { behind, eventsPerSecond, bytesPerEvent } = measured;
  if (behind !== null) {
    const longest = behind.p999Seconds > spanAt(answers, 'lateness.max')[1];
    if (longest) put('lateness.max', formatDuration(upwards(Math.max(1, behind.p999Seconds * 1000))));
    if (behind.p50Seconds > spanAt(answers, 'lateness.typical')[1])
      put('lateness.typical', formatDuration(upwards(Math.max(1, behind.p50Seconds * 1000))));
  }
  const volume = spanAt(answers, 'volume.eventsPerSecond');
  if (
    eventsPerSecond !== null &&
    eventsPerSecond > 0 &&
    (isOutside(eventsPerSecond, volume) || volume[0] !== volume[1])
  )
    put('volume.eventsPerSecond', Math.max(0.0001, shortNumber(eventsPerSecond)));
  if (bytesPerEvent !== null && isOutside(bytesPerEvent, spanAt(answers, 'volume.bytesPerEvent')))
    put('volume.bytesPerEvent', Math.max(1, Math.round(bytesPerEvent)));
  const growth = otherGrowth(answers, trend);
  if (growth !== null) put('volume.growthPerYear', growth);
  return observed;
}

export function findingsOf(input: ReviewInput, measured: Measured, trend: Trend | null): Finding[] {
  const { answers } = input;
  return [
    ...freshnessFindings(input, measured),
    ...latenessFindings(answers, measured),
    ...lateEvents(measured),
    ...volumeFindings(answers, measured),
    ...growthFindings(answers, trend),
    ...rejectedFindings(measured),
  ];
}

function freshnessFindings({ promiseSeconds, now }: ReviewInput, { freshness: found }: Measured): Finding[] {
  const answered = secondsText(promiseSeconds);
  const findings: Finding[] = [];
  if (found !== null) {
    const keeps = found.p99Seconds <= promiseSeconds;
    const measured = `${secondsText(found.p99Seconds)} for 99 %, ${secondsText(found.p50Seconds)} for half`;
    findings.push({
      about: 'freshness',
      level: keeps ? 'holds' : 'broken',
      answered,
      measured,
      says: keeps
        ? 'Events became visible within the promise.'
        : 'Events became visible later than was promised. If the machine or a failure is the cause, it shows in `pipeline status`.',
    });
  }
  if (now !== null && now.freshnessSeconds > promiseSeconds)
    findings.push({
      about: 'freshness',
      level: 'broken',
      answered,
      measured: `${secondsText(now.freshnessSeconds)} right now`,
      says: 'The running pipeline has events that readers should see already.',
    });
  return findings;
}

function latenessFindings(answers: GivenAnswers, { behind }: Measured): Finding[] {
  if (behind === null) return [];
  const [, latest] = spanAt(answers, 'lateness.max');
  const keeps = behind.p999Seconds <= latest;
  return [
    {
      about: 'lateness',
      level: keeps ? 'holds' : 'warning',
      answered: secondsText(latest),
      measured: `${secondsText(behind.p999Seconds)} for 99.9 %, ${secondsText(behind.p99Seconds)} for 99 %`,
      says: keeps
        ? 'Events are no further behind the newest than was answered.'
        : 'Events are further behind the newest than was answered: more of them are late, or windows must stay open longer.',
    },
  ];
}

function lateEvents({ events, lateShare }: Measured): Finding[] {
  if (events === 0) return [];
  const few = lateShare <= LATE_SHARE;
  return [
    {
      about: 'late events',
      level: few ? 'holds' : 'warning',
      answered: 'one in 1000',
      measured: few && lateShare > 0 ? 'fewer' : percentUp(lateShare),
      says: few
        ? 'Few events came after their window and the allowed lateness.'
        : 'More events than expected came after their window and the allowed lateness; `pipeline late` shows them.',
    },
  ];
}

/** Two digits, never rounded down to nothing. */
function percentUp(share: number): string {
  return share === 0 ? 'none' : `${Number((share * 100).toPrecision(2))} %`;
}

function volumeFindings(
  answers: GivenAnswers,
  { eventsPerSecond, bytesPerEvent, logBytes, stateBytes }: Measured,
): Finding[] {
  const findings: Finding[] = [];
  if (eventsPerSecond !== null) {
    const span = spanAt(answers, 'volume.eventsPerSecond');
    const outside = isOutside(eventsPerSecond, span);
    findings.push({
      about: 'volume',
      level: outside ? 'warning' : 'holds',
      answered: `${rangeText(span)} a second`,
      measured: `${shortNumber(eventsPerSecond).toLocaleString('en-US')} a second`,
      says: outside ? 'The volume is not what was answered.' : 'The volume is what was answered.',
    });
  }
  if (bytesPerEvent !== null) {
    const span = spanAt(answers, 'volume.bytesPerEvent');
    findings.push({
      about: 'event size',
      level: 'info',
      answered: `${rangeText(span)} bytes`,
      measured: `${Math.round(bytesPerEvent)} bytes`,
      says: `The log takes ${formatSize(logBytes)} on disk, the state ${formatSize(stateBytes)}.`,
    });
  }
  return findings;
}

function rangeText([low, high]: Span): string {
  const [from, to] = [low, high].map((value) => value.toLocaleString('en-US'));
  return from === to ? String(from) : `${from}..${to}`;
}

function growthFindings(answers: GivenAnswers, trend: Trend | null): Finding[] {
  if (trend === null) return [];
  const [low, likely, high] = [trend.low, trend.likely, trend.high].map((slope) =>
    shortNumber(perYear(slope)),
  );
  const other = otherGrowth(answers, trend) !== null;
  return [
    {
      about: 'growth',
      level: other ? 'warning' : 'holds',
      answered: `${rangeText(spanAt(answers, 'volume.growthPerYear'))} times a year`,
      measured: `${likely} times a year (${low} to ${high})`,
      says: other
        ? `Over ${trend.days} days volume grew otherwise than was answered.`
        : `Over ${trend.days} days nothing speaks against the growth that was answered.`,
    },
  ];
}

function rejectedFindings({ events, rejected: count }: Measured): Finding[] {
  if (count === 0) return [];
  const many = count > REJECTED_SHARE * (events + count);
  return [
    {
      about: 'rejected',
      level: many ? 'warning' : 'info',
      answered: null,
      measured: `${count.toLocaleString('en-US')} events (${percent(count / (events + count))})`,
      says: 'Events that were no events of the definition; `pipeline rejected` says why.',
    },
  ];
}
