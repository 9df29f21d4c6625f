/** A folder of format 2: every operator goes on from rows that lie in the order in which they came (state/format.ts). */
import { afterEach, expect, test } from 'vitest';
import definition from '../../fixtures/data-v2/definition.ts';
import {
  after,
  contentOf,
  copyOf,
  expectedOf,
  openFolder,
  removeCopy,
  send,
} from '../../fixtures/data-v2/folder.ts';

let folder = '';
afterEach(() => removeCopy(folder));

const asJson = async (content: Promise<unknown>): Promise<unknown> =>
  JSON.parse(JSON.stringify(await content)) as unknown;

test.for([
  ['what is there', undefined],
  ['hardly any memory', 1],
] as const)('it goes on with %s, and from what it wrote then', async ([, memory]) => {
  folder = copyOf();
  const half = after.length / 2;
  for (const [from, to] of [
    [0, half],
    [half, after.length],
  ] as const) {
    const engine = await openFolder(folder, definition, memory);
    try {
      if (from === 0) expect(await asJson(contentOf(engine))).toEqual(expectedOf('before'));
      await send(engine, after.slice(from, to));
      await engine.settle();
      if (to < after.length) continue;
      await engine.end();
      await engine.settle();
      expect(await asJson(contentOf(engine))).toEqual(expectedOf('after'));
    } finally {
      await engine.close();
    }
  }
});
