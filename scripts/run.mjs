/**
 * Runs a TypeScript program of the repository on any Node version: bundled from the sources into a file that is removed
 * again. Usage: node scripts/run.mjs FILE.ts [arguments]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const [entry = '', ...rest] = process.argv.slice(2);
// Inside the repository, so that packages are found from there.
const folder = mkdtempSync(join(import.meta.dirname, '../node_modules/.run-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const outfile = join(folder, 'program.mjs');
await build({
  entryPoints: [resolve(entry)],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  conditions: ['pipeline-source'],
  logLevel: 'warning',
});
process.argv = [process.argv[0], resolve(entry), ...rest];
await import(pathToFileURL(outfile).href);
