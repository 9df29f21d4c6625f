/**
 * The list of files that make a project, with their contents. A dry run prints this list and a write applies it, so the two
 * cannot disagree; the same choices give the same bytes on every machine.
 */
import { invariant } from 'pipeline-runtime/kit';
import type { Blueprint, Choices } from './blueprint.ts';
import { decisionOf } from './decision.ts';
import { GENERATED_FILE, sha256, type Generated } from './generated.ts';
import { promisesOf } from './promises.ts';
import { overlaysOf, readOverlays } from './overlays.ts';
import { rendererOf } from './render.ts';
import { generatorVersion, type RuntimeTarball } from './versions.ts';

/** The templates there are: the source and the question that a project starts from. */
export const TEMPLATES = {
  flights: 'real US flights: their mean delay and destinations, for each origin and hour',
} as const;

export interface PlannedFile {
  /** Inside the project, with forward slashes. */
  readonly path: string;
  readonly bytes: Buffer;
  readonly sha256: string;
}

/** Every file of a project, in the order of their paths; the record of what generated it comes last. */
export function planProject(
  blueprint: Blueprint,
  choices: Choices,
  runtime: RuntimeTarball,
): readonly PlannedFile[] {
  const { files, partials } = readOverlays(overlaysOf(blueprint.architecture));
  const renderer = rendererOf(blueprint, partials);
  const planned = files.map((file) => {
    const bytes = file.rendered
      ? Buffer.from(renderer.render(file.bytes.toString('utf8'), file.template))
      : file.bytes;
    return plannedFile(file.path, bytes);
  });
  const picture = renderer.render('{{> picture}}', 'picture');
  const decision = decisionOf(choices.recommendation, choices.architecture, picture);
  planned.push(plannedFile('DECISION.md', Buffer.from(decision)));
  for (const [path, text] of promisesOf(choices)) planned.push(plannedFile(path, Buffer.from(text)));
  planned.push(plannedFile(`vendor/${runtime.fileName}`, runtime.bytes));
  planned.sort((a, b) => (a.path < b.path ? -1 : 1));
  planned.push(plannedFile(GENERATED_FILE, Buffer.from(record(planned, choices, runtime))));
  checkPaths(planned.map((file) => file.path));
  return planned;
}

function record(planned: readonly PlannedFile[], choices: Choices, runtime: RuntimeTarball): string {
  const generated: Generated = {
    version: 1,
    generator: 'pipeline-advisor',
    generatorVersion: generatorVersion(),
    runtimeVersion: runtime.version,
    template: 'flights',
    architecture: choices.architecture,
    recommendation: choices.recommendation.recommendation,
    packageManager: choices.packageManager,
    answers: choices.recommendation.answers,
    files: Object.fromEntries(planned.map((file) => [file.path, file.sha256])),
  };
  return `${JSON.stringify(generated, null, 2)}\n`;
}

function plannedFile(path: string, bytes: Buffer): PlannedFile {
  return { path, bytes, sha256: sha256(bytes) };
}

/** Names come from our own templates; this holds them to what every disk can store and none can misread. */
export function checkPaths(paths: readonly string[]): void {
  const seen = new Set<string>();
  for (const path of paths) {
    const sound = path
      .split('/')
      .every((part) => /^[A-Za-z0-9._-]{1,100}$/.test(part) && part !== '.' && part !== '..');
    invariant(sound, `"${path}" stays inside the project`);
    invariant(!seen.has(path.toLowerCase()), `"${path}" is planned once`);
    seen.add(path.toLowerCase());
  }
}
