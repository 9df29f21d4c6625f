/** Which architecture leads with the answers so far; what is not answered yet counts as unsure. */
import type { Answers, Architecture, GivenAnswers } from '../advisor/answers.ts';
import { answerAt, completeAnswers, missingAnswers, withAnswer } from '../advisor/complete.ts';
import { DECIDING } from '../advisor/facts.ts';
import { flipsOf } from '../advisor/flips.ts';
import { flipText } from '../advisor/print/phrases.ts';
import { QUESTIONS } from '../advisor/questions.ts';
import { opennessOf } from '../advisor/undecided.ts';
import { verdictOf } from '../advisor/verdict.ts';

/** The answers not given that could change the verdict, with what they could make it; none before the needed ones are there. */
export function worthAsking(given: GivenAnswers): ReadonlyMap<string, string> {
  const answers = missingAnswers(given).length > 0 ? undefined : soFar(given);
  if (answers === undefined) return new Map();
  const open = DECIDING.filter((path) => answerAt(given, path) === undefined);
  return new Map(flipsOf(answers, undefined, open).map(({ answer, becomes }) => [answer, becomes]));
}

/** `micro-batch leads`, in a few milliseconds; empty when the answers exclude each other. */
export function leadingText(given: GivenAnswers): string {
  const answers = soFar(given);
  return answers === undefined ? '' : `${verdictOf(answers)} leads`;
}

/** `So far micro-batch leads; batch is still possible. Would change it: freshness: batch at 1h, streaming at 59.9s.` */
export function previewText(given: GivenAnswers): string {
  const answers = soFar(given);
  if (answers === undefined) return '';
  const { possible } = opennessOf(answers);
  const [leader, ...others] = possible as readonly [Architecture, ...Architecture[]];
  const open =
    others.length === 0 ? '' : `; ${others.join(', ')} ${others.length === 1 ? 'is' : 'are'} still possible`;
  const answered = QUESTIONS.filter(({ required }) => required)
    .map(({ path }) => path)
    .filter((path) => !missingAnswers(given).includes(path));
  const flips = flipsOf(answers, undefined, answered).slice(0, 2);
  const change = flips.map((flip) => `${flip.answer}: ${flipText(flip)}`).join('; ');
  return `So far ${leader} leads${open}.${change === '' ? '' : ` Would change it: ${change}.`}`;
}

function soFar(given: GivenAnswers): Answers | undefined {
  const whole = missingAnswers(given).reduce((some, path) => withAnswer(some, path, 'unsure'), given);
  try {
    return completeAnswers(whole).answers;
  } catch {
    return undefined;
  }
}
