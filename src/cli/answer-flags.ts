/** One flag for every answer, made from the questions. Flags carry text; `collectAnswers` reads and checks it. */
import { Option, type Command } from 'commander';
import { QUESTIONS, type Question } from '../advisor/questions.ts';

/** The text given for each answer, by the answer's path. */
export type AnswerFlags = Readonly<Record<string, string>>;

/** Adds `--freshness <duration>` and its like to a command. */
export function addAnswerFlags(command: Command): Command {
  for (const question of QUESTIONS) {
    const option = new Option(`${question.flag} <${placeholderOf(question)}>`, describe(question));
    command.addOption(
      option.helpGroup(question.required ? 'Answers that are needed:' : 'Answers with a default:'),
    );
  }
  return command;
}

/** Picks the answers out of a command's options. */
export function answerFlagsOf(options: Readonly<Record<string, unknown>>): AnswerFlags {
  const given: Record<string, string> = {};
  for (const question of QUESTIONS) {
    const value = options[new Option(question.flag).attributeName()];
    if (typeof value === 'string') given[question.path] = value;
  }
  return given;
}

/** A flag's text as the value that an answers file would hold. */
export function valueOfText(question: Question, text: string): unknown {
  const trimmed = text.trim();
  if (question.kind === 'number' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed))
    return Number(trimmed);
  if (question.kind === 'yes-no') {
    if (/^(true|yes|y)$/i.test(trimmed)) return true;
    if (/^(false|no|n)$/i.test(trimmed)) return false;
  }
  if (question.kind === 'list' && trimmed !== 'unsure') {
    return trimmed === '' || trimmed === 'none' ? [] : trimmed.split(',').map((item) => item.trim());
  }
  return trimmed;
}

function placeholderOf(question: Question): string {
  if (question.kind === 'choice') return question.choices.join('|');
  return question.kind === 'yes-no' ? 'yes|no' : question.kind;
}

function describe(question: Question): string {
  if (question.onlyWith !== undefined) return `${question.ask} Only with ${question.onlyWith}.`;
  if (question.fallback === undefined) return question.ask;
  const shown = Array.isArray(question.fallback) ? 'none' : String(question.fallback);
  return `${question.ask} (default: ${shown})`;
}

/** What is wrong with one answer, or undefined. */
export function problemOf(question: Question, value: unknown): string | undefined {
  const result = question.schema.safeParse(value);
  return result.success ? undefined : (result.error.issues[0]?.message ?? 'is not valid');
}
