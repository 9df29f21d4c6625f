import { describe, expect, test } from 'vitest';
import { Command } from 'commander';
import { z } from 'zod';
import { answersSchema, givenAnswersSchema, type GivenAnswers } from '../../src/advisor/answers.ts';
import { answerProblems, completeAnswers } from '../../src/advisor/complete.ts';
import { answersJsonSchema, QUESTIONS, questionOf } from '../../src/advisor/questions.ts';
import { addAnswerFlags, answerFlagsOf, problemOf, valueOfText } from '../../src/cli/answer-flags.ts';

const needed: GivenAnswers = {
  freshness: '15m',
  lateness: { max: '10m' },
  reprocessing: { every: 'monthly' },
  maturity: 'novice',
};

describe('one answer', () => {
  test.each([
    ['freshness', 15, '15 has no unit: say 15m or 15s'],
    ['freshness', '15', '"15" has no unit: say 15m or 15s'],
    ['freshness', '0s', '0s is too short: at least 1ms'],
    ['freshness', '99999w', '99999w" is not a duration'],
    ['freshness', '20y', 'is not a duration'],
    ['freshness', '600w', 'too long: at most 520w'],
    ['freshness', '15m..1m', '15m..1m is a range that ends before it begins'],
    ['freshness', '1m..2m..3m', 'is not a duration'],
    ['freshness', '-5m', 'is not a duration'],
    ['maturity', 'novise', 'Did you mean "novice"?'],
    ['volume.eventsPerSecond', 'many', '"many" is not a number, a range (100..500) or unsure'],
    ['volume.eventsPerSecond', 0, '0 is too small'],
    ['volume.eventsPerSecond', Number.NaN, 'is not a number'],
    ['volume.eventsPerSecond', Infinity, 'is not a number'],
    ['volume.eventsPerSecond', '500..100', 'ends before it begins'],
    ['team.onCall', 'perhaps', '"perhaps" is not one of true, false, unsure'],
    ['existing', ['kafak'], 'Did you mean "kafka"?'],
    ['existing', 'kafka', 'is not a list'],
    ['freshness', null, 'is not a duration'],
    ['existing', Array.from({ length: 50 }, () => 'kafka'), 'too many entries'],
  ])('%s: %j is refused: %s', (path, value, message) => {
    expect(problemOf(questionOf(path), value)).toContain(message);
  });

  test.each(QUESTIONS.map((question) => [question.path, question] as const))(
    '%s may be unsure',
    (_, question) => {
      expect(problemOf(question, 'unsure')).toBeUndefined();
    },
  );

  test('durations and numbers may be ranges', () => {
    expect(problemOf(questionOf('freshness'), '1m..15m')).toBeUndefined();
    expect(problemOf(questionOf('volume.keys'), '100..1e6')).toBeUndefined();
  });
});

describe('answers together', () => {
  test('the latest event cannot come before the usual one', () => {
    const problems = answerProblems({ ...needed, lateness: { typical: '1h', max: '10m' } });
    expect(problems).toMatchObject([
      { path: 'lateness.typical', message: expect.stringContaining('less than lateness.typical 1h') },
    ]);
  });

  test('a latest event under the default of the usual one brings the default down', () => {
    expect(completeAnswers({ ...needed, lateness: { max: '200ms' } }).answers.lateness.typical).toBe('200ms');
    expect(completeAnswers(needed).answers.lateness.typical).toBe('1s');
  });

  test('files need how often they are dropped, and only files do', () => {
    expect(answerProblems({ ...needed, arrival: 'files' })[0]?.message).toContain('needs arrivalEvery');
    expect(answerProblems({ ...needed, arrivalEvery: '1d' })[0]?.message).toContain(
      'only with arrival: files',
    );
    expect(answerProblems({ ...needed, arrival: 'files', arrivalEvery: '1d' })).toEqual([]);
  });

  test.each([
    [{ volume: { eventsPerSecond: 1e9, bytesPerEvent: 1e6 } }, '1000 TB/s, more than any stream'],
    [{ volume: { eventsPerSecond: 0.001, keys: 1e9 } }, 'not one event each in ten years'],
    [
      { asked: 'once', reprocessing: { every: 'daily' } },
      'a question that is asked once is not reprocessed daily',
    ],
  ] as const)('%j is explained, not decided', (absurd, message) => {
    expect(() => completeAnswers({ ...needed, ...absurd })).toThrow(message);
  });

  test('what is only large, or only unsure, is decided', () => {
    const large = { eventsPerSecond: 1e7, bytesPerEvent: 1000, keys: 1e12 };
    expect(answerProblems({ ...needed, volume: large })).toEqual([]);
    expect(answerProblems({ ...needed, volume: { eventsPerSecond: 'unsure', keys: 1e12 } })).toEqual([]);
    expect(answerProblems({ ...needed, asked: 'once', reprocessing: { every: 'unsure' } })).toEqual([]);
  });

  test('all that is missing is named at once, by flag', () => {
    expect(() => completeAnswers({ freshness: '15m' })).toThrow(
      '--lateness-max, --reprocessing-every, --maturity',
    );
  });

  test('reactionTime follows freshness when nobody says', () => {
    expect(completeAnswers(needed).answers.reactionTime).toBe('15m');
  });
});

