/** Templates hold no logic, name nothing that the view model lacks, and quote every value for the language of the file. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import { describe, expect, test } from 'vitest';
import { ARCHITECTURES } from '../../src/advisor/answers.ts';
import { overlaysOf, readOverlays } from '../../src/generator/overlays.ts';
import { HELPER_NAMES, rendererOf } from '../../src/generator/render.ts';
import { blueprintOfVariant, choicesOf, filesOf, VARIANTS } from './support.ts';

const ROOT = new URL('../../templates', import.meta.url).pathname;
const templates = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.hbs'))
  .sort();

interface Found {
  readonly paths: readonly string[];
  readonly helpers: readonly string[];
  readonly partials: readonly string[];
  /** Values that no helper writes. */
  readonly bare: readonly string[];
}

/** Everything that a template names, also in branches that no test takes. */
function namesIn(text: string): Found {
  const found = {
    paths: [] as string[],
    helpers: [] as string[],
    partials: [] as string[],
    bare: [] as string[],
  };
  class Names extends Handlebars.Visitor {
    override PathExpression(path: hbs.AST.PathExpression) {
      found.paths.push(path.original);
    }
    override MustacheStatement(statement: hbs.AST.MustacheStatement) {
      const path = statement.path as hbs.AST.PathExpression;
      if (statement.params.length === 0) {
        found.bare.push(path.original);
        found.paths.push(path.original);
        return;
      }
      found.helpers.push(path.original);
      this.acceptArray(statement.params);
    }
    override BlockStatement(block: hbs.AST.BlockStatement) {
      found.helpers.push(block.path.original);
      this.acceptArray(block.params);
      this.accept(block.program);
      if (block.inverse !== undefined) this.accept(block.inverse);
    }
    override PartialStatement(partial: hbs.AST.PartialStatement) {
      found.partials.push((partial.name as hbs.AST.PathExpression).original);
    }
    override SubExpression() {
      throw new Error('a template computes nothing');
    }
  }
  new Names().accept(Handlebars.parse(text));
  return found;
}

const model = blueprintOfVariant();

function isInModel(path: string): boolean {
  const end = path
    .split('.')
    .reduce<unknown>(
      (value, key) => (Object.hasOwn(Object(value), key) ? (value as never)[key] : undefined),
      model,
    );
  return end !== undefined && (typeof end !== 'object' || end === null);
}

describe.each(templates)('%s', (path) => {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const names = namesIn(text);

  test('names only values of the view model, the helpers, and slots that every architecture fills', () => {
    expect(names.paths.filter((name) => !isInModel(name))).toEqual([]);
    expect(names.helpers.filter((name) => ![...HELPER_NAMES, 'if', 'unless'].includes(name))).toEqual([]);
    for (const architecture of ARCHITECTURES) {
      const { partials } = readOverlays(overlaysOf(architecture));
      expect(names.partials.filter((name) => !partials.has(name))).toEqual([]);
    }
  });

  test('conditions are booleans of the view model', () => {
    const conditions = [...text.matchAll(/\{\{#(?:if|unless) ([^}]+)\}\}/g)].map(([, name = '']) => name);
    const values = model as unknown as Readonly<Record<string, unknown>>;
    expect(conditions.filter((name) => typeof values[name] !== 'boolean')).toEqual([]);
  });

  test('a value enters code and data only through the helper of the language', () => {
    const prose = /\.md\.hbs$|partials\/(picture|runs|commands)\.hbs$/.test(path);
    expect(prose ? [] : names.bare.filter((name) => name !== 'answersYaml')).toEqual([]);
  });
});

test('every architecture fills the same slots', () => {
  const slots = ARCHITECTURES.map((name) => [...readOverlays(overlaysOf(name)).partials.keys()].sort());
  for (const filled of slots) expect(filled).toEqual(['commands', 'picture', 'runs', 'settings']);
});

test('every value of the view model has a use', () => {
  const used = new Set(templates.flatMap((path) => namesIn(readFileSync(join(ROOT, path), 'utf8')).paths));
  const flat = Object.entries(model).flatMap(([key, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null
      ? Object.keys(value).map((inner) => `${key}.${inner}`)
      : [key],
  );
  expect(flat.filter((name) => !used.has(name))).toEqual([]);
});

describe('helpers quote for their language', () => {
  const hostile = [
    `'`,
    '"',
    '\\',
    '\n',
    '*/',
    '{{name}}',
    '${x}',
    '`',
    '\u2028',
    '#',
    ': ',
    '- ',
    'yes',
    'null',
    '1e3',
    '',
  ];
  const write = (helper: string, value: unknown) =>
    rendererOf({ value }, new Map()).render(`{{${helper} value}}`, 'test');

  test.each(hostile.map((text) => [text]))('%j', async (text) => {
    const { parse } = await import('yaml');
    expect(JSON.parse(write('json', text))).toBe(text);
    expect(parse(write('yaml', text), { schema: 'core' })).toBe(text);
    // The same grammar as a TypeScript literal, read by the engine itself.
    // oxlint-disable-next-line typescript/no-implied-eval, eslint/no-new-func
    expect(new Function(`return ${write('ts', text)}`)()).toBe(text);
    expect(write('comment', text)).not.toMatch(/[\n\r\u2028]|\*\//);
  });
});

describe('rendering is closed', () => {
  const render = (template: string) => rendererOf({ here: 'x' }, new Map()).render(template, 'test');

  test.each([
    ['a name that is missing', '{{absent}}'],
    ['a helper that is unknown', '{{shout here}}'],
    ['what an object inherits', '{{constructor}}'],
    ['a prototype', '{{here.__proto__.constructor}}'],
    ['a lookup', '{{lookup here "length"}}'],
    ['a partial that nobody fills', '{{> nowhere}}'],
    ['a missing value for a helper', '{{json absent}}'],
  ])('refuses %s', (_, template) => {
    expect(() => render(template)).toThrow(/^template test: /);
  });

  test('escapes nothing by itself, because no file is HTML', () => {
    expect(rendererOf({ text: '<a & b>' }, new Map()).render('{{text}}', 'test')).toBe('<a & b>');
  });
});

test('no variant leaves a brace of a template behind', () => {
  const left = VARIANTS.flatMap((variant) =>
    filesOf(choicesOf(variant))
      .filter((file) => !/^(sample|vendor)\//.test(file.path))
      .filter((file) => /\{\{[>#/]|undefined|\[object/.test(file.bytes.toString('utf8')))
      .map((file) => [variant, file.path]),
  );
  expect(left).toEqual([]);
});
