/**
 * Keys whose bytes sort as their values do, so that a range of a store is a range of values.
 *
 *   null 0x01 · false 0x02 · true 0x03 · number 0x04 + 8 bytes · string 0x05 + UTF-8, 0x00 as 0x00 0xFF, then 0x00 0x01
 *   window: its start and its end, as two numbers · list 0x06, its items, then 0x00
 *
 * A number is its IEEE 754 bits, big-endian, with the sign bit flipped, or all bits when negative. Every encoding is
 * prefix-free, so `encodeKey([a])` is a prefix of `encodeKey([a, b])` and of no other first value.
 */
import { invariant } from '../base/invariant.ts';
import { isWindow, type Row, type Value } from './value.ts';

const NULL = 1;
const FALSE = 2;
const TRUE = 3;
const NUMBER = 4;
const STRING = 5;
const LIST = 6;
/** Below every tag, so that a list comes before those that it begins. */
const LIST_END = 0;

export function encodeKey(values: Row): Buffer {
  return Buffer.concat(values.map(encodeValue));
}

function encodeValue(value: Value): Buffer {
  if (value === null) return Buffer.of(NULL);
  if (typeof value === 'boolean') return Buffer.of(value ? TRUE : FALSE);
  if (typeof value === 'number') return encodeNumber(value);
  if (typeof value === 'string') return encodeString(value);
  if (isWindow(value)) return Buffer.concat([encodeNumber(value[0]), encodeNumber(value[1])]);
  return Buffer.concat([Buffer.of(LIST), ...value.items.map(encodeValue), Buffer.of(LIST_END)]);
}

export function encodeNumber(value: number): Buffer {
  invariant(!Number.isNaN(value), 'a key never holds NaN');
  const bytes = Buffer.alloc(9);
  bytes[0] = NUMBER;
  bytes.writeDoubleBE(value === 0 ? 0 : value, 1);
  const negative = (bytes[1] ?? 0) >= 0x80;
  if (negative) for (let i = 1; i < 9; i++) bytes[i] = ~(bytes[i] ?? 0) & 0xff;
  else bytes[1] = (bytes[1] ?? 0) | 0x80;
  return bytes;
}

function encodeString(value: string): Buffer {
  const text = Buffer.from(value, 'utf8');
  if (!text.includes(0)) return Buffer.concat([Buffer.of(STRING), text, Buffer.of(0, 1)]);
  const escaped: number[] = [STRING];
  for (const byte of text) {
    escaped.push(byte);
    if (byte === 0) escaped.push(0xff);
  }
  return Buffer.from([...escaped, 0, 1]);
}

/** Compares two values of one type as `encodeKey` orders them, without encoding those that need none. */
export function compareValues(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  if (isWindow(a) && isWindow(b)) return a[0] - b[0] || a[1] - b[1];
  return Buffer.compare(encodeValue(a), encodeValue(b));
}

/** UTF-16 and UTF-8 order alike below the surrogates; from there on only the bytes tell. */
const FROM_SURROGATES = /[\ud800-\uffff]/;

function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  if (FROM_SURROGATES.test(a) || FROM_SURROGATES.test(b))
    return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}

/**
 * A text that two lists of values share exactly when they are equal: the name of a group in memory. Much cheaper than
 * `encodeKey`, but without its order.
 */
export function nameOfKey(values: Row): string {
  let name = '';
  for (const value of values) {
    if (typeof value === 'string') name += `s${value.length}:${value}`;
    else if (typeof value !== 'object' || value === null) name += `${String(value)};`;
    else if (isWindow(value)) name += `w${value[0]},${value[1]};`;
    else name += `l${value.items.length}:${nameOfKey(value.items)}`;
  }
  return name;
}
