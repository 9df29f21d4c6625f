/**
 * Which templates make a project. An overlay is a folder under templates/ that adds files and fills slots:
 *
 *   templates/base/                       every project
 *   templates/architecture/<name>/        what only this architecture has
 *     partials/<slot>.hbs                 text that base files place with {{> slot}}
 *
 * Overlays never replace each other's files and never look at a combination of options, so a new architecture, and later
 * a source, a sink or a place to deploy to, is one more folder. Two rules map a template to a file of the project: a
 * leading `_` stands for a dot (npm leaves some dot files out of packages), and `.hbs` is rendered and dropped.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { invariant } from 'pipeline-runtime/kit';
import { packageRoot } from './versions.ts';

interface TemplateFile {
  /** Path inside the project, with forward slashes. */
  readonly path: string;
  /** Where the template is, for messages. */
  readonly template: string;
  readonly rendered: boolean;
  readonly bytes: Buffer;
}

export interface Overlays {
  readonly files: readonly TemplateFile[];
  readonly partials: ReadonlyMap<string, string>;
}

/** The overlays of a project, in order: what every project has, then what its choices add. */
export function overlaysOf(architecture: string): readonly string[] {
  return ['base', `architecture/${architecture}`];
}

/** Reads overlays. Two that bring the same file or fill the same slot are a mistake of ours. */
export function readOverlays(overlays: readonly string[], root = join(packageRoot(), 'templates')): Overlays {
  const files = new Map<string, TemplateFile>();
  const partials = new Map<string, string>();
  for (const overlay of overlays) {
    for (const template of filesBelow(join(root, overlay))) {
      const bytes = readFileSync(join(root, overlay, template));
      const slot = /^partials\/(.+)\.hbs$/.exec(template)?.[1];
      if (slot !== undefined) {
        invariant(!partials.has(slot), `one overlay fills the slot ${slot}`);
        partials.set(slot, bytes.toString('utf8'));
        continue;
      }
      const path = projectPath(template);
      invariant(!files.has(path), `one overlay brings the file ${path}`);
      const rendered = template.endsWith('.hbs');
      files.set(path, { path, template: `${overlay}/${template}`, rendered, bytes });
    }
  }
  return { files: [...files.values()], partials };
}

function projectPath(template: string): string {
  return template
    .replace(/\.hbs$/, '')
    .split('/')
    .map((part) => part.replace(/^_/, '.'))
    .join('/');
}

function filesBelow(folder: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    invariant(!entry.isSymbolicLink(), `templates hold no links (${entry.name})`);
    if (entry.isFile()) found.push(relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  }
  return found.sort();
}
