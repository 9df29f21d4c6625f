import { generate } from './generate.ts';

let known: boolean | undefined;

/** Whether this process may make code from text; `--disallow-code-generation-from-strings` and some policies forbid it. */
export function mayGenerate(): boolean {
  known ??= tried();
  return known;
}

function tried(): boolean {
  try {
    return generate({}, 'return true;') === true;
  } catch {
    return false;
  }
}
