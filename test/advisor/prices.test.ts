/** Prices and efforts of a team's own: what the file may hold, and that it decides. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { GivenAnswers } from '../../src/advisor/answers.ts';
import { ASSUMED } from '../../src/advisor/knowledge/assumptions.ts';
import { assumedFrom, pricesSchema, pricesTemplate, type GivenPrices } from '../../src/advisor/prices.ts';
import { recommend } from '../../src/advisor/recommend.ts';
import { readPrices } from '../../src/cli/commands/prices.ts';

const folder = mkdtempSync(join(tmpdir(), 'prices-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function fileOf(text: string): string {
  const file = join(folder, 'prices.yaml');
  writeFileSync(file, text);
  return file;
}

const SECONDS: GivenAnswers = {
  freshness: '5s',
  lateness: { max: '10m' },
  reprocessing: { every: 'monthly' },
  maturity: 'expert',
};

function costOf(prices: GivenPrices) {
  const { candidates } = recommend(SECONDS, assumedFrom(prices, 'prices.yaml'));
  const [, , streaming] = candidates;
  return streaming?.predicted.monthlyUsd ?? { compute: 0, storage: 0, people: 0 };
}

test('what `advisor prices` prints is a file that changes nothing', () => {
  const template = pricesTemplate((id) => id);
  const given = pricesSchema.parse(parse(template));
  expect({ ...assumedFrom(given, ''), given: undefined }).toEqual({ ...ASSUMED, given: undefined });
  expect(template).toContain('msf-kpu-price');
});

test('a figure that is given moves its line and no other', () => {
  const ours = costOf({});
  expect(costOf({ cloud: { coreHourUsd: 0.22 } })).toMatchObject({
    compute: ours.compute * 2,
    storage: ours.storage,
    people: ours.people,
  });
  expect(costOf({ personHourUsd: 180 }).people).toBe(ours.people * 2);
  expect(costOf({ effort: { streaming: { base: 80 } } }).people).toBeGreaterThan(ours.people);
});

test('efforts decide: where replaying is much work, a stream is rebuilt by hand', () => {
  expect(recommend(SECONDS).recommendation).toBe('kappa');
  const hard = assumedFrom({ effort: { kappa: { reprocess: 60 } } }, 'prices.yaml');
  expect(recommend(SECONDS, hard).recommendation).toBe('streaming');
});

test('where they come from is among the sources, with what was given', () => {
  const { sources } = recommend(
    SECONDS,
    assumedFrom({ personHourUsd: 120, cloud: { coreHourUsd: 0.1 } }, 'ours.yaml'),
  );
  expect(sources.at(-1)).toMatchObject({
    id: 'given-prices',
    where: 'ours.yaml',
    claim: 'In place of ours: personHourUsd, cloud.coreHourUsd',
  });
  expect(recommend(SECONDS).sources.map(({ id }) => id)).not.toContain('given-prices');
});

test.each([
  ['cloud: { coreHourUSD: 1 }', ':1:10: unknown key "cloud.coreHourUSD". Did you mean "coreHourUsd"?'],
  ['efort: {}', ':1:1: unknown key "efort". Did you mean "effort"?'],
  ['personHourUsd: much', ':1:1: personHourUsd: is not a number'],
  ['personHourUsd: -1', 'is less than 0'],
  ['engineerHours: 0', 'is less than 1'],
  ['stopsPerMonth: .inf', 'is not a number'],
])('%s is refused with its place', (text, message) => {
  expect(() => readPrices(fileOf(text))).toThrow(message);
});

test('without a file they are ours, and the printed file says where each group comes from', () => {
  expect(readPrices(undefined)).toBe(ASSUMED);
  const file = fileOf(pricesTemplate((id) => `title of ${id}`));
  expect(readFileSync(file, 'utf8')).toMatch(/#\s+ours-effort: title of ours-effort/);
});
