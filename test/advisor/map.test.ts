/** The decision map: every place is the verdict that `recommend` gives there, and every border is one. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { givenAnswersSchema, type GivenAnswers } from '../../src/advisor/answers.ts';
import { withAnswer } from '../../src/advisor/complete.ts';
import { axisOf } from '../../src/advisor/map/axis.ts';
import { centres, mapOf } from '../../src/advisor/map/map.ts';
import { mapHtml } from '../../src/advisor/print/map-html.ts';
import { mapJson } from '../../src/advisor/print/map-json.ts';
import { mapSvg } from '../../src/advisor/print/map-svg.ts';
import { bordersText, mapText } from '../../src/advisor/print/map-text.ts';
import { QUESTIONS } from '../../src/advisor/questions.ts';
import { recommend } from '../../src/advisor/recommend.ts';
import pc from 'picocolors';

const PLAIN = pc.createColors(false);
const GIVEN: GivenAnswers = givenAnswersSchema.parse({
  freshness: '15m',
  lateness: { max: '10m' },
  reprocessing: { every: 'monthly' },
  maturity: 'expert',
});
const FINE = { columns: 40, rows: 10 };

/** A value as a person would write it, of full precision. */
const written = (path: string, value: unknown): unknown => {
  const question = QUESTIONS.find((each) => each.path === path);
  return question?.kind === 'duration' ? `${((value as number) * 1000).toFixed(6)}ms` : value;
};

test('every place of the map is what recommend says there', () => {
  const axes = fc.constantFrom(
    'freshness',
    'reprocessing.every',
    'reprocessing.history',
    'maturity',
    'volume.eventsPerSecond',
    'duplicates',
    'historyIn',
    'correctBy',
  );
  fc.assert(
    fc.property(axes, axes, fc.nat(39), fc.nat(9), (x, y, column, row) => {
      fc.pre(x !== y);
      const map = mapOf(GIVEN, { x, y, ...FINE });
      const [across, up] = [map.cells[0]?.length ?? 0, map.cells.length];
      const [atX, atY] = [centres(across)[column % across] ?? 0, centres(up)[row % up] ?? 0];
      const cell = map.cells[row % up]?.[column % across];
      const there = recommend(
        withAnswer(withAnswer(GIVEN, x, written(x, map.x.valueAt(atX))), y, written(y, map.y.valueAt(atY))),
      );
      expect(cell?.architecture).toBe(there.recommendation);
      const chosen = there.candidates.find(({ architecture }) => architecture === there.recommendation);
      expect(cell?.holds).toBe(chosen?.feasible);
    }),
    { numRuns: 150 },
  );
});

test('where other answers are open, places are what recommend says over all that they leave open', () => {
  const open: GivenAnswers = { ...GIVEN, maturity: 'unsure', historyIn: 'none' };
  const map = mapOf(open, { x: 'freshness', y: 'volume.eventsPerSecond', columns: 60, rows: 4 });
  for (const column of [0, 7, 8, 20, 21, 35, 59])
    for (const row of [0, 3]) {
      const [atX, atY] = [centres(60)[column] ?? 0, centres(4)[row] ?? 0];
      const there = withAnswer(
        withAnswer(open, 'freshness', written('freshness', map.x.valueAt(atX))),
        'volume.eventsPerSecond',
        map.y.valueAt(atY),
      );
      expect(map.cells[row]?.[column]?.architecture).toBe(recommend(there).recommendation);
    }
});

test('borders lie where flips say that the verdict turns', () => {
  const { borders, x } = mapOf(GIVEN, { x: 'freshness', y: 'reprocessing.every', ...FINE });
  expect(borders.x.map(({ from, to, value }) => [from, x.label(value), to])).toEqual([
    ['kappa', '1m', 'micro-batch'],
    ['micro-batch', '1h', 'batch'],
  ]);
  const flip = recommend(GIVEN).flips.find(({ answer }) => answer === 'freshness');
  expect(flip).toMatchObject({ at: '1h', becomes: 'batch', also: { at: '59.9s', becomes: 'kappa' } });
  expect(borders.y).toEqual([]);
});

