import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { CONFIG_FILE, defaultConfig, readProject } from '../../../runtime/src/config/project.ts';

const root = mkdtempSync(join(tmpdir(), 'project-'));
afterAll(() => rmSync(root, { recursive: true }));

function configOf(text: string | Uint8Array): unknown {
  writeFileSync(join(root, CONFIG_FILE), text);
  return readProject(root).config;
}

const MINIMAL = 'version: 1\narchitecture: kappa\n';

test('what is not said has the defaults, durations are milliseconds', () => {
  expect(configOf(MINIMAL)).toEqual({
    version: 1,
    architecture: 'kappa',
    definition: 'pipeline.ts',
    data: 'data',
    freshness: 900_000,
    trigger: { every: 1000, rows: 4096, catchUpRows: 524_288 },
    batch: { every: 86_400_000, partition: 86_400_000 },
    corrections: { every: 3_600_000 },
    runtime: { jit: 'on' },
    state: {},
    sinks: [],
    rejected: { size: 1_000_000_000 },
    log: { partitions: 1, commitEvery: 0 },
    disk: { reserve: 256e6 },
    serve: { host: '127.0.0.1', port: 8080 },
  });
  expect(configOf(MINIMAL)).toEqual(defaultConfig('kappa'));
});

test('a reserve is a size, and may be none', () => {
  expect(configOf(`${MINIMAL}disk: { reserve: 0B }\n`)).toMatchObject({ disk: { reserve: 0 } });
});

test('memory is a size, read as bytes', () => {
  expect(configOf(`${MINIMAL}state: { memory: 256MB }\n`)).toMatchObject({ state: { memory: 256e6 } });
});

describe('what is wrong is said with its place', () => {
  test.each<[string, string, string]>([
    ['no version', 'architecture: kappa\n', 'version: must be 1'],
    ['another version', 'version: 2\narchitecture: kappa\n', `${CONFIG_FILE}:1:1: version: must be 1`],
    [
      'an unknown architecture',
      'version: 1\narchitecture: delta\n',
      `${CONFIG_FILE}:2:1: architecture: must be one of batch, micro-batch, streaming, lambda, kappa`,
    ],
    [
      'an unknown key',
      `${MINIMAL}freshnes: 5m\n`,
      `${CONFIG_FILE}:3:1: unknown key "freshnes". Did you mean "freshness"?`,
    ],
    [
      'an unknown key inside',
      `${MINIMAL}trigger: { ever: 5m }\n`,
      'unknown key "trigger.ever". Did you mean "every"?',
    ],
    [
      'a bare number',
      `${MINIMAL}freshness: 15\n`,
      `${CONFIG_FILE}:3:1: freshness: "15" is not a duration. A bare number has no unit: say 15m or 15s.`,
    ],
    [
      'a size without a unit',
      `${MINIMAL}state: { memory: 256 }\n`,
      `${CONFIG_FILE}:3:10: state.memory: "256" is not a size`,
    ],
    ['no memory at all', `${MINIMAL}state: { memory: 0MB }\n`, 'state.memory: must be more than 0'],
    ['no time at all', `${MINIMAL}freshness: 0s\n`, 'freshness: must be at least 1ms'],
    ['a path that leads outside', `${MINIMAL}data: ../data\n`, 'data: must be a path inside the project'],
    ['a path from the root', `${MINIMAL}data: /var/data\n`, 'data: must be a path inside the project'],
    ['a port that is none', `${MINIMAL}serve: { port: 70000 }\n`, 'serve.port: '],
    ['no partitions', `${MINIMAL}log: { partitions: 0 }\n`, 'log.partitions: '],
    ['a text', 'kappa\n', `${CONFIG_FILE}:1:1: `],
    ['a list', '- 1\n', `${CONFIG_FILE}:1:1: `],
    ['nothing', '', 'version: must be 1'],
  ])('%s', (_, text, message) => {
    expect(() => configOf(text)).toThrow(message);
    expect(() => configOf(text)).toThrow(expect.objectContaining({ code: 'FILE_INVALID', exitCode: 2 }));
  });

  test('bytes that are no text, and a file that is not there', () => {
    expect(() => configOf(Uint8Array.of(0xff, 0xfe))).toThrow('the file is not UTF-8 text');
    expect(() => readProject(join(root, 'nowhere'))).toThrow(
      expect.objectContaining({ code: 'FILE_UNREADABLE' }),
    );
  });
});
