/** `advisor explain`: what an architecture is, when it fits, what it costs, with sources. */
import process from 'node:process';
import { columnsOf, nearest, paint, wrap } from 'pipeline-runtime/kit';
import { ARCHITECTURES, type Architecture } from '../../advisor/answers.ts';
import { secondsText } from '../../advisor/complete.ts';
import { ABOUT } from '../../advisor/knowledge/architectures.ts';
import { knowledgeOf } from '../../advisor/knowledge/knowledge.ts';
import { chosenOf, usd, usdRange } from '../../advisor/print/phrases.ts';
import { recommend } from '../../advisor/recommend.ts';
import { failure } from '../../errors.ts';

/** Throws ARCHITECTURE_UNKNOWN. */
export function printExplanation(name: string, format: 'text' | 'json' | 'markdown'): void {
  const explanation = explanationOf(architectureOf(name));
  if (format === 'json') process.stdout.write(`${JSON.stringify(explanation, null, 2)}\n`);
  else if (format === 'markdown') process.stdout.write(explanationMarkdown(explanation));
  else process.stdout.write(explanationText(explanation, columnsOf(process.stdout), paint(process.stdout)));
}

export function architectureOf(name: string): Architecture {
  const known = ARCHITECTURES.find((architecture) => architecture === name.toLowerCase());
  if (known !== undefined) return known;
  const near = nearest(name, ARCHITECTURES);
  const hint = near === undefined ? `There are ${ARCHITECTURES.join(', ')}.` : `Did you mean "${near}"?`;
  throw failure('ARCHITECTURE_UNKNOWN', { name: name.slice(0, 60), hint });
}

/** The freshness at which each is at home; costs are shown for it. */
const AT_HOME: Readonly<Record<Architecture, string>> = {
  batch: '1d',
  'micro-batch': '15m',
  streaming: '5s',
  kappa: '5s',
  lambda: '5s',
};

export function explanationOf(architecture: Architecture) {
  const freshness = AT_HOME[architecture];
  const reference = {
    freshness,
    lateness: { max: '10m' },
    reprocessing: { every: 'monthly', history: '90d' },
    maturity: 'intermediate',
    volume: { eventsPerSecond: 1000 },
  } as const;
  const { predicted } = chosenOf(recommend(reference), architecture);
  const { name, is, fits, good, bad, picture, sources } = ABOUT[architecture];
  return {
    version: 1,
    architecture,
    name,
    is,
    picture,
    fits,
    good,
    bad,
    costs: {
      for: `${freshness} freshness, 1000 events/s of 500 B, 90d reprocessed monthly, an intermediate team; an estimate`,
      ...predicted,
    },
    sources: sources.map((id) => {
      const { title, claim, url, asOf, kind } = knowledgeOf(id);
      return { id, title, claim, where: url, asOf, kind };
    }),
  };
}

type Explanation = ReturnType<typeof explanationOf>;

function costLines({ costs }: Explanation): string[] {
  return [
    `About ${usd(costs.monthlyUsd.total)} a month (${usdRange(costs.range)}): ${usd(costs.monthlyUsd.compute)} compute, ${usd(costs.monthlyUsd.storage)} storage, ${usd(costs.monthlyUsd.people)} for ${Math.round(costs.effortHours)} hours of people.`,
    `A result is ${secondsText(costs.freshnessP50Seconds)} old as a rule and ${secondsText(costs.freshnessP99Seconds)} at most; reprocessing takes ${secondsText(costs.reprocessSeconds)}.`,
    `For ${costs.for}.`,
  ];
}

export function explanationText(
  explanation: Explanation,
  columns: number,
  colors: ReturnType<typeof paint>,
): string {
  const item = (mark: string) => (text: string) =>
    `  ${mark} ${wrap(text, columns - 4).replaceAll('\n', '\n    ')}`;
  const source = (entry: Explanation['sources'][number]) => {
    const origin = entry.kind === 'ours' ? entry.where : `${entry.kind}, ${entry.asOf}`;
    return `${item('-')(`${entry.claim} (${origin}) [${entry.id}]`)}${entry.kind === 'ours' ? '' : `\n    ${entry.where}`}`;
  };
  return `${[
    `${colors.bold(explanation.name)}\n${wrap(explanation.is, columns)}`,
    explanation.picture.replaceAll(/^/gm, '  '),
    `${colors.bold('Fits when')}\n${explanation.fits.map(item('-')).join('\n')}`,
    `${colors.bold('For and against')}\n${[...explanation.good.map(item('+')), ...explanation.bad.map(item('-'))].join('\n')}`,
    `${colors.bold('Costs')}\n${costLines(explanation).map(item('-')).join('\n')}`,
    `${colors.bold('Sources')}\n${explanation.sources.map(source).join('\n')}`,
  ].join('\n\n')}\n`;
}

export function explanationMarkdown(explanation: Explanation): string {
  const bullets = (lines: readonly string[]) => lines.map((line) => `* ${line}`).join('\n');
  return `${[
    `# ${explanation.name}`,
    explanation.is,
    `\`\`\`text\n${explanation.picture}\n\`\`\``,
    `## Fits when\n\n${bullets(explanation.fits)}`,
    `## For and against\n\n${bullets([...explanation.good.map((text) => `Good, because ${text}.`), ...explanation.bad.map((text) => `Bad, because ${text}.`)])}`,
    `## Costs\n\n${bullets(costLines(explanation))}`,
    `## Sources\n\n${bullets(explanation.sources.map((entry) => (entry.kind === 'ours' ? `${entry.claim} (${entry.where}) [${entry.id}]` : `${entry.claim}: [${entry.title}](${entry.where}) (${entry.kind}, ${entry.asOf}) [${entry.id}]`)))}`,
  ].join('\n\n')}\n`;
}
