/**
 * Adds to package-lock.json the platform packages that npm left out because the registry it asked did not have them:
 * `npm ci` refuses a lock that misses any optional dependency, on every platform. What is added is what the lock of a
 * complete registry would say, without a checksum: the version that the parent pins, and the platform in the name.
 *
 *   node scripts/complete-lock.mjs           adds what is missing
 *   node scripts/complete-lock.mjs --check   says what is missing; exit 1 if there is something
 */
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const missing = Object.entries(lock.packages).flatMap(([path, parent]) =>
  Object.entries(parent.optionalDependencies ?? {})
    .filter(([name]) => !isLocked(path, name))
    .map(([name, version]) => ({ name, entry: entryOf(name, version, parent) })),
);

if (missing.length === 0) process.exit(0);
process.stderr.write(`package-lock.json lacks ${missing.map(({ name }) => name).join(', ')}\n`);
if (process.argv.includes('--check')) process.exit(1);
for (const { name, entry } of missing) lock.packages[`node_modules/${name}`] = entry;
const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);

/** Node's rule: beside the package, or in any folder above it. */
function isLocked(path, name) {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const prefix = at === '' ? '' : `${at}/`;
    if (lock.packages[`${prefix}node_modules/${name}`] !== undefined) return true;
    if (at === '') return false;
  }
}

/** `@oxlint/binding-linux-x64-musl` runs on Linux, on x64, with musl. */
function entryOf(name, version, parent) {
  if (!/^\d+\.\d+\.\d+/.test(version)) throw new Error(`${name}: "${version}" is not an exact version`);
  const [os, cpu, abi = ''] = name
    .slice(name.indexOf('/') + 1)
    .replace(/^binding-/, '')
    .split('-');
  const libc = os !== 'linux' || abi === '' ? {} : { libc: [abi.startsWith('musl') ? 'musl' : 'glibc'] };
  const dev = parent.dev === true ? { dev: true } : {};
  return { version, cpu: [cpu], ...dev, ...libc, license: parent.license, optional: true, os: [os] };
}
