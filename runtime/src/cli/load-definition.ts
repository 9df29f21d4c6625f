/**
 * Loads a definition written in TypeScript: it is bundled in memory and imported, so no build step, loader or flag is
 * needed on any Node version. `pipeline-runtime` and `zod` come from beside this file when the definition's own folder has
 * none, so that a single file is enough.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from '../ports/files.ts';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';
import { CodedError } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import { bindCode, type PlanCode } from '../plan/code.ts';
import type { Plan } from '../plan/node.ts';
import { parsePlan } from '../plan/parse.ts';

/** @throws DEFINITION_UNLOADABLE, and what the definition itself throws: DEFINITION_INVALID, PLAN_INVALID, … */
export async function loadDefinition(file: string): Promise<Plan> {
  const path = resolve(file);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw failure('DEFINITION_UNLOADABLE', { file, reason: 'there is no such file' });
  }
  const code = await bundle(path, file);
  const folder = mkdtempSync(join(tmpdir(), 'pipeline-'));
  const module = join(folder, 'definition.mjs');
  try {
    writeFileSync(module, code, { mode: 0o600 });
    const loaded = (await import(pathToFileURL(module).href)) as {
      default?: { plan?: unknown; functions?: PlanCode };
    };
    if (loaded.default?.plan === undefined) {
      throw failure('DEFINITION_UNLOADABLE', { file, reason: 'its default export is not a pipeline' });
    }
    const plan = parsePlan(structuredClone(loaded.default.plan));
    bindCode(plan, loaded.default.functions ?? new Map());
    return plan;
  } catch (error) {
    throw explained(error, file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bundle(path: string, file: string): Promise<string> {
  const { build, stop } = await import('esbuild');
  try {
    const result = await build({
      entryPoints: [path],
      absWorkingDir: dirname(path),
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      logLevel: 'silent',
      tsconfigRaw: '{}',
      plugins: [packagesOutside],
    });
    return result.outputFiles[0]?.text ?? '';
  } catch (error) {
    const [first] =
      (error as { errors?: { text: string; location: { line: number; column: number } | null }[] }).errors ??
      [];
    const place = first?.location ? `line ${first.location.line}, column ${first.location.column + 1}: ` : '';
    throw failure(
      'DEFINITION_UNLOADABLE',
      { file, reason: `${place}${first?.text ?? String(error)}` },
      error,
    );
  } finally {
    await stop();
  }
}

const LOOKED_UP = Symbol('looked up');

/** Packages stay outside the bundle, by the address of the file that the definition's folder, or else ours, resolves to. */
const packagesOutside: Plugin = {
  name: 'packages-outside',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async (args) => {
      if (args.pluginData === LOOKED_UP || args.kind === 'entry-point') return undefined;
      if (isBuiltin(args.path)) return { path: args.path, external: true };
      // Our own package always from here: two copies of it would not know each other's expressions.
      if (args.path === 'pipeline-runtime' || args.path.startsWith('pipeline-runtime/'))
        return ours(args.path);
      const found = await build.resolve(args.path, {
        kind: args.kind,
        resolveDir: args.resolveDir,
        pluginData: LOOKED_UP,
      });
      if (found.errors.length === 0) return { path: pathToFileURL(found.path).href, external: true };
      return args.path === 'zod' ? ours(args.path) : { errors: found.errors };
    });
  },
};

function ours(specifier: string): { path: string; external: true } {
  return { path: import.meta.resolve(specifier), external: true };
}

/** An error of the definition's own code, with the line of its file where it was thrown. */
function explained(error: unknown, file: string): unknown {
  if (!(error instanceof Error)) return failure('DEFINITION_UNLOADABLE', { file, reason: String(error) });
  if (error instanceof CodedError) {
    return error.code === 'DEFINITION_INVALID'
      ? failure('DEFINITION_INVALID', { problem: `${file}: ${error.message}` }, error)
      : error;
  }
  return failure(
    'DEFINITION_UNLOADABLE',
    { file, reason: `${error.name}: ${error.message.split('\n', 1)[0] ?? ''}` },
    error,
  );
}
