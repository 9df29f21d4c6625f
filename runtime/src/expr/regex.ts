/**
 * Matching in bounded time. The engine of JavaScript is fast but may take time in any power of the length of the text;
 * so for each expression it is known up to which length its worst case is small. Longer texts, and expressions whose worst
 * case is exponential, are matched by threads side by side, in time linear in the text. Both find the same: the leftmost
 * match, of those the one that prefers earlier alternatives and longer (lazy: shorter) repetitions.
 */
import { linearMatcher } from './regex-linear.ts';
import { parseRegex, RegexError, type RegexNode } from './regex-parse.ts';

export interface Regex {
  readonly groups: number;
  /** The match and its groups, null for a group that took no part; null when the text has no match. */
  readonly match: (text: string) => readonly (string | null)[] | null;
  readonly test: (text: string) => boolean;
  /** The longest text for which JavaScript's engine is used. */
  readonly unitsMax: number;
}

/** Steps of the worst case that JavaScript's engine is trusted with: some milliseconds. */
const STEPS_MAX = 4e6;
/**
 * V8 finds \B between the two halves of a code point, where there is no place; and V8 14 (Node 26) misses a match that
 * ends in such a code point before $.
 */
const WRONG_WITH_PAIRS = /\\B|\$/u;
const PAIR = /[\u{10000}-\u{10ffff}]/u;
const KNOWN_MAX = 200;
const KNOWN = new Map<string, Regex>();

/** What is wrong with an expression, as the end of a sentence that names it. */
export function regexProblem(pattern: string): string | undefined {
  try {
    compileRegex(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof RegexError) return `cannot use /${pattern.slice(0, 60)}/: it ${error.message}`;
    throw error;
  }
}

/** @throws RegexError */
export function compileRegex(pattern: string): Regex {
  const known = KNOWN.get(pattern);
  if (known !== undefined) return known;
  const { node, groups } = parseRegex(pattern);
  const source = sourceOf(node);
  const fast = new RegExp(source, 'u');
  const linear = linearMatcher(node, groups);
  const unitsMax = longest(node);
  const isWrongWithPairs = WRONG_WITH_PAIRS.test(source);
  const isFast = (text: string): boolean => text.length <= unitsMax && !(isWrongWithPairs && PAIR.test(text));
  const regex: Regex = {
    groups,
    unitsMax,
    match: (text) => {
      if (!isFast(text)) return linear(text);
      const match = fast.exec(text);
      return match === null ? null : Array.from(match, (group: string | undefined) => group ?? null);
    },
    test: (text) => (isFast(text) ? fast.test(text) : linear(text) !== null),
  };
  if (KNOWN.size >= KNOWN_MAX) KNOWN.clear();
  KNOWN.set(pattern, regex);
  return regex;
}

/** The same in JavaScript's syntax, from parts: nothing of the pattern is copied. */
function sourceOf(node: RegexNode): string {
  const point = (code: number): string => `\\u{${code.toString(16)}}`;
  switch (node.kind) {
    case 'set':
      return `[${node.ranges.map(([from, to]) => `${point(from)}-${point(to)}`).join('')}]`;
    case 'assert':
      return { start: '^', end: '$', word: '\\b', notWord: '\\B' }[node.what];
    case 'sequence':
      return node.nodes
        .map((each) => (each.kind === 'either' ? `(?:${sourceOf(each)})` : sourceOf(each)))
        .join('');
    case 'either':
      return node.nodes.map(sourceOf).join('|');
    case 'group':
      return `(${node.index === null ? '?:' : ''}${sourceOf(node.node)})`;
    case 'repeat': {
      const { min, max, lazy } = node;
      const bounds = max === Infinity ? `{${min},}` : `{${min},${max}}`;
      return `${sourceOf(node.node)}${bounds}${lazy ? '?' : ''}`;
    }
  }
}

/** The longest text whose worst case stays below STEPS_MAX, by bisection: the worst case grows with the length. */
function longest(node: RegexNode): number {
  let [fits, tooLong] = [0, 2 ** 24];
  if (stepsFor(node, 1) > STEPS_MAX) return 0;
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (stepsFor(node, middle) <= STEPS_MAX) fits = middle;
    else tooLong = middle;
  }
  return fits;
}

function stepsFor(node: RegexNode, length: number): number {
  return (length + 1) * (cost(node, length).steps + 1);
}

/** How many steps a backtracking engine makes in a part at most, and in how many ways it can go on behind it. */
interface Cost {
  readonly steps: number;
  readonly ways: number;
}

function cost(node: RegexNode, length: number): Cost {
  switch (node.kind) {
    case 'set':
    case 'assert':
      return { steps: 1, ways: 1 };
    case 'group':
      return cost(node.node, length);
    case 'sequence': {
      let [steps, ways] = [0, 1];
      for (const each of node.nodes) {
        const next = cost(each, length);
        steps += ways * next.steps;
        ways *= next.ways;
      }
      return { steps, ways };
    }
    case 'either': {
      const costs = node.nodes.map((each) => cost(each, length));
      return {
        steps: costs.reduce((sum, { steps }) => sum + steps, 1),
        ways: costs.reduce((sum, { ways }) => sum + ways, 0),
      };
    }
    case 'repeat': {
      const inner = cost(node.node, length);
      if (node.max === 1) return { steps: inner.steps + 1, ways: inner.ways + 1 };
      // A text that can be cut into repetitions in several ways: exponentially many.
      if (inner.ways > 1) return { steps: Infinity, ways: Infinity };
      const times = Math.min(node.max, length);
      return { steps: inner.steps * times + 1, ways: Math.max(1, times - node.min + 1) };
    }
  }
}
