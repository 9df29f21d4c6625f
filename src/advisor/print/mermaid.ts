/** The decision as a Mermaid flowchart: what was asked, how each of the five stands to it, and what would change it. */
import { answerText, secondsText } from '../complete.ts';
import { ABOUT } from '../knowledge/architectures.ts';
import type { Candidate, Recommendation } from '../recommendation.ts';
import { usd } from './phrases.ts';

export function mermaidDecision(recommendation: Recommendation): string {
  const { candidates, recommendation: advised } = recommendation;
  const lines = [
    'flowchart TD',
    `  asked[${label(asked(recommendation))}]`,
    ...candidates.map((candidate) => `  ${nodeOf(candidate)}[${label(figures(candidate))}]`),
    ...candidates.map((candidate) => `  asked -->|${label([standing(candidate)])}| ${nodeOf(candidate)}`),
    ...flips(recommendation),
    '  classDef chosen fill:#d3f2dc,stroke:#1f7a3f,stroke-width:3px,color:#000',
    '  classDef broken fill:#f3f3f3,stroke:#999,stroke-dasharray:4 3,color:#555',
    `  class ${nodeOf({ architecture: advised })} chosen`,
  ];
  const broken = candidates.filter(({ feasible, architecture }) => !feasible && architecture !== advised);
  if (broken.length > 0) lines.push(`  class ${broken.map(nodeOf).join(',')} broken`);
  return `${lines.join('\n')}\n`;
}

function asked({ answers }: Recommendation): string[] {
  const { every, history } = answers.reprocessing;
  return [
    `at most ${answerText(answers.freshness)} old`,
    `events up to ${answerText(answers.lateness.max)} late`,
    every === 'never' ? 'never reprocessed' : `${answerText(history)} reprocessed: ${every}`,
    `the team: ${answers.maturity}`,
  ];
}

function figures({ architecture, predicted }: Candidate): string[] {
  return [
    ABOUT[architecture].name,
    `${secondsText(predicted.freshnessP99Seconds)} old at most`,
    `${usd(predicted.monthlyUsd.total)} and ${Math.round(predicted.effortHours)} hours a month`,
  ];
}

function standing({ violations }: Candidate): string {
  if (violations.length === 0) return 'holds';
  return `breaks ${violations.map(({ requirement }) => requirement).join(', ')}`;
}

/** One arrow for each architecture that a single answer would lead to, with all the answers that do. */
function flips(recommendation: Recommendation): string[] {
  const to = new Map<string, string[]>();
  for (const { answer, at, becomes, also } of recommendation.flips) {
    for (const flip of [{ at, becomes }, ...(also === undefined ? [] : [also])])
      to.set(flip.becomes, [...(to.get(flip.becomes) ?? []), `${answer}: ${flip.at}`]);
  }
  const from = nodeOf({ architecture: recommendation.recommendation });
  return [...to].map(([name, causes]) => `  ${from} -.->|${label(causes)}| ${name.replace('-', '_')}`);
}

function nodeOf({ architecture }: Pick<Candidate, 'architecture'>): string {
  return architecture.replace('-', '_');
}

/** Quoted, so that nothing in it is syntax; what would end the quotes or begin a tag is written as an entity. */
function label(lines: readonly string[]): string {
  const escaped = lines.map((line) =>
    line.replaceAll('#', '#35;').replaceAll('"', '#quot;').replaceAll('<', '#lt;').replaceAll('>', '#gt;'),
  );
  return `"${escaped.join('<br/>')}"`;
}
