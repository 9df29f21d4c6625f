/** What must hold for every answer: relaxing, experience, reprocessing, flips, and that each question is worth asking. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ARCHITECTURES, type Architecture, type GivenAnswers } from '../../src/advisor/answers.ts';
import { answerAt, completeAnswers, withAnswer } from '../../src/advisor/complete.ts';
import {
  BURDENING,
  DECIDING,
  hardestFacts,
  hardestWith,
  predictedFacts,
  type Facts,
} from '../../src/advisor/facts.ts';
import { flipsOf } from '../../src/advisor/flips.ts';
import { severityOf, violationsOf } from '../../src/advisor/gates.ts';
import { burdenHoursOf, effortHoursOf } from '../../src/advisor/model/effort.ts';
import { isReplayAffordable } from '../../src/advisor/model/reprocessing.ts';
import { QUESTIONS, questionOf, type Question } from '../../src/advisor/questions.ts';
import { predictedOf } from '../../src/advisor/figures.ts';
import { recommend } from '../../src/advisor/recommend.ts';
import { spanMs } from '../../src/advisor/spans.ts';
import { verdictOf } from '../../src/advisor/verdict.ts';
import { valueOfText } from '../../src/cli/answer-flags.ts';
import { anyAnswers } from './any-answers.ts';

function factsOf(given: GivenAnswers): Facts {
  return hardestFacts(completeAnswers(given).answers);
}

function verdict(given: GivenAnswers): Architecture {
  return verdictOf(completeAnswers(given).answers);
}

const EVERY = ['daily', 'weekly', 'monthly', 'quarterly', 'yearly', 'never'] as const;

/** For each requirement, from the strictest to the laxest. Longer, larger and more are laxer unless it says otherwise. */
const LAXER: Readonly<Record<string, readonly unknown[]>> = {
  freshness: ['50ms', '5s', '2m', '30m', '2h', '2d'],
  'reprocessing.every': EVERY,
  'reprocessing.history': ['1095d', '365d', '90d', '7d'],
  correctBy: ['1m', '1h', '1d', '4w'],
  duplicates: ['never', 'tolerate'],
  effects: ['once', 'replayable'],
  codebases: ['one', 'two'],
  'team.engineers': [1, 3, 20],
};

