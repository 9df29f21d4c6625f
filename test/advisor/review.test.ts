/** Whether a decision still holds, by what was measured: the trend, the date, the verdict, the command. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import type { Day } from 'pipeline-runtime/kit';
import { createColors } from 'picocolors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { defaultConfig } from '../../runtime/src/config/project.ts';
import { openDataFolder } from '../../runtime/src/engine/data-folder.ts';
import { Engine } from '../../runtime/src/engine/engine.ts';
import { BinCounter } from '../../runtime/src/observe/bins.ts';
import { systemClock } from '../../runtime/src/ports/clock.ts';
import type { Architecture, GivenAnswers } from '../../src/advisor/answers.ts';
import { withAnswer } from '../../src/advisor/complete.ts';
import { schemaNamed } from '../../src/advisor/documents/documents.ts';
import { reviewText } from '../../src/advisor/print/review-text.ts';
import { recommend } from '../../src/advisor/recommend.ts';
import { endsOf, type Standing } from '../../src/advisor/review/ends.ts';
import { type Review, reviewOf, type ReviewInput } from '../../src/advisor/review/review.ts';
import { perYear, trendOf } from '../../src/advisor/review/trend.ts';
import { sale, sales } from '../runtime/architectures/sample.ts';

const ANSWERS: GivenAnswers = {
  freshness: '15m',
  lateness: { max: '10m' },
  reprocessing: { every: 'monthly' },
  maturity: 'novice',
  volume: { eventsPerSecond: 50, growthPerYear: 1 },
};
/** Kappa, until there are so many events that two years of them cannot be replayed within a week. */
const DEEP: GivenAnswers = {
  freshness: '5s',
  lateness: { max: '10m' },
  reprocessing: { every: 'monthly', history: '730d' },
  maturity: 'expert',
  volume: { eventsPerSecond: 50_000 },
};

function binsOf(ms: readonly number[], weight = 1) {
  const counter = new BinCounter();
  for (const each of ms) counter.add(each, weight);
  return counter.bins;
}

function dayAt(index: number, change: Partial<Day> = {}): Day {
  const startMs = Date.UTC(2026, 8, 1 + index);
  return {
    version: 1,
    day: new Date(startMs).toISOString().slice(0, 10),
    firstMs: startMs,
    lastMs: startMs + 86_000_000,
    events: 50 * 86_400,
    late: 0,
    rejected: 0,
    corrections: 0,
    visibleMs: binsOf([60_000, 300_000], 1000),
    behindMs: binsOf([0, 0, 0, 1000, 60_000], 200),
    sampled: { events: 1000, bytes: 500_000 },
    architecture: 'micro-batch',
    slaSeconds: 900,
    ...change,
  };
}

const days = (count: number, change: (index: number) => Partial<Day> = () => ({})): Day[] =>
  Array.from({ length: count }, (_, index) => dayAt(index, change(index)));

function review(change: Partial<ReviewInput> = {}): Review {
  return reviewOf({
    answers: ANSWERS,
    architecture: 'micro-batch',
    decided: 'micro-batch',
    promiseSeconds: 900,
    days: days(30),
    unreadable: [],
    logBytes: 1e9,
    stateBytes: 1e6,
    now: null,
    ...change,
  });
}

const levels = ({ findings }: Review) => findings.map(({ about, level }) => [about, level]);

describe('the trend', () => {
  /** A week's ups and downs, and scatter by a seed. */
  const series = (slope: number, count: number, noise: (index: number) => number) =>
    Array.from({ length: count }, (_, day) => ({
      day,
      count: 1e6 * Math.exp(slope * day + noise(day)),
    }));

  test('of exact growth is this growth', () => {
    const trend = trendOf(series(Math.log(2) / 365, 30, () => 0));
    for (const slope of [trend?.low, trend?.likely, trend?.high]) expect(perYear(slope ?? 0)).toBeCloseTo(2);
  });

  test('has an interval that holds the slope about nine times of ten', () => {
    // Normal scatter of ten per cent, by a fixed generator, so that the count is the same in every run.
    let state = 12_345;
    const uniform = () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
    const normal = () => Math.sqrt(-2 * Math.log(uniform() + 1e-12)) * Math.cos(2 * Math.PI * uniform());
    const slope = Math.log(1.8) / 365;
    const runs = 400;
    let holds = 0;
    for (let run = 0; run < runs; run++) {
      const trend = trendOf(series(slope, 28, () => 0.1 * normal()));
      if (trend !== null && trend.low <= slope && slope <= trend.high) holds++;
    }
    expect(holds / runs).toBeGreaterThan(0.85);
    expect(holds / runs).toBeLessThan(0.96);
  });

  test('is not moved far by one day that is an outlier', () => {
    const trend = trendOf(series(0, 30, (day) => (day === 29 ? 3 : 0)));
    expect(trend).toMatchObject({ likely: 0, low: 0, high: 0 });
  });

  test('of fewer than seven days is none; days without events are no days', () => {
    expect(trendOf(series(0, 6, () => 0))).toBeNull();
    expect(trendOf([...series(0, 6, () => 0), { day: 9, count: 0 }])).toBeNull();
    expect(trendOf(series(0, 7, () => 0))?.days).toBe(7);
  });

  test('lies in its interval, whatever the counts', () => {
    const counts = fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: 7, maxLength: 40 });
    fc.assert(
      fc.property(counts, (all) => {
        const trend = trendOf(all.map((count, day) => ({ day, count })));
        if (trend === null) return;
        expect(trend.low).toBeLessThanOrEqual(trend.likely);
        expect(trend.likely).toBeLessThanOrEqual(trend.high);
      }),
    );
  });
});

