/** The knowledge base: whatever decides or costs cites it, and nothing in it is idle. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { GATES } from '../../src/advisor/gates.ts';
import { ABOUT } from '../../src/advisor/knowledge/architectures.ts';
import { KNOWLEDGE } from '../../src/advisor/knowledge/knowledge.ts';
import { COST_SOURCES } from '../../src/advisor/model/cost.ts';
import { FIGURE_SOURCES } from '../../src/advisor/figures.ts';

const IDS = KNOWLEDGE.map(({ id }) => id);
const ADVISOR = join(import.meta.dirname, '..', '..', 'src', 'advisor');

test('every gate, every line of a cost and every figure cites entries that exist', () => {
  const cited = [
    ...Object.entries(GATES).map(([name, { sources }]) => [`gate ${name}`, sources] as const),
    ...Object.entries(COST_SOURCES).map(([name, sources]) => [`cost ${name}`, sources] as const),
    ...Object.entries(FIGURE_SOURCES).map(([name, sources]) => [`figure ${name}`, sources] as const),
    ...Object.entries(ABOUT).map(([name, { sources }]) => [`about ${name}`, sources] as const),
  ];
  const bare = cited.filter(([, sources]) => sources.length === 0).map(([what]) => what);
  const unknown = cited.flatMap(([what, sources]) =>
    sources.filter((id) => !IDS.includes(id)).map((id) => `${what}: ${id}`),
  );
  expect([...bare, ...unknown]).toEqual([]);
});

test('every entry is used', () => {
  const code = readdirSync(ADVISOR, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/knowledge.(?:published|ours)\.ts$/.test(file))
    .map((file) => readFileSync(join(ADVISOR, file), 'utf8'))
    .join('\n');
  expect(IDS.filter((id) => !code.includes(`'${id}'`))).toEqual([]);
});

test('every entry says where, when and how well it is known; what is ours is not passed off as published', () => {
  expect(new Set(IDS).size).toBe(IDS.length);
  const wrong = KNOWLEDGE.filter((entry) => {
    const place =
      entry.check === 'measured' ? /^bench\/results\// : entry.kind === 'ours' ? /./ : /^https:\/\//;
    const isOurs = entry.id.startsWith('ours-') === (entry.kind === 'ours');
    return !isOurs || !place.test(entry.url) || !/^\d{4}(-\d\d)?$/.test(entry.asOf);
  });
  expect(wrong.map(({ id }) => id)).toEqual([]);
});