describe('an axis', () => {
  const { answers } = recommend(GIVEN);

  test('reaches beyond what unsure stands for, and beyond what was answered', () => {
    const axis = axisOf('freshness', answers, 'given');
    expect([axis.label(axis.valueAt(0)), axis.label(axis.valueAt(1))]).toEqual(['100ms', '10d']);
    const far = axisOf('freshness', recommend({ ...GIVEN, freshness: '1ms' }).answers, 'given');
    expect(far.valueAt(0)).toBeLessThan(0.001);
  });

  test('knows where the answer lies: a point, a stretch, all of it', () => {
    const place = (freshness: string) =>
      axisOf('freshness', recommend({ ...GIVEN, freshness }).answers, 'given').given;
    expect(place('15m')?.[0]).toBe(place('15m')?.[1]);
    expect((place('1m..15m')?.[1] ?? 0) - (place('1m..15m')?.[0] ?? 0)).toBeCloseTo(
      Math.log(15) / Math.log(8.64e6),
      6,
    );
    expect(place('unsure')?.[0]).toBeGreaterThan(0);
    expect(axisOf('maturity', answers, 'given').given).toEqual([5 / 6, 5 / 6]);
    expect(axisOf('maturity', answers, 'absent').given).toBeNull();
  });

  test('files are no band without how often they come', () => {
    expect(axisOf('arrival', answers, 'absent').bands).toEqual(['continuous', 'bursty']);
    const files = recommend({ ...GIVEN, arrival: 'files', arrivalEvery: '1d' });
    expect(axisOf('arrival', files.answers, 'given').bands).toContain('files');
  });

  test('that is no answer, a list, twice the same, or without its condition is refused', () => {
    const at = (x: string, y: string) => () => mapOf(GIVEN, { x, y, ...FINE });
    expect(at('freshnes', 'maturity')).toThrow(
      '"freshnes" cannot be an axis of the map. Did you mean "freshness"?',
    );
    expect(at('existing', 'maturity')).toThrow(
      '"existing" cannot be an axis of the map. There are freshness,',
    );
    expect(at('maturity', 'maturity')).toThrow('Both axes are maturity.');
    expect(at('arrivalEvery', 'maturity')).toThrow('only with --arrival files');
  });
});

describe('the map as text', () => {
  test('fits 80 columns, marks the answers and names the borders', () => {
    const text = mapText(mapOf(GIVEN, { x: 'freshness', y: 'maturity', columns: 200, rows: 20 }), 80, PLAIN);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    const marked = text.split('\n').filter((line) => line.includes('@') && line.includes('│'));
    expect(marked).toHaveLength(1);
    expect(marked[0]).toMatch(/^ +expert │ K+M+@M+B+$/);
    expect(text).toContain('Along freshness, at your maturity: kappa below 1m, micro-batch below 1h,');
  });

  test('a range is a stretch, and small letters say that nothing holds', () => {
    const given = { ...GIVEN, freshness: '1m..15m' };
    const text = mapText(
      mapOf(given, { x: 'freshness', y: 'reprocessing.every', columns: 200, rows: 20 }),
      80,
      PLAIN,
    );
    expect(text).toMatch(/<=+>/);
    const fast = { ...GIVEN, freshness: '20ms' };
    expect(
      mapText(mapOf(fast, { x: 'freshness', y: 'maturity', columns: 200, rows: 20 }), 80, PLAIN),
    ).toMatch(/│ s+S/);
  });

  test('an answer that changes nothing is said to', () => {
    const map = mapOf(GIVEN, { x: 'freshness', y: 'volume.bytesPerEvent', ...FINE });
    expect(bordersText(map, 'y')).toBe('volume.bytesPerEvent does not change the verdict here.');
  });

  test('needed answers that nobody gave are said', () => {
    const map = mapOf({}, { x: 'freshness', y: 'reprocessing.every', ...FINE });
    expect(map.assumed).toEqual(['lateness.max', 'maturity']);
    expect(mapText(map, 80, PLAIN)).toContain('Nobody said, so assumed: lateness.max 10m, maturity novice.');
  });
});