describe('the end that growth leads to', () => {
  const until =
    (limit: number) =>
    (volume: number): Standing => ({
      verdict: volume < limit ? 'kappa' : 'lambda',
      holds: volume < limit,
    });
  const slope = Math.log(2) / 365;

  test('is the day on which the trend reaches the volume, earlier and later with its interval', () => {
    const trend = { low: slope / 2, likely: slope, high: 2 * slope, days: 30 };
    const ends = endsOf(100, trend, '2026-01-01', until(200));
    expect(ends).toMatchObject({ becomes: 'lambda', likely: '2027-01-01', now: 100 });
    expect(ends?.at).toBeCloseTo(200, 0);
    expect([ends?.earliest, ends?.latest]).toEqual(['2026-07-03', '2028-01-01']);
  });

  test('may be never where growth may be none; and is none without growth, or without a limit', () => {
    const unsure = { low: -slope, likely: slope, high: 2 * slope, days: 30 };
    expect(endsOf(100, unsure, '2026-01-01', until(200))).toMatchObject({ latest: null });
    const shrinking = { low: -slope, likely: -slope, high: 0, days: 30 };
    expect(endsOf(100, shrinking, '2026-01-01', until(200))).toBeNull();
    expect(endsOf(100, unsure, '2026-01-01', until(Infinity))).toBeNull();
  });

  test('is found wherever it is', () => {
    fc.assert(
      fc.property(fc.double({ min: 1.01, max: 9000, noNaN: true }), (factor) => {
        const trend = { low: slope, likely: slope, high: slope, days: 30 };
        const ends = endsOf(
          10,
          { ...trend, low: 10, likely: 10, high: 10 },
          '2026-01-01',
          until(10 * factor),
        );
        expect((ends?.at ?? 0) / (10 * factor)).toBeCloseTo(1, 1);
      }),
    );
  });
});

