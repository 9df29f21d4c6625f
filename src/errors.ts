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
  OUTPUT_UNWRITABLE: row<{ file: string; reason: string }>(
    'external',
    (p) => `${p.file}: cannot be written (${p.reason}). Check the folder and its permissions.`,
  ),
} as const;

export const failure = errorsOf(ERRORS);
