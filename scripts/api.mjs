/**
 * Writes runtime/api.md: every name that the runtime's entry points make public, with its declaration, as the compiler
 * emitted it. A change of the public surface is then a change of a file that a reviewer sees.
 *
 *   node scripts/api.mjs           writes it (after a build: `npm run api` does both)
 *   node scripts/api.mjs --check   says whether it is current; exit 1 if not
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const runtime = join(dirname(fileURLToPath(import.meta.url)), '..', 'runtime');
const ENTRIES = [
  ['pipeline-runtime', 'The definition language. [README.md](README.md) explains it.'],
  ['pipeline-runtime/testing', 'Runs a definition in a test.'],
  [
    'pipeline-runtime/kit',
    'What our own command lines share with the runtime. Not for users: it changes without notice.',
  ],
];

const text = render();
const file = join(runtime, 'api.md');
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  process.stderr.write('runtime/api.md is not current. Run `npm run api` and look at what changed.\n');
  process.exit(1);
}

function render() {
  const { exports } = JSON.parse(readFileSync(join(runtime, 'package.json'), 'utf8'));
  const parts = ENTRIES.map(([specifier, about]) => {
    const entry = join(runtime, exports[specifier.replace('pipeline-runtime', '.')].types);
    const modules = exportsOf(entry);
    const names = modules.flatMap((module) => module.names);
    const declarations = modules.map(({ path, names: own }) => declarationsOf(path, own)).join('\n\n');
    const list = names.map((name) => `\`${name}\``).join(', ');
    return `## ${specifier}\n\n${about} ${names.length} names: ${list}.\n\n\`\`\`typescript\n${declarations}\n\`\`\`\n`;
  });
  return `# Public names\n\nWritten by \`npm run api\` from the emitted declarations; not by hand.\n\n${parts.join('\n')}`;
}

/** `export { a, type B } from './x.ts';` lines, which is all that an entry point has. */
function exportsOf(entry) {
  const statements = readFileSync(entry, 'utf8').matchAll(/^export (?:type )?\{([^}]*)\} from '(.+)';$/gm);
  return [...statements].map(([, list, from]) => ({
    path: join(dirname(entry), from.replace(/\.ts$/, '.d.ts')),
    names: list
      .split(',')
      .map((name) => name.trim().replace(/^type /, ''))
      .filter((name) => name !== ''),
  }));
}

/** The declarations of these names, and of what they refer to in the same file. */
function declarationsOf(path, names) {
  const statements = statementsOf(readFileSync(path, 'utf8'));
  const wanted = new Set(names);
  for (const name of wanted) {
    const statement = statements.find((candidate) => candidate.name === name);
    if (statement === undefined) throw new Error(`${path}: no declaration of ${name}`);
    for (const other of statements) {
      if (new RegExp(`\\b${other.name}\\b`).test(statement.code)) wanted.add(other.name);
    }
  }
  return statements
    .filter(({ name }) => wanted.has(name))
    .map(({ comment, code }) => comment + code)
    .join('\n');
}

/** Top-level statements with the comment right above them, without what is internal or private. */
function statementsOf(source) {
  const statements = [];
  let comment = '';
  let lines = [];
  for (const line of source.split('\n')) {
    const isOpen = lines.length > 0;
    if (!isOpen && /^(?:\/\*\*| \*)/.test(line)) comment += `${line}\n`;
    else if (!isOpen && !/^(?:export )?(?:declare |type |interface )/.test(line)) comment = '';
    else lines.push(line);
    if (lines.length === 0 || !/^(?:\S.*)?[;}]$/.test(line)) continue;
    const code = lines.join('\n');
    const name = /(?:class|function|interface|type|const) (\w+)/.exec(code)?.[1] ?? '';
    statements.push({ name, comment, code: publicPart(code) });
    comment = '';
    lines = [];
  }
  return statements;
}

function publicPart(code) {
  return code
    .replace(/^export (?:declare )?|^declare /, '')
    .replace(/^ {4}\/\*\* @internal[^\n]*\*\/\n.*\n/gm, '')
    .replace(/^ {4}(?:#private|private constructor\(\)|(?:private|protected) [^\n]*);\n/gm, '')
    .replace(/^(const \w+): [^]{1000,}$/, '$1: …; // a table, too long to show')
    .replaceAll('    ', '  ');
}
