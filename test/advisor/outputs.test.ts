/** Outputs that other tools read, each held to its own schema: OpenSLO, ODCS, MADR, Mermaid. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { GivenAnswers } from '../../src/advisor/answers.ts';
import { toMadr } from '../../src/advisor/print/madr.ts';
import { mermaidDecision } from '../../src/advisor/print/mermaid.ts';
import { toOdcs } from '../../src/advisor/print/odcs.ts';
import { toOpenSlo } from '../../src/advisor/print/openslo.ts';
import { recommend } from '../../src/advisor/recommend.ts';
import { createMetrics } from '../../runtime/src/observe/metrics.ts';
import type { Status } from '../../runtime/src/host/host.ts';
import { anyAnswers } from './any-answers.ts';

const fixture = (path: string): object =>
  JSON.parse(readFileSync(join(import.meta.dirname, '..', 'fixtures', path), 'utf8')) as object;
const given: GivenAnswers = {
  freshness: '15m',
  lateness: { max: '10m' },
  reprocessing: { every: 'monthly' },
  maturity: 'novice',
};
const any = fc.oneof(anyAnswers(0), anyAnswers(1));
const NAMES = ['pipeline', 'Flüge & "Züge" <x>', '---', 'a'.repeat(300), ''];

describe('OpenSLO', () => {
  const validate = new Ajv2020({ allErrors: true, strict: false }).compile(
    fixture('openslo/slo-v1.schema.json'),
  );
  const ajv = new Ajv({ allErrors: true, strict: false });
  const official = join(import.meta.dirname, '..', 'fixtures', 'openslo', 'v1');
  for (const file of readdirSync(official)) ajv.addSchema(fixture(`openslo/v1/${file}`));
  const officially = ajv.getSchema('https://openslo.com/schemas/v1/openslo.schema.json');
  const documentsOf = (text: string) => parseAllDocuments(text).map((each) => each.toJS() as unknown);

  test('whatever is answered, and however it is called, is valid', () => {
    fc.assert(
      fc.property(any, fc.constantFrom(...NAMES), (answers, name) => {
        const documents = documentsOf(toOpenSlo(recommend(answers), { name }));
        expect(documents.length).toBe(3);
        for (const document of documents) {
          expect([validate(document), validate.errors]).toEqual([true, null]);
          expect([officially?.(document), officially?.errors]).toEqual([true, null]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a freshness below a minute, which OpenSLO has no duration for, is a threshold in seconds', () => {
    const [, freshness] = documentsOf(toOpenSlo(recommend({ ...given, freshness: '200ms' }), { name: 'x' }));
    expect(freshness).toMatchObject({ spec: { objectives: [{ op: 'lte', value: 0.2, target: 0.99 }] } });
  });

  test('of a range the hard end is promised', () => {
    const text = toOpenSlo(recommend({ ...given, freshness: '10s..15m' }), { name: 'x' });
    expect(documentsOf(text)[1]).toMatchObject({ spec: { objectives: [{ value: 10 }] } });
  });

  test('the schema refuses what the specification does', () => {
    const [, slo] = documentsOf(toOpenSlo(recommend(given), { name: 'x' })) as [unknown, { spec: object }];
    const broken = (change: object) => validate({ ...slo, spec: { ...slo.spec, ...change } });
    expect(broken({})).toBe(true);
    const objective = { op: 'lte', value: 900, target: 0.99 };
    expect(broken({ objectives: [{ ...objective, target: 1 }] })).toBe(false);
    expect(broken({ objectives: [{ target: 0.99 }] })).toBe(false);
    expect(broken({ timeWindow: [{ duration: '30s', isRolling: true }] })).toBe(false);
    expect(validate({ ...slo, metadata: { name: 'Not_A_Name' } })).toBe(false);
  });

  test('so do the official schemas', () => {
    const [, slo] = documentsOf(toOpenSlo(recommend(given), { name: 'x' })) as [unknown, { spec: object }];
    expect(officially?.(slo)).toBe(true);
    expect(officially?.({ ...slo, apiVersion: 'openslo/v2' })).toBe(false);
    expect(officially?.({ ...slo, metadata: { name: 'Not_A_Name' } })).toBe(false);
    expect(officially?.({ ...slo, spec: { ...slo.spec, budgetingMethod: 'Guesses' } })).toBe(false);
    expect(
      officially?.({ ...slo, spec: { ...slo.spec, objectives: [{ op: 'lte', value: 1, target: 1 }] } }),
    ).toBe(false);
  });

  test('the queries name metrics that the runtime has', async () => {
    const queries = [...toOpenSlo(recommend(given), { name: 'x' }).matchAll(/query: .*?(pipeline_\w+)/g)];
    const text = await createMetrics().render({
      freshness: {},
      sources: [],
      views: [],
      late: {},
      epochs: {},
      state: {},
      corrections: {},
    } as unknown as Status);
    expect(queries.length).toBe(3);
    for (const [, metric] of queries) expect(text).toContain(`# TYPE ${metric} `);
  });
});

describe('ODCS', () => {
  const validate = new Ajv2019({ allErrors: true, strict: false, validateFormats: false }).compile(
    fixture('odcs/odcs-3.1.0.schema.json'),
  );

  test('whatever is answered, and however it is called, is valid by the official schema', () => {
    fc.assert(
      fc.property(any, fc.constantFrom(...NAMES), (answers, name) => {
        const contract: unknown = parse(toOdcs(recommend(answers), { name }));
        expect([validate(contract), validate.errors]).toEqual([true, null]);
      }),
      { numRuns: 60 },
    );
    expect(validate({ ...(parse(toOdcs(recommend(given), { name: 'x' })) as object), sla: 1 })).toBe(false);
  });

  test('what is promised is in it, as numbers with units', () => {
    const { slaProperties } = parse(toOdcs(recommend({ ...given, freshness: '200ms' }), { name: 'x' })) as {
      slaProperties: { property: string; value: number; unit: string }[];
    };
    expect(slaProperties.map(({ property, value, unit }) => [property, value, unit])).toEqual([
      ['latency', 0.2, 's'],
      ['frequency', 0.05, 's'],
      ['completeness', expect.any(Number), 'percent'],
      ['timeToRepair', 604_800, 's'],
      ['retention', 30, 'd'],
    ]);
  });

  test('nothing is promised that nobody asked for', () => {
    const dropped = recommend({
      ...given,
      lateness: { max: '10m', policy: 'drop' },
      reprocessing: { every: 'never' },
    });
    expect(toOdcs(dropped, { name: 'x' })).not.toMatch(/timeToRepair|retention/);
    expect(toOdcs(dropped, { name: 'x' })).toContain('they are counted and dropped');
  });

  test('a contract keeps its id as long as it keeps its name', () => {
    const idOf = (name: string): unknown => (parse(toOdcs(recommend(given), { name })) as { id: unknown }).id;
    expect(idOf('a')).toBe(idOf('a'));
    expect(idOf('a')).not.toBe(idOf('b'));
    expect(idOf('a')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe('MADR', () => {
  const require = createRequire(import.meta.url);
  const template = readFileSync(require.resolve('madr/template/adr-template.md'), 'utf8');
  const headings = (text: string): string[] =>
    [...text.replaceAll(/```[^]*?```/g, '').matchAll(/^##+ .*$/gm)].map(([heading]) => heading);
  const frontMatter = (text: string): unknown => parse(/^---\n([^]*?)\n---\n/.exec(text)?.[1] ?? '');

  test('has the sections of the template of MADR 4.0.0, in their order, and adds none beside them', () => {
    const wanted = headings(template).filter((heading) => !heading.includes('{'));
    fc.assert(
      fc.property(any, (answers) => {
        const text = toMadr(recommend(answers), { title: 't' });
        const top = headings(text).filter((heading) => heading.startsWith('## ') || wanted.includes(heading));
        expect(top).toEqual(wanted);
      }),
      { numRuns: 30 },
    );
  });

  test('every considered option has its pros and cons under its name', () => {
    const text = toMadr(recommend(given), { title: 't' });
    const options = /## Considered Options\n\n([^#]*)/.exec(text)?.[1]?.match(/(?<=\* ).*/g) ?? [];
    expect(options).toHaveLength(5);
    for (const option of options) {
      const [, section = ''] = text.split(`\n### ${option}\n`);
      expect(section.split('\n#')[0]).toMatch(/\* Good, because [^]*\* Bad, because /);
    }
    expect(text).toMatch(/Chosen option: "Micro-batch", because/);
  });

  test('the front matter has the keys of the template; names are quoted', () => {
    const options = {
      title: 't',
      date: '2026-11-23',
      status: 'proposed',
      decisionMakers: ['Ann', '"Bob": [x'],
    };
    const found = frontMatter(toMadr(recommend(given), options)) as object;
    expect(found).toEqual({
      status: 'proposed',
      date: '2026-11-23',
      'decision-makers': ['Ann', '"Bob": [x'],
    });
    for (const key of Object.keys(found)) expect(template).toMatch(new RegExp(`^${key}:`, 'm'));
    expect(frontMatter(toMadr(recommend(given), { title: 't' }))).toEqual({
      status: 'accepted',
      'decision-makers': 'whoever commits this record',
    });
  });

  test('says by what it is confirmed, and when to look at it again', () => {
    const text = toMadr(recommend(given), { title: 't', project: true });
    expect(text).toMatch(/### Confirmation[^#]*`test\/pipeline\.test\.ts`/);
    expect(text).toMatch(/### Revisit when\n\n\* `freshness` \(now 15m\): batch at 1h/);
  });
});

