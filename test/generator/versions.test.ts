/** What a project depends on is what the runtime was built and tested with. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { detectPackageManager, findPackageManager } from '../../src/generator/package-manager.ts';
import { PINS, runtimeTarball } from '../../src/generator/versions.ts';

interface Manifest {
  readonly engines: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(
    readFileSync(new URL(`../../${folder}package.json`, import.meta.url), 'utf8'),
  ) as Manifest;
}

test('the pins are those of the runtime, so that one copy of each is installed', () => {
  const runtime = manifestOf('runtime/');
  expect(PINS).toEqual({
    zod: runtime.dependencies['zod'],
    tsx: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    nodeTypes: manifestOf('').devDependencies['@types/node'],
    node: runtime.engines['node'],
  });
});

test('a package that was not built says what to do', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vendor-'));
  expect(() => runtimeTarball(join(folder, 'absent'))).toThrow('npm run build');
  expect(() => runtimeTarball(folder)).toThrow('npm run build');
  writeFileSync(join(folder, 'pipeline-runtime-1.2.3.tgz'), 'x');
  expect(runtimeTarball(folder)).toMatchObject({ version: '1.2.3', fileName: 'pipeline-runtime-1.2.3.tgz' });
  rmSync(folder, { recursive: true });
});

describe('the package manager', () => {
  test.each([
    ['npm/10.8.2 node/v20.20.2 linux x64', 'npm'],
    ['pnpm/9.8.0 npm/? node/v20.20.2', 'pnpm'],
    ['yarn/4.1.0 npm/? node/v20', 'yarn'],
    ['bun/1.1.0 npm/? node/v20', 'bun'],
    ['cnpm/1', 'npm'],
    ['', 'npm'],
  ])('that calls itself %j is %s', (agent, manager) => {
    expect(detectPackageManager({ npm_config_user_agent: agent })).toBe(manager);
  });

  test('is only found where it is, and never guessed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'path-'));
    expect(findPackageManager('pnpm', { PATH: folder })).toBeUndefined();
    expect(findPackageManager('pnpm', { npm_execpath: '/x/npm-cli.js', PATH: '' })).toBeUndefined();
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin/pnpm'), '#!/bin/sh\n', { mode: 0o755 });
    expect(findPackageManager('pnpm', { PATH: join(folder, 'bin') })).toMatchObject({ first: [] });
    writeFileSync(join(folder, 'pnpm.cjs'), '');
    const viaNode = { file: process.execPath, first: [join(folder, 'pnpm.cjs')] };
    expect(findPackageManager('pnpm', { npm_execpath: join(folder, 'pnpm.cjs'), PATH: '' })).toEqual(viaNode);
    rmSync(folder, { recursive: true });
  });
});
