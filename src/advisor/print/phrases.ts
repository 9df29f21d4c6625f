/** How figures are said, the same in text, Markdown and HTML. */
import type { Architecture } from '../answers.ts';
import { answerAt, answerText, secondsText } from '../complete.ts';
import type { Candidate, Flip, MonthlyUsd, Recommendation, Source } from '../recommendation.ts';

export function usd(amount: number): string {
  return `$${Math.round(amount).toLocaleString('en-US')}`;
}

/** `$847 to $3,360` */
export function usdRange(range: { readonly low: MonthlyUsd; readonly high: MonthlyUsd }): string {
  return `${usd(range.low.total)} to ${usd(range.high.total)}`;
}

/** Never rounds up to 100 %: an event may still be missing. */
export function percent(share: number): string {
  if (share >= 1) return '100 %';
  return `${(Math.floor(share * 10_000) / 100).toString()} %`;
}

export function chosenOf(recommendation: Recommendation, architecture: Architecture): Candidate {
  const found = recommendation.candidates.find((candidate) => candidate.architecture === architecture);
  if (found === undefined) throw new Error(`no candidate ${architecture}`);
  return found;
}

/** What an alternative would break, or cost in place of the chosen one. */
export function againstIt(candidate: Candidate, chosen: Candidate): string {
  const [first, ...more] = candidate.violations;
  if (first !== undefined) {
    const others =
      more.length === 0 ? '' : `, and breaks ${more.map((violation) => violation.requirement).join(', ')}`;
    return `breaks ${first.requirement}: needs ${first.needs}, gives ${first.gives}${others}`;
  }
  const hours = Math.round(candidate.predicted.effortHours);
  const here = Math.round(chosen.predicted.effortHours);
  return `would hold, for about ${usd(candidate.predicted.monthlyUsd.total)} a month and ${hours} hours of people instead of ${here}`;
}

/** `15m → batch at 1h, streaming at 59.9s` */
export function flipText(flip: Flip): string {
  const also = flip.also === undefined ? '' : `, ${flip.also.becomes} at ${flip.also.at}`;
  return `${flip.becomes} at ${flip.at}${also}`;
}

/** `a run every 5m` */
export function paceText(recommendation: Recommendation, architecture: Architecture): string {
  const every = secondsText(recommendation.settings.triggerEverySeconds);
  if (architecture === 'batch' || architecture === 'micro-batch') return `a run every ${every}`;
  return `always on, a commit every ${every}`;
}

/** What a reader gets and what it costs, in two sentences. */
export function figuresText(recommendation: Recommendation, { architecture, predicted }: Candidate): string {
  const pace = paceText(recommendation, architecture);
  return (
    `${pace.slice(0, 1).toUpperCase()}${pace.slice(1)}: a result is ${secondsText(predicted.freshnessP50Seconds)} old as a rule and ` +
    `${secondsText(predicted.freshnessP99Seconds)} at most; asked was ${answerText(recommendation.answers.freshness)}. It costs about ` +
    `${usd(predicted.monthlyUsd.total)} a month (${usdRange(predicted.range)}), ${costShare(predicted.monthlyUsd)}.`
  );
}

/** `most of it people` */
function costShare(cost: MonthlyUsd): string {
  const parts = (['compute', 'storage', 'people'] as const).toSorted((a, b) => cost[b] - cost[a]);
  const [most = 'people', next = 'compute'] = parts;
  return 2 * cost[most] > cost.total ? `most of it ${most}` : `${most} and ${next} above all`;
}

/** `volume.keys 10000` for every answer that nobody gave. */
export function defaultsText(recommendation: Recommendation): string[] {
  return recommendation.defaulted.map(
    (path) => `${path} ${answerText(answerAt(recommendation.answers, path))}`,
  );
}

/** `lateness.max 10m` for every answer that was given. */
export function givenText(recommendation: Recommendation, paths: readonly string[]): string[] {
  return paths
    .filter((path) => !recommendation.defaulted.includes(path))
    .flatMap((path) => {
      const answer = answerAt(recommendation.answers, path);
      return answer === undefined ? [] : [`${path}: ${answerText(answer)}`];
    });
}

export function sourceText(source: Source): string {
  const when = source.asOf === undefined ? '' : `, ${source.asOf}`;
  return source.kind === 'ours'
    ? `${source.title} (${source.where})`
    : `${source.title} (${source.kind}${when})`;
}
