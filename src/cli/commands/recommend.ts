/** `advisor recommend`: answers ─► recommendation ─► text, JSON, Markdown or HTML, to stdout or a file. */
import process from 'node:process';
import { columnsOf, mayAsk, paint } from 'pipeline-runtime/kit';
import { toHtml } from '../../advisor/print/html.ts';
import { titleOf, toMadr } from '../../advisor/print/madr.ts';
import { recommendationText } from '../../advisor/print/text.ts';
import { recommend } from '../../advisor/recommend.ts';
import type { Recommendation } from '../../advisor/recommendation.ts';
import { answerFlagsOf } from '../answer-flags.ts';
import { collectAnswers } from '../interview.ts';
import { writeOutput } from '../output.ts';

type Format = 'text' | 'json' | 'markdown' | 'html';

export async function runRecommend(options: Readonly<Record<string, unknown>>): Promise<void> {
  const { answers } = await collectAnswers({
    file: options['answers'] as string | undefined,
    flags: answerFlagsOf(options),
    mayAsk: mayAsk({ yes: options['yes'] === true, input: options['input'] !== false }),
    all: options['all'] === true,
  });
  const recommendation = recommend(answers);
  const file = options['output'] as string | undefined;
  writeOutput(file, textOf(recommendation, options['format'] as Format, file === undefined));
}

function textOf(recommendation: Recommendation, format: Format, toTerminal: boolean): string {
  if (format === 'json') return `${JSON.stringify(recommendation, null, 2)}\n`;
  if (format === 'markdown')
    return toMadr(recommendation, { title: titleOf(recommendation), date: today(), status: 'proposed' });
  if (format === 'html') return toHtml(recommendation, { title: titleOf(recommendation), date: today() });
  const stream = toTerminal ? process.stdout : undefined;
  return recommendationText(
    recommendation,
    stream === undefined ? 80 : columnsOf(stream),
    paint(stream ?? ({ isTTY: false } as NodeJS.WriteStream)),
  );
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
