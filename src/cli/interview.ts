/**
 * Collects the answers from a file, from flags and, on a terminal, from the person in front of it.
 *
 *   file ─► flags (beat the file) ─► prompts for what is missing (only when `mayAsk`) ─► checked together
 *
 * The prompt library is loaded only when something is asked, so a pipe never touches the terminal.
 */
import process from 'node:process';
import { describeIssue, readYaml, readYamlFile } from 'pipeline-runtime/kit';
import { givenAnswersSchema, type GivenAnswers } from '../advisor/answers.ts';
import { answerAt, answerProblems, missingAnswers, setAnswer } from '../advisor/complete.ts';
import { QUESTIONS, questionOf } from '../advisor/questions.ts';
import { failure } from '../errors.ts';
import { problemOf, valueOfText, type AnswerFlags } from './answer-flags.ts';

const STDIN_BYTES_MAX = 1_000_000;

export interface CollectOptions {
  /** A path, or `-` for stdin. */
  readonly file?: string | undefined;
  readonly flags: AnswerFlags;
  /** Whether a person may be asked; see the kit's `mayAsk`. */
  readonly mayAsk: boolean;
  /** Asks the answers that have a default, too. */
  readonly all: boolean;
}

/** What is given without asking: any answer may be absent. Throws as `collectAnswers`, but for what is missing. */
export async function collectGiven(options: Pick<CollectOptions, 'file' | 'flags'>): Promise<GivenAnswers> {
  const sources = await readSources(options);
  const crossed = crossedProblems(sources, sources.answers);
  if (crossed.length > 0) throw failure('ANSWERS_INVALID', { problems: crossed });
  return sources.answers;
}

export interface Collected {
  /** Everything required is here; answers with a default may be absent. */
  readonly answers: GivenAnswers;
  /** Paths of the answers that were asked for on the terminal. */
  readonly asked: readonly string[];
}

/**
 * Collects the answers.
 * @throws FILE_UNREADABLE, FILE_INVALID, ANSWERS_INVALID with every problem and its place, ANSWERS_MISSING; the prompt
 * library's ExitPromptError when the person presses Ctrl-C.
 */
export async function collectAnswers(options: CollectOptions): Promise<Collected> {
  const sources = await readSources(options);
  let { answers } = sources;
  const asked: string[] = [];
  if (options.mayAsk) {
    const open = QUESTIONS.filter((question) => {
      const needed = question.required || (question.path === 'arrivalEvery' && answers.arrival === 'files');
      return answerAt(answers, question.path) === undefined && (needed || options.all);
    });
    if (open.length > 0) {
      const { askQuestions } = await import('./prompts.ts');
      answers = await askQuestions(open, answers);
      asked.push(
        ...open.map((question) => question.path).filter((path) => answerAt(answers, path) !== undefined),
      );
    }
  }
  const crossed = crossedProblems(sources, answers);
  const missing = missingAnswers(answers);
  if (crossed.length > 0) throw failure('ANSWERS_INVALID', { problems: crossed });
  if (missing.length > 0)
    throw failure('ANSWERS_MISSING', { flags: missing.map((path) => questionOf(path).flag) });
  return { answers, asked };
}

/** Answers that exclude each other, each with its place. */
function crossedProblems(sources: Sources, answers: GivenAnswers): string[] {
  return answerProblems(answers).map((problem) => `${sources.placeOf(problem.path)}${problem.message}`);
}

interface Sources {
  readonly answers: GivenAnswers;
  /** Where an answer was given, as the start of a message. */
  placeOf(path: string): string;
}

/** Throws ANSWERS_INVALID with every answer that is none. */
async function readSources(options: Pick<CollectOptions, 'file' | 'flags'>): Promise<Sources> {
  const yaml = await readFile(options.file);
  const problems: string[] = [];
  let answers: GivenAnswers = {};
  if (yaml !== undefined) {
    const checked = givenAnswersSchema.safeParse(yaml.value ?? {});
    if (checked.success) answers = checked.data;
    else {
      for (const issue of checked.error.issues.flatMap((found) => describeIssue(found, givenAnswersSchema))) {
        const at = yaml.placeOf(issue.path);
        problems.push(`${yaml.file}:${at.line}:${at.column}: ${issue.message}`);
      }
    }
  }
  const merged: Record<string, unknown> = { ...answers };
  for (const [path, text] of Object.entries(options.flags)) {
    const question = questionOf(path);
    const value = valueOfText(question, text);
    const problem = problemOf(question, value);
    if (problem === undefined) setAnswer(merged, path, value);
    else problems.push(`${question.flag}: ${problem}`);
  }
  if (problems.length > 0) throw failure('ANSWERS_INVALID', { problems: problems.slice(0, 20) });
  return {
    answers: merged,
    placeOf(path) {
      if (options.flags[path] !== undefined) return `${questionOf(path).flag}: `;
      if (yaml === undefined || answerAt(answers, path) === undefined) return `${path}: `;
      const at = yaml.placeOf(path.split('.'));
      return `${yaml.file}:${at.line}:${at.column}: `;
    },
  };
}

async function readFile(file: string | undefined) {
  if (file === undefined) return undefined;
  if (file !== '-') return readYamlFile(file);
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    sizeBytes += (chunk as Buffer).length;
    // One chunk over the limit is enough for the reader to refuse it.
    if (sizeBytes > STDIN_BYTES_MAX) break;
  }
  return readYaml(Buffer.concat(chunks).toString('utf8'), 'stdin');
}
