/** `advisor questions`: the answers file explained, as text, Markdown or JSON Schema. */
import process from 'node:process';
import { columnsOf, paint, wrap } from 'pipeline-runtime/kit';
import { answersJsonSchema, QUESTIONS, type Question } from '../../advisor/questions.ts';

export function printQuestions(format: 'text' | 'json' | 'markdown'): void {
  if (format === 'json') process.stdout.write(`${JSON.stringify(answersJsonSchema(), null, 2)}\n`);
  else if (format === 'markdown') process.stdout.write(questionsMarkdown());
  else process.stdout.write(questionsText(columnsOf(process.stdout), paint(process.stdout)));
}

const NOTE = 'Every answer may be `unsure`, and every duration or number a range (`1m..15m`).';

export function questionsText(columns: number, colors: ReturnType<typeof paint>): string {
  const blocks = QUESTIONS.map((question) =>
    [
      `${colors.bold(question.path)}  ${colors.dim(question.flag)}`,
      ...indented(question.ask, columns),
      ...indented(`${allowedOf(question)}${fallbackText(question)}`, columns),
      ...indented(`Why: ${question.why}`, columns),
      ...question.typical.flatMap(([answer, means]) => indented(`${answer}: ${means}`, columns)),
    ].join('\n'),
  );
  return `${wrap(NOTE.replaceAll('`', ''), columns)}\n\n${blocks.join('\n\n')}\n`;
}

export function questionsMarkdown(): string {
  const rows = QUESTIONS.map(
    (question) =>
      `| \`${question.path}\` | ${question.ask} | ${allowedOf(question).replaceAll('|', '\\|')} | ${fallbackText(question, '')} | ${question.why} |`,
  );
  const header = '| answer | question | allowed | default | why it is asked |\n|---|---|---|---|---|';
  return `# The questions\n\n${NOTE}\n\n${header}\n${rows.join('\n')}\n`;
}

function indented(text: string, columns: number): string[] {
  return wrap(text, columns - 2)
    .split('\n')
    .map((line) => `  ${line}`);
}

function allowedOf(question: Question): string {
  if (question.kind === 'choice') return question.choices.join(' | ');
  if (question.kind === 'list') return `any of ${question.choices.join(', ')}`;
  if (question.kind === 'yes-no') return 'true | false';
  return question.kind === 'duration' ? 'a duration' : 'a number';
}

function fallbackText(question: Question, before = ', '): string {
  if (question.onlyWith !== undefined) return `${before}only with ${question.onlyWith}`;
  if (question.fallback === undefined) return `${before}required`;
  const shown = Array.isArray(question.fallback) ? 'none' : String(question.fallback);
  return before === '' ? shown : `${before}default: ${shown}`;
}
