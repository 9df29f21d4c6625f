import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readProject } from '../../../runtime/src/config/project.ts';

const root = mkdtempSync(join(tmpdir(), 'config-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function sinksOf(yaml: string): unknown {
  writeFileSync(join(root, 'pipeline.config.yaml'), `version: 1\narchitecture: batch\n${yaml}`);
  return readProject(root).config.sinks;
}

describe('sinks of pipeline.config.yaml', () => {
  it('are read with their defaults', () => {
    expect(
      sinksOf(`sinks:
  - { view: delays, to: { files: out/delays, format: parquet, partition: hour } }
  - view: delays
    name: warehouse
    every: 0s
    buffer: 1MB
    giveUpAfter: 1h
    to: { postgres: '\${DATABASE_URL}', table: delays }
  - view: delays
    to: { http: 'https://example.com/rows', headers: { authorization: '\${AUTH}' }, timeout: 5s }
`),
    ).toEqual([
      {
        view: 'delays',
        name: 'delays_files',
        every: 60_000,
        buffer: 64_000_000,
        giveUpAfter: 900_000,
        to: { kind: 'files', folder: 'out/delays', format: 'parquet', partition: 'hour' },
      },
      {
        view: 'delays',
        name: 'warehouse',
        every: 0,
        buffer: 1_000_000,
        giveUpAfter: 3_600_000,
        to: {
          kind: 'postgres',
          url: '${DATABASE_URL}',
          schema: 'public',
          table: 'delays',
          timeoutMs: 30_000,
        },
      },
      {
        view: 'delays',
        name: 'delays_http',
        every: 1000,
        buffer: 64_000_000,
        giveUpAfter: 900_000,
        to: {
          kind: 'http',
          url: 'https://example.com/rows',
          headers: { authorization: '${AUTH}' },
          rows: 500,
          timeoutMs: 5000,
        },
      },
    ]);
    expect(sinksOf('')).toEqual([]);
  });

  it.for([
    ['{ view: a, to: { file: out } }', 'unknown key "sinks.0.to.file". Did you mean "files"?'],
    ['{ veiw: a, to: { files: out } }', 'unknown key "sinks.0.veiw". Did you mean "view"?'],
    ['{ view: a, to: { files: out, format: xml } }', 'must be one of jsonl, csv, parquet'],
    ['{ view: a, to: { files: ../out } }', 'without ".."'],
    ['{ view: a, to: {} }', 'say either "files"'],
    ['{ view: a, to: { files: out, postgres: "postgres://h/d", table: t } }', 'say either "files"'],
    ['{ view: a, to: { files: out, table: t } }', '"schema", "table", "index" belong to "postgres"'],
    ['{ view: a, to: { postgres: "postgres://h/d" } }', 'say which "table"'],
    ['{ view: a, to: { postgres: "postgres://h/d", table: "a b" } }', 'must start with a letter'],
    ['{ view: a, to: { postgres: "postgres://me:secret@h/d", table: t } }', 'put it into .env'],
    ['{ view: a, to: { postgres: "postgres://h/d?password=secret", table: t } }', 'put it into .env'],
    ['{ view: a, to: { http: "ftp://h/x" } }', '"http" must be a URL such as https://example.com/rows'],
    ['{ view: a, to: { http: "https://me:hunter2@h/x" } }', '"http" holds a user or a password'],
    ['{ view: a, to: { http: "https://h/x?api_key=hunter2" } }', 'looks like a secret; put it into .env'],
    [
      '{ view: a, to: { http: "https://h/x", headers: { x-api-key: hunter2 } } }',
      'the header "x-api-key" holds its value here; put that into .env',
    ],
    ['{ view: a, to: { http: "https://h/x", headers: { Idempotency-Key: a } } }', 'is set by the pipeline'],
    ['{ view: a, to: { http: "https://h/x", headers: { "a b": c } } }', 'that no header can have'],
    ['{ view: a, to: { http: "https://h/x", rows: 0 } }', 'rows'],
    ['{ view: a, to: { http: "https://h/x", table: t } }', '"schema", "table", "index" belong to "postgres"'],
    ['{ view: a, to: { files: out, rows: 5 } }', '"headers", "rows" belong to "http"'],
    ['{ view: a, every: 5, to: { files: out } }', 'is not a duration'],
    ['{ view: a, to: { files: a } }, { view: a, to: { files: b } }', 'two sinks named "a_files"'],
    [
      '{ view: a, to: { files: out } }, { view: b, to: { files: ./out//x } }',
      'sink "a_files" writes there already',
    ],
  ] as const)('%s: %s', ([yaml, problem]) => {
    expect(() => sinksOf(`sinks: [${yaml}]\n`)).toThrow(problem);
    expect(() => sinksOf(`sinks: [${yaml}]\n`)).toThrow(/pipeline\.config\.yaml:3:\d+/);
  });

  it.for([
    '{ postgres: "postgres://me:hunter2@h/d", table: t }',
    '{ http: "https://me:hunter2@h/d" }',
    '{ http: "https://h/d?token=hunter2" }',
    '{ http: "https://h/d", headers: { authorization: "Bearer hunter2" } }',
  ])('says nothing of a password that it refuses: %s', (to) => {
    const read = (): unknown => sinksOf(`sinks: [{ view: a, to: ${to} }]`);
    expect(read).toThrow(/^(?!.*hunter2)/s);
    expect(read).toThrow(/sinks\.0\.to|put (?:it|that) into \.env|in a header/);
  });
});