describe('the schema is the only source', () => {
  test('its JSON Schema requires the four answers, and explains and defaults the others', () => {
    const schema = answersJsonSchema() as {
      $schema: string;
      required: string[];
      properties: Record<
        string,
        {
          required?: string[];
          properties: Record<string, { default?: unknown; 'x-why'?: string; description: string }>;
        }
      >;
    };
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(schema.required).toEqual(['freshness', 'lateness', 'reprocessing', 'maturity']);
    expect(schema.properties['lateness']?.required).toEqual(['max']);
    expect(schema.properties['volume']?.required).toBeUndefined();
    expect(schema.properties['volume']?.properties['keys']).toMatchObject({ default: 10_000 });
    expect(JSON.stringify(schema)).not.toContain('"question"');
    for (const question of QUESTIONS) {
      const node = question.path
        .split('.')
        .reduce<Record<string, unknown>>(
          (parent, key) => (parent['properties'] as Record<string, Record<string, unknown>>)[key] ?? {},
          schema,
        );
      expect(node['x-why']).toBe(question.why);
      expect(String(node['description'])).toContain(question.ask);
    }
  });

  test('what zod can read back from it agrees: the needed answers alone are valid, a missing one is not', () => {
    const reread = z.fromJSONSchema(answersJsonSchema());
    expect(reread.safeParse(needed).success).toBe(true);
    expect(reread.safeParse({ ...needed, freshness: undefined }).success).toBe(false);
    expect(reread.safeParse({ ...needed, freshness: 15 }).success).toBe(false);
    expect(reread.safeParse({ ...needed, maturity: 'guru' }).success).toBe(false);
  });

  test('every answer has a flag, and a flag reads what a file would hold', () => {
    const command = addAnswerFlags(new Command('t').exitOverride());
    command.parse(
      [
        '--freshness',
        '15m',
        '--volume-events-per-second',
        '500',
        '--existing',
        'kafka,airflow',
        '--state-joins',
        'yes',
        '--team-on-call',
        'unsure',
        '--arrival-every',
        '1d',
      ],
      { from: 'user' },
    );
    const flags = answerFlagsOf(command.opts());
    const read = Object.entries(flags).map(([path, text]) => [path, valueOfText(questionOf(path), text)]);
    expect(Object.fromEntries(read)).toEqual({
      freshness: '15m',
      'volume.eventsPerSecond': 500,
      existing: ['kafka', 'airflow'],
      'state.joins': true,
      'team.onCall': 'unsure',
      arrivalEvery: '1d',
    });
    for (const question of QUESTIONS)
      expect(command.options.map(({ long }) => long)).toContain(question.flag);
  });

  test('defaults are valid answers', () => {
    const { answers } = completeAnswers(needed);
    expect(answersSchema.safeParse(answers).success).toBe(true);
    expect(givenAnswersSchema.safeParse({}).success).toBe(true);
    for (const question of QUESTIONS) {
      if (question.fallback === undefined || question.path === 'reactionTime') continue;
      expect(problemOf(question, question.fallback)).toBeUndefined();
    }
  });
});
