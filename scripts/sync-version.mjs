/**
 * After `changeset version`: the two packages are one product with one version and one changelog. Changesets knows only
 * workspaces, so the root takes over what it did to the runtime.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

const at = (path) => new URL(`../${path}`, import.meta.url);
const { name, version } = JSON.parse(readFileSync(at('runtime/package.json'), 'utf8'));

const manifest = readFileSync(at('package.json'), 'utf8')
  .replace(/^( {2}"version": )"[^"]+"/m, `$1"${version}"`)
  .replace(new RegExp(`("${name}": )"[^"]+"`), `$1"${version}"`);
writeFileSync(at('package.json'), manifest);

const written = at('runtime/CHANGELOG.md');
if (existsSync(written)) {
  const entries = (file) => (existsSync(file) ? readFileSync(file, 'utf8').replace(/^# .*\n+/, '') : '');
  writeFileSync(
    written,
    `# Changelog\n\n${entries(written).trimEnd()}\n\n${entries(at('CHANGELOG.md'))}`.trimEnd() + '\n',
  );
  renameSync(written, at('CHANGELOG.md'));
}
