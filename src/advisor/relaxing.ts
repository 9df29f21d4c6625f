/** What another answer would buy: the verdict with it, in money, hours and nights. Everything that is said was computed. */
import { secondsText, withAnswer } from './complete.ts';
import { predictedFacts, type Facts } from './facts.ts';
import type { Answers, Architecture } from './answers.ts';
import { NAMES } from './gates.ts';
import type { Assumptions } from './knowledge/assumptions.ts';
import { monthlyCostOf } from './model/cost.ts';
import { effortHoursOf } from './model/effort.ts';
import { nightStopsOf } from './model/operations.ts';
import { verdictOf } from './verdict.ts';

export interface Situation {
  readonly answers: Answers;
  readonly architecture: Architecture;
  readonly assumed: Assumptions;
}

/** `freshness: 1d, which makes it Batch: $3,060 and 34 hours of people less a month, and 0.7 nights fewer on which it stops` */
export function instead(at: Situation, path: string, value: string): string {
  const changed = withAnswer(at.answers, path, value) as Answers;
  const becomes = verdictOf(changed, at.assumed);
  const bought = boughtBy(at, changed, becomes);
  const made = becomes === at.architecture ? '' : `, which makes it ${NAMES[becomes]}`;
  return `${path}: ${value}${made}${bought === '' ? '' : `: ${bought}`}`;
}

/** What the change saves, or costs; empty when that is not worth a word. */
function boughtBy(at: Situation, changed: Answers, becomes: Architecture): string {
  const [here, there] = [
    sumsOf(at.architecture, predictedFacts(at.answers, at.assumed)),
    sumsOf(becomes, predictedFacts(changed, at.assumed)),
  ];
  const usd = Math.round(here.usd - there.usd);
  const hours = Math.round(here.hours - there.hours);
  const nights = Math.round((here.nights - there.nights) * 10) / 10;
  const parts = [
    ...(Math.abs(usd) < 10 ? [] : [`$${Math.abs(usd).toLocaleString('en-US')}`]),
    ...(hours === 0 || hours > 0 !== usd > 0 ? [] : [`${Math.abs(hours)} hours of people`]),
  ];
  const money = parts.length === 0 ? [] : [`${parts.join(' and ')} ${usd > 0 ? 'less' : 'more'} a month`];
  const atNight =
    nights === 0 ? [] : [`${Math.abs(nights)} nights ${nights > 0 ? 'fewer' : 'more'} on which it stops`];
  return [...money, ...atNight].join(', and ');
}

function sumsOf(architecture: Architecture, facts: Facts): { usd: number; hours: number; nights: number } {
  return {
    usd: monthlyCostOf(architecture, facts).likely.total,
    hours: effortHoursOf(architecture, facts),
    nights: nightStopsOf(architecture, facts),
  };
}

/** Seconds as an answer, rounded up so that the promise is kept. */
export function atLeast(seconds: number): string {
  return secondsText(seconds >= 60 ? Math.ceil(seconds / 60) * 60 : Math.ceil(seconds * 1000) / 1000);
}
