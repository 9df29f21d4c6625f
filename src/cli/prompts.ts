/** Asks questions on a terminal. Loaded only when something is asked, because the library opens the terminal. */
import process from 'node:process';
import { createPromptModule } from 'inquirer';
import { columnsOf, paint, wrap } from 'pipeline-runtime/kit';
import type { GivenAnswers } from '../advisor/answers.ts';
import { answerAt, answerProblems, withAnswer } from '../advisor/complete.ts';
import type { Question } from '../advisor/questions.ts';
import { problemOf, valueOfText } from './answer-flags.ts';

const UNSURE = { name: 'not sure', value: 'unsure' } as const;

export interface Terminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
}

/**
 * Asks each question in turn and returns the answers with what was said. Prompts go to stderr, so stdout stays a result.
 * Ctrl-C throws the library's ExitPromptError.
 */
export async function askQuestions(
  open: readonly Question[],
  answers: GivenAnswers,
  terminal: Terminal = { input: process.stdin, output: process.stderr },
): Promise<GivenAnswers> {
  const { output } = terminal;
  const prompt = createPromptModule(terminal);
  const colors = paint(output);
  const width = columnsOf(output) - 2;
  output.write(
    `${colors.dim(wrap('A duration is 200ms, 5s, 15m, 6h or 1d. A range such as 1m..15m, or unsure, is an answer too.', width))}\n`,
  );
  let given = answers;
  for (const question of open) {
    if (question.onlyWith !== undefined && given.arrival !== 'files') continue;
    output.write(`\n${colors.dim(wrap(question.why, width))}\n`);
    const reply: { value: unknown } = await prompt([{ ...promptOf(question, given), name: 'value' }]);
    const value = typeof reply.value === 'string' ? valueOfText(question, reply.value) : reply.value;
    given = withAnswer(given, question.path, value);
  }
  output.write('\n');
  return given;
}

function promptOf(question: Question, given: GivenAnswers) {
  const message = question.ask;
  const fallback = question.fallback;
  if (question.kind === 'choice' || question.kind === 'yes-no') {
    const choices = question.choices.map((choice) => ({
      name: typeof choice === 'boolean' ? (choice ? 'yes' : 'no') : choice,
      value: choice,
    }));
    const preset = fallback ?? question.example;
    return {
      type: 'select' as const,
      message,
      choices: [...choices, UNSURE],
      ...(preset === undefined ? {} : { default: preset }),
    };
  }
  if (question.kind === 'list') {
    const choices = question.choices.map((choice) => ({ name: String(choice), value: choice }));
    return { type: 'checkbox' as const, message, choices };
  }
  // An example is shown, never taken: Enter must not answer what nobody has thought about.
  const preset = question.path === 'reactionTime' ? given.freshness : fallback;
  return {
    type: 'input' as const,
    message: question.example === undefined ? message : `${message} (such as ${question.example})`,
    ...(preset === undefined ? {} : { default: String(preset) }),
    validate: (text: string) => complaintOf(question, text, given) ?? true,
  };
}

/** What is wrong with what was typed, by itself or beside the answers so far. */
function complaintOf(question: Question, text: string, given: GivenAnswers): string | undefined {
  const value = valueOfText(question, text);
  const own = problemOf(question, value);
  if (own !== undefined) return own;
  const before = answerProblems(given).map((problem) => problem.message);
  const after = answerProblems(withAnswer(given, question.path, value));
  const added = after.find((problem) => !before.includes(problem.message));
  return added !== undefined && answerAt(given, question.path) === undefined ? added.message : undefined;
}
