/** A recommendation as a decision record in the form of MADR 4.0.0 (https://adr.github.io/madr/). */
import { stringify } from 'yaml';
import type { Architecture } from '../answers.ts';
import { answerAt, answerText, secondsText } from '../complete.ts';
import { ABOUT } from '../knowledge/architectures.ts';
import { QUESTIONS } from '../questions.ts';
import type { Candidate, Recommendation } from '../recommendation.ts';
import {
  againstIt,
  chosenOf,
  defaultsText,
  flipText,
  givenText,
  paceText,
  percent,
  sourceText,
  usd,
  usdRange,
} from './phrases.ts';

export interface MadrOptions {
  readonly title: string;
  /** As `2026-11-23`; the record has no date without it. */
  readonly date?: string;
  /** Mermaid source of a picture of the decision. */
  readonly diagram?: string;
  /** What was chosen, when it is not what is recommended. */
  readonly chosen?: Architecture;
  readonly status?: string;
  /** Names of those who decide; without them it is who commits the record. */
  readonly decisionMakers?: readonly string[];
  /** True for the record of a generated project, whose tests and objectives it names. */
  readonly project?: boolean;
}

export function toMadr(recommendation: Recommendation, options: MadrOptions): string {
  const chosen = chosenOf(recommendation, options.chosen ?? recommendation.recommendation);
  return `${[
    frontMatter(options),
    `# ${options.title}`,
    context(recommendation),
    drivers(recommendation),
    considered(recommendation),
    outcome(recommendation, chosen, options.diagram),
    consequences(recommendation, chosen),
    confirmation(recommendation, chosen, options.project === true),
    prosAndCons(recommendation, chosen),
    moreInformation(recommendation),
  ].join('\n\n')}\n`;
}

function frontMatter(options: MadrOptions): string {
  const { status = 'accepted', date, decisionMakers } = options;
  const lines = {
    status,
    ...(date === undefined ? {} : { date }),
    'decision-makers': decisionMakers ?? 'whoever commits this record',
  };
  return `---\n${stringify(lines, { lineWidth: 0 })}---`;
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `* ${line}`).join('\n');
}

function context(recommendation: Recommendation): string {
  const { answers } = recommendation;
  return [
    '## Context and Problem Statement',
    `Results may be ${answerText(answers.freshness)} old when they are read. Events may come ${answerText(answers.lateness.max)} late, ` +
      `and late ones follow the policy \`${answers.lateness.policy}\`. History is reprocessed: ${answers.reprocessing.every}` +
      `${answers.reprocessing.every === 'never' ? '' : `, ${answerText(answers.reprocessing.history)} of it`}. ` +
      `The team's experience with stateful streaming: ${answers.maturity}. Which architecture keeps this promise with the least to operate?`,
  ].join('\n\n');
}

function drivers(recommendation: Recommendation): string {
  const given = givenText(
    recommendation,
    QUESTIONS.map((question) => question.path),
  );
  return ['## Decision Drivers', bullets(given.map((text) => `\`${text}\``))].join('\n\n');
}

function considered(recommendation: Recommendation): string {
  const options = recommendation.candidates.map(({ architecture }) => ABOUT[architecture].name);
  return ['## Considered Options', bullets(options)].join('\n\n');
}

function outcome(recommendation: Recommendation, chosen: Candidate, diagram: string | undefined): string {
  const name = ABOUT[chosen.architecture].name;
  const overridden = chosen.architecture !== recommendation.recommendation;
  const advised = ABOUT[recommendation.recommendation].name;
  const lead = overridden
    ? `Chosen option: "${name}", against the advice, which was "${advised}". ${name} ${againstIt(chosen, chosenOf(recommendation, recommendation.recommendation))}.`
    : `Chosen option: "${name}", because:`;
  const reasons = bullets(recommendation.because.map((claim) => `${claim.claim} [${claim.source}]`));
  const advice = overridden ? [`Why ${advised} was advised:`] : [];
  const open =
    recommendation.undecided === undefined ? [] : [`Not settled: ${recommendation.undecided.says}`];
  const picture = diagram === undefined ? [] : ['```mermaid\n' + diagram.trimEnd() + '\n```'];
  return ['## Decision Outcome', lead, ...advice, reasons, ...open, ...picture].join('\n\n');
}