describe('the verdict', () => {
  test('holds when everything is as it was answered', () => {
    const found = review();
    expect(found).toMatchObject({ verdict: 'holds', missing: [], ends: null });
    expect(levels(found)).toEqual([
      ['freshness', 'holds'],
      ['lateness', 'holds'],
      ['late events', 'holds'],
      ['volume', 'holds'],
      ['event size', 'info'],
      ['growth', 'holds'],
    ]);
    expect(found.answers).toEqual(ANSWERS);
  });

  test('is unknown without data, and says what is missing', () => {
    const found = review({ days: [] });
    expect(found.verdict).toBe('unknown');
    expect(found.findings).toEqual([]);
    expect(found.missing.join()).toContain('has not run yet');
    const soon = review({ days: days(3) });
    expect(soon.verdict).toBe('unknown');
    expect(soon.missing).toEqual(['growth: 7 whole days; there are 1']);
    const few = days(1, () => ({
      sampled: { events: 3, bytes: 9 },
      behindMs: binsOf([1]),
      visibleMs: binsOf([1]),
    }));
    expect(review({ days: few }).missing.map((text) => text.split(':')[0])).toEqual([
      'freshness',
      'lateness',
      'volume',
      'growth',
    ]);
  });

  test('is broken when a promise is not kept, though the advice is the same', () => {
    const slow = review({ days: days(30, () => ({ visibleMs: binsOf([1_200_000], 1000) })) });
    expect(slow).toMatchObject({ verdict: 'broken', recommendation: { observed: 'micro-batch' } });
    expect(slow.says).toContain('a promise is not kept: freshness');
    const stuck = review({ now: { freshnessSeconds: 3600 } });
    expect(stuck.verdict).toBe('broken');
    expect(stuck.findings.filter(({ level }) => level === 'broken')).toMatchObject([
      { about: 'freshness', measured: '1h right now' },
    ]);
  });

  test('only looks at the last days: what was mended does not count', () => {
    const mended = days(30, (index) => (index < 20 ? { visibleMs: binsOf([1_200_000], 1000) } : {}));
    expect(review({ days: mended }).verdict).toBe('holds');
  });

  test('an answer that is not what is measured is a warning, and what is harder is taken', () => {
    const late = review({
      days: days(30, () => ({ behindMs: binsOf([1000, 3_000_000], 500), late: 50_000, rejected: 90_000 })),
    });
    expect(levels(late)).toEqual(
      expect.arrayContaining([
        ['lateness', 'warning'],
        ['late events', 'warning'],
        ['rejected', 'warning'],
      ]),
    );
    expect(late.verdict).toBe('holds');
    expect(late.answers.lateness?.max).toBe('51m');
    const early = review({ days: days(30, () => ({ behindMs: binsOf([0], 1000) })) });
    expect(early.answers.lateness).toEqual(ANSWERS.lateness);
  });

  test('a volume that was left open is closed by what is measured', () => {
    const found = review({ answers: { ...ANSWERS, volume: { eventsPerSecond: '1..1000' } } });
    expect(found.answers.volume?.eventsPerSecond).toBe(50);
    expect(levels(found)).toContainEqual(['volume', 'holds']);
    const more = review({ days: days(30, () => ({ events: 500 * 86_400 })) });
    expect(more.answers.volume?.eventsPerSecond).toBe(500);
    expect(levels(more)).toContainEqual(['volume', 'warning']);
  });

  test('is broken when what was measured leads to another architecture, and names it', () => {
    const now = recommend(DEEP).recommendation;
    const grown = days(30, () => ({ events: 400_000 * 86_400, visibleMs: binsOf([1000], 1000) }));
    const found = review({ answers: DEEP, architecture: now, decided: now, promiseSeconds: 5, days: grown });
    const expected = recommend(withAnswer(DEEP, 'volume.eventsPerSecond', 400_000)).recommendation;
    expect(expected).not.toBe(now);
    expect(found).toMatchObject({ verdict: 'broken', recommendation: { given: now, observed: expected } });
    expect(found.says).toContain(`it is ${expected}`);
  });

  test('will stop on the day on which growth breaks a gate, and the model agrees with the volume', () => {
    const now = recommend(DEEP).recommendation;
    const growing = days(60, (index) => ({
      events: Math.round(50_000 * 86_400 * 4 ** (index / 365)),
      visibleMs: binsOf([1000], 1000),
    }));
    const found = review({
      answers: DEEP,
      architecture: now,
      decided: now,
      promiseSeconds: 5,
      days: growing,
    });
    expect(found.verdict).toBe('will-stop');
    expect(found.growth?.likely).toBeCloseTo(4, 1);
    const { at = 0, becomes, likely } = found.ends ?? {};
    const verdictWith = (volume: number): Architecture =>
      recommend(withAnswer(found.answers, 'volume.eventsPerSecond', volume)).recommendation;
    expect(verdictWith(at * 0.98)).toBe(now);
    expect(verdictWith(at * 1.02)).toBe(becomes);
    const years = Math.log(at / (found.measured.eventsPerSecond ?? 1)) / Math.log(4);
    expect(Date.parse(likely ?? '') - Date.parse(growing.at(-1)?.day ?? '')).toBeCloseTo(
      years * 365 * 86_400_000,
      -8.5,
    );
    expect(levels(found)).toContainEqual(['growth', 'warning']);
  });

  test('what was chosen against the advice is held to its own gates', () => {
    const against = review({ architecture: 'streaming', decided: 'micro-batch' });
    expect(against.verdict).toBe('holds');
    const now = recommend(DEEP).recommendation;
    const grown = days(30, () => ({ events: 400_000 * 86_400, visibleMs: binsOf([1000], 1000) }));
    const deep = { answers: DEEP, architecture: now, decided: 'batch', promiseSeconds: 5 } as const;
    expect(review({ ...deep, days: days(30, () => ({ visibleMs: binsOf([1000], 1000) })) }).verdict).toBe(
      'holds',
    );
    const broken = review({ ...deep, days: grown });
    expect(broken.verdict).toBe('broken');
    expect(broken.says).toContain('was chosen against the advice, and breaks more than it did');
    const changed = review({ architecture: 'streaming', decided: 'streaming' });
    expect(changed.verdict).toBe('broken');
    expect(changed.says).toContain('by the answers as they are now');
  });
});

