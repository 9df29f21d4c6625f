/** Functions of strings in SQL. A text of more than 2^24 characters, an error of the row in the runtime, is not noticed. */
import { canBeEmpty, parseRegex, type RegexNode } from '../../expr/regex-parse.ts';
import { type FunctionSql, isLiteralNumber, strict } from './duckdb-function.ts';
import type { Sql } from './duckdb-expression.ts';

export const DUCKDB_TEXTS = {
  lower: call('lower'),
  upper: call('upper'),
  length: call('length'),
  trim: ([a]) => strict(`trim(${a?.text}, ' ')`),
  concat: (args) => strict(`(${args.map(({ text }) => text).join(' || ')})`),
  substring: ([text, from, length]) => {
    const isPlain = isLiteralNumber(from as Sql, (value) => value >= 1 && value <= PLACE_MAX);
    const start = isPlain ? plain(from) : `least(greatest(${from?.text}, 1), ${PLACE_MAX})`;
    if (length === undefined) {
      const rest = `substring(${text?.text}, ${start})`;
      return strict(isPlain ? rest : `CASE WHEN ${from?.text} IS NOT NULL THEN ${rest} END`);
    }
    if (isPlain && isLiteralNumber(length, (value) => value >= 0 && value <= PLACE_MAX))
      return strict(`substring(${text?.text}, ${start}, ${plain(length)})`);
    // What lies before the first position is there but empty; DuckDB would count from the end. Its `least` passes over NULL.
    const end = `least(greatest(${from?.text} + ${length.text}, ${start}), ${PLACE_MAX})`;
    const isRight = `${from?.text} IS NOT NULL AND ${length.text} >= 0`;
    return strict(
      `CASE WHEN ${isRight} THEN substring(${text?.text}, ${start}, ${end} - ${start}) END`,
      true,
    );
  },
  contains: call('contains'),
  startsWith: call('starts_with'),
  endsWith: call('ends_with'),
  replace: call('replace'),
  like: ([text, pattern]) => strict(`(${text?.text} LIKE ${pattern?.text})`),
  matches: ([text, pattern]) => strict(`regexp_matches(${text?.text}, ${pattern?.text})`),
  regexpExtract: ([text, pattern, group], _, refuse) => {
    const index = group === undefined ? 0 : Number(plain(group));
    const found = `regexp_extract(${text?.text}, ${pattern?.text}, ${index})`;
    const regex = pattern?.value;
    const place = typeof regex === 'string' && index > 0 ? placeOf(parseRegex(regex).node, index) : undefined;
    if (place?.isOptional === true && place.canBeEmpty) {
      refuse('DuckDB does not tell a group that took no part in the match from one that matched nothing');
    }
    const value = place?.isOptional === true ? `nullif(${found}, '')` : found;
    return {
      text: `CASE WHEN regexp_matches(${text?.text}, ${pattern?.text}) THEN ${value} END`,
      nulls: 'maybe',
    };
  },
  splitPart: ([text, separator, part]) => {
    const item = `string_split(${text?.text}, ${separator?.text})[${plain(part)}]`;
    const isSure = separator?.literal === true && separator.value !== '' && separator.value !== null;
    // DuckDB counts from the end below 1, and takes NULL for an empty separator, by which the empty text has a part.
    const conditions = [
      ...(isLiteralNumber(part as Sql, (value) => value >= 1) ? [] : [`${plain(part)} >= 1`]),
      ...(isSure ? [] : [`(${separator?.text} <> '' OR ${text?.text} <> '')`]),
      ...(isSure ? [] : [`${separator?.text} IS NOT NULL`]),
    ];
    const value = conditions.length === 0 ? item : `CASE WHEN ${conditions.join(' AND ')} THEN ${item} END`;
    return { text: value, nulls: 'maybe' };
  },
} satisfies Readonly<Record<string, FunctionSql>>;

/** Beyond any text, and within what DuckDB takes as a place. */
const PLACE_MAX = 2 ** 31;

function call(name: string): FunctionSql {
  return (args) => strict(`${name}(${args.map(({ text }) => text).join(', ')})`);
}

function plain(arg: Sql | undefined): string {
  return arg?.text.replace('::BIGINT', '') ?? '';
}

interface Place {
  /** Whether a match may leave the group out. */
  readonly isOptional: boolean;
  readonly canBeEmpty: boolean;
}

/** Where a group stands in an expression. */
function placeOf(node: RegexNode, index: number): Place | undefined {
  switch (node.kind) {
    case 'set':
    case 'assert':
      return undefined;
    case 'sequence':
      return first(node.nodes, index);
    case 'either': {
      const place = first(node.nodes, index);
      return place && { ...place, isOptional: true };
    }
    case 'group':
      return node.index === index
        ? { isOptional: false, canBeEmpty: canBeEmpty(node.node) }
        : placeOf(node.node, index);
    case 'repeat': {
      const place = placeOf(node.node, index);
      return place && { ...place, isOptional: place.isOptional || node.min === 0 };
    }
  }
}

function first(nodes: readonly RegexNode[], index: number): Place | undefined {
  for (const node of nodes) {
    const place = placeOf(node, index);
    if (place !== undefined) return place;
  }
  return undefined;
}
