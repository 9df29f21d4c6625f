/**
 * Whether a decision still holds, by what its pipeline measured. Pure: the days that were noted and the answers go in.
 *
 *   days ─► measured ─► the answers as they were observed ─► recommend again ─► holds · will stop · broken · unknown
 *                 └──► trend of the volume ─► the day on which the model says that it ends
 *
 * An answer is only replaced by what was measured when that is harder, or plainly another number: half of the events being on
 * time today is no reason to promise it.
 */
import type { Day } from 'pipeline-runtime/kit';
import type { Architecture, GivenAnswers } from '../answers.ts';
import { completeAnswers } from '../complete.ts';
import { hardestFacts, hardestWith, type Replaced } from '../facts.ts';
import { severityOf } from '../gates.ts';
import { recommend } from '../recommend.ts';
import { deciderOf } from '../verdict.ts';
import { type Ends, endsOf, type Standing } from './ends.ts';
import { type Finding, findingsOf, observedAnswers } from './findings.ts';
import { growthOf, type Measured, measuredOf } from './measured.ts';
import { perYear, TREND_DAYS_MIN } from './trend.ts';

export interface ReviewInput {
  readonly answers: GivenAnswers;
  /** What runs. */
  readonly architecture: Architecture;
  /** What was recommended when the project was made; null when nobody knows. */
  readonly decided: Architecture | null;
  readonly promiseSeconds: number;
  readonly days: readonly Day[];
  readonly unreadable: readonly string[];
  readonly logBytes: number;
  readonly stateBytes: number;
  /** The running process; null when none answers. */
  readonly now: { readonly freshnessSeconds: number } | null;
}

export interface Review {
  readonly version: 1;
  readonly verdict: 'holds' | 'will-stop' | 'broken' | 'unknown';
  readonly says: string;
  readonly architecture: Architecture;
  /** By the answers as they were given, and as they were observed. */
  readonly recommendation: { readonly given: Architecture; readonly observed: Architecture };
  readonly findings: readonly Finding[];
  /** The factor in a year, with an interval that holds it nine times of ten; null before there are enough days. */
  readonly growth: {
    readonly low: number;
    readonly likely: number;
    readonly high: number;
    readonly days: number;
  } | null;
  readonly ends: Ends | null;
  /** What has to be measured before more can be said. */
  readonly missing: readonly string[];
  readonly measured: Measured;
  /** The answers with what was measured in their place. */
  readonly answers: GivenAnswers;
}

/** A decision that ends within this time is one to prepare for. */
const NOTICE_DAYS = 730;

/** @throws ANSWERS_MISSING, ANSWERS_INVALID */
export function reviewOf(input: ReviewInput): Review {
  const { days, architecture } = input;
  const measured = measuredOf(days, input);
  const trend = growthOf(days);
  const observed = observedAnswers(input.answers, measured, trend);
  const given = recommend(input.answers).recommendation;
  const now = recommend(observed).recommendation;
  const standingAt = standingsOf(input, observed);
  const findings = findingsOf(input, measured, trend);
  const holds = standingAt(null).holds;
  const ends =
    trend === null || measured.eventsPerSecond === null || !holds
      ? null
      : endsOf(measured.eventsPerSecond, trend, days.at(-1)?.day ?? '', standingAt);
  const missing = missingOf(input, measured);
  const review = {
    version: 1,
    architecture,
    recommendation: { given, observed: now },
    findings,
    growth:
      trend === null
        ? null
        : {
            low: rounded(perYear(trend.low)),
            likely: rounded(perYear(trend.likely)),
            high: rounded(perYear(trend.high)),
            days: trend.days,
          },
    ends,
    missing,
    measured,
    answers: observed,
  } as const;
  return {
    ...verdictOf({ ...review, holds, overridden: isOverridden(input), lastDay: days.at(-1)?.day ?? null }),
    ...review,
  };
}

function isOverridden({ architecture, decided }: Pick<ReviewInput, 'architecture' | 'decided'>): boolean {
  return decided !== null && decided !== architecture;
}

/** Against advice, what runs is held to its own gates; otherwise the decision is the advice. */
function standingsOf(
  { architecture, decided, answers: given }: ReviewInput,
  observed: GivenAnswers,
): (volume: number | null) => Standing {
  const { answers } = completeAnswers(observed);
  const before = severityOf(architecture, hardestFacts(completeAnswers(given).answers));
  const factsAt = hardestWith(answers);
  const verdictWith = deciderOf(answers);
  return (volume) => {
    const replaced: Replaced = volume === null ? [] : [['volume.eventsPerSecond', volume]];
    const verdict = verdictWith(...replaced);
    if (!isOverridden({ architecture, decided })) return { verdict, holds: verdict === architecture };
    return { verdict, holds: severityOf(architecture, factsAt(...replaced)) <= before + 1e-9 };
  };
}

interface Found extends Omit<Review, 'verdict' | 'says'> {
  readonly holds: boolean;
  readonly overridden: boolean;
  readonly lastDay: string | null;
}

function verdictOf(found: Found): Pick<Review, 'verdict' | 'says'> {
  const { architecture, recommendation, findings, ends, missing, lastDay } = found;
  const broken = findings.filter(({ level }) => level === 'broken');
  if (!found.holds && found.overridden)
    return {
      verdict: 'broken',
      says: `${architecture} was chosen against the advice, and breaks more than it did: with what was measured, ${recommendation.observed} is recommended.`,
    };
  if (!found.holds) {
    const why =
      recommendation.given === architecture
        ? 'with what was measured'
        : 'by the answers as they are now, which are not those that it was chosen for';
    return {
      verdict: 'broken',
      says: `${architecture} is no longer what is recommended: ${why}, it is ${recommendation.observed}.`,
    };
  }
  if (broken.length > 0)
    return {
      verdict: 'broken',
      says: `${architecture} is still what is recommended, but a promise is not kept: ${broken.map(({ about }) => about).join(', ')}.`,
    };
  if (ends?.likely !== undefined && ends.likely !== null && isNear(lastDay, ends.likely))
    return {
      verdict: 'will-stop',
      says: `${architecture} still holds. At this growth it stops on ${ends.likely} (between ${ends.earliest} and ${ends.latest ?? 'never'}): ${ends.becomes} from ${ends.at} events a second on.`,
    };
  if (missing.length > 0)
    return {
      verdict: 'unknown',
      says: `Nothing that was measured speaks against ${architecture}, but it is not enough yet.`,
    };
  return { verdict: 'holds', says: `${architecture} still holds.` };
}

function isNear(lastDay: string | null, day: string): boolean {
  return lastDay !== null && Date.parse(day) - Date.parse(lastDay) <= NOTICE_DAYS * 86_400_000;
}

function missingOf({ days, unreadable }: ReviewInput, measured: Measured): string[] {
  const missing: string[] = [];
  if (days.length === 0) missing.push('the pipeline has not run yet, or its folder data/observed is gone');
  else {
    if (measured.freshness === null) missing.push('freshness: at least 100 events of the last days');
    if (measured.behind === null) missing.push('lateness: at least 1,000 events that were looked at');
    if (measured.eventsPerSecond === null)
      missing.push('volume: one whole day, between two others with events');
    if (measured.wholeDays < TREND_DAYS_MIN)
      missing.push(`growth: ${TREND_DAYS_MIN} whole days; there are ${measured.wholeDays}`);
  }
  return [...missing, ...unreadable.map((file) => `${file} cannot be read; its day is left out`)];
}

function rounded(factor: number): number {
  return Number(factor.toPrecision(3));
}
