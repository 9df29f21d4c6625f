import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { GivenAnswers } from '../../src/advisor/answers.ts';
import { completeAnswers, withAnswer } from '../../src/advisor/complete.ts';
import { questionOf } from '../../src/advisor/questions.ts';
import { recommend } from '../../src/advisor/recommend.ts';
import { verdictOf } from '../../src/advisor/verdict.ts';
import { valueOfText } from '../../src/cli/answer-flags.ts';
import { anyAnswers } from './any-answers.ts';

const base: GivenAnswers = {
  lateness: { max: '10m' },
  reprocessing: { every: 'yearly' },
  maturity: 'intermediate',
};

test('every flip is true: recommending with the printed value gives the printed verdict', () => {
  fc.assert(
    fc.property(anyAnswers(1), (answers) => {
      const result = recommend(answers);
      for (const flip of result.flips) {
        for (const { at, becomes } of [flip, ...(flip.also === undefined ? [] : [flip.also])]) {
          const changed = withAnswer(result.answers, flip.answer, valueOfText(questionOf(flip.answer), at));
          expect(verdictOf(completeAnswers(changed).answers), `${flip.answer} at ${at}`).toBe(becomes);
          expect(becomes).not.toBe(result.recommendation);
        }
      }
    }),
    { numRuns: 100 },
  );
});

test('freshness flips at the minute and at the hour, the nearer one first', () => {
  expect(recommend({ ...base, freshness: '15m' }).flips).toEqual([
    {
      answer: 'freshness',
      from: '15m',
      at: '1h',
      becomes: 'batch',
      also: { at: '59.9s', becomes: 'streaming' },
    },
    // Corrections come once a minute at most; those of a micro-batch wait for a run as well.
    { answer: 'correctBy', from: '1w', at: '1.01m', becomes: 'streaming' },
  ]);
  expect(recommend({ ...base, freshness: '2m' }).flips[0]).toMatchObject({
    at: '59.9s',
    becomes: 'streaming',
    also: { at: '1h' },
  });
});

test('a choice flips at the nearest one in its order', () => {
  const flips = recommend({ ...base, freshness: '5s' }).flips;
  expect(flips).toContainEqual({
    answer: 'reprocessing.every',
    from: 'yearly',
    at: 'monthly',
    becomes: 'kappa',
  });
});

test('a replay of more than a hundred times what arrives flips Kappa to Lambda', () => {
  const flips = recommend({
    ...base,
    freshness: '5s',
    reprocessing: { every: 'daily', history: '90d' },
    maturity: 'expert',
  }).flips;
  expect(flips).toContainEqual(
    expect.objectContaining({ answer: 'reprocessing.history', at: '101d', becomes: 'lambda' }),
  );
});
