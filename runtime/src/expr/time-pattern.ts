/**
 * Patterns for times: yyyy MM dd HH mm ss SSS, each with all its digits. Other letters stand between quotes ('T', '' is a
 * quote); everything else stands for itself.
 */
type Part = (local: Date) => string;

const FIELDS: Readonly<Record<string, Part>> = {
  yyyy: (local) => digits(local.getUTCFullYear(), 4),
  MM: (local) => digits(local.getUTCMonth() + 1, 2),
  dd: (local) => digits(local.getUTCDate(), 2),
  HH: (local) => digits(local.getUTCHours(), 2),
  mm: (local) => digits(local.getUTCMinutes(), 2),
  ss: (local) => digits(local.getUTCSeconds(), 2),
  SSS: (local) => digits(local.getUTCMilliseconds(), 3),
};

const TOKEN = /''|'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+/gy;
const UNITS_MAX = 100;

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0');
}

/** The pieces of a pattern: texts, and names of fields. Undefined when it is no pattern. */
export function timePatternParts(
  pattern: string,
): readonly ({ readonly text: string } | { readonly field: string })[] | undefined {
  if (pattern.length > UNITS_MAX) return undefined;
  const parts: ({ text: string } | { field: string })[] = [];
  let length = 0;
  for (const match of pattern.matchAll(TOKEN)) {
    const [token, quoted, letter] = match;
    length += token.length;
    if (token === "''") parts.push({ text: "'" });
    else if (quoted !== undefined) parts.push({ text: quoted });
    else if (letter === undefined) parts.push({ text: token });
    else if (Object.hasOwn(FIELDS, token)) parts.push({ field: token });
    else return undefined;
  }
  return length === pattern.length ? parts : undefined;
}

export function timePatternProblem(pattern: string): string | undefined {
  if (timePatternParts(pattern) !== undefined) return undefined;
  const known = Object.keys(FIELDS).join(', ');
  return `cannot use the pattern "${pattern.slice(0, 60)}": it may hold ${known}, other letters between quotes, and at most ${UNITS_MAX} characters`;
}

/** REQUIRES a pattern without a problem. The result takes local milliseconds of the years 0 to 9999. */
export function compileTimePattern(pattern: string): (localMs: number) => string {
  const parts = (timePatternParts(pattern) ?? []).map((part): string | Part =>
    'text' in part ? part.text : (FIELDS[part.field] as Part),
  );
  return (localMs) => {
    const local = new Date(localMs);
    let text = '';
    for (const part of parts) text += typeof part === 'string' ? part : part(local);
    return text;
  };
}
