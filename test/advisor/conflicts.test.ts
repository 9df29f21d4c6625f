import { expect, test } from 'vitest';
import type { GivenAnswers } from '../../src/advisor/answers.ts';
import { recommend } from '../../src/advisor/recommend.ts';

const base: GivenAnswers = {
  freshness: '15m',
  lateness: { max: '10m' },
  reprocessing: { every: 'yearly' },
  maturity: 'intermediate',
};

function conflict(answers: GivenAnswers, names: readonly string[]) {
  const { conflicts } = recommend({ ...base, ...answers });
  return conflicts.find((found) => names.every((name) => found.answers.includes(name)));
}

test('answers that agree have none', () => {
  expect(recommend(base).conflicts).toEqual([]);
});

test('fast and final exclude each other while events are on their way', () => {
  const found = conflict({ freshness: '10s' }, ['freshness', 'lateness.max']);
  expect(found?.says).toContain('Only early results that are corrected later');
  expect(found?.options.join()).toContain('approximate-then-exact');
  expect(
    conflict({ freshness: '10s', accuracy: 'approximate-then-exact' }, ['freshness', 'lateness.max']),
  ).toBeUndefined();
  expect(
    conflict({ freshness: '10s', lateness: { max: '5s' } }, ['freshness', 'lateness.max']),
  ).toBeUndefined();
});

test('freshness far below the reaction time buys nothing, and the option says what would do', () => {
  const found = conflict({ freshness: '5s', reactionTime: '1d' }, ['freshness', 'reactionTime']);
  expect(found?.says).toContain('buys nothing');
  expect(found?.options[0]).toMatch(
    /^freshness: 1d, which makes it Batch: \$[\d,]+ and \d+ hours of people less a month/,
  );
  expect(conflict({ freshness: '15m', reactionTime: '20m' }, ['reactionTime'])).toBeUndefined();
});

test('files that come daily cannot be read every minute', () => {
  expect(
    conflict({ freshness: '1m', arrival: 'files', arrivalEvery: '1d' }, ['arrivalEvery'])?.says,
  ).toContain('every 1d');
});

test('exactly-once and seconds force a short commit interval', () => {
  expect(conflict({ freshness: '1s', duplicates: 'never' }, ['duplicates'])?.says).toContain(
    'commit interval',
  );
  expect(conflict({ freshness: '5m', duplicates: 'never' }, ['duplicates'])).toBeUndefined();
});

test('effects that happen once must not be replayed', () => {
  expect(conflict({ effects: 'once' }, ['effects'])?.says).toContain('repeat mails and payments');
  expect(conflict({ effects: 'once', reprocessing: { every: 'never' } }, ['effects'])).toBeUndefined();
});

test('dropping late events is not exact', () => {
  expect(
    conflict({ lateness: { max: '10m', policy: 'drop' } }, ['accuracy', 'lateness.policy']),
  ).toBeDefined();
  expect(
    conflict({ accuracy: 'approximate', lateness: { max: '10m', policy: 'drop' } }, ['accuracy']),
  ).toBeUndefined();
});

test('a novice team gets the stream that the promise needs, and is told what that means', () => {
  const found = conflict({ freshness: '5s', maturity: 'novice' }, ['maturity']);
  expect(found?.options.join()).toContain('managed service');
  expect(found?.options[0]).toMatch(
    /^relax the promise: freshness: 1m, which makes it Micro-batch: .* nights fewer on which it stops$/,
  );
  expect(conflict({ freshness: '5s', maturity: 'expert' }, ['maturity'])).toBeUndefined();
});

test('nobody on call is said only when someone said so', () => {
  expect(conflict({ freshness: '5s', team: { onCall: false } }, ['team.onCall'])).toBeDefined();
  expect(conflict({ freshness: '5s' }, ['team.onCall'])).toBeUndefined();
});

test('history that is kept nowhere cannot be reprocessed', () => {
  expect(conflict({ historyIn: 'none' }, ['historyIn'])?.says).toContain('kept nowhere');
});

test('a machine that decides daily is a batch, and is told so', () => {
  expect(conflict({ freshness: '1d', action: 'decide' }, ['action'])?.says).toContain('batch question');
});

test('a handful of people cannot operate what takes all their time', () => {
  expect(conflict({ freshness: '5s', team: { engineers: 1 } }, ['team.engineers'])?.says).toContain('%');
});

test('exactly-once for a figure that may be off is paid for nothing', () => {
  const found = conflict({ freshness: '5s', accuracy: 'approximate', duplicates: 'never' }, [
    'duplicates',
    'accuracy',
  ]);
  expect(found?.options[0]).toMatch(/^duplicates: tolerate: \$\d+ less a month$/);
  expect(conflict({ accuracy: 'exact', duplicates: 'never' }, ['accuracy', 'duplicates'])).toBeUndefined();
});

test('a correction that is asked for before the first result is said to set the pace', () => {
  const found = conflict({ freshness: '1d', correctBy: '10m' }, ['correctBy', 'freshness']);
  expect(found?.says).toContain('within 10m, a first one only within 1d');
  expect(found?.options[0]).toMatch(/^correctBy: 1d, which makes it Batch: /);
  expect(conflict({ freshness: '1d', correctBy: '2d' }, ['correctBy'])).toBeUndefined();
  expect(
    conflict({ freshness: '1d', correctBy: '10m', lateness: { max: '10m', policy: 'side-output' } }, [
      'correctBy',
    ]),
  ).toBeUndefined();
});

test('a window that is longer than what is reprocessed is never computed again as a whole', () => {
  const reprocessing = { every: 'monthly', history: '7d' } as const;
  expect(conflict({ reprocessing, state: { window: '30d' } }, ['state.window'])?.says).toContain(
    'as a whole',
  );
  expect(conflict({ reprocessing, state: { window: '1d' } }, ['state.window'])).toBeUndefined();
});

test('what nobody knows is not said to be the worst', () => {
  const open = {
    freshness: '5s',
    reprocessing: { every: 'unsure' },
    historyIn: 'none',
    maturity: 'unsure',
  } as const;
  expect(conflict(open, ['historyIn'])?.says).toBe(
    'History may have to be reprocessed, and it is kept nowhere.',
  );
  expect(conflict(open, ['team.engineers'])).toBeUndefined();
});

test('a late event that waits too long is not helped by less history', () => {
  const never = { every: 'never' } as const;
  const found = conflict({ freshness: '5s', correctBy: '1m', reprocessing: never }, ['correctBy']);
  expect(found?.options).toEqual([expect.stringMatching(/^allow \S+ for a correction$/)]);
});

test('state that does not fit is said', () => {
  const volume = { eventsPerSecond: 1_000_000, keys: 1e10 };
  expect(conflict({ freshness: '5s', volume, lateness: { max: '1d' } }, ['state.window'])?.says).toContain(
    'GB of state',
  );
});
