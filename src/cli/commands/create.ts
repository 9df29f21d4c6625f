/**
 * `create-pipeline [DIR]`: answers → recommendation → project.
 *
 *   options ─► DIR looked at ─► answers ─► recommendation ─► plan ─┬─► --dry-run: printed
 *                                                                  └─► written, installed, renamed ─► --start
 *
 * Everything that can be refused is refused before the first question is asked and the first byte is written.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { Command, Option } from 'commander';
import { mayAsk, readYaml } from 'pipeline-runtime/kit';
import {
  ARCHITECTURES,
  givenAnswersSchema,
  type Architecture,
  type GivenAnswers,
} from '../../advisor/answers.ts';
import { recommend } from '../../advisor/recommend.ts';
import type { Recommendation } from '../../advisor/recommendation.ts';
import { failure } from '../../errors.ts';
import { blueprintOf, type Choices } from '../../generator/blueprint.ts';
import { realDisk } from '../../generator/disk.ts';
import {
  findPackageManager,
  PACKAGE_MANAGERS,
  type PackageManager,
  type Program,
} from '../../generator/package-manager.ts';
import { planProject, type PlannedFile } from '../../generator/plan.ts';
import { inspectTarget, packageNameOf, type Target } from '../../generator/target.ts';
import { initRepository, installDependencies, startProject } from '../../generator/tools.ts';
import {
  DOWNLOAD_SIZE_BYTES,
  generatorVersion,
  packageRoot,
  runtimeTarball,
} from '../../generator/versions.ts';
import { writeProject } from '../../generator/write.ts';
import { addAnswerFlags, answerFlagsOf } from '../answer-flags.ts';
import { collectAnswers } from '../interview.ts';
import {
  checkOptions,
  forwardedOf,
  packageManagerOf,
  stdoutOf,
  type CreateOptions,
} from './create-options.ts';
import {
  printCreated,
  printExample,
  printTemplates,
  printVerdict,
  progressOf,
  type Created,
} from './create-print.ts';
import { restartProject } from './create-restart.ts';

export function createCommand(): Command {
  const command = new Command('create-pipeline')
    .version(generatorVersion())
    .exitOverride()
    .showSuggestionAfterError()
    .description(
      'Recommends the simplest architecture that keeps your promise, and writes a project that runs in it.',
    )
    .argument('[DIR]', 'folder for the project; it must be empty or not exist yet')
    .option('--answers <FILE>', 'the answers, as YAML or JSON; - reads them from stdin')
    .option('--architecture <NAME>', `overrides the recommendation: ${ARCHITECTURES.join(', ')}`)
    .option('--template [NAME]', 'what to start from; without a name, lists the templates')
    .option('--connect <LIST>', 'sources and sinks outside (not available in this version)')
    .option('--deploy <LIST>', 'places to deploy to (not available in this version)')
    .option('--package-manager <NAME>', `${PACKAGE_MANAGERS.join(', ')} (default: the one that runs this)`)
    .option('--yes', 'never asks; without any answers, uses the example answers of the template')
    .option('--no-input', 'never asks')
    .option('--all', 'asks the questions that have defaults, too')
    .option('--dry-run', 'prints what would be written, and writes nothing')
    .option('--no-install', 'does not install dependencies')
    .option('--no-git', 'does not make a git repository')
    .option('--start', 'then runs the project; started again on the same folder, continues it')
    .option('--once', 'with --start: stops when everything is processed')
    .option('--port <N>', 'with --start: the port of the dashboard')
    .addOption(new Option('--format <FORMAT>', 'what is printed').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      '\nNothing is sent anywhere: no telemetry. Only installing dependencies uses the network.',
    )
    .action(async (dir: string | undefined, options: Record<string, unknown>) => {
      const flags = answerFlagsOf(options);
      process.exitCode = await create(
        dir,
        { ...(options as unknown as CreateOptions), flags },
        process.cwd(),
      );
    });
  return addAnswerFlags(command);
}

/** Does what the command says and returns its exit code. */
async function create(name: string | undefined, options: CreateOptions, cwd: string): Promise<number> {
  if (options.template === true) {
    printTemplates(options.format);
    return 0;
  }
  const architecture = checkOptions(options);
  const asks = mayAsk(options);
  const dir = name ?? (await askForDir(asks));
  const target = inspectTarget(dir, cwd);
  if (target.state === 'ours') return restartProject(dir, target, options);
  const manager = packageManagerOf(options);
  const program = options.install ? findPackageManager(manager) : undefined;
  if (program === undefined && options.install && options.dryRun !== true)
    throw failure('TOOL_ABSENT', { tool: manager });
  const recommendation = recommend(await answersOf(options, asks));
  const project = planOf({ recommendation, target, manager, architecture });
  const installed = options.install && options.dryRun !== true;
  const created: Created = {
    shownDir: dir,
    dir: target.dir,
    architecture: project.choices.architecture,
    recommendation,
    manager,
    files: project.files,
    dryRun: options.dryRun === true,
    installed,
    git: 'skipped',
  };
  printVerdict(created, options.format);
  if (options.dryRun === true) {
    printCreated(created, options);
    return 0;
  }
  const git = await write(target, project.files, { options, manager, program });
  printCreated({ ...created, git }, options);
  if (options.start !== true || program === undefined) return 0;
  return startProject(target.dir, manager, program, forwardedOf(options), stdoutOf(options));
}

