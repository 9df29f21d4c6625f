/**
 * Bundles the two command lines into dist/, with what they share with the runtime inlined, and packs the runtime as the
 * tarball that goes into every generated project. Our npm packages therefore need no name of ours on any registry.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
mkdirSync(join(root, 'dist'), { recursive: true });
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
// Read from its own package, zod costs a fourth of a command's time: a hundred files. It stays a dependency, so that its
// licence comes with it.
const INLINED = ['zod'];

/**
 * What makes a command start sooner: of zod's languages only the one that our messages are in, and of the runtime only what
 * a command uses, since none of its modules does anything when it is loaded.
 */
const lean = {
  name: 'lean',
  setup(builder) {
    builder.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
    builder.onResolve({ filter: /./ }, async (args) => {
      if (args.pluginData === lean || args.kind === 'entry-point') return undefined;
      const { importer, kind, resolveDir } = args;
      const found = await builder.resolve(args.path, { importer, kind, resolveDir, pluginData: lean });
      const isPure = /[\\/]runtime[\\/]src[\\/]/.test(found.path);
      return found.external || !isPure ? undefined : { path: found.path, sideEffects: false };
    });
  },
};

for (const name of readdirSync(join(root, 'dist'), { withFileTypes: true })) {
  // Chunks have content in their names: those of earlier builds would be published too.
  if (name.isFile()) rmSync(join(root, 'dist', name.name));
}
await build({
  absWorkingDir: root,
  entryPoints: ['src/bin/advisor.ts', 'src/bin/create-pipeline.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  conditions: ['pipeline-source'],
  external: Object.keys(dependencies).filter((name) => !INLINED.includes(name)),
  plugins: [lean],
  logLevel: 'warning',
});

// The benchmarks and the process that faults are injected into, from the sources as well, so that they measure no loader.
await build({
  absWorkingDir: root,
  entryPoints: [
    'nexmark/main',
    'nexmark/measure',
    'nexmark/generate',
    'advisor/recommend',
    'nexmark/bench',
    'nexmark/scale',
    'nexmark/recovery',
    'log/log',
    'prove/costs',
    'loop/durable',
    'loop/replay',
    'loop/job',
    'loop/sinks',
    'faults/torture',
    'sim/sim',
  ]
    .map((name) => ({ in: `bench/${name}.ts`, out: name.replace(/.*\//, '') }))
    .concat({ in: 'test/faults/worker.ts', out: 'fault-worker' }),
  outdir: 'bench/dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  packages: 'external',
  conditions: ['pipeline-source'],
  logLevel: 'warning',
});

const vendor = join(root, 'dist', 'vendor');
if (isStale()) {
  rmSync(vendor, { recursive: true, force: true });
  mkdirSync(vendor, { recursive: true });
  const npm = process.env.npm_execpath;
  const [command, first] = npm === undefined ? ['npm', []] : [process.execPath, [npm]];
  const packed = spawnSync(command, [...first, 'pack', '--pack-destination', vendor, '--loglevel=error'], {
    cwd: join(root, 'runtime'),
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, npm_config_ignore_scripts: 'true', npm_config_workspaces: undefined },
  });
  if (packed.status !== 0) process.exit(packed.status ?? 1);
}

/** The tarball is older than a file that goes into it, or absent. */
function isStale() {
  let tarball;
  try {
    tarball = readdirSync(vendor).find((name) => name.endsWith('.tgz'));
  } catch {
    return true;
  }
  if (tarball === undefined) return true;
  const packedAt = statSync(join(vendor, tarball)).mtimeMs;
  const inputs = readdirSync(join(root, 'runtime', 'dist'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  inputs.push(join(root, 'runtime', 'package.json'), join(root, 'runtime', 'README.md'));
  return inputs.some((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs > packedAt);
}
