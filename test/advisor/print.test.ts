import { describe, expect, test } from 'vitest';
import pc from 'picocolors';
import type { GivenAnswers } from '../../src/advisor/answers.ts';
import { toHtml } from '../../src/advisor/print/html.ts';
import { toMadr } from '../../src/advisor/print/madr.ts';
import { percent } from '../../src/advisor/print/phrases.ts';
import { recommendationText } from '../../src/advisor/print/text.ts';
import { recommend } from '../../src/advisor/recommend.ts';
import {
  architectureOf,
  explanationMarkdown,
  explanationOf,
  explanationText,
} from '../../src/cli/commands/explain.ts';
import { questionsMarkdown, questionsText } from '../../src/cli/commands/questions.ts';
import { ARCHITECTURES } from '../../src/advisor/answers.ts';

const plain = pc.createColors(false);
const given: GivenAnswers = {
  freshness: '15m',
  lateness: { max: '10m' },
  reprocessing: { every: 'monthly' },
  maturity: 'novice',
  reactionTime: '1h',
};

function widest(text: string): number {
  const lines = text.split('\n').filter((line) => !/^\s*https?:/.test(line));
  return Math.max(...lines.map((line) => line.length));
}

describe('text', () => {
  const text = recommendationText(recommend(given), 80, plain);

  test('says the verdict first, then why, the others, conflicts, flips, defaults and sources', () => {
    expect(text.startsWith('micro-batch\n')).toBe(true);
    const titles = [
      'Why',
      'All five',
      'These answers pull',
      'What would change it',
      'Nobody said',
      'Sources',
    ];
    const at = titles.map((title) => text.indexOf(`\n${title}`));
    expect(at).toEqual([...at].sort((a, b) => a - b));
    expect(at[0]).toBeGreaterThan(0);
    expect(text).toContain('freshness 15m: would become batch at 1h, streaming at 59.9s');
  });

  test.each([80, 60, 100])('fits %i columns, links aside', (columns) => {
    const shown = recommendationText(recommend(given), columns, plain);
    const table = /^(  |> ).*\$\d/;
    const lines = shown.split('\n').filter((line) => !table.test(line) && !line.includes('low-high'));
    expect(widest(lines.join('\n'))).toBeLessThanOrEqual(columns);
    if (columns >= 80) expect(widest(shown)).toBeLessThanOrEqual(columns);
  });

  test('lists the sources of its reasons, and all of them with what they say when asked', () => {
    const { because, sources } = recommend(given);
    const whole = recommendationText(recommend(given), 80, plain, { sources: true });
    for (const { id } of sources) expect(whole).toContain(`\n  - ${id}: `);
    const [, listed = ''] = text.split('\nSources\n');
    for (const { source } of because) expect(listed).toContain(`  - ${source}: `);
    const shown = listed.match(/^ {2}- /gm)?.length ?? 0;
    expect(listed).toContain(`\n  ${sources.length - shown} more for the figures; --sources prints all`);
    expect(shown).toBeLessThan(sources.length / 2);
  });

  test('says when no architecture keeps every promise', () => {
    const shown = recommendationText(recommend({ ...given, freshness: '5ms' }), 80, plain);
    expect(shown).toContain('no architecture keeps every promise');
  });

  test('says what is still possible, and which answer matters most', () => {
    const shown = recommendationText(recommend({ ...given, freshness: '10s..15m' }), 80, plain);
    expect(shown.replaceAll(/\s+/g, ' ')).toContain(
      'Still possible: micro-batch. freshness (10s..15m) matters most. Where it is 10s',
    );
  });
});

