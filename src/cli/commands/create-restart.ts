/** `--start` on a project that is there already: the same choice starts it again, another one is refused. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import process from 'node:process';
import { completeAnswers, answerAt } from '../../advisor/complete.ts';
import { QUESTIONS } from '../../advisor/questions.ts';
import { failure } from '../../errors.ts';
import { readGenerated, type Generated } from '../../generator/generated.ts';
import { commandsOf, findPackageManager } from '../../generator/package-manager.ts';
import type { Target } from '../../generator/target.ts';
import { installDependencies, startProject } from '../../generator/tools.ts';
import { collectAnswers } from '../interview.ts';
import { forwardedOf, packageManagerOf, stdoutOf, type CreateOptions } from './create-options.ts';
import { progressOf } from './create-print.ts';

/**
 * Starts an existing project of ours and returns its exit code.
 * @throws PROJECT_EXISTS without `--start`, PROJECT_DIFFERS when other answers were given; nothing is changed then.
 */
export async function restartProject(name: string, target: Target, options: CreateOptions): Promise<number> {
  const generated = readGenerated(target.dir);
  const manager =
    options.packageManager === undefined && generated !== undefined
      ? generated.packageManager
      : packageManagerOf(options);
  if (options.start !== true || options.dryRun === true || generated === undefined) {
    throw failure('PROJECT_EXISTS', { name, start: commandsOf(manager).start });
  }
  const differs = await differencesOf(generated, options);
  if (differs.length > 0) throw failure('PROJECT_DIFFERS', { name, differs });
  const program = findPackageManager(manager);
  if (program === undefined) throw failure('TOOL_ABSENT', { tool: manager });
  process.stderr.write(
    `${JSON.stringify(name)} already is a pipeline (${generated.architecture}). Starting it again, where it was; ` +
      'for a new one, name another folder.\n',
  );
  if (!existsSync(join(target.dir, 'node_modules', 'pipeline-runtime')))
    await install(target.dir, manager, program);
  if (options.format === 'json') {
    const { architecture, recommendation, answers, template } = generated;
    const again = {
      version: 1,
      dir: target.dir,
      template,
      architecture,
      recommendation,
      answers,
      existed: true,
      files: [],
      next: [],
    };
    process.stdout.write(`${JSON.stringify(again, null, 2)}\n`);
  }
  return startProject(target.dir, manager, program, forwardedOf(options), stdoutOf(options));
}

async function install(
  dir: string,
  ...[manager, program]: [
    Parameters<typeof installDependencies>[1],
    Parameters<typeof installDependencies>[2],
  ]
) {
  const progress = progressOf();
  progress.begin(`installing dependencies with ${manager}`);
  const abort = new AbortController();
  const interrupt = () => abort.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
  try {
    await installDependencies(dir, manager, program, abort.signal);
    progress.end();
  } finally {
    progress.stop();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
  }
}

/** What was said now and differs from what the project was generated from. Flags alone change single answers. */
async function differencesOf(generated: Generated, options: CreateOptions): Promise<readonly string[]> {
  const differs: string[] = [];
  const { architecture, answers: file, flags } = options;
  if (architecture !== undefined && architecture !== generated.architecture) differs.push('architecture');
  if (file === undefined && Object.keys(flags).length === 0) return differs;
  const before = file === undefined ? textsOf(generated.answers) : {};
  const given = await collectAnswers({ file, flags: { ...before, ...flags }, mayAsk: false, all: false });
  const { answers } = completeAnswers(given.answers);
  for (const { path } of QUESTIONS) {
    if (!isDeepStrictEqual(answerAt(answers, path), answerAt(generated.answers, path))) differs.push(path);
  }
  return differs;
}

/** Recorded answers as flags would give them. */
function textsOf(answers: Generated['answers']): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const { path } of QUESTIONS) {
    const value = answerAt(answers, path);
    if (value !== undefined)
      texts[path] = Array.isArray(value) ? value.join(',') : `${value as string | number | boolean}`;
  }
  return texts;
}
