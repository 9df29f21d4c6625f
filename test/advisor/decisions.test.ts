/**
 * The advisor against published decisions (`decisions.yaml`). The numbers are floors: a change of the model may raise them and
 * must not lower them. Those of `scoring` were never looked at to change a number of the model.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { expect, test } from 'vitest';
import { ARCHITECTURES, givenAnswersSchema, type Architecture } from '../../src/advisor/answers.ts';
import { completeAnswers } from '../../src/advisor/complete.ts';
import { hardestFacts } from '../../src/advisor/facts.ts';
import { opennessOf } from '../../src/advisor/undecided.ts';
import { verdictOf } from '../../src/advisor/verdict.ts';
import { z } from 'zod';

const architecture = z.enum(ARCHITECTURES);
const decisions = z
  .array(
    z.strictObject({
      id: z.string(),
      set: z.enum(['development', 'scoring']),
      source: z.url(),
      says: z.string(),
      chosen: architecture,
      rejected: z.array(architecture),
      answers: givenAnswersSchema,
    }),
  )
  .parse(parse(readFileSync(join(import.meta.dirname, 'decisions.yaml'), 'utf8')));

/** What a page about streaming would say: seconds stream, minutes are micro-batches, the rest is batch. */
function byFreshnessAlone(seconds: number): Architecture {
  if (seconds <= 60) return 'streaming';
  return seconds <= 3600 ? 'micro-batch' : 'batch';
}

const SETS = ['development', 'scoring'] as const;

const scored = decisions.map((decision) => {
  const { answers } = completeAnswers(decision.answers);
  const { possible } = opennessOf(answers);
  return {
    ...decision,
    advised: verdictOf(answers),
    possible,
    naive: byFreshnessAlone(hardestFacts(answers).freshness),
    isReplayed: decision.chosen === 'lambda' || decision.chosen === 'kappa',
  };
});

function right(set: (typeof SETS)[number], of: (decision: (typeof scored)[number]) => boolean) {
  return scored.filter((decision) => decision.set === set && of(decision)).length;
}

test('each decision is one source, once, and each kind is in both sets, about evenly', () => {
  expect(new Set(scored.map(({ id }) => id)).size).toBe(scored.length);
  expect(new Set(scored.map(({ source }) => source)).size).toBe(scored.length);
  const uneven = ARCHITECTURES.filter((kind) => {
    const [a = 0, b = 0] = SETS.map((set) => right(set, ({ chosen }) => chosen === kind));
    return Math.abs(a - b) > 2;
  });
  expect(uneven).toEqual([]);
});

test('it names what was chosen far more often than freshness alone does', () => {
  const hits = (set: (typeof SETS)[number]) => ({
    all: right(set, () => true),
    advised: right(set, ({ advised, chosen }) => advised === chosen),
    possible: right(set, ({ possible, chosen }) => possible.includes(chosen)),
    naive: right(set, ({ naive, chosen }) => naive === chosen),
  });
  expect(hits('development')).toEqual({ all: 17, advised: 16, possible: 16, naive: 10 });
  expect(hits('scoring')).toEqual({ all: 16, advised: 11, possible: 13, naive: 9 });
});

test('it reaches Lambda and Kappa, which freshness alone never does', () => {
  const hits = (set: (typeof SETS)[number]) => ({
    all: right(set, ({ isReplayed }) => isReplayed),
    advised: right(set, ({ isReplayed, advised, chosen }) => isReplayed && advised === chosen),
    naive: right(set, ({ isReplayed, naive, chosen }) => isReplayed && naive === chosen),
  });
  expect(hits('development')).toEqual({ all: 6, advised: 5, naive: 0 });
  expect(hits('scoring')).toEqual({ all: 6, advised: 3, naive: 0 });
});

test('it never names what the team had rejected', () => {
  const named = scored.filter(({ advised, rejected }) => rejected.includes(advised));
  expect(named.map(({ id }) => id)).toEqual([]);
});
