/**
 * The regular expressions of the language: what JavaScript, RE2 (so DuckDB) and Java understand alike, over code points.
 *
 *   a . [a-z] [^a-z]     one code point; `.` is any but a line feed          \d \w \s \D \W \S    of ASCII
 *   ^ $ \b \B            begin and end of the text, of a word of ASCII       \t \n \r \f \. …
 *   ab  a|b  (a)  (?:a)  one after the other, either, groups
 *   a* a+ a? a{2,5}      repeated; with a further `?` as few as possible
 *
 * No back-references and no looking around: they have no linear-time matching. What is repeated cannot be empty, and holds
 * no group of its own but itself: there the engines differ.
 */
export type Ranges = readonly (readonly [from: number, to: number])[];

export type RegexNode =
  | { readonly kind: 'set'; readonly ranges: Ranges }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'sequence'; readonly nodes: readonly RegexNode[] }
  | { readonly kind: 'either'; readonly nodes: readonly RegexNode[] }
  | { readonly kind: 'group'; readonly node: RegexNode; readonly index: number | null }
  | {
      readonly kind: 'repeat';
      readonly node: RegexNode;
      readonly min: number;
      readonly max: number;
      readonly lazy: boolean;
    };
export type Assertion = 'start' | 'end' | 'word' | 'notWord';

export interface ParsedRegex {
  readonly node: RegexNode;
  /** How many groups with a number there are. */
  readonly groups: number;
}

/** What is wrong with a regular expression. */
export class RegexError extends Error {}

const UNITS_MAX = 1000;
const REPEAT_MAX = 1000;
const DEPTH_MAX = 50;
const CODE_POINT_MAX = 0x10ffff;

const CLASSES: Readonly<Record<string, Ranges>> = {
  d: [[48, 57]],
  w: [
    [48, 57],
    [65, 90],
    [95, 95],
    [97, 122],
  ],
  s: [
    [9, 10],
    [12, 13],
    [32, 32],
  ],
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, r: 13, f: 12 };

/** @throws RegexError */
export function parseRegex(pattern: string): ParsedRegex {
  if (pattern.length > UNITS_MAX) throw new RegexError(`is longer than ${UNITS_MAX} characters`);
  return new Parser(pattern).parse();
}

