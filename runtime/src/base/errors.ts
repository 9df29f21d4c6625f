import { errorsOf, row } from './coded-error.ts';

/** The runtime's error table. Messages carry the values; see `coded-error.ts` for the kinds. */
export const RUNTIME_ERRORS = {
  // Input of every command.
  DURATION_INVALID: row<{ text: string; where: string; hint: string }>(
    'user',
    (p) => `${p.where}: "${p.text}" is not a duration. ${p.hint}`,
  ),
  SIZE_INVALID: row<{ text: string; where: string }>(
    'user',
    (p) => `${p.where}: "${p.text}" is not a size. Say a whole number with a unit: 512B, 64KB, 10MB, 2GB, 1TB.`,
  ),
  FILE_UNREADABLE: row<{ file: string; reason: string }>(
    'user',
    (p) => `${p.file}: cannot be read (${p.reason}). Check the path and its permissions.`,
  ),
  FILE_INVALID: row<{ problems: readonly string[] }>('user', (p) => p.problems.join('\n')),
  USAGE: row<{ message: string }>('user', (p) => p.message),
} as const;

export const failure = errorsOf(RUNTIME_ERRORS);
