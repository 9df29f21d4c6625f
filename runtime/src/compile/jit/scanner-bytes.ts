/**
 * Reading JSON in bytes, four at a time where it pays. Every function takes where to begin and returns where it ended, or
 * -1 for anything that is not JSON or that is left to `JSON.parse`.
 *
 * REQUIRES of all: the bytes end with a line feed (which no value contains), and at least 32 more can be read behind it.
 */
const QUOTE = 34;
const BACKSLASH = 92;
const SPACE = 32;

const QUOTES = 0x22222222;
const BACKSLASHES = 0x5c5c5c5c;
const ONES = 0x01010101;
const SPACES = 0x20202020;
const HIGHS = 0x80808080 | 0;

/** Containers deeper than this are left to `JSON.parse`. */
const DEPTH_MAX = 31;

/** Behind a string that begins behind its opening quote. */
export function skipString(bytes: Buffer, view: DataView, from: number): number {
  let at = from;
  for (;;) {
    const word = view.getInt32(at, true);
    const mark = special(word);
    if (mark === 0) {
      at += 4;
      continue;
    }
    at += (31 - Math.clz32(mark & -mark)) >>> 3;
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at + 1;
    at = byte === BACKSLASH ? pastEscape(bytes, at) : pastRune(bytes, at);
    if (at < 0) return -1;
  }
}

/** The closing quote of a string without escapes; -1 also for one with escapes. */
export function plainEnd(bytes: Buffer, view: DataView, from: number): number {
  let at = from;
  for (;;) {
    const word = view.getInt32(at, true);
    const mark = special(word);
    if (mark === 0) {
      at += 4;
      continue;
    }
    at += (31 - Math.clz32(mark & -mark)) >>> 3;
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at;
    at = byte === BACKSLASH ? -1 : pastRune(bytes, at);
    if (at < 0) return -1;
  }
}

/**
 * Marks bytes that a string may not simply go on with: a quote, a backslash, a control character, one beyond ASCII. The
 * lowest mark is always right; a higher one may be wrong, since a subtraction borrows.
 */
function special(word: number): number {
  return (((word ^ QUOTES) - ONES) | ((word ^ BACKSLASHES) - ONES) | (word - SPACES) | word) & HIGHS;
}

/** What the letter behind a backslash stands for. */
export const ESCAPED = new Uint8Array(256);
for (const [letter, byte] of [
  ['"', 34],
  ['\\', 92],
  ['/', 47],
  ['b', 8],
  ['f', 12],
  ['n', 10],
  ['r', 13],
  ['t', 9],
] as const) {
  ESCAPED[letter.charCodeAt(0)] = byte;
}

export function pastEscape(bytes: Buffer, at: number): number {
  const letter = bytes[at + 1] as number;
  if (ESCAPED[letter] !== 0) return at + 2;
  return letter === 117 && unitAt(bytes, at + 2) >= 0 ? at + 6 : -1;
}

/** Decodes the escape \\u at `at` to `to`, and where it ends and where what it wrote ends; null for half a surrogate pair. */
export function decodeUnicode(
  bytes: Buffer,
  at: number,
  to: number,
): { readonly end: number; readonly to: number } | null {
  const unit = bytes[at + 1] === 117 ? unitAt(bytes, at + 2) : -1;
  if (unit < 0) return null;
  if (unit < 0xd800 || unit > 0xdfff) return { end: at + 6, to: writeRune(bytes, to, unit) };
  const isPair = unit < 0xdc00 && bytes[at + 6] === BACKSLASH && bytes[at + 7] === 117;
  const low = isPair ? unitAt(bytes, at + 8) : -1;
  if (low < 0xdc00 || low > 0xdfff) return null;
  const rune = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
  return { end: at + 12, to: writeRune(bytes, to, rune) };
}

/** Four hexadecimal digits, or -1. */
function unitAt(bytes: Buffer, at: number): number {
  let unit = 0;
  for (let each = at; each < at + 4; each++) {
    const byte = bytes[each] as number;
    const lower = byte | 32;
    if (byte >= 48 && byte <= 57) unit = unit * 16 + byte - 48;
    else if (lower >= 97 && lower <= 102) unit = unit * 16 + lower - 87;
    else return -1;
  }
  return unit;
}

function writeRune(bytes: Buffer, to: number, rune: number): number {
  if (rune < 0x80) {
    bytes[to] = rune;
    return to + 1;
  }
  const length = rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
  let rest = rune;
  for (let each = to + length - 1; each > to; each--) {
    bytes[each] = 0x80 | (rest & 0x3f);
    rest >>>= 6;
  }
  bytes[to] = ((0xf00 >>> length) & 0xff) | rest;
  return to + length;
}