class Parser {
  readonly #letters: readonly string[];
  #at = 0;
  #groups = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#letters = Array.from(pattern);
  }

  parse(): ParsedRegex {
    const node = this.#either();
    if (this.#peek() === ')') throw new RegexError('has a ) without a (');
    return { node, groups: this.#groups };
  }

  #peek(): string | undefined {
    return this.#letters[this.#at];
  }

  #takes(text: string): boolean {
    if (
      !this.#letters
        .slice(this.#at, this.#at + text.length)
        .join('')
        .startsWith(text)
    )
      return false;
    this.#at += text.length;
    return true;
  }

  #either(): RegexNode {
    if (++this.#depth > DEPTH_MAX) throw new RegexError(`is nested deeper than ${DEPTH_MAX} groups`);
    const nodes = [this.#sequence()];
    while (this.#takes('|')) nodes.push(this.#sequence());
    this.#depth--;
    return nodes.length === 1 ? (nodes[0] as RegexNode) : { kind: 'either', nodes };
  }

  #sequence(): RegexNode {
    const nodes: RegexNode[] = [];
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek()) {
      nodes.push(this.#repeated(this.#atom()));
    }
    return nodes.length === 1 ? (nodes[0] as RegexNode) : { kind: 'sequence', nodes };
  }

  #repeated(node: RegexNode): RegexNode {
    const bounds = this.#bounds();
    if (bounds === undefined) return node;
    const [min, max] = bounds;
    if (canBeEmpty(node)) throw new RegexError('repeats what may be empty');
    const inner = node.kind === 'group' && node.index !== null ? node.node : node;
    if (max > 1 && hasGroups(inner))
      throw new RegexError('has a group within what is repeated: write (?:…) there');
    const lazy = this.#takes('?');
    if (this.#bounds() !== undefined) throw new RegexError('repeats a repetition: put it into (?:…)');
    return { kind: 'repeat', node, min, max, lazy };
  }

  #bounds(): readonly [min: number, max: number] | undefined {
    if (this.#takes('*')) return [0, Infinity];
    if (this.#takes('+')) return [1, Infinity];
    if (this.#takes('?')) return [0, 1];
    if (!this.#takes('{')) return undefined;
    const end = this.#letters.indexOf('}', this.#at);
    const [, from, comma, to] =
      /^(\d{1,4})(?:(,)(\d{0,4}))?$/.exec(this.#letters.slice(this.#at, Math.max(end, 0)).join('')) ?? [];
    if (from === undefined) throw new RegexError('has a { that is not a repetition: write \\{');
    this.#at = end + 1;
    const min = Number(from);
    const max = comma === undefined ? min : to === '' ? Infinity : Number(to);
    if (max < min || min > REPEAT_MAX || (max > REPEAT_MAX && max !== Infinity))
      throw new RegexError(`repeats from ${min} to ${max} times; the most is ${REPEAT_MAX}`);
    return [min, max];
  }

  #atom(): RegexNode {
    const letter = this.#letters[this.#at++] as string;
    switch (letter) {
      case '(':
        return this.#group();
      case '[':
        return { kind: 'set', ranges: this.#class() };
      case '.':
        return { kind: 'set', ranges: without([[10, 10]]) };
      case '^':
        return { kind: 'assert', what: 'start' };
      case '$':
        return { kind: 'assert', what: 'end' };
      case '\\':
        return this.#escaped();
      case '*':
      case '+':
      case '?':
        throw new RegexError(`has a ${letter} with nothing to repeat`);
      case ']':
      case '{':
      case '}':
        throw new RegexError(`has a ${letter} that stands for itself: write \\${letter}`);
      default:
        return { kind: 'set', ranges: one(letter) };
    }
  }

  #group(): RegexNode {
    let index: number | null = null;
    if (this.#takes('?:')) index = null;
    else if (this.#peek() === '?') throw new RegexError('has a (? that is not (?:');
    else index = ++this.#groups;
    const node = this.#either();
    if (!this.#takes(')')) throw new RegexError('has a ( without a )');
    return { kind: 'group', node, index };
  }

  #escaped(): RegexNode {
    const letter = this.#letters[this.#at++];
    if (letter === 'b') return { kind: 'assert', what: 'word' };
    if (letter === 'B') return { kind: 'assert', what: 'notWord' };
    return { kind: 'set', ranges: escape(letter) };
  }

  #class(): Ranges {
    const negated = this.#takes('^');
    const ranges: (readonly [number, number])[] = [];
    while (this.#peek() !== ']') {
      const from = this.#member();
      const isRange = this.#peek() === '-' && this.#letters[this.#at + 1] !== ']';
      if (!isRange) {
        ranges.push(...from);
        continue;
      }
      this.#at++;
      const [low, high] = [single(from), single(this.#member())];
      if (low === undefined || high === undefined || low > high)
        throw new RegexError('has a range in […] that is none');
      ranges.push([low, high]);
    }
    this.#at++;
    if (ranges.length === 0) throw new RegexError('has an empty […]');
    return negated ? without(ranges) : ranges;
  }

  #member(): Ranges {
    const letter = this.#letters[this.#at++];
    if (letter === undefined) throw new RegexError('has a [ without a ]');
    if (letter === '\\') return escape(this.#letters[this.#at++]);
    if (letter === '[' || letter === '&' || letter === '~') {
      // Java and newer JavaScript read these as operations on sets.
      if (letter === '[' || this.#peek() === letter)
        throw new RegexError(`has a ${letter} in […] that stands for itself: write \\${letter}`);
    }
    return one(letter);
  }
}

function escape(letter: string | undefined): Ranges {
  if (letter === undefined) throw new RegexError('ends with a \\');
  const control = CONTROLS[letter];
  if (control !== undefined) return [[control, control]];
  const known = CLASSES[letter];
  if (known !== undefined) return known;
  const negated = CLASSES[letter.toLowerCase()];
  if (negated !== undefined) return without(negated);
  if (/^[!-/:-@[-`{-~]$/.test(letter)) return one(letter);
  throw new RegexError(`has \\${letter}, which is not supported`);
}

function one(letter: string): Ranges {
  const point = letter.codePointAt(0) ?? 0;
  return [[point, point]];
}

function single(ranges: Ranges): number | undefined {
  const [only, other] = ranges;
  return only !== undefined && other === undefined && only[0] === only[1] ? only[0] : undefined;
}

/** All code points but these. */
function without(ranges: Ranges): Ranges {
  const rest: (readonly [number, number])[] = [];
  let next = 0;
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (from > next) rest.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= CODE_POINT_MAX) rest.push([next, CODE_POINT_MAX]);
  return rest;
}

/** Whether it matches the empty text somewhere; what is repeated never does. */
export function canBeEmpty(node: RegexNode): boolean {
  switch (node.kind) {
    case 'set':
      return false;
    case 'assert':
      return true;
    case 'sequence':
      return node.nodes.every(canBeEmpty);
    case 'either':
      return node.nodes.some(canBeEmpty);
    case 'group':
      return canBeEmpty(node.node);
    case 'repeat':
      return node.min === 0;
  }
}

function hasGroups(node: RegexNode): boolean {
  switch (node.kind) {
    case 'set':
    case 'assert':
      return false;
    case 'sequence':
    case 'either':
      return node.nodes.some(hasGroups);
    case 'group':
      return node.index !== null || hasGroups(node.node);
    case 'repeat':
      return hasGroups(node.node);
  }
}
