import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Dictionary } from '../../../runtime/src/data/dictionary.ts';

const codeOf = (dictionary: Dictionary, text: string, before = ''): number => {
  const bytes = Buffer.from(`${before}${text}…`);
  const start = Buffer.byteLength(before);
  return dictionary.code(bytes, start, start + Buffer.byteLength(text));
};

test('codes count from 0 in the order of first appearance, wherever a text lies', () => {
  const dictionary = new Dictionary();
  expect(
    ['b', 'a', 'b', '', 'a', ''].map((text, index) => codeOf(dictionary, text, 'x'.repeat(index))),
  ).toEqual([0, 1, 0, 2, 1, 2]);
  expect(dictionary.size).toBe(3);
});

test('texts that differ in one byte anywhere are different', () => {
  const dictionary = new Dictionary();
  const texts = Array.from({ length: 40 }, (_, length) => 'a'.repeat(length)).flatMap((text) => [
    text,
    ...Array.from(text, (_, place) => `${text.slice(0, place)}b${text.slice(place + 1)}`),
  ]);
  expect(new Set(texts.map((text) => codeOf(dictionary, text))).size).toBe(new Set(texts).size);
});

test('is a map from texts to numbers, however large it grows', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 3000 }), (texts) => {
      const dictionary = new Dictionary();
      const known = new Map<string, number>();
      for (const text of texts) {
        if (!known.has(text)) known.set(text, known.size);
        expect(codeOf(dictionary, text, 'ab')).toBe(known.get(text));
      }
      for (const [text, code] of known) {
        expect(dictionary.text(code)).toBe(text);
        expect(dictionary.codeOf(text)).toBe(code);
      }
      expect(dictionary.size).toBe(known.size);
    }),
    { numRuns: 50 },
  );
});

test('a text that was never met has no code and gets none by being looked for', () => {
  const dictionary = new Dictionary();
  const bytes = Buffer.from('abcdef');
  dictionary.code(bytes, 0, 4);
  expect([dictionary.find(bytes, 0, 4), dictionary.find(bytes, 1, 5), dictionary.find(bytes, 0, 3)]).toEqual([
    0, -1, -1,
  ]);
  expect(dictionary.size).toBe(1);
});

test('memory is counted', () => {
  const dictionary = new Dictionary();
  const before = dictionary.bytesUsed;
  for (let each = 0; each < 1000; each++) dictionary.codeOf(`text number ${each}`);
  expect(dictionary.bytesUsed).toBeGreaterThan(before + 1000 * 'text number '.length);
});
