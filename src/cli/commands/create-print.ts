/** What `create-pipeline` tells: progress and explanations to stderr, the result to stdout, as text or as one document. */
import process from 'node:process';
import { columnsOf, formatDuration, formatSize, paint, printable, table, wrap } from 'pipeline-runtime/kit';
import type { Architecture } from '../../advisor/answers.ts';
import type { Recommendation } from '../../advisor/recommendation.ts';
import { flipText } from '../../advisor/print/phrases.ts';
import { commandsOf, type PackageManager } from '../../generator/package-manager.ts';
import { TEMPLATES, type PlannedFile } from '../../generator/plan.ts';
import { packageNameOf } from '../../generator/target.ts';

export interface Created {
  /** As it was typed. */
  readonly shownDir: string;
  readonly dir: string;
  readonly architecture: Architecture;
  readonly recommendation: Recommendation;
  readonly manager: PackageManager;
  readonly files: readonly PlannedFile[];
  readonly dryRun: boolean;
  readonly installed: boolean;
  readonly git: 'made' | 'inside another' | 'no git' | 'skipped';
}

export interface Progress {
  begin(step: string): void;
  end(): void;
  /** Ends the line of a step that did not end. */
  stop(): void;
}

/** One line for each step with the time it took; no animation, so that logs read as well as terminals. */
export function progressOf(): Progress {
  let beganMs: number | undefined;
  return {
    begin(step) {
      beganMs = performance.now();
      process.stderr.write(`${step} ... `);
    },
    end() {
      if (beganMs !== undefined) process.stderr.write(`${formatDuration(performance.now() - beganMs)}\n`);
      beganMs = undefined;
    },
    stop() {
      if (beganMs !== undefined) process.stderr.write('\n');
      beganMs = undefined;
    },
  };
}

export function printExample(yaml: string): void {
  const lines = yaml
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('#'));
  const shown = lines.map((line) => `  ${line}\n`).join('');
  process.stderr.write(`No answers were given, so these are used, which fit the bundled flights:\n${shown}`);
}

export function printTemplates(format: 'text' | 'json'): void {
  const templates = Object.entries(TEMPLATES).map(([name, what]) => ({ name, what }));
  const text = templates.map(({ name, what }) => `${name}  ${what}`).join('\n');
  process.stdout.write(`${format === 'json' ? JSON.stringify({ version: 1, templates }, null, 2) : text}\n`);
}

/** The recommendation is said before the wait for what follows from it. */
export function printVerdict(
  created: Pick<Created, 'architecture' | 'recommendation'>,
  format: 'text' | 'json',
): void {
  if (format === 'text') process.stdout.write(`${verdictOf(created)}\n\n`);
}

export function printCreated(
  created: Created,
  options: { readonly format: 'text' | 'json'; readonly start?: boolean },
): void {
  if (options.format === 'json') process.stdout.write(`${JSON.stringify(documentOf(created), null, 2)}\n`);
  else process.stdout.write(textOf(created, options.start === true));
}

function documentOf(created: Created): Record<string, unknown> {
  const { recommendation, files } = created;
  return {
    version: 1,
    dir: created.dir,
    name: packageNameOf(created.dir),
    template: 'flights',
    architecture: created.architecture,
    recommendation: recommendation.recommendation,
    overridden: created.architecture !== recommendation.recommendation,
    answers: recommendation.answers,
    defaulted: recommendation.defaulted,
    dryRun: created.dryRun,
    packageManager: created.manager,
    installed: created.installed,
    git: created.git,
    files: files.map(({ path, bytes, sha256 }) => ({ path, sizeBytes: bytes.length, sha256 })),
    next: nextSteps(created),
  };
}

function textOf(created: Created, starts: boolean): string {
  const colour = paint(process.stdout);
  const lines: string[] = [];
  const totalBytes = created.files.reduce((sum, file) => sum + file.bytes.length, 0);
  const sum = `${created.files.length} files, ${formatSize(totalBytes)}`;
  if (created.dryRun) {
    const rows = created.files.map((file) => [
      file.path,
      formatSize(file.bytes.length),
      file.sha256.slice(0, 12),
    ]);
    lines.push(
      table(['file', 'size', 'sha256'], rows),
      '',
      `${sum} would be written to ${printable(created.dir)}. Nothing was written.`,
    );
    return `${lines.join('\n')}\n`;
  }
  lines.push(
    `${colour.green('created')} ${printable(created.dir)} (${sum}${created.installed ? ', dependencies installed' : ''})`,
  );
  if (created.git === 'no git') lines.push('No repository was made: git is not there.');
  if (starts) lines.push('', `Starting it, as \`${commandsOf(created.manager).start}\` in this folder does.`);
  else lines.push('', ...nextSteps(created).map((step) => `  ${step}`));
  return `${lines.join('\n')}\n`;
}

/** What runs and why, or against which advice; then the answers that would change it. DECISION.md has the rest. */
function verdictOf({
  architecture,
  recommendation,
}: Pick<Created, 'architecture' | 'recommendation'>): string {
  const advised = recommendation.recommendation;
  const claims = recommendation.because.slice(0, 2).map((reason) => reason.claim);
  const flips = recommendation.flips.slice(0, 2).map((flip) => `${flip.answer}: ${flipText(flip)}`);
  const paragraphs =
    architecture === advised
      ? [`${architecture} is recommended.`, ...claims]
      : [
          `${architecture}, as you said; ${advised} is recommended. DECISION.md records what follows from that.`,
        ];
  if (flips.length > 0) paragraphs.push(`Another answer would change it: ${flips.join('; ')}.`);
  const columns = columnsOf(process.stdout);
  return paragraphs
    .map((text, index) => (index === 0 ? wrap(text, columns) : `  ${wrap(text, columns - 2, '  ')}`))
    .join('\n');
}

function nextSteps(created: Created): readonly string[] {
  const commands = commandsOf(created.manager);
  const enter = created.shownDir === '.' ? [] : [`cd ${shellQuoted(created.shownDir)}`];
  return [...enter, ...(created.installed ? [] : [commands.install]), commands.start, commands.test];
}

/** A name that a shell reads as one word and nothing else, even when it begins with a dash or holds a `$(…)`. */
export function shellQuoted(name: string): string {
  const word = name.startsWith('-') ? `./${name}` : name;
  if (/^[\w@%+=:,./~-]+$/.test(word) && !word.startsWith('~')) return word;
  return process.platform === 'win32' ? `"${word}"` : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
