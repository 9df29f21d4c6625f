/** What a project may be written to: see the invariants in target.ts. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from 'pipeline-runtime/kit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inspectTarget, packageNameOf } from '../../src/generator/target.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(realpathSync(tmpdir()), 'target-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function codeOf(name: string): string {
  const before = readdirSync(cwd, { recursive: true, encoding: 'utf8' }).toSorted();
  try {
    return inspectTarget(name, cwd).state;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    expect(error.exitCode).toBe(2);
    expect(error.message.split('\n').length, 'a hostile name stays on its line').toBe(1);
    return error.code;
  } finally {
    expect(readdirSync(cwd, { recursive: true, encoding: 'utf8' }).toSorted(), 'T2').toEqual(before);
  }
}

describe('T1: what is written ends up where its name says', () => {
  test('a link is refused, wherever it points and wherever on the path it is', () => {
    mkdirSync(join(cwd, 'elsewhere'));
    writeFileSync(join(cwd, 'file'), '');
    symlinkSync(join(cwd, 'elsewhere'), join(cwd, 'link'));
    symlinkSync(join(cwd, 'nowhere'), join(cwd, 'dangling'));
    symlinkSync(join(cwd, 'file'), join(cwd, 'file-link'));
    symlinkSync('loop', join(cwd, 'loop'));
    symlinkSync('.', join(cwd, 'self'));
    const names = [
      'link',
      'link/',
      'dangling',
      'file-link',
      'loop',
      'self',
      'link/new',
      'link/a/b',
      'dangling/new',
    ];
    for (const name of [...names, ...names.map((relative) => join(cwd, relative))]) {
      expect({ name, code: codeOf(name) }).toEqual({ name, code: 'DIR_LINKED' });
    }
  });

  test('`..` is taken away before looking, so it cannot step through a link', () => {
    mkdirSync(join(cwd, 'elsewhere/deep'), { recursive: true });
    symlinkSync(join(cwd, 'elsewhere/deep'), join(cwd, 'link'));
    expect(inspectTarget('link/../new', cwd)).toMatchObject({ dir: join(cwd, 'new'), state: 'new' });
    mkdirSync(join(cwd, 'inner'));
    expect(inspectTarget('../beside', join(cwd, 'inner'))).toMatchObject({
      dir: join(cwd, 'beside'),
      state: 'new',
    });
    expect(codeOf('..')).toBe('DIR_NOT_EMPTY');
  });
});

describe('what is there already', () => {
  test('an absent folder is new, and its absent parents are named', () => {
    expect(inspectTarget('a/b/c', cwd)).toMatchObject({
      state: 'new',
      missingParents: [join(cwd, 'a'), join(cwd, 'a/b')],
    });
  });

  test('an empty folder and one with only a repository are empty', () => {
    mkdirSync(join(cwd, 'empty'));
    mkdirSync(join(cwd, 'repo/.git'), { recursive: true });
    expect(inspectTarget('empty', cwd)).toMatchObject({
      state: 'empty',
      keepsFolder: false,
      hasRepository: false,
    });
    expect(inspectTarget('repo', cwd)).toMatchObject({
      state: 'empty',
      keepsFolder: true,
      hasRepository: true,
    });
    expect(inspectTarget('.', join(cwd, 'empty'))).toMatchObject({ state: 'empty', keepsFolder: true });
  });

  test('a folder that holds anything else is refused, hidden files too', () => {
    for (const name of ['README.md', '.env', '.pipeline']) {
      mkdirSync(join(cwd, `with-${name}`));
      writeFileSync(join(cwd, `with-${name}`, name), '');
      expect({ name, code: codeOf(`with-${name}`) }).toEqual({ name, code: 'DIR_NOT_EMPTY' });
    }
  });

  test('a file, and a path through a file, are refused', () => {
    writeFileSync(join(cwd, 'file'), '');
    expect(codeOf('file')).toBe('DIR_INVALID');
    expect(codeOf('file/below')).toBe('DIR_INVALID');
  });

  test('only our own mark makes a project ours', () => {
    const mark = (folder: string, text: string) => {
      mkdirSync(join(cwd, folder, '.pipeline'), { recursive: true });
      writeFileSync(join(cwd, folder, '.pipeline/generated.json'), text);
    };
    mark('ours', '{"version":1,"generator":"pipeline-advisor"}');
    mark('other', '{"version":1,"generator":"something"}');
    mark('broken', '{');
    mkdirSync(join(cwd, 'linked'));
    symlinkSync(join(cwd, 'ours/.pipeline'), join(cwd, 'linked/.pipeline'));
    expect(['ours', 'other', 'broken', 'linked'].map(codeOf)).toEqual([
      'ours',
      ...Array(3).fill('DIR_NOT_EMPTY'),
    ]);
  });
});

describe('names', () => {
  test.each([
    ['', 'DIR_INVALID'],
    ['  ', 'DIR_INVALID'],
    ['a\nb', 'DIR_INVALID'],
    ['a\u0000b', 'DIR_INVALID'],
    ['\u001b[31m', 'DIR_INVALID'],
    ['a:b', 'DIR_INVALID'],
    ['x'.repeat(300), 'DIR_INVALID'],
    [`${'x/'.repeat(3000)}x`, 'DIR_INVALID'],
    [`it's "quoted"`, 'new'],
    ['$(touch pwned)', 'new'],
    ['`id`; rm -rf x', 'new'],
    ['čeština 漢字 🚀', 'new'],
    ['..foo', 'new'],
    ['-rf', 'new'],
  ])('%j is %s', (name, code) => expect(codeOf(name)).toBe(code));

  test.each([
    ['my-pipeline', 'my-pipeline'],
    ['My Pipeline', 'my-pipeline'],
    ['Čeština', 'cestina'],
    ['漢字', 'my-pipeline'],
    ['$(touch pwned)', 'touch-pwned'],
    [`"},"x":{"`, 'x'],
    ['.hidden', 'hidden'],
    ['_x_', 'x'],
    ['node_modules', 'node-modules-pipeline'],
    ['zod', 'zod-pipeline'],
    ['x'.repeat(250), 'x'.repeat(100)],
  ])('the folder %j becomes the package %s', (folder, name) =>
    expect(packageNameOf(`/somewhere/${folder}`)).toBe(name),
  );
});
