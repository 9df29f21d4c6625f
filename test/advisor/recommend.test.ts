/** What holds for every answer, not only for the known ones. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ARCHITECTURES,
  type Answers,
  type Architecture,
  type GivenAnswers,
} from '../../src/advisor/answers.ts';
import { completeAnswers, withAnswer } from '../../src/advisor/complete.ts';
import { DECIDING, hardestFacts, openPoints, type Facts } from '../../src/advisor/facts.ts';
import { severityOf } from '../../src/advisor/gates.ts';
import { burdenHoursOf } from '../../src/advisor/model/effort.ts';
import { KNOWLEDGE } from '../../src/advisor/knowledge/knowledge.ts';
import { ABOUT } from '../../src/advisor/knowledge/architectures.ts';
import { QUESTIONS } from '../../src/advisor/questions.ts';
import { recommend } from '../../src/advisor/recommend.ts';
import { verdictOf } from '../../src/advisor/verdict.ts';
import { anyAnswers } from './any-answers.ts';

/** How eager an architecture is: tightening freshness may only go up. */
const EAGERNESS: Readonly<Record<Architecture, number>> = {
  batch: 0,
  'micro-batch': 1,
  streaming: 2,
  kappa: 2,
  lambda: 3,
};

const contract: GivenAnswers = {
  freshness: '15m',
  lateness: { typical: '5s', max: '10m', policy: 'correct' },
  reprocessing: { every: 'monthly', history: '180d' },
  maturity: 'novice',
  volume: { eventsPerSecond: 500, bytesPerEvent: 500, keys: 100_000, growthPerYear: 1.5 },
  existing: ['kafka', 'airflow'],
  correctBy: '1d',
  historyIn: 'lake',
  reactionTime: '1h',
};