describe('the decision record', () => {
  const options = { title: 'How results stay fresh', date: '2026-11-23' } as const;

  test('has the sections of MADR 4 in their order', () => {
    const madr = toMadr(recommend(given), options);
    expect(
      /^---\nstatus: accepted\ndate: 2026-11-23\n[^#]*\n---\n\n# How results stay fresh\n/.test(madr),
    ).toBe(true);
    const sections = madr.match(/^#{2,3} (.+)$/gm);
    expect(sections).toEqual([
      '## Context and Problem Statement',
      '## Decision Drivers',
      '## Considered Options',
      '## Decision Outcome',
      '### Consequences',
      '### Confirmation',
      '## Pros and Cons of the Options',
      '### Batch',
      '### Micro-batch',
      '### Streaming',
      '### Kappa',
      '### Lambda',
      '## More Information',
      '### Revisit when',
      '### Assumed, because nobody said',
      '### Sources',
    ]);
    expect(madr).toContain('* `freshness` (now 15m): batch at 1h, streaming at 59.9s');
    expect(madr).toContain('Neutral, but to be settled (freshness, reactionTime)');
  });

  test('is the same without a clock: no date unless one is given', () => {
    expect(toMadr(recommend(given), { title: 't' })).not.toContain('date:');
  });

  test('carries a picture when there is one', () => {
    expect(toMadr(recommend(given), { ...options, diagram: 'flowchart LR\n' })).toContain(
      '```mermaid\nflowchart LR\n```',
    );
  });

  test('records what was chosen against the advice, and what that breaks', () => {
    const madr = toMadr(recommend(given), { ...options, chosen: 'batch' });
    expect(madr).toContain('Chosen option: "Batch", against the advice, which was "Micro-batch"');
    expect(madr).toContain('Bad, because freshness is not kept: it needs 15m and gets 1h');
  });
});

test('HTML is one page that fetches nothing, and quotes what it shows', () => {
  const html = toHtml(recommend(given), { title: '<b>&"' });
  expect(html).toContain('<title>&lt;b&gt;&amp;&quot;</title>');
  expect(html).not.toMatch(/<script|<link|<img|src=|@import|url\(/);
  expect(html).toContain('<h1>Micro-batch</h1>');
  const count = (pattern: string) => html.match(new RegExp(pattern, 'g'))?.length ?? 0;
  const tags = ['ul', 'li', 'table', 'tr', 'td', 'p', 'div', 'h2'];
  expect(tags.map((tag) => [tag, count(`</${tag}>`)])).toEqual(
    tags.map((tag) => [tag, count(`<${tag}[ >]`)]),
  );
});

test('a share is never rounded up to everything', () => {
  expect(percent(0.99999)).toBe('99.99 %');
  expect(percent(1)).toBe('100 %');
});

describe('explain', () => {
  test.each(ARCHITECTURES)('%s: what it is, when it fits, what it costs, with sources', (name) => {
    const explanation = explanationOf(architectureOf(name));
    expect(explanation.costs.monthlyUsd.total).toBeGreaterThan(0);
    expect(explanation.sources.length).toBeGreaterThan(2);
    const text = explanationText(explanation, 80, plain);
    expect(widest(text)).toBeLessThanOrEqual(80);
    for (const title of ['Fits when', 'For and against', 'Costs', 'Sources']) {
      expect(text).toContain(`\n${title}\n`);
      expect(explanationMarkdown(explanation)).toContain(`## ${title}\n`);
    }
  });

  test('an unknown name is answered with the nearest', () => {
    expect(() => architectureOf('lamda')).toThrow('Did you mean "lambda"?');
    expect(() => architectureOf('x')).toThrow('There are batch, micro-batch');
    expect(architectureOf('Kappa')).toBe('kappa');
  });
});

test('the questions in text and Markdown are complete', () => {
  const text = questionsText(80, plain);
  expect(widest(text)).toBeLessThanOrEqual(80);
  expect(text).toContain('freshness  --freshness\n');
  expect(text).toContain('a duration, required');
  const rows = questionsMarkdown()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows.every((row) => row.split(/(?<!\\)\|/).length === 7)).toBe(true);
  expect(rows.length).toBe(29);
});
