/** `advisor recommend`: answers ─► recommendation ─► one of the formats, to stdout or a file. */
import process from 'node:process';
import { columnsOf, mayAsk, paint } from 'pipeline-runtime/kit';
import { toHtml } from '../../advisor/print/html.ts';
import { titleOf, toMadr } from '../../advisor/print/madr.ts';
import { mermaidDecision } from '../../advisor/print/mermaid.ts';
import { toOdcs } from '../../advisor/print/odcs.ts';
import { toOpenSlo } from '../../advisor/print/openslo.ts';
import { recommendationText } from '../../advisor/print/text.ts';
import { recommend } from '../../advisor/recommend.ts';
import type { Recommendation } from '../../advisor/recommendation.ts';
import { failure } from '../../errors.ts';
import { answerFlagsOf } from '../answer-flags.ts';
import { collectAnswers } from '../interview.ts';
import { writeOutput } from '../output.ts';
import { readPrices } from './prices.ts';

type Format = 'text' | 'json' | 'markdown' | 'html' | 'mermaid' | 'openslo' | 'odcs';

/** What the service and the contract are called until somebody names them. */
const NAME = 'pipeline';

export async function runRecommend(options: Readonly<Record<string, unknown>>): Promise<void> {
  // Before anything is asked: a file that cannot be read must not cost an interview.
  const assumed = readPrices(options['prices'] as string | undefined);
  const { answers } = await collectAnswers({
    file: options['answers'] as string | undefined,
    flags: answerFlagsOf(options),
    mayAsk: mayAsk({ yes: options['yes'] === true, input: options['input'] !== false }),
    all: options['all'] === true,
  });
  const format = options['format'] as Format;
  const names = options['decisionMakers'] as string | undefined;
  if (names !== undefined && format !== 'markdown')
    throw failure('OPTION_NEEDS', { flag: '--decision-makers', needs: '--format markdown' });
  const file = options['output'] as string | undefined;
  const recommendation = recommend(answers, assumed);
  const sources = options['sources'] === true;
  if (sources && format !== 'text')
    throw failure('OPTION_NEEDS', { flag: '--sources', needs: '--format text' });
  writeOutput(file, textOf(recommendation, { format, toTerminal: file === undefined, names, sources }));
}

interface Wanted {
  readonly format: Format;
  readonly toTerminal: boolean;
  /** Who decides, separated by commas. */
  readonly names: string | undefined;
  /** Whether each source says its figure, its date, and how well it is known. */
  readonly sources: boolean;
}

function textOf(recommendation: Recommendation, { format, toTerminal, names, sources }: Wanted): string {
  if (format === 'json') return `${JSON.stringify(recommendation, null, 2)}\n`;
  if (format === 'markdown') return recordOf(recommendation, names);
  if (format === 'html') return toHtml(recommendation, { title: titleOf(recommendation), date: today() });
  if (format === 'mermaid') return mermaidDecision(recommendation);
  if (format === 'openslo') return toOpenSlo(recommendation, { name: NAME });
  if (format === 'odcs') return toOdcs(recommendation, { name: NAME });
  const stream = toTerminal ? process.stdout : undefined;
  return recommendationText(
    recommendation,
    stream === undefined ? 80 : columnsOf(stream),
    paint(stream ?? ({ isTTY: false } as NodeJS.WriteStream)),
    { sources },
  );
}

function recordOf(recommendation: Recommendation, names: string | undefined): string {
  return toMadr(recommendation, {
    title: titleOf(recommendation),
    date: today(),
    status: 'proposed',
    diagram: mermaidDecision(recommendation),
    ...(names !== undefined && { decisionMakers: names.split(',').map((name) => name.trim()) }),
  });
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