describe('as text and as a document', () => {
  const cases: readonly [string, Partial<ReviewInput>][] = [
    ['all is well', {}],
    ['no data', { days: [], unreadable: ['/some/where/2026-01-01.json'] }],
    ['broken', { now: { freshnessSeconds: 9e9 }, days: days(30, () => ({ late: 9e6, rejected: 1e7 })) }],
    ['growing', { days: days(60, (index) => ({ events: 1e6 * 3 ** (index / 365) })) }],
  ];

  test.each(cases)('%s: fits 80 columns, and its schema', (_, change) => {
    const found = review(change);
    const text = reviewText(found, 80, createColors(false));
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(text).not.toMatch(/undefined|NaN|object Object/);
    const validate = new Ajv2020({ strict: false }).compile(schemaNamed('review'));
    expect([validate(JSON.parse(JSON.stringify(found))), validate.errors]).toEqual([true, null]);
  });
});

describe('the command', () => {
  const PROGRAM = join(import.meta.dirname, '..', '..', 'dist', 'advisor.js');
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(realpathSync(tmpdir()), 'review-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function project(
    name: string,
    measured: readonly Day[],
    architecture: Architecture = 'micro-batch',
  ): string {
    const dir = join(folder, name);
    mkdirSync(join(dir, 'data', 'observed'), { recursive: true });
    writeFileSync(join(dir, 'answers.yaml'), stringify(ANSWERS));
    writeFileSync(
      join(dir, 'pipeline.config.yaml'),
      `version: 1\narchitecture: ${architecture}\nfreshness: 15m\n`,
    );
    for (const day of measured)
      writeFileSync(join(dir, 'data', 'observed', `${day.day}.json`), JSON.stringify(day));
    return dir;
  }

  function run(...args: readonly string[]) {
    const ran = spawnSync(process.execPath, [PROGRAM, 'review', ...args], { encoding: 'utf8' });
    return { code: ran.status, out: ran.stdout, err: ran.stderr };
  }

  /** Every file below, with its content: what a command that only reads leaves as it was. */
  const treeOf = (dir: string): string =>
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        const hash = entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
        return `${path} ${hash}`;
      })
      .sort()
      .join('\n');

  test('exits with 0 when it holds, 3 when it does not, and changes nothing', () => {
    const good = project('good', days(30));
    const before = treeOf(good);
    expect(run(good)).toMatchObject({ code: 0, err: '' });
    expect(run(good).out).toMatch(/^micro-batch still holds\.\n/);
    expect(treeOf(good)).toBe(before);
    const bad = project(
      'bad',
      days(30, () => ({ visibleMs: binsOf([1_200_000], 1000) })),
    );
    expect(run(bad)).toMatchObject({ code: 3, err: '' });
    expect(JSON.parse(run(bad, '--format', 'json').out)).toMatchObject({ version: 1, verdict: 'broken' });
    expect(run(bad, '--format', 'json').code).toBe(3);
  });

  test('without data says what is missing, with exit code 0', () => {
    const ran = run(project('new', []));
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toContain('Nothing was measured yet.');
  });

  test('a day that cannot be read is told and left out', () => {
    const dir = project('torn', days(30));
    writeFileSync(join(dir, 'data', 'observed', '2026-09-10.json'), '{"version":1');
    const ran = run(dir);
    expect(ran.code).toBe(0);
    expect(ran.out.replaceAll(/\s+/g, ' ')).toContain('2026-09-10.json cannot be read');
  });

  test('a folder that is no project, answers that are none: exit code 2 with the place', () => {
    expect(run(join(folder, 'nowhere'))).toMatchObject({ code: 2, out: '' });
    const dir = project('wrong', days(3));
    writeFileSync(join(dir, 'answers.yaml'), 'freshness: 15\n');
    const ran = run(dir);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain('answers.yaml:1:1: freshness: 15 has no unit');
  });

  test('reads what a real pipeline noted, also while another process has its data', async () => {
    const dir = project('real', []);
    const open = async () => {
      const data = await openDataFolder(join(dir, 'data'), systemClock);
      const { plan } = sales();
      return Engine.open({ plan, config: defaultConfig('micro-batch'), data, clock: systemClock });
    };
    const first = await open();
    const lines = Array.from({ length: 1200 }, (_, index) =>
      JSON.stringify(sale('a', `10:${String(index % 60).padStart(2, '0')}`, 1)),
    );
    await first.ingest(
      'sales',
      (async function* () {
        yield await Promise.resolve(Buffer.from(`${lines.join('\n')}\n`));
      })(),
    );
    await first.settle();
    await first.close();
    const owner = await open();
    try {
      const before = treeOf(dir);
      const ran = run(dir, '--format', 'json');
      expect(ran).toMatchObject({ code: 0, err: '' });
      expect(JSON.parse(ran.out)).toMatchObject({
        verdict: 'unknown',
        measured: { events: 1200, days: 1, freshness: { p99Seconds: expect.any(Number) } },
      });
      expect(treeOf(dir)).toBe(before);
    } finally {
      await owner.close();
    }
  });
});
