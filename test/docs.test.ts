/** What the documents show is true: examples compile and run, verdicts are the advisor's, nobody else's package is run. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** The TypeScript of a document; a block is called as its first line says, or by its number. */
const EXAMPLES = ['README.md', 'runtime/README.md'].flatMap((document) =>
  [...read(document).matchAll(/```ts\n([^]*?)```/g)].map(([, code = ''], index) => ({
    document,
    name: /^\/\/ (\S+\.ts)\n/.exec(code)?.[1] ?? `example-${index + 1}.ts`,
    code,
  })),
);

describe('examples', () => {
  let folder: string;
  beforeAll(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'docs-')));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    for (const { name, code } of EXAMPLES) writeFileSync(join(folder, name), code);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('there are some, each under its own name', () => {
    expect(EXAMPLES.length).toBeGreaterThanOrEqual(4);
    expect(new Set(EXAMPLES.map(({ name }) => name)).size).toBe(EXAMPLES.length);
  });

  test('compile', () => {
    const config = {
      extends: join(ROOT, 'test/tsconfig.json'),
      compilerOptions: { rootDir: '/' },
      files: EXAMPLES.map(({ name }) => name),
      include: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder], {
      encoding: 'utf8',
    });
    expect(tsc.stdout).toBe('');
  });

  test.each(EXAMPLES.map(({ document, name }) => [document, name]))('%s: %s runs', async (_, name) => {
    const loaded = (await import(pathToFileURL(join(folder, name)).href)) as { default?: { plan: unknown } };
    const { code = '' } = EXAMPLES.find((example) => example.name === name) ?? {};
    expect(loaded.default?.plan !== undefined).toBe(code.includes('export default'));
  });
});

describe('README.md', () => {
  const VERDICTS = [...read('README.md').matchAll(/^\| .* \| `(--freshness [^`]+)` \| \*\*([a-z-]+)\*\*/gm)];

  test('has a verdict for each architecture', () => {
    expect(new Set(VERDICTS.map(([, , verdict]) => verdict)).size).toBe(5);
  });

  test.each(VERDICTS.map(([, flags = '', verdict = '']) => [flags, verdict]))('%s: %s', (flags, verdict) => {
    const program = join(ROOT, 'dist/advisor.js');
    const run = spawnSync(process.execPath, [program, 'recommend', ...flags.split(' '), '--format', 'json'], {
      encoding: 'utf8',
    });
    expect(run.stderr).toBe('');
    expect(JSON.parse(run.stdout)).toMatchObject({ recommendation: verdict, possible: [verdict] });
  });
});

test('runtime/api.md is current, and the public names are few', () => {
  const run = spawnSync(process.execPath, [join(ROOT, 'scripts/api.mjs'), '--check'], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  const counts = [...read('runtime/api.md').matchAll(/ (\d+) names: /g)].map(([, count]) => Number(count));
  expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBeLessThanOrEqual(60);
});

test.each([
  ['README.md', 150],
  ['CONTRIBUTING.md', 60],
  ['ARCHITECTURE.md', 150],
  ['runtime/README.md', 300],
])('%s is at most %i lines', (document, linesMax) => {
  expect(read(document).trimEnd().split('\n').length).toBeLessThanOrEqual(linesMax);
});

/** `create-pipeline` on the public registry is not ours: these would fetch and run it. */
const STRANGERS =
  /(?:npm|pnpm|yarn|bun) (?:create|init) pipeline|(?:npx|dlx|bunx) (?:-y |--yes |pipeline-advisor|create-pipeline@)|install (?:-g )?create-pipeline/;

test.each([
  'README.md',
  'CONTRIBUTING.md',
  'ARCHITECTURE.md',
  'runtime/README.md',
  'runtime/OPERATING.md',
  'templates/base/README.md.hbs',
])('%s never leads to the package of the same name', (document) => {
  expect(STRANGERS.exec(read(document))?.[0]).toBeUndefined();
});
