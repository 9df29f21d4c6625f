/** docs/: what a generated project promises, valid by the standards' schemas, and true of its own definition. */
import { mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { ViewLayout } from '../../runtime/src/views/layout.ts';
import type { Plan } from '../../runtime/src/plan/node.ts';
import { ARCHITECTURES } from '../../src/advisor/answers.ts';
import { choicesOf, filesOf, textOf } from './support.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const schemaOf = (path: string): object =>
  JSON.parse(readFileSync(join(ROOT, 'test', 'fixtures', path), 'utf8')) as object;

interface Contract {
  readonly name: string;
  readonly slaProperties: readonly { readonly property: string; readonly value: number }[];
  readonly schema: readonly {
    readonly name: string;
    readonly properties: readonly { readonly name: string; readonly primaryKey?: boolean }[];
  }[];
}

test.each(ARCHITECTURES)(
  '%s: the contract and the objectives are valid, and promise the same',
  (architecture) => {
    const files = filesOf(choicesOf({ architecture }));
    const contract = parse(textOf(files, 'docs/contract.odcs.yaml')) as Contract;
    const odcs = new Ajv2019({ strict: false, validateFormats: false }).compile(
      schemaOf('odcs/odcs-3.1.0.schema.json'),
    );
    expect([odcs(contract), odcs.errors]).toEqual([true, null]);
    const slos = parseAllDocuments(textOf(files, 'docs/slo.yaml')).map((each) => each.toJS() as unknown);
    const openslo = new Ajv2020({ strict: false }).compile(schemaOf('openslo/slo-v1.schema.json'));
    for (const slo of slos) expect([openslo(slo), openslo.errors]).toEqual([true, null]);
    expect(contract.slaProperties[0]).toMatchObject({ property: 'latency', value: 900 });
    expect(slos[1]).toMatchObject({ spec: { service: contract.name, objectives: [{ value: 900 }] } });
  },
);

test('the contract names the view, the columns and the keys of the definition', async () => {
  const files = filesOf(choicesOf());
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'promises-'));
  try {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'pipeline.ts'), textOf(files, 'pipeline.ts'));
    const loaded = (await import(pathToFileURL(join(folder, 'pipeline.ts')).href)) as {
      default: { plan: Plan };
    };
    const { plan } = loaded.default;
    const { schema } = parse(textOf(files, 'docs/contract.odcs.yaml')) as Contract;
    const layouts = plan.views.map((view) => new ViewLayout(plan, view));
    expect(schema.map(({ name }) => name)).toEqual(layouts.map(({ view }) => view.name));
    for (const [index, { columns, keyNames }] of layouts.entries()) {
      const { properties = [] } = schema[index] ?? {};
      expect(properties.map(({ name }) => name)).toEqual(columns.map(({ name }) => name));
      const keys = properties.filter(({ primaryKey }) => primaryKey === true);
      expect(keys.map(({ name }) => name)).toEqual(keyNames);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