describe('Mermaid', () => {
  /** One line of the flowchart that we write: a node, an arrow, or a style. */
  const LINE =
    /^(?:flowchart TD| {2}\w+\["[^"<>]*(?:<br\/>[^"<>]*)*"\]| {2}(\w+) (?:-->|-\.->)\|"[^"<>]*(?:<br\/>[^"<>]*)*"\| (\w+)| {2}classDef \w+ [\w:#,\- ]+| {2}class (\w+(?:,\w+)*) (?:chosen|broken))$/;

  test('whatever is answered is lines of a flowchart whose arrows lead from node to node', () => {
    fc.assert(
      fc.property(any, (answers) => {
        const lines = mermaidDecision(recommend(answers)).trimEnd().split('\n');
        const nodes = lines.flatMap((line) => /^ {2}(\w+)\["/.exec(line)?.[1] ?? []);
        expect(nodes).toEqual(['asked', 'batch', 'micro_batch', 'streaming', 'kappa', 'lambda']);
        for (const line of lines) {
          const match = LINE.exec(line);
          expect([line, match !== null]).toEqual([line, true]);
          for (const name of (match?.slice(1) ?? []).flatMap((names) => names?.split(',') ?? []))
            expect(nodes).toContain(name);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('shows what was chosen, what breaks what, and what would change it', () => {
    const text = mermaidDecision(recommend(given));
    expect(text).toContain('class micro_batch chosen');
    expect(text).toContain('asked -->|"breaks freshness"| batch');
    expect(text).toContain('micro_batch -.->|"freshness: 1h');
  });
});