describe('the document', () => {
  test('has the names and units of the contract', () => {
    const result = recommend(contract);
    expect(result).toMatchObject({
      version: 1,
      recommendation: 'micro-batch',
      possible: ['micro-batch'],
      settings: {
        triggerEverySeconds: 300,
        watermarkDelaySeconds: 5,
        allowedLatenessSeconds: 600,
        retentionSeconds: 0,
        delivery: 'at-least-once',
      },
    });
    expect(result.candidates.map(({ architecture }) => architecture).sort()).toEqual(
      [...ARCHITECTURES].sort(),
    );
    expect(result.flips).toContainEqual(expect.objectContaining({ answer: 'freshness', from: '15m' }));
    expect(result.conflicts.map(({ answers }) => answers)).toContainEqual(['freshness', 'reactionTime']);
  });

  test('lists the answers that nobody gave, and only those', () => {
    const { defaulted } = recommend(contract);
    expect(defaulted).toContain('accuracy');
    expect(defaulted).not.toContain('volume.keys');
    expect(defaulted).not.toContain('freshness');
  });

  test('its answers are answers: recommending from them gives the same verdict', () => {
    fc.assert(
      fc.property(anyAnswers(1), (answers) => {
        const first = recommend(answers);
        const second = recommend(first.answers);
        expect(second.recommendation).toBe(first.recommendation);
        expect(second.defaulted).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('every source that is cited is listed, and every entry has a place and a date', () => {
    fc.assert(
      fc.property(anyAnswers(0), (answers) => {
        const result = recommend(answers);
        const listed = result.sources.map(({ id }) => id);
        for (const { source } of result.because) expect(listed).toContain(source);
        for (const { violations } of result.candidates) {
          for (const { source } of violations) if (source !== undefined) expect(listed).toContain(source);
        }
      }),
      { numRuns: 100 },
    );
    const ids = KNOWLEDGE.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const entry of KNOWLEDGE) {
      expect(entry.asOf).toMatch(/^\d{4}(-\d\d)?$/);
      if (entry.kind === 'ours') expect(['estimate', 'measured']).toContain(entry.check);
      else expect(entry.url).toMatch(/^https:\/\//);
    }
    for (const about of Object.values(ABOUT)) for (const id of about.sources) expect(ids).toContain(id);
  });
});

describe('the verdict', () => {
  test('is given for every answer, and the same one each time', () => {
    fc.assert(
      fc.property(anyAnswers(1), (answers) => {
        const result = recommend(answers);
        expect(result.candidates).toHaveLength(5);
        expect(result.possible[0]).toBe(result.recommendation);
        expect(JSON.stringify(recommend(answers))).toBe(JSON.stringify(result));
        for (const { predicted } of result.candidates) {
          const figures = JSON.stringify(predicted);
          expect(figures).not.toContain('null');
          expect(predicted.completenessAtRead).toBeGreaterThanOrEqual(0);
          expect(predicted.completenessAtRead).toBeLessThanOrEqual(1);
          expect(predicted.range.low.total).toBeLessThanOrEqual(predicted.monthlyUsd.total);
          expect(predicted.range.high.total).toBeGreaterThanOrEqual(predicted.monthlyUsd.total);
        }
      }),
      { numRuns: 80 },
    );
  });

  test('is feasible unless nothing is, and then its violations say why', () => {
    fc.assert(
      fc.property(anyAnswers(1), (answers) => {
        const result = recommend(answers);
        const chosen = result.candidates.find(({ architecture }) => architecture === result.recommendation);
        const anyFeasible = result.candidates.some(({ feasible }) => feasible);
        expect(chosen?.feasible).toBe(anyFeasible);
        expect(chosen?.violations.length === 0).toBe(anyFeasible);
      }),
      { numRuns: 150 },
    );
  });

  test('a feasible architecture is predicted to be as fresh as promised', () => {
    fc.assert(
      fc.property(anyAnswers(0), (answers) => {
        fc.pre(answers.arrival !== 'files' && answers.asked !== 'once');
        const result = recommend(answers);
        const promised = completeSeconds(answers.freshness ?? '');
        const tooOld = result.candidates.filter(
          ({ feasible, predicted }) => feasible && predicted.freshnessP99Seconds > promised + 0.0011,
        );
        expect(tooOld).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  test('never gets lazier when freshness is tightened', () => {
    const freshness = fc.tuple(
      fc.double({ min: 0, max: 9, noNaN: true }),
      fc.double({ min: 0, max: 9, noNaN: true }),
    );
    fc.assert(
      fc.property(anyAnswers(1), freshness, (answers, [a, b]) => {
        const [tight, loose] = [Math.min(a, b), Math.max(a, b)].map(
          (exponent) => `${Math.ceil(10 ** exponent)}ms`,
        );
        const given = withAnswer({ ...answers, reactionTime: '1h' }, 'freshness', tight);
        const tighter = verdictOf(completeAnswers(given).answers);
        const looser = verdictOf(completeAnswers(withAnswer(given, 'freshness', loose)).answers);
        expect(EAGERNESS[tighter]).toBeGreaterThanOrEqual(EAGERNESS[looser]);
      }),
      { numRuns: 1000 },
    );
  });

  test('depends on no answer beyond those that are searched for flips', () => {
    fc.assert(
      fc.property(anyAnswers(0), anyAnswers(0), (one, other) => {
        const a = completeAnswers(one).answers;
        const b = completeAnswers(other).answers;
        let mixed: GivenAnswers = b;
        for (const path of DECIDING) mixed = withAnswer(mixed, path, at(a, path));
        if (mixed.arrivalEvery === undefined) delete (mixed as Record<string, unknown>)['arrivalEvery'];
        expect(verdictOf(mixed as Answers)).toBe(verdictOf(a));
      }),
      { numRuns: 500 },
    );
  });
});

describe('unsure and ranged answers', () => {
  const base: GivenAnswers = {
    lateness: { max: '10m' },
    reprocessing: { every: 'yearly' },
    maturity: 'intermediate',
  };

  test('a range within one verdict leaves one', () => {
    expect(recommend({ ...base, freshness: '1m..15m' })).toMatchObject({
      recommendation: 'micro-batch',
      possible: ['micro-batch'],
    });
  });

  test('a range over two verdicts names both, and recommends the one that holds over all of it', () => {
    const result = recommend({ ...base, freshness: '10s..15m' });
    expect(result.recommendation).toBe('streaming');
    expect(result.possible).toEqual(['streaming', 'micro-batch']);
    expect(result.undecided?.answer).toBe('freshness');
  });

  test('a range finds the verdict that only its inside has', () => {
    expect(recommend({ ...base, freshness: '1s..1d' }).possible).toEqual([
      'streaming',
      'batch',
      'micro-batch',
    ]);
  });

  test('unsure covers more than one verdict, and says which answer matters most', () => {
    const result = recommend({
      ...base,
      freshness: '5s',
      reprocessing: { every: 'unsure' },
      maturity: 'unsure',
    });
    expect(result.possible).toEqual(expect.arrayContaining(['streaming', 'kappa']));
    expect(result.undecided?.answer).toBe('reprocessing.every');
  });

  /** Seconds, and nobody knows the team or how often history is processed again. */
  const unknown: GivenAnswers = {
    freshness: '10s',
    lateness: { max: '10m' },
    reprocessing: { every: 'unsure' },
    maturity: 'unsure',
  };

  test.each<[string, string, GivenAnswers]>([
    ['nothing else is said', 'streaming', {}],
    ['nor how much history', 'streaming', { reprocessing: { every: 'unsure', history: 'unsure' } }],
    ['a team of one', 'streaming', { team: { engineers: 1 } }],
    ['mails are sent once', 'streaming', { effects: 'once' }],
    ['nor whether mails are sent', 'streaming', { effects: 'unsure' }],
    ['nor where history is', 'streaming', { historyIn: 'unsure' }],
    ['nor how exact it must be', 'streaming', { accuracy: 'unsure' }],
    ['the log holds history', 'kappa', { historyIn: 'log' }],
    ['the log holds it, and nobody knows of mails', 'kappa', { historyIn: 'log', effects: 'unsure' }],
    ['history is a monthly routine', 'kappa', { reprocessing: { every: 'monthly' } }],
    ['quick figures first, exact ones later', 'lambda', { accuracy: 'approximate-then-exact' }],
    ['the same with history in a lake', 'lambda', { accuracy: 'approximate-then-exact', historyIn: 'lake' }],
    [
      'all of a lake again every day',
      'lambda',
      { reprocessing: { every: 'daily', history: 'unsure' }, historyIn: 'lake' },
    ],
  ])('what nobody knows rules nothing out, and is weighed: %s: %s', (_, becomes, more) => {
    const result = recommend({ ...unknown, ...more });
    expect(result.recommendation).toBe(becomes);
    expect(result.candidates.find(({ architecture }) => architecture === becomes)?.violations).toEqual([]);
    expect(result.because.map(({ source }) => source)).toContain('ours-unsure');
    expect(JSON.stringify(result.because)).not.toContain('reprocessed unsure');
  });

  test('where no architecture keeps the promise, what nobody knows is weighed alike', () => {
    const early = { ...unknown, accuracy: 'approximate-then-exact', historyIn: 'lake' } as const;
    expect(recommend({ ...early, freshness: '10ms' }).recommendation).toBe(
      recommend({ ...early, freshness: '1s' }).recommendation,
    );
  });

  test('a batch layer needs history that is kept, as a replay does', () => {
    const { candidates } = recommend({
      ...unknown,
      maturity: 'expert',
      reprocessing: { every: 'monthly' },
      historyIn: 'none',
    });
    const broken = candidates.filter(({ violations }) =>
      violations.some((v) => v.requirement === 'historyIn'),
    );
    expect(broken.map(({ architecture }) => architecture)).toEqual(['streaming', 'kappa', 'lambda']);
  });

  test('a team that is known to be new is still not told to run two layers', () => {
    const { candidates, recommendation } = recommend({
      ...unknown,
      maturity: 'novice',
      accuracy: 'approximate-then-exact',
    });
    expect(recommendation).toBe('streaming');
    expect(candidates.find(({ architecture }) => architecture === 'lambda')?.feasible).toBe(false);
  });

  test('how often history is processed again is not said to be daily when nobody knows', () => {
    const said = recommend(unknown)
      .because.map(({ claim }) => claim)
      .join(' ');
    expect(said).not.toContain('daily');
    expect(said).toContain('seldom as a routine, or somebody would');
  });

  test('no point is harder than the hardest: what holds there holds at every other', () => {
    fc.assert(
      fc.property(anyAnswers(1), (given) => {
        const { answers } = completeAnswers(given);
        // What nobody knows of the team and of reprocessing breaks no gate there, and may at a point.
        const hardest: Facts = { ...hardestFacts(answers), open: new Set() };
        for (const { facts } of openPoints(answers).points) {
          for (const architecture of ARCHITECTURES) {
            expect(severityOf(architecture, facts)).toBeLessThanOrEqual(
              severityOf(architecture, hardest) + 1e-9,
            );
            expect(burdenHoursOf(architecture, facts)).toBeLessThanOrEqual(
              burdenHoursOf(architecture, hardest) + 1e-9,
            );
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

function completeSeconds(text: string): number {
  const [, count = '0', unit = 's'] = /^([\d.]+)(\D+)$/.exec(text) ?? [];
  return Number(count) * ({ ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }[unit] ?? NaN);
}

function at(answers: object, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], answers);
}

test('every question is asked in words, with a reason', () => {
  for (const question of QUESTIONS) {
    expect(question.ask.length).toBeGreaterThan(10);
    expect(question.why.length).toBeGreaterThan(10);
  }
});
