/** The `advisor` command line. Each command's work is loaded when it is called. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { generatorVersion } from '../generator/versions.ts';
import { addAnswerFlags } from './answer-flags.ts';
import type { ProfileFlags } from './commands/profile.ts';
import type { ReviewFlags } from './commands/review.ts';

export function advisorProgram(): Command {
  const program = new Command('advisor')
    .version(generatorVersion())
    .exitOverride()
    .showSuggestionAfterError()
    .description(
      'Batch or streaming? Answers with the simplest architecture that keeps your promise, and why.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  advisor recommend --freshness 15m --lateness-max 10m --reprocessing-every monthly --maturity novice\n  advisor recommend --answers answers.yaml --format markdown --output DECISION.md\n  advisor map --x freshness --y volume.eventsPerSecond --answers answers.yaml\n  advisor profile events.jsonl --event-time at --arrival-time received --key user\n  advisor prove --answers answers.yaml --events events.jsonl --event-time at --key user\n  advisor explain kappa\n\nNothing is sent anywhere: no network, no telemetry.',
    );
  addRecommend(program);
  addMap(program);
  addProfile(program);
  addProve(program);
  program
    .command('questions')
    .description('the questions, their defaults, and why each is asked')
    .addOption(formatOption(['text', 'json', 'markdown']))
    .action(async (options: { format: 'text' | 'json' | 'markdown' }) => {
      const { printQuestions } = await import('./commands/questions.ts');
      printQuestions(options.format);
    });
  program
    .command('explain')
    .argument('<architecture>', 'batch, micro-batch, streaming, lambda or kappa')
    .description('what an architecture is, when it fits and what it costs, with sources')
    .addOption(formatOption(['text', 'json', 'markdown']))
    .action(async (name: string, options: { format: 'text' | 'json' | 'markdown' }) => {
      const { printExplanation } = await import('./commands/explain.ts');
      printExplanation(name, options.format);
    });
  program
    .command('review')
    .argument('[dir]', 'the folder of a generated project', '.')
    .description(
      'compares the answers of a project with what its pipeline measured; exit 3 when the decision no longer holds',
    )
    .option('--answers <FILE>', 'other answers than those of the project')
    .addOption(formatOption(['text', 'json']))
    .action(async (dir: string, flags: ReviewFlags) => {
      const { runReview } = await import('./commands/review.ts');
      await runReview(dir, flags);
    });
  addPrices(program);
  program
    .command('schema')
    .argument('[name]', 'of which document; without it the names are listed')
    .description('the JSON Schema of the answers, and of what each command prints with --format json')
    .action(async (name: string | undefined) => {
      const { printSchema } = await import('./commands/schema.ts');
      printSchema(name);
    });
  program
    .command('mcp')
    .description('serves coding agents over the Model Context Protocol, on standard input and output')
    .action(async () => {
      const { serveMcp } = await import('./commands/mcp.ts');
      serveMcp();
    });
  program
    .command('skill')
    .description('the skill file that tells a coding agent when and how to ask the advisor')
    .action(async () => {
      const { printSkill } = await import('./commands/skill.ts');
      printSkill();
    });
  return program;
}

function addPrices(program: Command): void {
  program
    .command('prices')
    .description('the prices and efforts that costs are counted with, as a file to edit for --prices')
    .action(async () => {
      const { printPrices } = await import('./commands/prices.ts');
      printPrices();
    });
}

function addRecommend(program: Command): void {
  const command = program
    .command('recommend')
    .description('recommends; on a terminal, asks for what is missing')
    .option('--answers <FILE>', 'the answers, as YAML or JSON; - reads them from stdin; flags beat the file')
    .addOption(formatOption(['text', 'json', 'markdown', 'html', 'mermaid', 'openslo', 'odcs']))
    .option('--output <FILE>', 'writes there instead of to stdout')
    .option('--sources', 'prints each source with its figure, its date and how well it is known; text only')
    .option('--prices <FILE>', 'prices and efforts of your own, as YAML; `advisor prices` prints ours')
    .option('--decision-makers <NAMES>', 'who decides, separated by commas; with --format markdown')
    .option('--all', 'asks the questions that have defaults, too')
    .option('--yes', 'never asks')
    .option('--no-input', 'never asks');
  addAnswerFlags(command).action(async (options: Record<string, unknown>) => {
    const { runRecommend } = await import('./commands/recommend.ts');
    await runRecommend(options);
  });
}

function addMap(program: Command): void {
  const command = program
    .command('map')
    .description('the decision map: which architecture wins for any two answers, the others as they are')
    .option('--x <ANSWER>', 'the answer across', 'freshness')
    .option('--y <ANSWER>', 'the answer upwards', 'reprocessing.every')
    .option('--answers <FILE>', 'the answers, as YAML or JSON; - reads them from stdin; flags beat the file')
    .addOption(formatOption(['text', 'json', 'svg', 'html']))
    .option('--output <FILE>', 'writes there instead of to stdout');
  addAnswerFlags(command).action(async (options: Record<string, unknown>) => {
    const { runMap } = await import('./commands/map.ts');
    await runMap(options);
  });
}

function addProfile(program: Command): void {
  program
    .command('profile')
    .argument('<file>', 'events as JSON lines, CSV or Parquet, in the order in which they arrived')
    .description('measures events: rate, disorder, lateness, duplicates, keys; writes the answers it can')
    .requiredOption('--event-time <FIELD>', 'when an event happened; nested as bid.dateTime')
    .option('--arrival-time <FIELD>', 'when it arrived')
    .option('--key <FIELD>', 'what results are grouped by')
    .addOption(formatOption(['text', 'json']))
    .option('--output <FILE>', 'writes there instead of to stdout')
    .option('--write <FILE>', 'writes the answers that follow, as YAML')
    .action(async (file: string, flags: ProfileFlags) => {
      const { runProfile } = await import('./commands/profile.ts');
      await runProfile(file, flags);
    });
}

function addProve(program: Command): void {
  const command = program
    .command('prove')
    .description('runs all five architectures over the workload in virtual time, and measures what they give')
    .option('--answers <FILE>', 'the answers, as YAML or JSON; - reads them from stdin; flags beat the file')
    .option('--events <FILE>', 'real events as JSON lines, CSV or Parquet, in place of drawn ones')
    .option('--event-time <FIELD>', 'of --events: when an event happened')
    .option('--arrival-time <FIELD>', 'of --events: when it arrived')
    .option('--key <FIELD>', 'of --events: what results are grouped by')
    .option('--seed <N>', 'what is drawn; the same seed draws the same', seedOf, 1)
    .addOption(formatOption(['text', 'json', 'html']))
    .option('--output <FILE>', 'writes there instead of to stdout');
  addAnswerFlags(command).action(async (options: Record<string, unknown>) => {
    const { runProve } = await import('./commands/prove.ts');
    await runProve(options);
  });
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed >= 2 ** 31)
    throw new InvalidArgumentError('It must be a whole number below 2147483648.');
  return seed;
}

function formatOption(formats: readonly string[]): Option {
  return new Option('--format <FORMAT>', 'how the result is written').choices(formats).default('text');
}
