/** Every architecture with every policy and every package manager makes a project whose files agree with each other. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseDuration, readYaml } from 'pipeline-runtime/kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readProject } from '../../runtime/src/config/project.ts';
import { ARCHITECTURES, givenAnswersSchema, type Architecture } from '../../src/advisor/answers.ts';
import { ABOUT } from '../../src/advisor/knowledge/architectures.ts';
import { recommend } from '../../src/advisor/recommend.ts';
import { exactDuration } from '../../src/generator/blueprint.ts';
import { readGenerated } from '../../src/generator/generated.ts';
import { commandsOf } from '../../src/generator/package-manager.ts';
import type { PlannedFile } from '../../src/generator/plan.ts';
import { answersWith, choicesOf, filesOf, POLICIES, textOf, VARIANTS } from './support.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
let temporary: string;
beforeAll(() => {
  temporary = mkdtempSync(join(realpathSync(tmpdir()), 'project-'));
});
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

function put(folder: string, files: readonly PlannedFile[]): string {
  const dir = join(temporary, folder);
  for (const file of files) {
    mkdirSync(dirname(join(dir, file.path)), { recursive: true });
    writeFileSync(join(dir, file.path), file.bytes);
  }
  return dir;
}

describe.each(VARIANTS)('$architecture, $policy, $packageManager', (variant) => {
  const choices = choicesOf(variant);
  const files = filesOf(choices);
  const readme = textOf(files, 'README.md');

  test('its settings are ones that the runtime reads, and say what was answered', () => {
    const config = files.filter((file) => file.path === 'pipeline.config.yaml');
    const project = readProject(put(`config-${Object.values(variant).join('-')}`, config));
    expect(project.config.architecture).toBe(variant.architecture);
    expect(project.config.freshness).toBe(parseDuration('15m'));
    expect(project.config.ingest).toMatchObject({ source: 'flights', file: 'sample/flights.jsonl' });
    expect(files.map((file) => file.path)).toContain(project.config.ingest?.file);
    expect(files.map((file) => file.path)).toContain(project.config.definition);
  });

  test('its answers file says again what was answered, and with every default uncommented, what was used', () => {
    const text = textOf(files, 'answers.yaml');
    expect(givenAnswersSchema.parse(readYaml(text, 'answers.yaml').value)).toEqual(
      answersWith(variant.policy),
    );
    const uncommented = text
      .split('\n')
      .slice(2)
      .join('\n')
      .replaceAll(/^( *)# /gm, '$1')
      .replaceAll(/^#/gm, '');
    expect(readYaml(uncommented, 'answers.yaml').value).toEqual(choices.recommendation.answers);
  });

  test('its README speaks of what this project has, in the words of its package manager', () => {
    const commands = commandsOf(variant.packageManager);
    for (const command of Object.values(commands)) expect(readme).toContain(command);
    expect(readme).not.toMatch(/npx|create-pipeline/);
    const has = (command: string) => readme.includes(`${commands.pipeline} ${command}`);
    const { architecture } = variant;
    expect(has('backfill')).toBe(architecture === 'batch' || architecture === 'lambda');
    expect(['replay', 'promote', 'rollback', 'versions'].map(has)).toEqual(
      Array(4).fill(architecture === 'kappa'),
    );
    expect(has('late')).toBe(variant.policy !== 'drop');
    const others = (['npm', 'pnpm', 'yarn', 'bun'] as const).filter(
      (name) => name !== variant.packageManager,
    );
    for (const other of others) expect(readme).not.toMatch(new RegExp(`^${other} `, 'm'));
  });

  test('its package can be read, and every script names a file or command that is there', () => {
    const manifest = JSON.parse(textOf(files, 'package.json')) as Record<string, Record<string, string>>;
    expect(manifest['scripts']?.['start']).toBe('pipeline run --ingest');
    expect(manifest['dependencies']?.['pipeline-runtime']).toBe('file:vendor/pipeline-runtime-0.1.0.tgz');
    expect(files.map((file) => file.path)).toContain('test/pipeline.test.ts');
    for (const version of Object.values({ ...manifest['dependencies'], ...manifest['devDependencies'] })) {
      expect(version).toMatch(/^(\d+\.\d+\.\d+|file:vendor\/.*)$/);
    }
  });
});

describe('what generated it', () => {
  test('is recorded with the hash of every other file', () => {
    const files = filesOf(choicesOf({ architecture: 'kappa' }));
    const generated = readGenerated(put('record', files));
    expect(generated).toMatchObject({
      architecture: 'kappa',
      runtimeVersion: '0.1.0',
      packageManager: 'npm',
    });
    const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    const others = files.filter((file) => file.path !== '.pipeline/generated.json');
    expect(generated?.files).toEqual(Object.fromEntries(others.map((file) => [file.path, hash(file.bytes)])));
    expect(files.at(-1)?.path).toBe('.pipeline/generated.json');
  });

  test('gives the same bytes again', () => {
    for (const architecture of ARCHITECTURES) {
      const hashes = () => filesOf(choicesOf({ architecture })).map((file) => [file.path, file.sha256]);
      expect(hashes()).toEqual(hashes());
    }
  });

  test('keeps secrets out of the repository', () => {
    const files = filesOf(choicesOf());
    expect(textOf(files, '.gitignore').split('\n')).toEqual(
      expect.arrayContaining(['.env', 'data/', 'node_modules/']),
    );
    expect(textOf(files, '.env.example')).toMatch(/^#PIPELINE_TOKEN=$/m);
  });
});

describe('DECISION.md', () => {
  const decisionOn = (architecture: Architecture) =>
    textOf(filesOf(choicesOf({ architecture })), 'DECISION.md');

  test.each(ARCHITECTURES)('shows a picture of %s', (architecture) => {
    expect(decisionOn(architecture)).toMatch(/^```mermaid\nflowchart LR\n/m);
    expect(decisionOn(architecture)).toContain(`Chosen option: "${ABOUT[architecture].name}"`);
  });

  test('says when it was taken against the advice, and what that breaks', () => {
    const advised = choicesOf().recommendation.recommendation;
    expect(decisionOn(advised)).not.toContain('against the advice');
    expect(decisionOn('batch')).toMatch(/"Batch", against the advice, which was "Micro-batch"/);
    expect(decisionOn('batch')).toMatch(/freshness is not kept/);
  });
});

describe('durations are written exactly, because they are read again', () => {
  test.each([
    [0, '0s'],
    [1, '1ms'],
    [1500, '1500ms'],
    [90_000, '90s'],
    [100_000, '100s'],
    [5_400_000, '90m'],
    [7_200_000, '2h'],
    [36 * 3_600_000, '36h'],
    [14 * 86_400_000, '2w'],
  ])('%d ms as %s', (ms, text) => {
    expect(exactDuration(ms)).toBe(text);
    expect(parseDuration(text)).toBe(ms);
  });
});

test.each(['200ms', '3s', '5m', '1d', '1m..15m', 'unsure'])(
  'a freshness of %s makes settings that are read',
  (freshness) => {
    const given = { ...answersWith('correct'), freshness };
    for (const architecture of ARCHITECTURES) {
      const choices = { ...choicesOf({}, given), recommendation: recommend(given), architecture };
      const files = filesOf(choices).filter((file) => file.path === 'pipeline.config.yaml');
      const { config } = readProject(put(`freshness-${architecture}`, files));
      expect(config.trigger.every).toBeGreaterThan(0);
      expect(config.batch.every).toBeGreaterThanOrEqual(1000);
    }
  },
);

test('pipeline.ts and its test are sound TypeScript for every policy', () => {
  const dir = join(temporary, 'types');
  mkdirSync(dir);
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  for (const policy of POLICIES) {
    const files = filesOf(choicesOf({ policy }));
    put(
      `types/${policy}`,
      files.filter((file) => /\.ts$|^(tsconfig|package)\.json$/.test(file.path)),
    );
  }
  const tsconfig = {
    extends: `./${POLICIES[0]}/tsconfig.json`,
    compilerOptions: {
      customConditions: ['pipeline-source'],
      erasableSyntaxOnly: true,
      lib: ['es2023', 'es2024.string'],
    },
    include: POLICIES.flatMap((policy) => [`${policy}/pipeline.ts`, `${policy}/test`]),
  };
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(tsconfig));
  const tsc = spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', dir], {
    encoding: 'utf8',
  });
  expect(tsc.stdout).toBe('');
  expect(tsc.status).toBe(0);
});
