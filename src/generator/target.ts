/**
 * Looks at the folder that a project shall go to, and refuses it before anything is asked or written.
 *
 *   DIR absent ────────────────► new        DIR holds .pipeline/generated.json of ours ─► ours
 *   DIR empty, or only .git ───► empty      anything else ─────────────────────────────► refused
 *
 * Invariants  T1  No existing component of DIR is a symbolic link, but for those directly below the root, which only the
 *                 system can make (/tmp and /var on macOS): what is written ends up where its name says.
 *             T2  Looking changes nothing.
 */
import { lstatSync, readFileSync, readdirSync, type Stats } from 'node:fs';
import { basename, dirname, join, parse, relative, resolve, sep } from 'node:path';
import { z } from 'zod';
import { failure } from '../errors.ts';
import { GENERATED_FILE } from './generated.ts';

export interface Target {
  /** Absolute. */
  readonly dir: string;
  readonly state: 'new' | 'empty' | 'ours';
  /** The folder has to stay the same one: a shell stands in it, it holds a repository, or another disk begins there. */
  readonly keepsFolder: boolean;
  /** Parents that do not exist yet, outermost first. */
  readonly missingParents: readonly string[];
  readonly hasRepository: boolean;
}

/** @throws DIR_INVALID, DIR_LINKED, DIR_NOT_EMPTY, each before anything was written. */
export function inspectTarget(name: string, cwd: string): Target {
  const dir = resolve(cwd, checkName(name));
  const missingParents: string[] = [];
  for (const folder of [...parentsOf(dir), dir]) {
    const stats = look(folder, name);
    if (stats === undefined) {
      if (folder !== dir) missingParents.push(folder);
    } else if (stats.isSymbolicLink()) {
      if (dirname(folder) !== parse(folder).root || folder === dir)
        throw failure('DIR_LINKED', { name, link: folder });
    } else if (!stats.isDirectory()) {
      throw failure('DIR_INVALID', { name, reason: `${folder} is a file, not a folder` });
    }
  }
  const stats = look(dir, name);
  if (stats === undefined)
    return { dir, state: 'new', keepsFolder: false, missingParents, hasRepository: false };
  const names = list(dir, name);
  const hasRepository = names.includes('.git');
  const others = names.filter((entry) => entry !== '.git');
  if (others.length > 0 && !isOurs(dir)) throw failure('DIR_NOT_EMPTY', { name, found: others.slice(0, 3) });
  const keepsFolder = hasRepository || dir === resolve(cwd) || stats.dev !== lstatSync(dirname(dir)).dev;
  return { dir, state: others.length > 0 ? 'ours' : 'empty', keepsFolder, missingParents, hasRepository };
}

/** A name for package.json: what npm accepts, from whatever a folder may be called. */
export function packageNameOf(dir: string): string {
  const name = basename(dir)
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^[._-]+|[._-]+$/g, '')
    .slice(0, 100);
  if (name === '') return 'my-pipeline';
  // npm refuses these, or refuses a package that depends on its own name.
  const taken = ['node_modules', 'favicon.ico', 'pipeline-runtime', 'tsx', 'zod', 'types', 'node'];
  return taken.includes(name) ? `${name.replaceAll('.', '-').replaceAll('_', '-')}-pipeline` : name;
}

function checkName(name: string): string {
  if (name.trim() === '') throw failure('DIR_INVALID', { name, reason: 'the name is empty' });
  // A colon would end an entry of PATH, so that no command of the project would be found; Windows forbids it as well.
  const rest = name.slice(parse(name).root.length);
  // oxlint-disable-next-line no-control-regex
  const forbidden = /[\u0000-\u001f\u007f-\u009f]/.test(name)
    ? 'a control character'
    : rest.includes(':')
      ? 'a colon'
      : undefined;
  if (forbidden !== undefined) throw failure('DIR_INVALID', { name, reason: `the name holds ${forbidden}` });
  return name;
}

/** The folders on the way to `dir`, outermost first, without the root. */
function parentsOf(dir: string): string[] {
  const root = parse(dir).root;
  const steps = relative(root, dirname(dir)).split(sep).filter(Boolean);
  return steps.map((_, i) => join(root, ...steps.slice(0, i + 1)));
}

function look(path: string, name: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code === 'ENOENT') return undefined;
    throw failure('DIR_INVALID', { name, reason: reasonOf(code) }, error);
  }
}

function list(dir: string, name: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw failure('DIR_INVALID', { name, reason: reasonOf(code) }, error);
  }
}

function reasonOf(code: string): string {
  const known: Readonly<Record<string, string>> = {
    ENAMETOOLONG: 'the name is too long for this disk',
    ENOTDIR: 'a file is on its path',
    EACCES: 'permission denied',
  };
  return known[code] ?? code;
}

const marker = z.object({ version: z.literal(1), generator: z.literal('pipeline-advisor') });

function isOurs(dir: string): boolean {
  const file = join(dir, GENERATED_FILE);
  try {
    if (!lstatSync(dirname(file)).isDirectory() || !lstatSync(file).isFile()) return false;
    return marker.safeParse(JSON.parse(readFileSync(file, 'utf8'))).success;
  } catch {
    return false;
  }
}
