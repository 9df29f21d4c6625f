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
    ['{ view: a, to: { files: out, table: t } }', '"schema" and "table" belong to "postgres"'],
    ['{ view: a, to: { postgres: "postgres://h/d" } }', 'say which "table"'],
    ['{ view: a, to: { postgres: "postgres://h/d", table: "a b" } }', 'must start with a letter'],
    ['{ view: a, to: { postgres: "postgres://me:secret@h/d", table: t } }', 'put it into .env'],
    ['{ view: a, to: { postgres: "postgres://h/d?password=secret", table: t } }', 'put it into .env'],
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

  it('says nothing of a password that it refuses', () => {
    const read = (): unknown =>
      sinksOf('sinks: [{ view: a, to: { postgres: "postgres://me:hunter2@h/d", table: t } }]');
    expect(read).toThrow(/^(?!.*hunter2)/s);
    expect(read).toThrow('put it into .env');
  });
});
