/** Every rule of a node has its sentence, and what the rules allow is allowed: it reads back as it was written. */
import { describe, expect, test } from 'vitest';
import { explainPlan, mermaidPlan } from '../../../runtime/src/plan/explain.ts';
import type { Expr } from '../../../runtime/src/expr/node.ts';
import type { PlanNode, ViewMode } from '../../../runtime/src/plan/node.ts';
import { parsePlan } from '../../../runtime/src/plan/parse.ts';
import { aDay, aggregate, ALLOWED, forever, interval, isLate, later, shout } from './allowed.ts';
import {
  airports,
  count,
  dedupe,
  field,
  filter,
  flights,
  gates,
  group,
  HOUR,
  join,
  map,
  over,
  pattern,
  planOf,
  problemsOf,
  process,
  top,
  windowed,
} from './nodes.ts';

describe('allowed, and the same after a round trip', () => {
  test.each(ALLOWED)('%s', (_, node, mode) => {
    expect(problemsOf(node, mode)).toBe('');
    const plan = parsePlan(planOf(node, mode));
    expect(parsePlan(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
    expect(explainPlan(plan)).not.toContain('undefined');
    expect(mermaidPlan(plan)).toContain(' --> view_v[("v")]');
  });

  test('no kind of node is missing here', () => {
    const kinds = new Set(JSON.stringify(ALLOWED).match(/(?<="kind":")[a-z]+/g));
    const all = 'source filter map unnest union dedupe group top over join pattern process'.split(' ');
    expect(all.filter((kind) => !kinds.has(kind))).toEqual([]);
  });
});

describe('refused', () => {
  const cases: [string, PlanNode, string, ViewMode?][] = [
    // Types.
    [
      'a list that is none',
      { kind: 'unnest', input: flights, list: field('origin'), as: 'x' },
      'unnest: needs a list, not string',
    ],
    [
      'an item that has the name of a column',
      { kind: 'unnest', input: flights, list: field('tags'), as: 'delay' },
      'unnest, column "delay" is defined twice',
    ],
    [
      'streams that differ',
      { kind: 'union', inputs: [flights, later] },
      'union: its inputs need the same columns',
    ],
    [
      'a stream and a table',
      { kind: 'union', inputs: [flights, airports] },
      'union: a table and a stream cannot be one',
    ],
    [
      'an unknown function',
      map(flights, { name: 'x', expr: { ...shout, name: 'whisper' } as Expr }),
      'map: there is no function "whisper" in the plan',
    ],
    [
      'a process function as a scalar one',
      map(flights, { name: 'x', expr: { ...shout, name: 'watch' } as Expr }),
      'map: there is no function "watch" in the plan',
    ],
    [
      'a rank that has the name of a column',
      top(flights, { rank: 'delay' }),
      'top, column "delay" is defined twice',
    ],
    [
      'an order of lists',
      top(flights, { order: [{ expr: field('tags'), descending: false }] }),
      'top, order: values of type list of string have no order',
    ],
    [
      'an order of nothing',
      top(flights, { order: [{ expr: field('nope'), descending: false }] }),
      'top, order: there is no column "nope"',
    ],
    ['no rows', top(flights, { limit: 0 }), 'views.0.node.limit'],
    [
      'a partition that is no column',
      top(flights, { partition: ['nope'] }),
      'top, partition: there is no column "nope"; there are origin,',
    ],
    [
      'a partition twice',
      over(flights, { partition: ['origin', 'origin'] }),
      'over, partition, column "origin" is defined twice',
    ],
    [
      'a partition by lists',
      over(flights, { partition: ['tags'] }),
      'over, partition "tags": a list of string cannot be a key',
    ],
    [
      'an aggregate that has the name of a column',
      over(flights, { aggregates: [{ ...count, name: 'delay' }] }),
      'over, column "delay" is defined twice',
    ],
    [
      'repeats of lists',
      dedupe(flights, { keys: ['tags'] }),
      'dedupe, key "tags": a list of string cannot be a key',
    ],
    ['repeats of nothing', dedupe(flights, { keys: [] }), 'views.0.node.keys'],
    ['a group by lists', group(flights, ['tags']), 'group key "tags": a list of string cannot be a key'],
    // Aggregates.
    [
      'a fraction beyond 1',
      aggregate({ fn: 'percentile', arg: field('delay'), fraction: 1.5 }),
      'percentile: needs a fraction from 0 to 1, not 1.5',
    ],
    [
      'no fraction',
      aggregate({ fn: 'percentile', arg: field('delay') }),
      'percentile: needs a fraction from 0 to 1, not nothing',
    ],
    [
      'a fraction of a sum',
      aggregate({ fn: 'sum', arg: field('delay'), fraction: 0.5 }),
      'sum: takes no fraction',
    ],
    [
      'a percentile of strings',
      aggregate({ fn: 'percentile', arg: field('origin'), fraction: 0.5 }),
      'percentile: needs a number, not string',
    ],
    [
      'a distinct count of lists',
      aggregate({ fn: 'countDistinct', arg: field('tags') }),
      'countDistinct: cannot tell values of type list apart',
    ],
    [
      'about how many of nothing',
      aggregate({ fn: 'approxCountDistinct' }),
      'approxCountDistinct: needs an argument',
    ],
    [
      'about how many of what changes',
      group(group(flights, ['origin']), ['n'], {
        aggregates: [{ name: 'x', fn: 'approxCountDistinct', arg: field('origin') }],
      }),
      'approxCountDistinct cannot take back rows that change; say countDistinct',
    ],
    [
      'a list of decimals',
      aggregate({ fn: 'collect', arg: field('price') }),
      'collect: cannot collect values of type decimal',
    ],
    [
      'the first by nothing',
      aggregate({ fn: 'first', arg: field('delay') }),
      'first: needs to know by which time',
    ],
    [
      'the first by a number',
      aggregate({ fn: 'first', arg: field('delay'), by: field('delay') }),
      'first: needs a time to go by, not integer',
    ],
    [
      'the least by nothing',
      aggregate({ fn: 'argMin', arg: field('delay') }),
      'argMin: its second argument needs a value, not nothing',
    ],
    [
      'a sum by something',
      aggregate({ fn: 'sum', arg: field('delay'), by: field('delay') }),
      'sum: does not go by another value',
    ],
    [
      'a condition that is a number',
      aggregate({ where: field('delay') }),
      'count: its condition needs a boolean, not integer',
    ],
    ['the largest list', aggregate({ fn: 'max', arg: field('tags') }), 'max: needs a value, not list'],
    // Windows.
    [
      'a session beside a window',
      group(
        join(windowed(), flights, forever, {
          columns: [
            { side: 'left', from: 'window', name: 'window' },
            { side: 'right', from: 'scheduled', name: 'scheduled' },
          ],
        }),
        ['window', { name: 's', window: { kind: 'session', time: field('scheduled'), gapMs: 1 } }],
      ),
      'group key "window": a session cannot share a group with another window',
    ],
    [
      'a session and a window',
      group(flights, [
        { name: 'w', window: HOUR },
        { name: 's', window: { kind: 'session', time: field('scheduled'), gapMs: 1 } },
      ]),
      'more than one window in a group: w, s',
    ],
    [
      'a slide that does not divide',
      windowed({ kind: 'hopping', slideMs: 7 }),
      'window "window": its size must be a multiple of its slide',
    ],
    [
      'a step that does not divide',
      windowed({ kind: 'cumulating', stepMs: 7 }),
      'window "window": its size must be a multiple of its step',
    ],
    [
      'too many windows for a row',
      windowed({ kind: 'hopping', slideMs: 100 }),
      'a row would be in more than 10000 windows; choose a longer slide',
    ],
    [
      'an offset of the whole size',
      windowed({ offsetMs: 3_600_000 }),
      'window "window": its offset must be smaller than its size',
    ],
    [
      'a zone that does not exist',
      windowed({ zone: 'Europe/Atlantis' }),
      'window "window": "Europe/Atlantis" is not a time zone',
    ],
    [
      'a window over a time that may be null',
      group(gates, [{ name: 'w', window: { ...HOUR, time: field('opened') } }]),
      'window "w": its time may be null; say .required()',
    ],
    [
      'a window after a group',
      group(windowed(), [{ name: 'w', window: HOUR }]),
      'window "w" is not over the event time of its source: keep it in the steps before; a group,',
    ],
    // Final results.
    ['a final result of events', filter(flights), 'final results need a window that can close', 'final'],
    [
      'a final best of all windows',
      top(windowed(), { partition: [] }),
      'final results need a window that can close',
      'final',
    ],
    [
      'a final group over a part of the window',
      group(windowed(), ['origin']),
      'final results need a window that can close',
      'final',
    ],
    [
      'a final group whose window was lost',
      group(map(windowed(), 'origin', 'n'), ['origin'], { aggregates: [{ ...count, name: 'm' }] }),
      'final results need',
      'final',
    ],
    ['final pairs of all rows', join(flights, flights, forever), 'final results need', 'final'],
    // Time-to-live.
    [
      'a window that forgets early',
      windowed({}, { ttlMs: 1000 }),
      'group: a window is forgotten when it is over; leave out the time-to-live',
    ],
    [
      'a group that forgets below another',
      group(group(flights, ['origin'], { ttlMs: 1000 }), ['n'], { aggregates: [{ ...count, name: 'm' }] }),
      'group: with a time-to-live it must be the last step that remembers rows',
    ],
    [
      'a group that forgets what changes',
      group(group(flights, ['origin']), ['n'], { ttlMs: 1000, aggregates: [{ ...count, name: 'm' }] }),
      'group: a time-to-live needs an input that takes no rows back',
    ],
    [
      'a group that forgets what has no time',
      group(map(over(flights), 'origin'), ['origin'], { ttlMs: 1000 }),
      'group with a time-to-live needs the event time',
    ],
    [
      'a group that forgets what comes in no order',
      group({ kind: 'union', inputs: [over(flights), over(flights)] }, ['origin'], { ttlMs: 1000 }),
      'group: a time-to-live needs rows that come with their events or in the order of time',
    ],
    [
      'a repeat that is forgotten among pairs that wait',
      dedupe(join(flights, later, interval, { type: 'left' }), { ttlMs: 1000 }),
      'dedupe: a time-to-live needs rows that come with their events or in the order of time',
    ],
    [
      'the last that is forgotten below a group',
      group(dedupe(flights, { keep: 'last', ttlMs: 1000 }), ['origin']),
      'dedupe: with a time-to-live it must be the last step that remembers rows',
    ],
    [
      'a repeat by a time that is not there',
      dedupe(map(flights, 'origin'), { by: 'time' }),
      "dedupe by time needs the event time: keep it in the steps before, or say by: 'arrival'",
    ],
    [
      'pairs that forget what changes',
      join(group(flights, ['origin']), flights, aDay),
      "join: a time-to-live needs sides that take no rows back; put it before them, or say ttl: 'forever'",
    ],
    [
      'pairs that forget what has no time',
      join(flights, pattern(flights), aDay),
      'join with a time-to-live: the right side has no event time',
    ],
    // What waits for time.
    [
      'looking back without a time',
      over(map(flights, 'origin')),
      'over needs the event time: keep it in the steps before',
    ],
    ['looking back at what changes', over(top(flights)), 'over: its input takes rows back'],
    [
      'looking back by a time that may be null',
      over(gates, { partition: [] }),
      'over: the event time may be null; map it to .required()',
    ],
    ['a sequence without a time', pattern(map(flights, 'origin')), 'pattern needs the event time'],
    [
      'a sequence of what changes',
      pattern(dedupe(flights, { keep: 'last' })),
      'pattern: its input takes rows back',
    ],
    [
      'a step that is none',
      pattern(flights, { columns: [{ name: 'x', step: 'c', expr: field('origin') }] }),
      'pattern, column "x": there is no step "c"; there are a, b',
    ],
    [
      'a step twice',
      pattern(flights, {
        steps: [
          { name: 'a', predicate: isLate },
          { name: 'a', predicate: isLate },
        ],
      }),
      'pattern, step, column "a" is defined twice',
    ],
    [
      'a step that is no condition',
      pattern(flights, { steps: [{ name: 'a', predicate: field('delay') }] }),
      'pattern, step "a": needs a boolean, not integer',
    ],
    [
      'a column that is in the partition',
      pattern(flights, { columns: [{ name: 'origin', step: 'a', expr: field('origin') }] }),
      'pattern, column "origin" is defined twice',
    ],
    [
      'a function that is unknown',
      process(flights, { function: 'sleep' }),
      'process "sleep": the plan has no such process function',
    ],
    [
      'a scalar function as a process',
      process(flights, { function: 'shout' }),
      'process "shout": the plan has no such process function',
    ],
    ['a function without a time', process(map(flights, 'origin')), 'process "watch" needs the event time'],
    ['a function of what changes', process(top(flights)), 'process "watch": its input takes rows back'],
    [
      'a function with an unknown key',
      process(flights, { keys: ['nope'] }),
      'process "watch", key: there is no column "nope"',
    ],
    [
      'a decimal without a scale',
      process(flights, { columns: [{ name: 'x', type: 'decimal', nullable: false }] }),
      'process "watch", column "x": a decimal has a scale',
    ],
  ];

  test.each(cases)('%s', (_, node, message, mode) => {
    expect(problemsOf(node, mode)).toContain(message);
    expect(problemsOf(node, mode)).toMatch(/^view(s\.0|s? "v"): |^views\./m);
  });
});
