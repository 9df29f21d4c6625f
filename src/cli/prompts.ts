/** Asks questions on a terminal. Loaded only when something is asked. */
import inquirer from 'inquirer';
import type { GivenAnswers } from '../advisor/answers.ts';
import { setAnswer } from '../advisor/complete.ts';
import type { Question } from '../advisor/questions.ts';

/** Asks each question in turn and returns the answers with what was said. Ctrl-C throws ExitPromptError. */
export async function askQuestions(open: readonly Question[], answers: GivenAnswers): Promise<GivenAnswers> {
  const given: Record<string, unknown> = { ...answers };
  for (const question of open) {
    const reply: { value: unknown } = await inquirer.prompt([
      { type: 'input', name: 'value', message: question.ask },
    ]);
    setAnswer(given, question.path, reply.value);
  }
  return given;
}
