/** Published schemas: current, as the types say, and what commands print fits them. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import type { explanationSchema } from '../../src/advisor/documents/explanation.ts';
import { SCHEMA_NAMES, schemaNamed } from '../../src/advisor/documents/documents.ts';
import type { mapSchema } from '../../src/advisor/documents/map.ts';
import type { profileSchema } from '../../src/advisor/documents/profile.ts';
import type { recommendationSchema } from '../../src/advisor/documents/recommendation.ts';
import type { proofSchema } from '../../src/advisor/documents/proof.ts';
import type { Proof } from '../../src/advisor/prove/proof.ts';
import type { reviewSchema } from '../../src/advisor/documents/review.ts';
import type { Review } from '../../src/advisor/review/review.ts';
import type { mapJson } from '../../src/advisor/print/map-json.ts';
import type { Profile } from '../../src/advisor/profile.ts';
import { recommend } from '../../src/advisor/recommend.ts';
import type { Recommendation } from '../../src/advisor/recommendation.ts';
import type { explanationOf } from '../../src/cli/commands/explain.ts';
import { anyAnswers } from './any-answers.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Few events, so that five pipelines run them in seconds. */
const FEW =
  '--freshness 2m --lateness-max 5m --reprocessing-every monthly --maturity expert --volume-events-per-second 0.004 --volume-keys 5';

/** Read-only through and through, and optional members without `undefined`: how the types are written. */
type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;
function validatorOf(name: string) {
  return new Ajv2020({ strict: false, allErrors: true }).compile(schemaNamed(name));
}

/** Fails to compile when a document and its schema differ: change `src/advisor/documents`, then `npm run schemas`. */
test('the schemas are those of the types', () => {
  expectTypeOf<Frozen<z.output<typeof recommendationSchema>>>().toEqualTypeOf<Frozen<Recommendation>>();
  expectTypeOf<Frozen<z.output<typeof profileSchema>>>().toEqualTypeOf<Frozen<Profile>>();
  expectTypeOf<Frozen<z.output<typeof proofSchema>>>().toEqualTypeOf<Frozen<Proof>>();
  expectTypeOf<Frozen<z.output<typeof reviewSchema>>>().toEqualTypeOf<Frozen<Review>>();
  expectTypeOf<keyof z.output<typeof mapSchema>>().toEqualTypeOf<keyof ReturnType<typeof mapJson>>();
  expectTypeOf<keyof z.output<typeof explanationSchema>>().toEqualTypeOf<
    keyof ReturnType<typeof explanationOf>
  >();
});

test('the files of schema/ are current: npm run schemas', () => {
  const files = readdirSync(join(ROOT, 'schema'));
  expect(files.toSorted()).toEqual(SCHEMA_NAMES.map((name) => `${name}.schema.json`).toSorted());
  for (const name of SCHEMA_NAMES) {
    const file = readFileSync(join(ROOT, 'schema', `${name}.schema.json`), 'utf8');
    expect(JSON.parse(file)).toEqual(JSON.parse(JSON.stringify(schemaNamed(name))));
  }
});

test('every recommendation fits its schema', () => {
  const validate = validatorOf('recommendation');
  const fits = fc.property(fc.oneof(anyAnswers(0), anyAnswers(1)), (answers) => {
    expect([validate(JSON.parse(JSON.stringify(recommend(answers)))), validate.errors]).toEqual([true, null]);
  });
  fc.assert(fits, { numRuns: 60 });
});

test('the schema refuses what is none', () => {
  const validate = validatorOf('recommendation');
  const right = JSON.parse(
    JSON.stringify(
      recommend({
        freshness: '15m',
        lateness: { max: '10m' },
        reprocessing: { every: 'never' },
        maturity: 'novice',
      }),
    ),
  ) as Record<string, unknown>;
  expect(validate(right)).toBe(true);
  expect(validate({ ...right, later: 'more may come' })).toBe(true);
  for (const wrong of [
    { recommendation: 'stream' },
    { candidates: [] },
    { answers: {} },
    { version: 2 },
    { flips: [{ answer: 'freshness' }] },
  ])
    expect([wrong, validate({ ...right, ...wrong })]).toEqual([wrong, false]);
});

describe('the commands', () => {
  const advisor = (...args: readonly string[]) => {
    const run = spawnSync(process.execPath, [join(ROOT, 'dist', 'advisor.js'), ...args], {
      encoding: 'utf8',
    });
    return { code: run.status, out: run.stdout, err: run.stderr };
  };
  const events = join(ROOT, 'templates', 'base', 'sample', 'flights.jsonl');

  test.each([
    ['map', ['map', '--freshness', '1m..15m', '--format', 'json']],
    ['map', ['map', '--x', 'volume.eventsPerSecond', '--y', 'maturity', '--format', 'json']],
    ['explanation', ['explain', 'kappa', '--format', 'json']],
    ['proof', ['prove', ...FEW.split(' '), '--format', 'json']],
    [
      'profile',
      ['profile', events, '--event-time', 'scheduled', '--arrival-time', 'arrived', '--format', 'json'],
    ],
    ['profile', ['profile', events, '--event-time', 'scheduled', '--key', 'origin', '--format', 'json']],
  ])('%s: what `%j` prints fits', (name, args) => {
    const run = advisor(...args);
    expect(run).toMatchObject({ code: 0, err: '' });
    const validate = validatorOf(name);
    expect([validate(JSON.parse(run.out)), validate.errors]).toEqual([true, null]);
  });

  test('schema lists the names, prints one, and refuses another word', () => {
    expect(advisor('schema')).toMatchObject({ code: 0, out: `${SCHEMA_NAMES.join('\n')}\n` });
    for (const name of SCHEMA_NAMES)
      expect(JSON.parse(advisor('schema', name).out)).toEqual(JSON.parse(JSON.stringify(schemaNamed(name))));
    expect(advisor('schema', 'recomendation')).toMatchObject({ code: 2, out: '' });
    expect(advisor('schema', 'recomendation').err).toContain('Did you mean "recommendation"?');
  });
});
