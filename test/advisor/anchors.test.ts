/** Verdicts that are known to be right: questions that practitioners agree on. */
import { describe, expect, test } from 'vitest';
import type { Architecture, GivenAnswers } from '../../src/advisor/answers.ts';
import { recommend } from '../../src/advisor/recommend.ts';

type Case = readonly [name: string, becomes: Architecture, answers: GivenAnswers];

const late = { max: '10m' } as const;
const team = (maturity: 'novice' | 'intermediate' | 'expert') => ({ lateness: late, maturity });
const redo = (every: NonNullable<GivenAnswers['reprocessing']>['every'], history = '30d') => ({
  reprocessing: { every, history },
});

const CASES: readonly Case[] = [
  ["yesterday's sales", 'batch', { freshness: '1d', ...team('novice'), ...redo('monthly') }],
  ["last week's conversions", 'batch', { freshness: '1w', ...team('intermediate'), ...redo('yearly') }],
  ['hourly freshness', 'batch', { freshness: '1h', ...team('novice'), ...redo('never') }],
  [
    'a daily question decided by a machine',
    'batch',
    { freshness: '1d', action: 'decide', ...team('expert'), ...redo('daily') },
  ],
  [
    'a daily question where Kafka and Flink run',
    'batch',
    { freshness: '1d', existing: ['kafka', 'flink'], ...team('expert'), ...redo('weekly') },
  ],
  [
    'a daily question of files',
    'batch',
    { freshness: '1m', arrival: 'files', arrivalEvery: '1d', ...team('expert'), ...redo('never') },
  ],
  ['within 15 minutes', 'micro-batch', { freshness: '15m', ...team('novice'), ...redo('monthly') }],
  [
    'engagement within 5 minutes',
    'micro-batch',
    { freshness: '5m', ...team('intermediate'), ...redo('never') },
  ],
  [
    'engagement within 5 minutes, half a year reprocessed yearly',
    'micro-batch',
    { freshness: '5m', ...team('intermediate'), ...redo('yearly', '180d') },
  ],
  ['within a minute', 'micro-batch', { freshness: '1m', ...team('expert'), ...redo('yearly') }],
  [
    'a live dashboard within 30 seconds',
    'streaming',
    { freshness: '30s', action: 'dashboard', ...team('intermediate'), ...redo('yearly') },
  ],
  [
    'fraud within 200 ms',
    'streaming',
    { freshness: '200ms', action: 'decide', ...team('expert'), ...redo('never') },
  ],
  [
    'fraud within 200 ms, exactly once, mails sent, at volume',
    'streaming',
    {
      freshness: '200ms',
      action: 'decide',
      duplicates: 'never',
      effects: 'once',
      volume: { eventsPerSecond: 50_000 },
      ...team('expert'),
      ...redo('yearly', '180d'),
    },
  ],
  [
    'seconds for a team that has not run a stream',
    'streaming',
    { freshness: '5s', ...team('novice'), ...redo('yearly') },
  ],
  [
    'seconds with clean reprocessing every month',
    'kappa',
    { freshness: '5s', ...team('expert'), ...redo('monthly', '90d') },
  ],
  [
    'seconds with clean reprocessing every week',
    'kappa',
    { freshness: '2s', ...team('intermediate'), ...redo('weekly') },
  ],
  [
    'seconds with clean reprocessing at volume',
    'kappa',
    { freshness: '5s', volume: { eventsPerSecond: 100_000 }, ...team('expert'), ...redo('monthly', '180d') },
  ],
  [
    'seconds now and exact years of history every day',
    'lambda',
    { freshness: '5s', accuracy: 'approximate-then-exact', ...team('expert'), ...redo('daily', '1095d') },
  ],
  [
    'seconds now and two years of history every day',
    'lambda',
    { freshness: '10s', ...team('intermediate'), ...redo('daily', '730d') },
  ],
  [
    'seconds with reprocessing every week from a lake only',
    'lambda',
    { freshness: '5s', historyIn: 'lake', ...team('expert'), ...redo('weekly') },
  ],
  [
    'seconds with reprocessing from a lake now and then',
    'kappa',
    { freshness: '5s', historyIn: 'lake', ...team('expert'), ...redo('monthly') },
  ],
  [
    'seconds, approximate at first and exact later, from a lake',
    'lambda',
    {
      freshness: '5s',
      historyIn: 'lake',
      accuracy: 'approximate-then-exact',
      ...team('intermediate'),
      ...redo('monthly'),
    },
  ],
  [
    'seconds, approximate at first and exact later, where the log is all there is',
    'kappa',
    {
      freshness: '5s',
      historyIn: 'log',
      accuracy: 'approximate-then-exact',
      ...team('expert'),
      ...redo('monthly'),
    },
  ],
  [
    'seconds, with a second implementation that is tolerable',
    'lambda',
    {
      freshness: '5s',
      codebases: 'two',
      existing: ['kafka', 'spark'],
      ...team('expert'),
      ...redo('monthly'),
    },
  ],
  [
    'seconds from a log that keeps everything',
    'kappa',
    { freshness: '5s', historyIn: 'log', ...team('intermediate'), ...redo('quarterly') },
  ],
  [
    'seconds with mails that must not be sent again',
    'streaming',
    { freshness: '5s', effects: 'once', ...team('expert'), ...redo('monthly') },
  ],
  [
    'a question that is asked once',
    'batch',
    { freshness: '5s', asked: 'once', ...team('expert'), ...redo('never') },
  ],
  [
    'seconds with more history than a replay can read in a day',
    'lambda',
    {
      freshness: '5s',
      correctBy: '1d',
      volume: { eventsPerSecond: 1e6 },
      ...team('expert'),
      ...redo('monthly', '180d'),
    },
  ],
  [
    'minutes with years of history every day',
    'micro-batch',
    { freshness: '5m', ...team('expert'), ...redo('daily', '1095d') },
  ],
];

describe('verdicts', () => {
  test.each(CASES)('%s: %s', (_, becomes, answers) => {
    const result = recommend(answers);
    expect(result.recommendation).toBe(becomes);
    expect(result.possible).toEqual([becomes]);
    expect(result.candidates.find((candidate) => candidate.architecture === becomes)?.feasible).toBe(true);
  });

  test('Lambda says what its two layers cost, and that elsewhere they are two codebases', () => {
    const { because } = recommend({ freshness: '5s', ...team('expert'), ...redo('daily', '1095d') });
    expect(because.some(({ claim }) => /two layers always run.*\$[\d,]+/i.test(claim))).toBe(true);
    expect(because.some(({ claim }) => /two codebases/i.test(claim))).toBe(true);
  });

  test('a team that could not run Lambda is told so, and is given the least bad', () => {
    const result = recommend({ freshness: '5s', ...team('novice'), ...redo('daily', '1095d') });
    expect(result.recommendation).toBe('micro-batch');
    const [first] = result.conflicts;
    expect(first?.says).toContain('No architecture keeps all of these');
    expect(result.candidates.every((candidate) => candidate.violations.length > 0)).toBe(true);
  });

  test('no architecture is fast enough: the least bad is a stream, and its violation says by how much', () => {
    const result = recommend({ freshness: '5ms', ...team('expert'), ...redo('never') });
    expect(result.recommendation).toBe('streaming');
    const streaming = result.candidates.find(({ architecture }) => architecture === 'streaming');
    expect(streaming?.violations).toMatchObject([{ requirement: 'freshness', needs: '5ms', gives: '100ms' }]);
  });
});
