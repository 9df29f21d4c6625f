/** Asks with a library that draws lists and lines, and redraws them as keys are pressed. */
import { createPromptModule } from 'inquirer';
import { paint } from 'pipeline-runtime/kit';
import { answerText } from '../advisor/complete.ts';
import type { Question } from '../advisor/questions.ts';
import { BACK, type Asked, type Asker, type ReviewLine, type Terminal } from './prompts.ts';

const BACK_TEXT = '<';

export function richAsker(terminal: Terminal): Asker {
  const prompt = createPromptModule(terminal);
  const colors = paint(terminal.output);
  const ask = async (question: object): Promise<unknown> => {
    const reply: { value: unknown } = await prompt([{ ...question, name: 'value' } as never]);
    return reply.value;
  };
  return {
    async ask(asked) {
      const value = await ask(promptOf(asked, colors.dim));
      if (value === BACK_TEXT) return BACK;
      return Array.isArray(value) ? value.join(',') : String(value);
    },
    async review(lines) {
      return (await ask(reviewOf(lines))) as Question | undefined;
    },
    close() {},
  };
}

function promptOf(asked: Asked, dim: (text: string) => string): object {
  const { question, preset, progress, canGoBack } = asked;
  const message = `${progress === '' ? '' : `${progress}  `}${question.ask}`;
  if (question.kind === 'choice' || question.kind === 'yes-no') {
    const choices = [...question.choices, 'unsure'].map((choice) => {
      const value = answerText(choice);
      const means = question.typical.find(([answer]) => answer === value)?.[1];
      const leads = asked.leading(value);
      return {
        name: value === 'true' ? 'yes' : value === 'false' ? 'no' : value === 'unsure' ? 'not sure' : value,
        value,
        description: [means, leads].filter((part) => part !== undefined && part !== '').join(' · '),
      };
    });
    const back = canGoBack ? [{ name: '< back', value: BACK_TEXT }] : [];
    return {
      type: 'select',
      message,
      choices: [...choices, ...back],
      loop: false,
      default: preset ?? question.example,
    };
  }
  if (question.kind === 'list') {
    const checked = preset?.split(', ') ?? [];
    const choices = question.choices.map((choice) => ({
      name: String(choice),
      value: choice,
      checked: checked.includes(String(choice)),
    }));
    return { type: 'checkbox', message, choices };
  }
  return {
    type: 'input',
    message: hasExample(question) ? `${message} (such as ${question.example ?? ''})` : message,
    ...(preset === undefined ? {} : { default: preset }),
    transformer: (text: string, { isFinal }: { isFinal: boolean }) => {
      const leads = isFinal || text === '' ? '' : asked.leading(text);
      return leads === '' ? text : `${text}  ${dim(leads)}`;
    },
    validate: (text: string) =>
      canGoBack && text.trim() === BACK_TEXT ? true : (asked.complaint(text) ?? true),
    filter: (text: string) => text.trim(),
  };
}

/** What typical answers mean is said above the question, and then no example is needed. */
function hasExample({ example, typical }: Question): boolean {
  return example !== undefined && typical.length === 0;
}

function reviewOf(lines: readonly ReviewLine[]): object {
  const width = Math.max(...lines.map(({ question }) => question.path.length));
  const choices = lines.map(({ question, answer, couldBe = '' }) => ({
    name:
      answer === undefined
        ? `also answer ${question.path} (could make it ${couldBe})`
        : `change ${question.path.padEnd(width)}  ${answer}`,
    value: question,
    description: question.ask,
  }));
  return {
    type: 'select',
    message: 'Is this right?',
    choices: [{ name: 'yes, go on', value: undefined }, ...choices],
    loop: false,
    pageSize: 10,
  };
}
