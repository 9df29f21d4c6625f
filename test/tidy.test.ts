/**
 * What a reader could not keep in mind: who may import whom, what touches the outside, how long files are, what is left
 * behind. Each problem is `file:line what: what to do`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { doorsIn, WAYS_IN } from './doors.ts';

const ROOT = join(import.meta.dirname, '..');
const filesIn = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(ROOT.length + 1)
        .replaceAll('\\', '/'),
    );
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const isCode = (file: string): boolean => /\.(?:ts|js|mjs)$/.test(file);

const RUNTIME = filesIn('runtime/src').filter(isCode);
const OURS = filesIn('src').filter(isCode);
const TESTS = filesIn('test').filter(isCode);
const BENCH = filesIn('bench').filter((file) => isCode(file) && !file.startsWith('bench/dist/'));
const CODE = [...RUNTIME, ...OURS, ...TESTS, ...BENCH, ...filesIn('scripts').filter(isCode)];
const DOCUMENTS = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'runtime/README.md',
  'runtime/OPERATING.md',
];

/**
 * Folder → what it may import; `~` marks what it may import as types only. `host` is what every
 * front end shows, named by those who compute it. `testing` and the entry points stand on top and are imported by nobody.
 */
const ARROWS: Readonly<Record<string, string>> = {
  base: '',
  ports: '',
  host: 'config~',
  data: 'base',
  expr: 'base data',
  plan: 'base data expr',
  dsl: 'base data expr plan operators~',
  export: 'base data expr plan',
  config: 'base ports',
  state: 'base ports',
  log: 'base ports data',
  operators: 'base data state~ expr plan~',
  compile: 'base data expr plan operators state~',
  views: 'base data plan state operators~ host~',
  sinks: 'base config~ data ports state views host~',
  loop: 'base data expr plan log state ports operators compile views host~',
  architectures: 'base data plan config log loop ports state views host~',
  ingest: 'base data plan log ports compile host~',
  observe: 'host~ data log~ plan ports',
  snapshots: 'base ports',
  engine:
    'base config data export expr ingest log compile operators loop architectures observe plan ports sinks snapshots state views host~',
  serve: 'base data observe ports host',
  cli: 'base config data export engine ingest plan ports serve sinks~ snapshots host~',
  sim: 'base ports state',
  testing: 'config dsl engine ports state log host~',
  'index.ts': 'dsl',
  profile: 'base data ingest compile engine plan~',
  // `advisor prove` drives whole pipelines in virtual time, from the definition to the rows.
  prove: 'base config data dsl engine log loop~ operators plan~ ports profile sim state views~',
  'kit.ts': 'base config cli observe profile prove',
  // src
  'errors.ts': '',
  advisor: 'errors.ts',
  generator: 'errors.ts advisor',
  'src/cli': 'errors.ts advisor generator',
  bin: 'src/cli',
};

