/**
 * Asks line by line: one line is written, one is read, nothing is redrawn. For dumb terminals and for screen readers, which
 * read what is written in its order.
 */
import { createInterface } from 'node:readline';
import { answerText } from '../advisor/complete.ts';
import type { Question } from '../advisor/questions.ts';
import { BACK, type Asked, type Asker, type ReviewLine, type Terminal } from './prompts.ts';

export function plainAsker({ input, output }: Terminal): Asker {
  const lines = linesOf(input, output);
  const write = (text: string): void => void output.write(text);
  return {
    async ask(asked) {
      write(headOf(asked));
      for (;;) {
        write('> ');
        const line = (await lines.next()).trim();
        if (line === '<' || line.toLowerCase() === 'back') {
          if (asked.canGoBack) return BACK;
          write('This is the first question.\n');
          continue;
        }
        const text = line === '' ? asked.preset : chosenBy(asked.question, line);
        const complaint = text === undefined ? 'An answer is needed; unsure is one.' : asked.complaint(text);
        if (complaint === undefined && text !== undefined) return text;
        write(`${complaint ?? ''}\n`);
      }
    },
    async review(all) {
      const answered = all.filter(({ answer }) => answer !== undefined);
      write(`\nYour answers:\n${answered.map(numbered).join('\n')}\n`);
      const more = all.flatMap(({ question, couldBe }) =>
        couldBe === undefined ? [] : [`${question.path} (could make it ${couldBe})`],
      );
      if (more.length > 0) write(`Not asked, and could change the verdict: ${more.join(', ')}\n`);
      write('Enter takes them. A number changes one; the name of another answer adds it.\n');
      for (;;) {
        write('> ');
        const line = (await lines.next()).trim();
        if (line === '') return undefined;
        const chosen =
          answered[Number(line) - 1]?.question ??
          all.find(({ question }) => question.path === line)?.question;
        if (chosen !== undefined) return chosen;
        write(`"${line.slice(0, 40)}" is no number from 1 to ${answered.length}, and no answer's name.\n`);
      }
    },
    close() {
      lines.close();
    },
  };
}

function headOf({ question, preset, progress }: Asked): string {
  const where = progress === '' ? '' : `Question ${progress}. `;
  const example = question.example === undefined ? '' : ` Such as ${question.example}.`;
  const choices = choicesOf(question).map((choice, index) => `  ${index + 1}. ${choice}\n`);
  const kept = preset === undefined ? '' : `Enter answers ${preset === '' ? 'none' : preset}.\n`;
  return `${where}${question.ask}${choices.length === 0 ? example : ''}\n${choices.join('')}${kept}`;
}

function choicesOf(question: Question): string[] {
  if (question.kind === 'list' || question.choices.length === 0) return [];
  const names = question.choices.map((choice) =>
    choice === true ? 'yes' : choice === false ? 'no' : answerText(choice),
  );
  return [...names, 'unsure'];
}

/** A number stands for the choice of that number. */
function chosenBy(question: Question, line: string): string {
  const choices = choicesOf(question);
  return (/^\d+$/.test(line) ? choices[Number(line) - 1] : undefined) ?? line;
}

function numbered({ question, answer }: ReviewLine, index: number): string {
  return `  ${index + 1}. ${question.path}: ${answer ?? ''}`;
}

/** Lines as they are asked for. Ctrl-C and the end of the input reject with the error that stands for exit 130. */
function linesOf(input: NodeJS.ReadStream, output: NodeJS.WriteStream) {
  const reader = createInterface({ input, output, terminal: input.isTTY });
  const waiting: { resolve(line: string): void; reject(error: Error): void }[] = [];
  const ready: string[] = [];
  let isOver = false;
  reader.on('line', (line) => {
    const next = waiting.shift();
    if (next === undefined) ready.push(line);
    else next.resolve(line);
  });
  const stop = (): void => {
    isOver = true;
    for (const next of waiting.splice(0)) next.reject(interrupted());
  };
  reader.on('SIGINT', stop);
  reader.on('close', stop);
  return {
    next(): Promise<string> {
      const line = ready.shift();
      if (line !== undefined) return Promise.resolve(line);
      if (isOver) return Promise.reject(interrupted());
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    close(): void {
      reader.close();
    },
  };
}

function interrupted(): Error {
  const error = new Error('interrupted');
  error.name = 'ExitPromptError';
  return error;
}
