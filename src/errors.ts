import { errorsOf, row } from 'pipeline-runtime/kit';

/** Errors of our own commands and of the generator; the runtime has its own table. Codes never change their meaning. */
const ERRORS = {
  ANSWERS_INVALID: row<{ problems: readonly string[] }>('user', (p) => p.problems.join('\n')),
  ANSWERS_MISSING: row<{ flags: readonly string[] }>(
    'user',
    (p) =>
      `missing ${p.flags.length === 1 ? 'answer' : 'answers'}: ${p.flags.join(', ')}. ` +
      'Give them as flags or in --answers FILE; `advisor questions` explains each.',
  ),
  ARCHITECTURE_UNKNOWN: row<{ name: string; hint: string }>(
    'user',
    (p) => `"${p.name}" is not an architecture. ${p.hint}`,
  ),
  PROJECT_ABSENT: row<{ dir: string; file: string }>(
    'user',
    (p) => `There is no ${p.file} in ${JSON.stringify(p.dir)}. Name the folder of a generated project.`,
  ),
  SCHEMA_UNKNOWN: row<{ name: string; hint: string }>(
    'user',
    (p) => `There is no schema "${p.name}". ${p.hint}`,
  ),
  AXIS_UNKNOWN: row<{ path: string; hint: string }>(
    'user',
    (p) => `"${p.path}" cannot be an axis of the map. ${p.hint}`,
  ),
  AXES_EQUAL: row<{ path: string }>(
    'user',
    (p) => `Both axes are ${p.path}. Choose another answer with --x or --y.`,
  ),
  OUTPUT_UNWRITABLE: row<{ file: string; reason: string }>(
    'user',
    (p) => `${p.file}: cannot be written (${p.reason}). Check the folder and its permissions.`,
  ),
  OUTPUT_FAILED: row<{ file: string; reason: string }>(
    'external',
    (p) => `${p.file}: writing failed (${p.reason}). What was there before is unchanged.`,
  ),

  // The generator.
  OPTION_UNKNOWN: row<{ flag: string; value: string; hint: string }>(
    'user',
    (p) => `${p.flag}: "${p.value}" is not available in this version. ${p.hint}`,
  ),
  OPTIONS_EXCLUSIVE: row<{ flags: readonly string[]; hint: string }>(
    'user',
    (p) => `${p.flags.join(' and ')} exclude each other. ${p.hint}`,
  ),
  OPTION_NEEDS: row<{ flag: string; needs: string }>(
    'user',
    (p) => `${p.flag} has a meaning only with ${p.needs}.`,
  ),
  PORT_INVALID: row<{ text: string }>(
    'user',
    (p) => `--port: "${p.text}" is not a port. Say a number from 0 to 65535.`,
  ),
  DIR_MISSING: row<Record<string, never>>(
    'user',
    () => 'missing DIR, the folder for the project. Say its name: create-pipeline my-pipeline',
  ),
  DIR_INVALID: row<{ name: string; reason: string }>(
    'user',
    (p) => `${JSON.stringify(p.name)} cannot be the project's folder: ${p.reason}. Choose another name.`,
  ),
  DIR_LINKED: row<{ name: string; link: string }>(
    'user',
    (p) =>
      `${JSON.stringify(p.name)} cannot be the project's folder: ${p.link} is a symbolic link, and nothing is written ` +
      'through links. Name the folder that it points to.',
  ),
  DIR_NOT_EMPTY: row<{ name: string; found: readonly string[] }>(
    'user',
    (p) =>
      `${JSON.stringify(p.name)} is not empty: it holds ${p.found.map((name) => JSON.stringify(name)).join(', ')}. ` +
      'Nothing was changed. Choose a folder that is empty or does not exist.',
  ),
  PROJECT_EXISTS: row<{ name: string; start: string }>(
    'user',
    (p) =>
      `${JSON.stringify(p.name)} already is a pipeline. Nothing was changed. Start it there with \`${p.start}\`, or choose ` +
      'another folder.',
  ),
  PROJECT_DIFFERS: row<{ name: string; differs: readonly string[] }>(
    'user',
    (p) =>
      `${JSON.stringify(p.name)} already is a pipeline, generated from another choice (${p.differs.join(', ')}). Nothing was ` +
      'changed. Leave the answers out to start it as it is, or choose another folder.',
  ),
  TOOL_ABSENT: row<{ tool: string }>(
    'user',
    (p) =>
      `${p.tool} is not on the PATH, so dependencies cannot be installed. Nothing was written. Install ${p.tool}, name ` +
      'another with --package-manager, or say --no-install.',
  ),
  RUNTIME_NOT_PACKED: row<{ folder: string }>(
    'external',
    (p) => `${p.folder} does not hold the packed runtime. Build first: npm run build.`,
  ),
  WRITE_FAILED: row<{ dir: string; reason: string }>(
    'external',
    (p) =>
      `${p.dir} cannot be written (${p.reason}). Nothing was left behind. Check permissions and free space.`,
  ),
  INSTALL_FAILED: row<{ command: string; outcome: string; output: string }>(
    'external',
    (p) =>
      `\`${p.command}\` failed (${p.outcome}).${p.output === '' ? '' : `\n${p.output}\n`} ` +
      'Check the network and try again; --no-install writes a project without installing.',
  ),
} as const;

export const failure = errorsOf(ERRORS);