function layerOf(file: string): string {
  if (file.startsWith('src/cli/')) return 'src/cli';
  return file.replace(/^(?:runtime\/)?src\//, '').split('/')[0] ?? '';
}

interface Import {
  readonly file: string;
  readonly line: number;
  readonly from: string;
  readonly isType: boolean;
}

function importsOf(file: string): Import[] {
  const statement = /^(?:import|export)\b(?:[^;'"]*?\bfrom)?\s*'([^']+)'|\bimport\('([^']+)'\)/gm;
  return [...read(file).matchAll(statement)].map((match) => ({
    file,
    line: lineOf(read(file), match.index),
    from: match[1] ?? match[2] ?? '',
    isType:
      /^(?:import|export) type\b/.test(match[0]) || /\{(?:\s*type \w+( as \w+)?,?)+\s*\}/.test(match[0]),
  }));
}

const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;

function found(files: readonly string[], pattern: RegExp, remedy: string): string[] {
  return files.flatMap((file) =>
    [...read(file).matchAll(pattern)].map(
      (match) => `${file}:${lineOf(read(file), match.index)} ${match[0].trim()}: ${remedy}`,
    ),
  );
}

const unless = (files: readonly string[], allowed: RegExp): string[] =>
  files.filter((file) => !allowed.test(file));

test('imports follow the arrows', () => {
  const problems = [...RUNTIME, ...OURS].flatMap(importsOf).flatMap(({ file, line, from, isType }) => {
    if (!from.startsWith('.')) return [];
    const [own, other] = [layerOf(file), layerOf(normalize(join(dirname(file), from)))];
    const allowed = (ARROWS[own] ?? '').split(' ');
    if (own === other || allowed.includes(other) || (isType && allowed.includes(`${other}~`))) return [];
    return [`${file}:${line} ${own} imports ${other}: move what is needed to a layer below both`];
  });
  expect(problems).toEqual([]);
});

test('src uses the runtime only as a package', () => {
  const foreign = /^(?:pipeline-runtime(?!\/kit$)|.*runtime\/src)/;
  const problems = OURS.flatMap(importsOf).filter(({ from }) => foreign.test(from));
  expect(problems.map(({ file, line, from }) => `${file}:${line} ${from}: use pipeline-runtime/kit`)).toEqual(
    [],
  );
});

const HERE = 'say it without a path of one machine';

/** Where the outside comes in. Everything else gets it handed in, so that a test or a simulation decides. */
test('clock, chance, timers and files come in at the doors', () => {
  const clock =
    /\/ports\/|\/dashboard\/client\/|generator\/tools\.ts|commands\/(?:recommend|create-print)\.ts/;
  const disk = /\/ports\/|^src\/(?:cli|generator)\//;
  const pure = /\/(?:base|data|expr|plan|dsl|operators|compile|views|architectures|advisor)\//;
  const shipped = [...RUNTIME, ...OURS];
  expect([
    ...found(
      unless(shipped, clock),
      /\b(?:Date\.now|Math\.random|setTimeout|setInterval|setImmediate|performance\.now)\b|new Date\(\)/g,
      'take a Clock from ports/clock.ts',
    ),
    ...found(
      unless(shipped, disk),
      /^import (?!type ).*'node:fs(?:\/promises)?'|import\('node:(?:fs|net|http)/gm,
      'take a Disk from ports/disk.ts',
    ),
    ...found(
      shipped.filter((file) => pure.test(file)),
      /from 'node:(?!crypto')[a-z/_]+'/g,
      'this layer is pure, but for a hash; do it above',
    ),
  ]).toEqual([]);
});

/** The runtime has no other way: what a simulation does not decide it cannot repeat. */
test('the runtime lets the outside in at its ports alone, and every way in is known', () => {
  // The simulation waits for what no promise can tell, threads wait for each other, and how much CPU was used is only told.
  const inside = unless(
    RUNTIME,
    /\/ports\/|\/dashboard\/client\/|\/sim\/world\.ts|\/prove\/virtual-clock\.ts|\/observe\/metrics\.ts|\/file-worker-exchange\.ts/,
  );
  const problems = inside.flatMap((file) => {
    const text = read(file);
    return doorsIn(text).map((hit) => `${file}:${lineOf(text, hit.index)} ${hit.text}: take it from ports/`);
  });
  expect(problems).toEqual([]);
  expect(WAYS_IN.filter((line) => doorsIn(line).length === 0)).toEqual([]);
});

test('nothing is left behind', () => {
  const shipped = [...RUNTIME, ...OURS];
  const others = CODE.filter((file) => !file.endsWith('test/tidy.test.ts'));
  expect([
    ...found(others, /\b(?:TODO|FIXME|XXX|HACK)\b.*/g, 'do it, or make it a typed, tested refusal'),
    ...found(others, /\b(?:describe|test|it)\.(?:only|skip|todo)\b/g, 'run it or remove it'),
    ...found(shipped, /\bconsole\.\w+/g, 'write to the stream that the command was given'),
    ...found(others, /(?::|\bas|<)\s*any\b(?=[,;)>[\]]| [=|&{])/g, 'say unknown and check it'),
    ...found(
      unless(shipped, /\/compile\/jit\//),
      /\bnew Function\(|(?<![.\w])eval\(/g,
      'bind values, never build code',
    ),
    ...found(shipped, /^export default\b/gm, 'name the export'),
    ...found([...others, ...DOCUMENTS], /(?<![\w.~-])\/(?:work|root)\/\w[^\s'"`]*/g, HERE),
    ...found([...shipped, ...DOCUMENTS], /(?<![\w.~-])\/(?:Users|home)\/\w[^\s'"`]*/g, HERE),
  ]).toEqual([]);
});

test('files are at most 500 lines', () => {
  const long = CODE.map((file) => [file, read(file).split('\n').length] as const).filter(
    ([, lines]) => lines > 501,
  );
  expect(long.map(([file, lines]) => `${file}:${lines} ${lines} lines: split by idea`)).toEqual([]);
});

test.each(['src/errors.ts', 'runtime/src/base/errors.ts'])('%s: every code is used', (table) => {
  const users = (table.startsWith('src') ? OURS : RUNTIME).filter((file) => file !== table).map(read);
  const codes = [...read(table).matchAll(/^ {2}([A-Z_]+): row/gm)];
  expect(codes.length).toBeGreaterThan(10);
  const unused = codes.filter(([, code = '']) => !users.some((text) => text.includes(`'${code}'`)));
  expect(
    unused.map((match) => `${table}:${lineOf(read(table), match.index)} ${match[1]}: remove the row`),
  ).toEqual([]);
});

test('every operator and every aggregate has a case', () => {
  const cases = TESTS.filter((file) => file.startsWith('test/cases/'))
    .map(read)
    .join('\n');
  const plan = read('runtime/src/plan/node.ts');
  const kinds = [...plan.matchAll(/^ {2}readonly kind: '(\w+)'/gm)].map(([, kind = '']) => kind);
  const [, aggregates = ''] = /type AggregateName =([^;]*);/.exec(plan) ?? [];
  const wanted = [
    ...kinds.filter((kind) => kind !== 'source' && kind !== 'scalar'),
    ...(aggregates.match(/\w+/g) ?? []),
  ];
  expect(wanted.length).toBeGreaterThan(9);
  const missing = wanted.filter((name) => !new RegExp(`\\b${name}(?:By)?\\(`).test(cases));
  expect(missing.map((name) => `test/cases:1 no case uses ${name}: add one`)).toEqual([]);
});

test('links and paths in the documents lead somewhere', () => {
  const problems = DOCUMENTS.flatMap((document) => {
    const text = read(document);
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)];
    const paths = [...text.matchAll(/`((?:src|runtime\/src|test|templates|scripts)\/[\w./-]+)`/g)];
    return [
      ...links.map((match) => [match, join(dirname(document), match[1] ?? '')] as const),
      ...paths.map((match) => [match, match[1] ?? ''] as const),
    ]
      .filter(([, path]) => !existsSync(join(ROOT, path)))
      .map(([match, path]) => `${document}:${lineOf(text, match.index)} ${path}: there is no such file`);
  });
  expect(problems).toEqual([]);
});

test('ARCHITECTURE.md lists every invariant of the sources, and no other', () => {
  const listed = [
    ...read('ARCHITECTURE.md').matchAll(/^\| ([A-HJ-Z])(\d)(?:–\1(\d))? \|.*`(\S+\.ts)` \|$/gm),
  ].flatMap(([, letter, from, to, file]) =>
    Array.from(
      { length: Number(to ?? from) - Number(from) + 1 },
      (_, index) => `${letter}${Number(from) + index} ${file}`,
    ),
  );
  const stated = [...RUNTIME, ...OURS].flatMap((file) =>
    [...read(file).matchAll(/^ \* (?:Invariants)? +([A-HJ-Z]\d) {2}[A-Z`]/gm)].map(
      ([, name]) => `${name} ${file}`,
    ),
  );
  expect(listed.toSorted()).toEqual(stated.toSorted());
});

test('the lock names every platform, so that `npm ci` works on each', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  // Names of packages, wherever in the tree.
  const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  const missing = wanted.filter(
    (name) => !Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`)),
  );
  expect(missing, 'package-lock.json:1 lacks platforms: run node scripts/complete-lock.mjs').toEqual([]);
});
