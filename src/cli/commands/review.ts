/** `advisor review`: a project's answers beside what its pipeline measured. Reads, and changes nothing. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import {
  columnsOf,
  CONFIG_FILE,
  EXIT,
  observedDays,
  paint,
  readProject,
  statusOfRunning,
} from 'pipeline-runtime/kit';
import { reviewText } from '../../advisor/print/review-text.ts';
import { type Review, reviewOf } from '../../advisor/review/review.ts';
import { failure } from '../../errors.ts';
import { readGenerated } from '../../generator/generated.ts';
import { collectGiven } from '../interview.ts';

export interface ReviewFlags {
  readonly answers?: string;
  readonly format: 'text' | 'json';
}

/** How long a running pipeline may take to say how it does; without an answer its notes have to do. */
const ANSWER_MS = 3000;

export async function runReview(dir: string, flags: ReviewFlags): Promise<void> {
  const review = await reviewProject(dir, flags.answers);
  const text =
    flags.format === 'json'
      ? `${JSON.stringify(review, null, 2)}\n`
      : reviewText(review, columnsOf(process.stdout), paint(process.stdout));
  process.stdout.write(text);
  if (review.verdict === 'will-stop') process.stderr.write(`warning: ${review.says}\n`);
  if (review.verdict === 'broken') process.exitCode = EXIT.check;
}

/** @throws PROJECT_ABSENT, FILE_UNREADABLE, FILE_INVALID, ANSWERS_INVALID, ANSWERS_MISSING */
export async function reviewProject(dir: string, answersFile?: string): Promise<Review> {
  if (!existsSync(join(dir, CONFIG_FILE))) throw failure('PROJECT_ABSENT', { dir, file: CONFIG_FILE });
  const { config } = readProject(dir);
  const answers = await collectGiven({ file: answersFile ?? join(dir, 'answers.yaml'), flags: {} });
  const data = join(dir, config.data);
  const [observed, status] = [await observedDays(data), await statusOfRunning(data, ANSWER_MS)];
  return reviewOf({
    answers,
    architecture: config.architecture,
    decided: readGenerated(dir)?.recommendation ?? null,
    promiseSeconds: config.freshness / 1000,
    ...observed,
    now: status === null ? null : { freshnessSeconds: status.freshness.seconds },
  });
}
