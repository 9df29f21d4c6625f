/**
 * What the article on batch and stream processing says, as answers: each scenario with its verdict, and the four mistakes,
 * each caught and said in the words of the one who makes it.
 */
import { describe, expect, test } from 'vitest';
import type { Architecture, GivenAnswers } from '../../src/advisor/answers.ts';
import { recommend } from '../../src/advisor/recommend.ts';

type Scenario = readonly [said: string, becomes: Architecture, answers: GivenAnswers];

const base: GivenAnswers = {
  lateness: { max: '10m' },
  reprocessing: { every: 'yearly' },
  maturity: 'intermediate',
};

const SCENARIOS: readonly Scenario[] = [
  [
    'a nightly job over 500 GB of clickstream that lands by six',
    'batch',
    { freshness: '1d', volume: { eventsPerSecond: 10_000 }, existing: ['spark', 'airflow', 'bigquery'] },
  ],
  [
    'a fraud score within 200 ms of a transaction',
    'streaming',
    {
      freshness: '200ms',
      action: 'decide',
      maturity: 'expert',
      reprocessing: { every: 'never' },
      existing: ['kafka', 'flink'],
    },
  ],
  ['how many users converted last week', 'batch', { freshness: '1w' }],
  [
    'what were total sales yesterday',
    'batch',
    { freshness: '1d', existing: ['kafka', 'flink'], maturity: 'expert' },
  ],
  ['reporting where hourly freshness is acceptable', 'batch', { freshness: '1h', action: 'report' }],
  ['data within 15 minutes', 'micro-batch', { freshness: '15m' }],
  ['engagement metrics within five minutes', 'micro-batch', { freshness: '5m', action: 'dashboard' }],
  [
    'near-real-time dashboards, data within a few minutes',
    'micro-batch',
    { freshness: '3m', action: 'dashboard' },
  ],
  [
    'five minutes, and six months of history to reprocess',
    'micro-batch',
    { freshness: '5m', reprocessing: { every: 'yearly', history: '180d' } },
  ],
  ['a live dashboard below a minute', 'streaming', { freshness: '10s', action: 'dashboard' }],
  [
    'we need to act on this event within seconds',
    'streaming',
    { freshness: '2s', action: 'decide', maturity: 'expert' },
  ],
  [
    'real-time recommendations',
    'streaming',
    { freshness: '1s', action: 'decide', maturity: 'expert', reprocessing: { every: 'never' } },
  ],
  [
    'real-time freshness and historical accuracy, over years of history',
    'lambda',
    {
      freshness: '5s',
      accuracy: 'approximate-then-exact',
      maturity: 'expert',
      reprocessing: { every: 'daily', history: '730d' },
      historyIn: 'lake',
    },
  ],
  [
    'streaming first, with clean reprocessing and the maturity for it',
    'kappa',
    {
      freshness: '5s',
      maturity: 'expert',
      reprocessing: { every: 'monthly', history: '180d' },
      historyIn: 'log',
    },
  ],
  [
    'simplifying a Lambda to one codebase',
    'kappa',
    {
      freshness: '5s',
      maturity: 'expert',
      reprocessing: { every: 'weekly' },
      codebases: 'one',
      existing: ['kafka', 'flink', 'spark'],
    },
  ],
  [
    'reprocessing that the stream processor cannot keep up with',
    'lambda',
    {
      freshness: '5s',
      maturity: 'expert',
      reprocessing: { every: 'monthly', history: '365d' },
      correctBy: '3d',
      volume: { eventsPerSecond: 2_000_000 },
    },
  ],
  [
    'a daily question of a team without the maturity for streams',
    'batch',
    { freshness: '1d', maturity: 'novice' },
  ],
];

describe('the scenarios', () => {
  test.each(SCENARIOS)('%s: %s', (_, becomes, answers) => {
    const result = recommend({ ...base, ...answers });
    expect(result.possible).toEqual([becomes]);
    expect(result.candidates.find(({ architecture }) => architecture === becomes)?.violations).toEqual([]);
  });

  test('Lambda is never named without the price of its two codebases', () => {
    for (const [, becomes, answers] of SCENARIOS) {
      if (becomes !== 'lambda') continue;
      const said = recommend({ ...base, ...answers })
        .because.map(({ claim }) => claim)
        .join(' ');
      expect(said).toMatch(/two codebases that must give the same answer/i);
      expect(said).toMatch(/\$[\d,]+ and \d+ hours of people a month/);
    }
  });

  test('Kappa is never named without the price of keeping history', () => {
    for (const [, becomes, answers] of SCENARIOS) {
      if (becomes !== 'kappa') continue;
      const { because, settings } = recommend({ ...base, ...answers });
      expect(because.map(({ claim }) => claim).join(' ')).toMatch(/price is the retention/);
      expect(settings.retentionSeconds).toBeGreaterThanOrEqual(30 * 86_400);
    }
  });
});

function saidTo(answers: GivenAnswers): string {
  const { because, conflicts } = recommend({ ...base, ...answers });
  return [
    ...because.map(({ claim }) => claim),
    ...conflicts.flatMap(({ says, options }) => [says, ...options]),
  ].join('\n');
}

describe('the four mistakes', () => {
  test('streaming by default: a daily question is told that it can wait, and what a stream would cost', () => {
    const said = saidTo({
      freshness: '1d',
      action: 'dashboard',
      existing: ['kafka', 'flink'],
      maturity: 'expert',
    });
    expect(said).toContain('The question can wait 1d');
    expect(said).toContain('That kafka and flink are there already does not make the question faster');
    expect(said).toMatch(/Streaming would take about \d+ times the hours/);
  });

  test('"fast" taken for streaming: a quarter of an hour is told that it is a short interval', () => {
    const said = saidTo({ freshness: '15m', action: 'dashboard' });
    expect(said).toContain('15m is a short interval between runs, not a stream');
    expect(saidTo({ freshness: '2s', reactionTime: '4h' })).toContain('Nobody acts before 4h');
  });

  test('late events forgotten: how many are missing, what becomes of them, and when a result is final', () => {
    const said = saidTo({ freshness: '5m', lateness: { max: '6h' } });
    expect(said).toMatch(
      /Events come up to 6h late\. About [\d.]+ % are in a result when it is first read; late ones are folded in/,
    );
    expect(said).toContain('cannot be final while events may come 6h late');
    expect(saidTo({ freshness: '5m', lateness: { max: '6h', policy: 'drop' } })).toContain(
      'Dropped late events make results wrong for good',
    );
  });

  test('exactly-once taken as free: what it forces and what it takes, and what it means where it is cheap', () => {
    const fast = saidTo({ freshness: '500ms', duplicates: 'never', maturity: 'expert' });
    expect(fast).toContain('Exactly-once is not a free setting');
    expect(fast).toContain(
      'Through Kafka transactions with their usual commit interval of a minute it cannot be kept at all',
    );
    expect(fast).toMatch(/duplicates: tolerate.*\$\d+ less a month/);
    expect(saidTo({ freshness: '1d', duplicates: 'never' })).toContain(
      'a run overwrites what it wrote before',
    );
  });
});
