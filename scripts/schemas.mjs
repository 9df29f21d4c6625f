/** Writes schema/: the JSON Schemas of the answers file and of every document that a command prints. Needs a build. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const advisor = (...args) =>
  execFileSync(process.execPath, [join(root, 'dist', 'advisor.js'), 'schema', ...args], { encoding: 'utf8' });

mkdirSync(join(root, 'schema'), { recursive: true });
for (const name of advisor().trim().split('\n'))
  writeFileSync(join(root, 'schema', `${name}.schema.json`), advisor(name));
