/** Folders that earlier code wrote: they are opened, show what they showed, and go on to the rows of the whole. */
import { afterEach, expect, it } from 'vitest';
import { type Architecture, ARCHITECTURES } from '../../../runtime/src/config/project.ts';
import definition from '../../fixtures/data-v1/definition.ts';
import {
  after,
  contentOf,
  copyOf,
  expectedOf,
  openFolder,
  removeCopy,
  send,
} from '../../fixtures/data-v1/folder.ts';

let folder = '';
afterEach(() => removeCopy(folder));

const asJson = async (content: Promise<unknown>): Promise<unknown> =>
  JSON.parse(JSON.stringify(await content)) as unknown;

it.for(ARCHITECTURES)('%s goes on from a folder of format 1', async (architecture) => {
  folder = copyOf(architecture);
  const { engine } = await openFolder(folder, architecture, definition);
  try {
    expect(await asJson(contentOf(engine))).toEqual(expectedOf('before'));
    await send(engine, after);
    await engine.end();
    await engine.settle();
    expect(await asJson(contentOf(engine))).toEqual(expectedOf('after'));
    if (architecture !== 'kappa') return;
    await engine.command('promote', { version: 'v2' });
    expect(await asJson(contentOf(engine))).toEqual(expectedOf('promoted'));
  } finally {
    await engine.close();
  }
});

it.for(['streaming', 'lambda', 'kappa'] satisfies Architecture[])(
  '%s computes the same again from a log of format 1',
  async (architecture) => {
    folder = copyOf(architecture);
    const { engine } = await openFolder(folder, architecture, definition, { rebuild: true });
    try {
      await engine.settle();
      expect(await asJson(contentOf(engine))).toEqual(expectedOf('before'));
    } finally {
      await engine.close();
    }
  },
);
