/**
 * The interview on a terminal made of two streams: keys go in, what a person would see comes out. Once with the library that
 * redraws, once line by line, as on a dumb terminal.
 */
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { GivenAnswers } from '../../src/advisor/answers.ts';
import { QUESTIONS, questionOf } from '../../src/advisor/questions.ts';
import { askQuestions, type Terminal } from '../../src/cli/prompts.ts';

const ENTER = '\r';
const DOWN = '\u001B[B';
const UP = '\u001B[A';
const CTRL_C = '\u0003';
const BACKSPACE = '\u007F';
const REVIEW = 'Is this right?';

const REQUIRED = QUESTIONS.filter((question) => question.required).map((question) => question.path);

/** Like the process's own streams, it does not end when the prompt library has done with it. */
class EndlessStream extends PassThrough {
  override end(): this {
    return this;
  }
}

type Script = readonly (readonly [shown: string, keys: string])[];

/** Types each key once its text has been shown after the one before. */
async function interview(paths: readonly string[], answers: GivenAnswers, script: Script) {
  const input = new EndlessStream();
  const output = new EndlessStream();
  let shown = '';
  let seen = 0;
  const left = [...script];
  const type = (): void => {
    const [next] = left;
    if (next === undefined || !shown.slice(seen).includes(next[0])) return;
    left.shift();
    seen = shown.length;
    setImmediate(() => {
      input.write(next[1]);
      type();
    });
  };
  output.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    type();
  });
  const terminal = { input, output } as unknown as Terminal;
  const result = await askQuestions(paths.map(questionOf), answers, terminal);
  return { result, shown, left };
}

const FOUR: GivenAnswers = {
  freshness: '5m',
  lateness: { max: '10m' },
  reprocessing: { every: 'monthly' },
  maturity: 'intermediate',
};

describe('with keys', () => {
  test('four questions, each with its progress, its reason and what typical answers mean', async () => {
    expect(REQUIRED).toEqual(['freshness', 'lateness.max', 'reprocessing.every', 'maturity']);
    const { result, shown, left } = await interview(REQUIRED, {}, [
      ['1 of 4  How old may a result be', `5m${ENTER}`],
      ['2 of 4  How late may an event be', `10m${ENTER}`],
      ['3 of 4  How often is history', ENTER],
      ['4 of 4  How experienced', `${DOWN}${ENTER}`],
      [REVIEW, ENTER],
    ]);
    expect(left).toEqual([]);
    expect(result).toEqual(FOUR);
    expect(shown).toContain('It is the promise.');
    expect(shown).toMatch(/15m\s+a dashboard that people act on/);
    expect(shown).toMatch(/change freshness\s+5m/);
  });

  test('which architecture leads is shown while an answer is typed, and after it with what would change it', async () => {
    const { shown } = await interview(REQUIRED, {}, [
      ['1 of 4', '5m'],
      ['micro-batch leads', ENTER],
      ['So far micro-batch leads', `10m${ENTER}`],
      ['3 of 4', ENTER],
      ['4 of 4', `${DOWN}${ENTER}`],
      [REVIEW, ENTER],
    ]);
    expect(shown.replaceAll(/\s+/g, ' ')).toMatch(
      /So far micro-batch leads\. Would change it: freshness: \w+ at 59\.9s, batch at 1h/,
    );
  });

  test('< goes back, and the answer that was given is there to be changed', async () => {
    const { result, left } = await interview(REQUIRED, {}, [
      ['1 of 4', `5m${ENTER}`],
      ['2 of 4', `<${ENTER}`],
      ['1 of 4', `1d${ENTER}`],
      ['2 of 4', `10m${ENTER}`],
      ['3 of 4', ENTER],
      ['4 of 4', `${UP}${UP}${DOWN}${DOWN}${DOWN}${DOWN}${ENTER}`],
      ['3 of 4', ENTER],
      ['4 of 4', ENTER],
      [REVIEW, ENTER],
    ]);
    expect(left).toEqual([]);
    expect(result).toEqual({ ...FOUR, freshness: '1d', maturity: 'novice' });
  });

  test('at the end an answer can be changed, and what else could change the verdict is offered', async () => {
    const { result, shown, left } = await interview(REQUIRED, {}, [
      ['1 of 4', `5m${ENTER}`],
      ['2 of 4', `10m${ENTER}`],
      ['3 of 4', ENTER],
      ['4 of 4', `${DOWN}${ENTER}`],
      [REVIEW, `${DOWN}${ENTER}`],
      ['How old may a result be', `${BACKSPACE.repeat(2)}5s${ENTER}`],
      [REVIEW, ENTER],
    ]);
    expect(left).toEqual([]);
    expect(result).toEqual({ ...FOUR, freshness: '5s' });
    expect(shown).toContain('also answer accuracy (could make it lambda)');
    expect(shown).not.toContain('also answer cloud');
  });

  test('what the schema refuses is refused where it is typed, and can be mended', async () => {
    const { result, left } = await interview(['freshness'], {}, [
      ['How old may a result be', `15${ENTER}`],
      ['has no unit: say 15m or 15s', `m${ENTER}`],
      [REVIEW, ENTER],
    ]);
    expect(left).toEqual([]);
    expect(result).toEqual({ freshness: '15m' });
  });

  test('an answer that contradicts an earlier one is refused too', async () => {
    const { result, left } = await interview(['lateness.typical'], { lateness: { max: '1m' } }, [
      ['How late do half', `${BACKSPACE.repeat(2)}5m${ENTER}`],
      ['is less than lateness.typical', `${BACKSPACE.repeat(2)}5s${ENTER}`],
      [REVIEW, ENTER],
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
});

describe.each([
  ['a dumb terminal', 'TERM', 'dumb'],
  ['a screen reader', 'ACCESSIBLE', '1'],
])('line by line, for %s', (_, name, value) => {
  beforeEach(() => {
    vi.stubEnv(name, value);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('the same answers come of the same questions, and nothing is redrawn', async () => {
    const { result, shown, left } = await interview(REQUIRED, {}, [
      ['Question 1 of 4. How old may a result be', '15\n'],
      ['has no unit: say 15m or 15s', '5s\n'],
      ['Question 2 of 4.', 'back\n'],
      ['Question 1 of 4.', '\n'],
      ['Question 2 of 4.', '10m\n'],
      ['Question 3 of 4.', '4\n'],
      ['Question 4 of 4.', 'intermediate\n'],
      ['Enter takes them', 'nothing\n'],
      ['is no number from 1 to 4', 'accuracy\n'],
      ['How exact must a result be', '2\n'],
      ['Enter takes them', '\n'],
    ]);
    expect(left).toEqual([]);
    expect(result).toEqual({ ...FOUR, freshness: '5s', accuracy: 'approximate-then-exact' });
    expect(shown).toContain('  4. monthly');
    expect(shown).toContain('So far kappa leads');
    expect(shown).toContain('So far lambda leads');
    expect(shown).toContain('  1. freshness: 5s');
    // oxlint-disable-next-line no-control-regex
    expect(shown).not.toMatch(/\u001B/);
  });

  test('the end of the input is an interruption, not an answer', async () => {
    const input = new PassThrough();
    const output = new PassThrough();
    output.resume();
    input.end('5m\n');
    const asked = askQuestions(REQUIRED.map(questionOf), {}, { input, output } as unknown as Terminal);
    await expect(asked).rejects.toMatchObject({ name: 'ExitPromptError' });
  });
});
