/** The interview on a terminal made of two streams: keys go in, what a person would see comes out. */
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { GivenAnswers } from '../../src/advisor/answers.ts';
import { QUESTIONS, questionOf } from '../../src/advisor/questions.ts';
import { askQuestions, type Terminal } from '../../src/cli/prompts.ts';

const ENTER = '\r';
const DOWN = '\u001b[B';
const CTRL_C = '\u0003';

/** Like the process's own streams, it does not end when the prompt library has done with it. */
class EndlessStream extends PassThrough {
  override end(): this {
    return this;
  }
}

/** Types each key once its text has been shown after the one before. */
async function interview(
  paths: readonly string[],
  answers: GivenAnswers,
  script: readonly (readonly [string, string])[],
) {
  const input = new EndlessStream();
  const output = new EndlessStream();
  let shown = '';
  let seen = 0;
  const left = [...script];
  output.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    const [next] = left;
    if (next === undefined || !shown.slice(seen).includes(next[0])) return;
    left.shift();
    seen = shown.length;
    setImmediate(() => input.write(next[1]));
  });
  const terminal = { input, output } as unknown as Terminal;
  const result = await askQuestions(paths.map(questionOf), answers, terminal);
  return { result, shown, left };
}

test('the four needed answers are asked, each with its reason', async () => {
  const required = QUESTIONS.filter((question) => question.required).map((question) => question.path);
  expect(required).toEqual(['freshness', 'lateness.max', 'reprocessing.every', 'maturity']);
  const { result, shown, left } = await interview(required, {}, [
    ['How old may a result be', `5m${ENTER}`],
    ['How late may an event be', `10m${ENTER}`],
    ['How often is history', ENTER],
    ['How experienced', `${DOWN}${ENTER}`],
  ]);
  expect(left).toEqual([]);
  expect(result).toEqual({
    freshness: '5m',
    lateness: { max: '10m' },
    reprocessing: { every: 'monthly' },
    maturity: 'intermediate',
  });
  expect(shown).toContain('It is the promise.');
});

test('what the schema refuses is refused where it is typed, and can be mended', async () => {
  const { result, left } = await interview(['freshness'], {}, [
    ['How old may a result be', `15${ENTER}`],
    ['has no unit: say 15m or 15s', `m${ENTER}`],
  ]);
  expect(left).toEqual([]);
  expect(result).toEqual({ freshness: '15m' });
});

test('an answer that contradicts an earlier one is refused too', async () => {
  const { result, left } = await interview(['lateness.typical'], { lateness: { max: '1m' } }, [
    ['How late do half', `${'\u007f'.repeat(2)}5m${ENTER}`],
    ['is less than lateness.typical', `${'\u007f'.repeat(2)}5s${ENTER}`],
  ]);
  expect(left).toEqual([]);
  expect(result.lateness).toEqual({ max: '1m', typical: '5s' });
});

test('how often files come is asked only of files', async () => {
  const { result } = await interview(['arrivalEvery'], { arrival: 'continuous' }, []);
  expect(result).toEqual({ arrival: 'continuous' });
});

test('Ctrl-C ends the interview with the error that stands for exit 130', async () => {
  const asked = interview(['freshness'], {}, [['How old may a result be', CTRL_C]]);
  await expect(asked).rejects.toMatchObject({ name: 'ExitPromptError' });
});