/** Behind one character of two to four bytes; -1 for a control character and for what is not UTF-8. */
export function pastRune(bytes: Buffer, at: number): number {
  const lead = bytes[at] as number;
  const second = bytes[at + 1] as number;
  if (lead < 0xc2 || lead > 0xf4) return -1;
  if (lead < 0xe0) return isTail(second) ? at + 2 : -1;
  // No longer form than needed, no surrogates, nothing beyond U+10FFFF.
  const lo = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const hi = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < lo || second > hi || !isTail(bytes[at + 2] as number)) return -1;
  if (lead < 0xf0) return at + 3;
  return isTail(bytes[at + 3] as number) ? at + 4 : -1;
}

const isTail = (byte: number): boolean => (byte & 0xc0) === 0x80;

/** Behind any value. */
export function skipValue(bytes: Buffer, view: DataView, from: number): number {
  const byte = bytes[from] as number;
  if (byte === QUOTE) return skipString(bytes, view, from + 1);
  if (byte === 123 || byte === 91) return skipContainer(bytes, view, from);
  return skipWord(bytes, view, from);
}

/** The four bytes of an ASCII text as a number that is read from a view. */
export function wordOf(text: string): number {
  return Buffer.from(text, 'latin1').readInt32LE();
}

const TRUE = wordOf('true');
const ALSE = wordOf('alse');
const NULL = wordOf('null');

function skipWord(bytes: Buffer, view: DataView, from: number): number {
  const byte = bytes[from] as number;
  if (byte === 45 || (byte >= 48 && byte <= 57)) return skipNumber(bytes, from);
  const word = view.getInt32(from, true);
  if (word === TRUE || word === NULL) return from + 4;
  return byte === 102 && view.getInt32(from + 1, true) === ALSE ? from + 5 : -1;
}

export function skipNumber(bytes: Buffer, from: number): number {
  let at = bytes[from] === 45 ? from + 1 : from;
  if (bytes[at] === 48) at++;
  else if ((at = pastDigits(bytes, at)) < 0) return -1;
  if (bytes[at] === 46 && (at = pastDigits(bytes, at + 1)) < 0) return -1;
  if (((bytes[at] as number) | 32) !== 101) return at;
  at++;
  if (bytes[at] === 43 || bytes[at] === 45) at++;
  return pastDigits(bytes, at);
}

/** Behind one digit or more. */
function pastDigits(bytes: Buffer, from: number): number {
  let at = from;
  while ((bytes[at] as number) >= 48 && (bytes[at] as number) <= 57) at++;
  return at === from ? -1 : at;
}

export function pastSpaces(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === SPACE) at++;
  return at;
}

function skipContainer(bytes: Buffer, view: DataView, from: number): number {
  // One bit for each open container: 1 is an object.
  let open = 0;
  let depth = 0;
  let at = from;
  for (;;) {
    const byte = bytes[at] as number;
    if (byte === 123 || byte === 91) {
      if (depth++ === DEPTH_MAX) return -1;
      open = (open << 1) | (byte === 123 ? 1 : 0);
      at = pastSpaces(bytes, at + 1);
      if (bytes[at] !== byte + 2) {
        if (byte === 123 && (at = skipKey(bytes, view, at)) < 0) return -1;
        continue;
      }
    } else {
      at = byte === QUOTE ? skipString(bytes, view, at + 1) : skipWord(bytes, view, at);
      if (at < 0) return -1;
      at = pastSpaces(bytes, at);
    }
    // Behind a value, or before the end of an empty container.
    while (bytes[at] === ((open & 1) === 1 ? 125 : 93)) {
      open >>>= 1;
      at++;
      if (--depth === 0) return at;
      at = pastSpaces(bytes, at);
    }
    if (bytes[at] !== 44) return -1;
    at = pastSpaces(bytes, at + 1);
    if ((open & 1) === 1 && (at = skipKey(bytes, view, at)) < 0) return -1;
  }
}

/** From a key to its value. */
function skipKey(bytes: Buffer, view: DataView, from: number): number {
  if (bytes[from] !== QUOTE) return -1;
  const behind = skipString(bytes, view, from + 1);
  if (behind < 0) return -1;
  const colon = pastSpaces(bytes, behind);
  return bytes[colon] === 58 ? pastSpaces(bytes, colon + 1) : -1;
}
