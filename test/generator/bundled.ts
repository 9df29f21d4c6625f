/** The command as it is shipped: one bundle, made once for a test file, because starting the sources takes a second. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const ROOT = new URL('../..', import.meta.url).pathname;

export interface Bundled {
  readonly file: string;
  remove(): void;
}

/** Bundles src/bin/create-pipeline.ts into a folder below the root, so that it finds templates and dependencies. */
export async function bundleCommand(): Promise<Bundled> {
  const outdir = join(ROOT, 'node_modules', '.cache', `create-pipeline-${process.pid}`);
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/bin/create-pipeline.ts'],
    outdir,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    conditions: ['pipeline-source'],
    external: ['commander', 'handlebars', 'inquirer', 'picocolors', 'yaml', 'zod'],
    outExtension: { '.js': '.mjs' },
    logLevel: 'warning',
  });
  return {
    file: join(outdir, 'create-pipeline.mjs'),
    remove: () => rmSync(outdir, { recursive: true, force: true }),
  };
}
