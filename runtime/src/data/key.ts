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

const KEY_BYTES_MIN = 1024;
const SHORT_BYTES = 128;
/** A byte of UTF-16 takes at most three in UTF-8, and a zero one more. */
const BYTES_OF_CODE_UNIT_MAX = 3;

/** Where a key is written before it is as long as it will be. */
let scratch = Buffer.alloc(KEY_BYTES_MIN);
let view = new DataView(scratch.buffer, scratch.byteOffset, scratch.length);

const NO_PREFIX = Buffer.alloc(0);

/** The key of some values behind a prefix. */
export function encodeKey(values: Row, prefix: Buffer = NO_PREFIX): Buffer {
  let at = 0;
  for (let index = 0; index < values.length; index++) at = writeValue(values[index] as Value, at);
  return takeKey(at, prefix);
}

/** The key of some columns of a row behind a prefix. */
export function encodeKeyOf(row: Row, columns: readonly number[], prefix: Buffer = NO_PREFIX): Buffer {
  let at = 0;
  for (let index = 0; index < columns.length; index++)
    at = writeValue(row[columns[index] as number] ?? null, at);
  return takeKey(at, prefix);
}

/** Keys are short: a copy by a view of the scratch would cost more than their bytes. */
function takeKey(bytes: number, prefix: Buffer): Buffer {
  const key = Buffer.allocUnsafe(prefix.length + bytes);
  for (let index = 0; index < prefix.length; index++) key[index] = prefix[index] as number;
  if (bytes > SHORT_BYTES) scratch.copy(key, prefix.length, 0, bytes);
  else for (let index = 0; index < bytes; index++) key[prefix.length + index] = scratch[index] as number;
  return key;
}

export function encodeNumber(value: number): Buffer {
  return encodeKey([value]);
}

/** Makes room for so many bytes more. */
function reserve(at: number, bytes: number): void {
  if (at + bytes <= scratch.length) return;
  const grown = Buffer.alloc(2 * (at + bytes));
  grown.set(scratch.subarray(0, at));
  scratch = grown;
  view = new DataView(grown.buffer, grown.byteOffset, grown.length);
}

/** Writes a value at a place of the scratch; returns the place behind it. */
function writeValue(value: Value, at: number): number {
  if (typeof value === 'number') return writeNumber(value, at);
  if (typeof value === 'string') return writeString(value, at);
  if (value === null) return writeByte(NULL, at);
  if (typeof value === 'boolean') return writeByte(value ? TRUE : FALSE, at);
  if (isWindow(value)) return writeNumber(value[1], writeNumber(value[0], at));
  let end = writeByte(LIST, at);
  for (const item of value.items) end = writeValue(item, end);
  return writeByte(LIST_END, end);
}

function writeByte(byte: number, at: number): number {
  reserve(at, 1);
  scratch[at] = byte;
  return at + 1;
}

function writeNumber(value: number, at: number): number {
  invariant(!Number.isNaN(value), 'a key never holds NaN');
  reserve(at, 9);
  scratch[at] = NUMBER;
  view.setFloat64(at + 1, value === 0 ? 0 : value);
  const high = view.getUint32(at + 1);
  if (high < 0x80000000) view.setUint32(at + 1, high | 0x80000000);
  else {
    view.setUint32(at + 1, ~high);
    view.setUint32(at + 5, ~view.getUint32(at + 5));
  }
  return at + 9;
}

/** The number that a key begins with; null when it begins with something else. */
export function decodeNumber(key: Buffer): number | null {
  if (key[0] !== NUMBER) return null;
  const bytes = Buffer.from(key.subarray(1, 9));
  const isPositive = (bytes[0] ?? 0) >= 0x80;
  if (isPositive) bytes[0] = (bytes[0] ?? 0) & 0x7f;
  else for (let i = 0; i < 8; i++) bytes[i] = ~(bytes[i] ?? 0) & 0xff;
  return bytes.readDoubleBE(0);
}

function writeString(value: string, at: number): number {
  reserve(at, 3 + (BYTES_OF_CODE_UNIT_MAX + 1) * value.length);
  scratch[at] = STRING;
  let end = at + 1 + scratch.write(value, at + 1);
  if (value.includes('\0')) end = escapeZeros(at + 1, end);
  scratch[end] = 0;
  scratch[end + 1] = 1;
  return end + 2;
}

/** Puts 0xFF behind each zero of [from, to); returns where they end then. REQUIRES room. */
function escapeZeros(from: number, to: number): number {
  const text = Buffer.from(scratch.subarray(from, to));
  let end = from;
  for (const byte of text) {
    scratch[end++] = byte;
    if (byte === 0) scratch[end++] = 0xff;
  }
  return end;
}

/** Compares two values of one type as `encodeKey` orders them, without encoding those that need none. */
export function compareValues(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  if (isWindow(a) && isWindow(b)) return a[0] - b[0] || a[1] - b[1];
  return Buffer.compare(encodeKey([a]), encodeKey([b]));
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
