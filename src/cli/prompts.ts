/**
 * The interview: each question with why it is asked and what typical answers mean, where one is, a way back, and which
 * architecture leads so far; at the end everything that was said, to be changed or taken.
 *
 *   question 1 ─► 2 ─► 3 ─► 4 ─► review ─► answers
 *       ▲         │ back            │ change one, or answer one more that could change the verdict
 *       └─────────┘ ◄───────────────┘
 *
 * Two ways of asking, behind one contract: with a library that draws and redraws, and line by line where nothing may be
 * redrawn (TERM=dumb, or ACCESSIBLE set for a screen reader). Prompts go to stderr, so stdout stays a result. Nothing is
 * written anywhere before the end; Ctrl-C throws, and there is nothing to undo.
 */
import process from 'node:process';
import { columnsOf, paint, wrap } from 'pipeline-runtime/kit';
import type { GivenAnswers } from '../advisor/answers.ts';
import { answerAt, answerProblems, answerText, withAnswer } from '../advisor/complete.ts';
import { QUESTIONS, type Question } from '../advisor/questions.ts';
import { problemOf, valueOfText } from './answer-flags.ts';
import { leadingText, previewText, worthAsking } from './preview.ts';

export interface Terminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
}

/** One question as it is put now. */
export interface Asked {
  readonly question: Question;
  /** The answer that it has already, by an earlier reply or by its default, as text. */
  readonly preset: string | undefined;
  /** `2 of 4`; empty when a single answer is changed. */
  readonly progress: string;
  readonly canGoBack: boolean;
  /** What is wrong with a reply, or undefined. */
  complaint(text: string): string | undefined;
  /** Which architecture would lead with this reply; empty when that cannot be said yet. */
  leading(text: string): string;
}

export interface ReviewLine {
  readonly question: Question;
  /** Undefined for a question that was not asked. */
  readonly answer: string | undefined;
  /** What an answer that was not given could make of the verdict. */
  readonly couldBe?: string;
}

export const BACK = Symbol('back');

/** REQUIRES: `ask` returns text that has no complaint. Ctrl-C rejects with an ExitPromptError. */
export interface Asker {
  ask(asked: Asked): Promise<string | typeof BACK>;
  /** Undefined takes the answers as they are; a question is asked again. */
  review(lines: readonly ReviewLine[]): Promise<Question | undefined>;
  close(): void;
}

export async function askQuestions(
  open: readonly Question[],
  answers: GivenAnswers,
  terminal: Terminal = { input: process.stdin, output: process.stderr },
): Promise<GivenAnswers> {
  const asker = isPlain()
    ? (await import('./prompts-plain.ts')).plainAsker(terminal)
    : (await import('./prompts-rich.ts')).richAsker(terminal);
  try {
    return await interview(open, answers, asker, terminal.output);
  } finally {
    asker.close();
  }
}

function isPlain(): boolean {
  return process.env['TERM'] === 'dumb' || (process.env['ACCESSIBLE'] ?? '') !== '';
}

async function interview(
  open: readonly Question[],
  answers: GivenAnswers,
  asker: Asker,
  output: NodeJS.WriteStream,
): Promise<GivenAnswers> {
  const say = sayTo(output);
  say(
    'A duration is 200ms, 5s, 15m, 6h or 1d. A range such as 1m..15m, or unsure, is an answer too. Type < to go back; Ctrl-C stops, and nothing is kept.',
  );
  let given = answers;
  const asked: Question[] = [];
  let at = 0;
  while (at < open.length) {
    const question = open[at];
    if (question === undefined || isIdle(question, given)) {
      at++;
      continue;
    }
    const progress = open.length === 1 ? '' : `${at + 1} of ${open.length}`;
    const reply = await put(question, given, { asker, progress, canGoBack: asked.length > 0, say });
    if (reply === BACK) {
      const before = asked.pop();
      at = before === undefined ? 0 : open.indexOf(before);
      continue;
    }
    given = reply;
    asked.push(question);
    say(previewText(given));
    at++;
  }
  return asked.length === 0 ? given : review(open, given, asker, say);
}

async function review(
  open: readonly Question[],
  answers: GivenAnswers,
  asker: Asker,
  say: (text: string) => void,
): Promise<GivenAnswers> {
  let given = answers;
  for (;;) {
    const worth = worthAsking(given);
    const lines = [...open, ...QUESTIONS.filter((question) => !open.includes(question))].flatMap(
      (question): ReviewLine[] => {
        const answer = answerAt(given, question.path);
        if (answer !== undefined) return [{ question, answer: answerText(answer) }];
        const couldBe = worth.get(question.path);
        return couldBe === undefined ? [] : [{ question, answer: undefined, couldBe }];
      },
    );
    const chosen = await asker.review(lines);
    if (chosen === undefined) return given;
    const reply = await put(chosen, given, { asker, progress: '', canGoBack: true, say });
    if (reply === BACK) continue;
    given = reply;
    say(previewText(given));
  }
}

interface Putting {
  readonly asker: Asker;
  readonly progress: string;
  readonly canGoBack: boolean;
  readonly say: (text: string) => void;
}

async function put(
  question: Question,
  given: GivenAnswers,
  { asker, progress, canGoBack, say }: Putting,
): Promise<GivenAnswers | typeof BACK> {
  say(explained(question));
  const without = withAnswer(given, question.path, undefined);
  const reply = await asker.ask({
    question,
    preset: presetOf(question, given),
    progress,
    canGoBack,
    complaint: (text) => complaintOf(question, text, without),
    leading: (text) =>
      problemOf(question, valueOfText(question, text)) === undefined
        ? leadingText(withAnswer(without, question.path, valueOfText(question, text)))
        : '',
  });
  return reply === BACK ? BACK : withAnswer(given, question.path, valueOfText(question, reply));
}

/** Why it is asked, and what typical answers mean. */
function explained({ why, typical }: Question): string {
  const width = Math.max(0, ...typical.map(([answer]) => answer.length));
  return [why, ...typical.map(([answer, means]) => `  ${answer.padEnd(width)}  ${means}`)].join('\n');
}

function presetOf(question: Question, given: GivenAnswers): string | undefined {
  const answer = answerAt(given, question.path);
  if (answer !== undefined) return answerText(answer);
  if (question.path === 'reactionTime') return given.freshness;
  // An example is shown, never taken: Enter must not answer what nobody has thought about.
  return question.fallback === undefined ? undefined : answerText(question.fallback);
}

function isIdle(question: Question, given: GivenAnswers): boolean {
  return question.onlyWith !== undefined && given.arrival !== 'files';
}

/** What is wrong with what was typed, by itself or beside the other answers. */
function complaintOf(question: Question, text: string, others: GivenAnswers): string | undefined {
  const value = valueOfText(question, text);
  const own = problemOf(question, value);
  if (own !== undefined) return own;
  const before = answerProblems(others).map((problem) => problem.message);
  const after = answerProblems(withAnswer(others, question.path, value));
  // Files are asked how often they come next; that this is missing yet is no complaint.
  return after.find(({ path, message }) => path !== 'arrival' && !before.includes(message))?.message;
}

function sayTo(output: NodeJS.WriteStream): (text: string) => void {
  const colors = paint(output);
  const width = columnsOf(output) - 2;
  return (text) => {
    if (text === '') return;
    const lines = text.split('\n').map((line) => (line.startsWith('  ') ? line : wrap(line, width)));
    output.write(`\n${colors.dim(lines.join('\n'))}\n`);
  };
}