test('the picture and the page hold no markup of answers, fetch nothing and say every tile', () => {
  const map = mapOf(GIVEN, { x: 'freshness', y: 'lateness.max', columns: 60, rows: 20 });
  const svg = mapSvg(map);
  expect(svg.match(/class="tile"/g)).toHaveLength(40 * 24);
  expect(svg).toContain('>your answers<');
  const html = mapHtml(map);
  expect(html).not.toMatch(/(?:src|href)=|@import|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  expect(html).toContain('aria-live="polite"');
});

describe('the answers on the map', () => {
  test('are marked where nobody gave one of them, at its default', () => {
    const map = mapOf(GIVEN, { x: 'freshness', y: 'volume.eventsPerSecond', ...FINE });
    expect(map.y.given?.[0]).toBe(map.y.given?.[1]);
    expect(map.y.valueAt(map.y.given?.[0] ?? 0)).toBeCloseTo(100);
    expect(mapSvg(map)).toContain('>your answers, with the default of volume.eventsPerSecond<');
    expect(mapText(map, 80, PLAIN)).toContain('Along freshness, at the default volume.eventsPerSecond');
    expect(mapJson(map).y.given).toBeNull();
  });

  test('are not marked where an example stands for one that is needed', () => {
    const map = mapOf({}, { x: 'freshness', y: 'volume.eventsPerSecond', ...FINE });
    expect(map.x.given).toBeNull();
    expect(mapSvg(map)).not.toContain('your answers');
  });
});

test('borders that the lines through the answers do not meet are labelled where they are', () => {
  const map = mapOf(GIVEN, { x: 'freshness', y: 'reprocessing.history', ...FINE });
  expect(map.borders.y).toEqual([]);
  const { y, x } = map.farBorders();
  // That of Lambda and micro-batch goes on where Kappa's is labelled.
  expect(x).toEqual([]);
  expect(y).toEqual([expect.objectContaining({ from: 'kappa', to: 'lambda' })]);
  for (const { at, beside, from, to } of y) {
    const verdict = (place: number) =>
      recommend(
        withAnswer(
          withAnswer(GIVEN, 'freshness', written('freshness', map.x.valueAt(beside))),
          'reprocessing.history',
          written('reprocessing.history', map.y.valueAt(place)),
        ),
      ).recommendation;
    expect([verdict(at - 1e-4), verdict(at + 1e-4)]).toEqual([from, to]);
    expect(mapSvg(map)).toContain(`>${map.y.label(map.y.valueAt(at))}</text>`);
  }
});

test('the legend fits into the picture, whatever it has to say', () => {
  const open: GivenAnswers = { ...GIVEN, maturity: 'unsure', historyIn: 'none' };
  const map = mapOf(open, { x: 'freshness', y: 'reprocessing.history', ...FINE });
  const legend = [...mapSvg(map).matchAll(/<text x="([\d.]+)" y="538">([^<]*)<\/text>/g)];
  expect(legend.map(([, , name]) => name)).toEqual(
    expect.arrayContaining(['batch', 'kappa', 'not every promise kept', 'your answers']),
  );
  const places = legend.map(([, x, name = '']) => [Number(x), Number(x) + 6.5 * name.length]);
  for (const [index, [, end = 0]] of places.entries())
    expect(end).toBeLessThanOrEqual(places[index + 1]?.[0] ?? 860);
});

test('the map as data', () => {
  const json = mapJson(mapOf(GIVEN, { x: 'freshness', y: 'maturity', columns: 8, rows: 2 }));
  expect(json.x).toMatchObject({ answer: 'freshness', given: ['15m', '15m'] });
  expect(json.y.values).toEqual(['novice', 'intermediate', 'expert']);
  expect(json.verdicts.map((row) => row.length)).toEqual([8, 8, 8]);
  expect(json.borders.x.at(-1)).toEqual({ at: '1h', from: 'micro-batch', to: 'batch' });
});