describe('relaxing a requirement', () => {
  test.each(Object.entries(LAXER))('%s never makes an architecture infeasible', (path, values) => {
    const steps = fc.tuple(fc.nat(values.length - 1), fc.nat(values.length - 1));
    fc.assert(
      fc.property(anyAnswers(0), steps, (answers, [a, b]) => {
        // What reacts to freshness by default must not change with it.
        const fixed = { reactionTime: '1h', ...answers, asked: 'continuously' } as const;
        const [strict, lax] = [Math.min(a, b), Math.max(a, b)].map((step) =>
          factsOf(withAnswer(fixed, path, values[step])),
        ) as [Facts, Facts];
        const lost = ARCHITECTURES.filter(
          (architecture) => severityOf(architecture, strict) === 0 && severityOf(architecture, lax) > 0,
        );
        expect(lost).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});

/** From the least to the most there is to operate. */
const HARDNESS: Readonly<Record<Architecture, number>> = {
  batch: 0,
  'micro-batch': 1,
  streaming: 2,
  kappa: 3,
  lambda: 4,
};

describe('the team', () => {
  test('a less experienced one never gets a harder architecture', () => {
    const levels = ['novice', 'intermediate', 'expert'] as const;
    fc.assert(
      fc.property(anyAnswers(0), fc.constantFrom(0, 1), (answers, level) => {
        const [worse, better] = [levels[level], levels[level + 1]].map((maturity) =>
          verdict(withAnswer(answers, 'maturity', maturity)),
        ) as [Architecture, Architecture];
        expect(HARDNESS[worse]).toBeLessThanOrEqual(HARDNESS[better]);
      }),
      { numRuns: 600 },
    );
  });

  test('a less experienced one never spends fewer hours on the same architecture', () => {
    fc.assert(
      fc.property(anyAnswers(0), fc.constantFrom(...ARCHITECTURES), (answers, architecture) => {
        const [novice, intermediate, expert] = ['novice', 'intermediate', 'expert'].map((maturity) =>
          effortHoursOf(architecture, factsOf(withAnswer(answers, 'maturity', maturity))),
        ) as [number, number, number];
        expect(novice).toBeGreaterThanOrEqual(intermediate);
        expect(intermediate).toBeGreaterThanOrEqual(expert);
      }),
      { numRuns: 150 },
    );
  });
});

/** Where Kappa is at home; the other answers are arbitrary. */
const SECONDS = {
  freshness: '5s',
  maturity: 'expert',
  arrival: 'continuous',
  arrivalEvery: undefined,
  accuracy: 'exact',
  codebases: 'one',
  historyIn: 'both',
  effects: 'replayable',
} as const;

describe('reprocessing', () => {
  test('more of it never moves away from Kappa while Kappa still holds', () => {
    fc.assert(
      fc.property(anyAnswers(0), fc.nat(2), (answers, step) => {
        const plain = { ...answers, ...SECONDS, reactionTime: '1m', asked: 'continuously' } as const;
        const [more, less] = [EVERY[step], EVERY[step + 1]].map((every) =>
          withAnswer(plain, 'reprocessing.every', every),
        ) as [GivenAnswers, GivenAnswers];
        fc.pre(verdict(less) === 'kappa');
        const facts = factsOf(more);
        fc.pre(isReplayAffordable(facts) && severityOf('kappa', facts) === 0);
        expect(verdict(more)).toBe('kappa');
      }),
      { numRuns: 300 },
    );
  });

  test('a team that can run it gets Kappa for seconds, from every month to every day', () => {
    for (const every of ['monthly', 'weekly', 'daily'] as const) {
      const answers = {
        freshness: '5s',
        lateness: { max: '10m' },
        reprocessing: { every },
        maturity: 'expert',
      } as const;
      expect([every, verdict(answers)]).toEqual([every, 'kappa']);
    }
  });
});

describe('flips', () => {
  test('there and back: from the printed value, the way back leads to the verdict that was left', () => {
    fc.assert(
      fc.property(anyAnswers(0), (given) => {
        const { answers } = completeAnswers(given);
        const now = verdictOf(answers);
        for (const flip of flipsOf(answers)) {
          const question = questionOf(flip.answer);
          const there = withAnswer(answers, flip.answer, valueOfText(question, flip.at));
          expect(verdict(there)).toBe(flip.becomes);
          const back = withAnswer(there, flip.answer, answerAt(answers, flip.answer));
          expect(verdict(back)).toBe(now);
          if (question.kind === 'duration') expectNear(back, flip, now);
        }
      }),
      { numRuns: 40 },
    );
  });

  /** Just before the printed value, the verdict is still the one that was there. */
  function expectNear(answers: GivenAnswers, flip: { answer: string; at: string }, now: Architecture): void {
    const [from] = spanMs(String(answerAt(answers, flip.answer)));
    const [at] = spanMs(flip.at);
    const before = at > from ? at * 0.98 : at * 1.02;
    if (at > from === before < from) return;
    const text = `${Math.max(1, at > from ? Math.floor(before) : Math.ceil(before))}ms`;
    expect(verdict(withAnswer(answers, flip.answer, text)), `${flip.answer} ${text}`).toBe(now);
  }
});

describe('every verdict is explained', () => {
  test('each architecture that is not recommended either breaks something or costs more, and each break has a reason and a source', () => {
    fc.assert(
      fc.property(anyAnswers(0), (answers) => {
        const { candidates, recommendation, because } = recommend(answers);
        expect(because.length).toBeGreaterThan(1);
        for (const { architecture, feasible, violations } of candidates) {
          expect(feasible).toBe(violations.length === 0);
          for (const { requirement, needs, gives, because: why, source } of violations) {
            expect(
              [requirement, needs, gives, why, source].every((text) => text !== undefined && text !== ''),
            ).toBe(true);
            expect(QUESTIONS.map(({ path }) => path)).toContain(requirement);
          }
          if (architecture === recommendation) continue;
          const isSimpler = ARCHITECTURES.indexOf(architecture) < ARCHITECTURES.indexOf(recommendation);
          const chosenHolds = candidates.find(
            (candidate) => candidate.architecture === recommendation,
          )?.feasible;
          if (isSimpler && feasible && chosenHolds === true)
            expect(
              because.some(({ claim }) => claim.includes('hours')),
              `${architecture} holds`,
            ).toBe(true);
        }
      }),
      { numRuns: 80 },
    );
  });
});

/** Answers where each question has something to decide. */
const LIVELY: GivenAnswers = {
  freshness: '5s',
  lateness: { typical: '5s', max: '10m', policy: 'correct' },
  reprocessing: { every: 'monthly', history: '90d' },
  maturity: 'intermediate',
  volume: { eventsPerSecond: 50_000, bytesPerEvent: 800, keys: 1_000_000, growthPerYear: 1.5 },
  arrival: 'continuous',
  action: 'report',
  reactionTime: '1m',
  correctBy: '1d',
};

/** What is asked once is not reprocessed. */
function livelyFor(path: string): GivenAnswers {
  return path === 'asked' ? withAnswer(LIVELY, 'reprocessing.every', 'never') : LIVELY;
}

function otherValues({ path, kind, choices, unsure }: Question): readonly unknown[] {
  if (path === 'arrival') return ['continuous', 'bursty'];
  if (kind === 'list') return choices.map((choice) => [choice]);
  return kind === 'choice' || kind === 'yes-no' ? choices : unsure;
}

describe('every question is worth asking', () => {
  test.each(
    QUESTIONS.filter(({ path }) => path !== 'arrivalEvery').map(
      (question) => [question.path, question] as const,
    ),
  )('%s: there is another answer that moves a predicted figure or a violation', (path, question) => {
    const seen = otherValues(question).map((value) => {
      const { answers } = completeAnswers(withAnswer(livelyFor(path), path, value));
      const facts = predictedFacts(answers);
      return JSON.stringify(
        ARCHITECTURES.map((architecture) => [
          predictedOf(architecture, facts),
          violationsOf(architecture, facts),
        ]),
      );
    });
    expect(new Set(seen).size).toBeGreaterThan(1);
  });

  test('how often files come moves the freshness that is of use', () => {
    const files = (arrivalEvery: string) =>
      recommend({ ...LIVELY, arrival: 'files', arrivalEvery }).settings.triggerEverySeconds;
    expect(files('1d')).toBeGreaterThan(files('10m'));
  });
});

test('hours hang on no answer but those that searches count them again for', () => {
  const others = DECIDING.filter((path) => !BURDENING.has(path));
  fc.assert(
    fc.property(anyAnswers(1), fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (given, times) => {
      const replaced = hardestWith(completeAnswers(given).answers);
      const hours = ARCHITECTURES.map((architecture) => burdenHoursOf(architecture, replaced()));
      for (const path of others) {
        const { choices } = questionOf(path);
        for (const value of choices.length > 0 ? choices : [times]) {
          const facts = replaced([path, value]);
          expect(ARCHITECTURES.map((architecture) => burdenHoursOf(architecture, facts))).toEqual(hours);
        }
      }
    }),
    { numRuns: 50 },
  );
});
