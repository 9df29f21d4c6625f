/** Arbitrary answers, made from the questions so that a new one is covered without being named here. */
import * as fc from 'fast-check';
import { answerProblems, setAnswer, withAnswer } from '../../src/advisor/complete.ts';
import type { GivenAnswers } from '../../src/advisor/answers.ts';
import { QUESTIONS, type Question } from '../../src/advisor/questions.ts';

const UNITS = ['ms', 's', 'm', 'h', 'd'] as const;

const duration = fc
  .tuple(fc.integer({ min: 1, max: 300 }), fc.constantFrom(...UNITS))
  .map(([n, unit]) => `${n}${unit}`);

function certain(question: Question): fc.Arbitrary<unknown> {
  if (question.kind === 'duration') return duration.filter((text) => question.schema.safeParse(text).success);
  if (question.kind === 'number') {
    return fc
      .double({ min: -3, max: 8, noNaN: true })
      .map((exponent) => 10 ** exponent)
      .filter((value) => question.schema.safeParse(value).success);
  }
  if (question.kind === 'list') return fc.subarray([...question.choices]);
  return fc.constantFrom(...question.choices);
}

function open(question: Question): fc.Arbitrary<unknown> {
  const ranges =
    question.kind === 'duration' || question.kind === 'number'
      ? [
          fc
            .tuple(certain(question), certain(question))
            .map(([low, high]) => `${String(low)}..${String(high)}`)
            .filter((text) => question.schema.safeParse(text).success),
        ]
      : [];
  return fc.oneof(fc.constant('unsure'), ...ranges);
}

/** Answers with everything required; `openness` of 0 gives certain answers only. */
export function anyAnswers(openness: 0 | 1): fc.Arbitrary<GivenAnswers> {
  const one = (question: Question): fc.Arbitrary<unknown> => {
    if (question.onlyWith !== undefined) return certain(question);
    const value =
      openness === 0
        ? certain(question)
        : fc.oneof({ weight: 3, arbitrary: certain(question) }, open(question));
    return question.required ? value : fc.option(value, { nil: undefined });
  };
  return fc.tuple(...QUESTIONS.map(one)).map((values) => {
    const answers: Record<string, unknown> = {};
    QUESTIONS.forEach((question, index) => {
      if (values[index] !== undefined) setAnswer(answers, question.path, values[index]);
    });
    const given = answers as { arrival?: string; arrivalEvery?: string; lateness: { typical?: string } };
    if (given.arrival !== 'files') delete given.arrivalEvery;
    // Whether the latest comes before the typical is a matter for tests of problems.
    delete given.lateness.typical;
    return possible(answers);
  });
}

/** Takes back what cannot be true beside the rest; that such answers are refused is a test of its own. */
function possible(answers: GivenAnswers): GivenAnswers {
  let kept = answers;
  for (const { path } of answerProblems(answers)) {
    if (path === 'asked') kept = withAnswer(kept, 'asked', 'continuously');
    if (path.startsWith('volume.')) kept = { ...kept, volume: { growthPerYear: 2 } };
  }
  return kept;
}