function consequences(recommendation: Recommendation, chosen: Candidate): string {
  const { predicted } = chosen;
  const about = ABOUT[chosen.architecture];
  const broken = chosen.violations.map(
    (violation) =>
      `Bad, because ${violation.requirement} is not kept: it needs ${violation.needs} and gets ${violation.gives} (${violation.because}).`,
  );
  const conflicts = recommendation.conflicts.map(
    (conflict) =>
      `Neutral, but to be settled (${conflict.answers.join(', ')}): ${conflict.says} Options: ${conflict.options.join('; ')}.`,
  );
  return [
    '### Consequences',
    bullets([
      ...about.good.map((text) => `Good, because ${text}.`),
      ...about.bad.map((text) => `Bad, because ${text}.`),
      ...broken,
      `Neutral, because it costs about ${usd(predicted.monthlyUsd.total)} a month (${usdRange(predicted.range)}): ${usd(predicted.monthlyUsd.compute)} compute, ` +
        `${usd(predicted.monthlyUsd.storage)} storage, ${usd(predicted.monthlyUsd.people)} for ${Math.round(predicted.effortHours)} hours of people. These are estimates.`,
      ...conflicts,
    ]),
  ].join('\n\n');
}

/** What would show that the decision is carried out and right: a measurement or a test for each promise. */
function confirmation(recommendation: Recommendation, chosen: Candidate, isProject: boolean): string {
  const { settings, answers } = recommendation;
  const { freshnessP50Seconds, freshnessP99Seconds, completenessAtRead } = chosen.predicted;
  const overridden = chosen.architecture !== recommendation.recommendation;
  const pace = `It runs as advised: ${paceText(recommendation, chosen.architecture)}, delivery ${settings.delivery}.`;
  return [
    '### Confirmation',
    bullets([
      `Freshness is measured and held against ${answerText(answers.freshness)}; predicted are ${secondsText(freshnessP50Seconds)} as a rule and ${secondsText(freshnessP99Seconds)} at most.`,
      `Late events are counted; ${percent(completenessAtRead)} of a window are predicted to be there when it is first read.`,
      ...(overridden ? [] : [pace]),
      ...(isProject ? PROJECT_CHECKS : ['The same events give the same rows whatever the architecture.']),
    ]),
  ].join('\n\n');
}

const PROJECT_CHECKS = [
  '`test/pipeline.test.ts` confirms what is computed; the rows are the same in all five architectures.',
  '`pipeline status` and `/metrics` show freshness against the promise; `docs/slo.yaml` has the objectives to alert on.',
  '`advisor review` compares the answers with what was measured, and exits with 3 when this decision no longer holds.',
  '`docs/contract.odcs.yaml` is what readers of the results may count on.',
];

function prosAndCons(recommendation: Recommendation, chosen: Candidate): string {
  const options = recommendation.candidates.map((candidate) => {
    const about = ABOUT[candidate.architecture];
    const against = candidate === chosen ? [] : [`Neutral, because here it ${againstIt(candidate, chosen)}.`];
    return [
      `### ${about.name}`,
      about.is,
      bullets([
        ...about.good.map((text) => `Good, because ${text}.`),
        ...against,
        ...about.bad.map((text) => `Bad, because ${text}.`),
      ]),
    ].join('\n\n');
  });
  return ['## Pros and Cons of the Options', ...options].join('\n\n');
}

function moreInformation(recommendation: Recommendation): string {
  const flips = recommendation.flips.map(
    (flip) => `\`${flip.answer}\` (now ${flip.from}): ${flipText(flip)}`,
  );
  const assumed = defaultsText(recommendation);
  const sources = recommendation.sources.map((source) =>
    source.kind === 'ours'
      ? `${source.id}: ${sourceText(source)}`
      : `${source.id}: [${sourceText(source)}](${source.where})`,
  );
  return [
    '## More Information',
    '### Revisit when',
    flips.length === 0 ? 'No single answer changes this decision.' : bullets(flips),
    ...(assumed.length === 0
      ? []
      : ['### Assumed, because nobody said', bullets(assumed.map((text) => `\`${text}\``))]),
    '### Sources',
    bullets(sources),
  ].join('\n\n');
}

/** The answer at a path, for titles. */
export function titleOf(recommendation: Recommendation): string {
  return `${ABOUT[recommendation.recommendation].name} for results up to ${answerText(answerAt(recommendation.answers, 'freshness'))} old`;
}