async function askForDir(asks: boolean): Promise<string> {
  if (!asks) throw failure('DIR_MISSING', {});
  const { default: inquirer } = await import('inquirer');
  const reply: { dir: string } = await inquirer.prompt([
    { type: 'input', name: 'dir', message: 'Which folder shall the project go to?', default: 'my-pipeline' },
  ]);
  return reply.dir;
}

/** What was given, or asked; with `--yes` and nothing given, the example. */
async function answersOf(options: CreateOptions, asks: boolean): Promise<GivenAnswers> {
  const nothingGiven = options.answers === undefined && Object.keys(options.flags).length === 0;
  if (nothingGiven && options.yes === true) {
    const file = join(packageRoot(), 'templates', 'examples', 'flights.yaml');
    const text = readFileSync(file, 'utf8');
    printExample(text);
    return givenAnswersSchema.parse(readYaml(text, file).value);
  }
  const given = { file: options.answers, flags: options.flags, mayAsk: asks, all: options.all === true };
  return (await collectAnswers(given)).answers;
}

interface Project {
  readonly choices: Choices;
  readonly files: readonly PlannedFile[];
}

interface PlanInput {
  readonly recommendation: Recommendation;
  readonly target: Pick<Target, 'dir'>;
  readonly manager: PackageManager;
  readonly architecture: Architecture | undefined;
}

function planOf(input: PlanInput): Project {
  const runtime = runtimeTarball();
  const choices: Choices = {
    name: packageNameOf(input.target.dir),
    recommendation: input.recommendation,
    architecture: input.architecture ?? input.recommendation.recommendation,
    packageManager: input.manager,
    runtime,
  };
  return { choices, files: planProject(blueprintOf(choices), choices, runtime) };
}

interface WriteInput {
  readonly options: CreateOptions;
  readonly manager: PackageManager;
  readonly program: Program | undefined;
}

/** Writes all or nothing; an interrupt during any of it ends in nothing. Returns what became of the repository. */
async function write(
  target: Target,
  files: readonly PlannedFile[],
  input: WriteInput,
): Promise<Created['git']> {
  const progress = progressOf();
  const abort = new AbortController();
  const interrupt = () => abort.abort();
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, interrupt);
  let git: Created['git'] = 'skipped';
  try {
    progress.begin(`writing ${files.length} files`);
    await writeProject(target, files, {
      disk: realDisk,
      signal: abort.signal,
      prepare: async (folder) => {
        progress.end();
        if (input.options.git && !target.hasRepository) git = initRepository(folder);
        if (input.program === undefined) return;
        const size = `about ${Math.round(DOWNLOAD_SIZE_BYTES / 1e6)} MB`;
        progress.begin(`installing dependencies with ${input.manager} (downloads ${size} the first time)`);
        await installDependencies(folder, input.manager, input.program, abort.signal);
        progress.end();
      },
    });
    return git;
  } finally {
    progress.stop();
    for (const name of names) process.off(name, interrupt);
  }
}
