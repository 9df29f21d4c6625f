/** Facts as most tests of the model need them. */
import type { GivenAnswers } from '../../src/advisor/answers.ts';
import { completeAnswers } from '../../src/advisor/complete.ts';
import { hardestFacts, type Facts } from '../../src/advisor/facts.ts';

export function facts(given: GivenAnswers = {}, replaced: Partial<Facts> = {}): Facts {
  const answers: GivenAnswers = {
    freshness: '15m',
    lateness: { typical: '1s', max: '10m' },
    reprocessing: { every: 'monthly', history: '180d' },
    maturity: 'expert',
    ...given,
  };
  return { ...hardestFacts(completeAnswers(answers).answers), ...replaced };
}
