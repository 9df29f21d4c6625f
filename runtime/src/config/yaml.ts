/**
 * Reads YAML that a stranger wrote. The text is refused before it is parsed when it is over 1 MB or nested deeper than
 * 64 levels (the parser aborts the process on deep input), and after it when it has duplicate keys, anchors, tags or
 * more than one document. What is left is plain data with a map from path to line and column.
 */
import { readFileSync } from '../ports/files.ts';
import { LineCounter, isMap, isScalar, isSeq, parseAllDocuments, visit, type Node } from 'yaml';
import type { z } from 'zod';
import { failure } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';

/** As much of a key as a message needs. */
const NAME_SHOWN_MAX = 120;

const TEXT_BYTES_MAX = 1_000_000;
const DEPTH_MAX = 64;

/** Where a value stands, 1-based. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface YamlText {
  readonly file: string;
  readonly value: unknown;
  /** The place of the value at a path, or of its nearest parent that exists. */
  placeOf(path: readonly PropertyKey[]): Place;
}

/**
 * Reads a YAML (or JSON) file.
 * @throws FILE_UNREADABLE, FILE_INVALID with every problem as `file:line:column: what`.
 */
export function readYamlFile(file: string): YamlText {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw failure(
      'FILE_UNREADABLE',
      { file, reason: (error as NodeJS.ErrnoException).code ?? String(error) },
      error,
    );
  }
  return readYaml(decodeUtf8(bytes, file), file);
}

/** Reads YAML text; `file` is only named in messages. Throws FILE_INVALID. */
export function readYaml(text: string, file: string): YamlText {
  if (Buffer.byteLength(text) > TEXT_BYTES_MAX)
    refuse(file, 1, 1, 'the file is over 1 MB; an answer file is a few lines');
  refuseDeepNesting(text, file);
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    schema: 'core',
    // The parser compares every key with every other; see below.
    uniqueKeys: false,
    merge: false,
    lineCounter: lines,
    prettyErrors: false,
    strict: true,
  });
  if (!Array.isArray(documents)) return plain(file, null, null, lines);
  if (documents.length > 1) refuse(file, 1, 1, 'more than one document; keep one, without a second "---"');
  const document = documents[0];
  if (document === undefined) return plain(file, null, null, lines);
  const problems = [...document.errors, ...document.warnings].map((problem) => {
    const at = lines.linePos(problem.pos[0]);
    return `${file}:${at.line}:${at.col}: ${firstLine(problem.message)}`;
  });
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        const what = isMap(key) || isSeq(key) ? 'a list or a map cannot be a key' : duplicateIn(seen, key);
        if (what === undefined) continue;
        const at = lines.linePos((key as Node).range?.[0] ?? 0);
        problems.push(`${file}:${at.line}:${at.col}: ${what}`);
      }
    },
    Alias: (_, node) => {
      const at = lines.linePos(node.range?.[0] ?? 0);
      problems.push(
        `${file}:${at.line}:${at.col}: aliases (*${node.source}) are not allowed; write the value out`,
      );
      return visit.SKIP;
    },
  });
  if (problems.length > 0) throw failure('FILE_INVALID', { problems: problems.slice(0, 10) });
  return plain(file, document.toJS({ maxAliasCount: 0 }), document.contents, lines);
}

function duplicateIn(seen: Set<unknown>, key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  if (seen.has(key.value)) return `key "${String(key.value)}" is not unique`;
  seen.add(key.value);
  return undefined;
}

function plain(file: string, value: unknown, root: Node | null, lines: LineCounter): YamlText {
  return {
    file,
    value,
    placeOf(path) {
      let node: Node | null = root;
      let offset = root?.range?.[0] ?? 0;
      for (const step of path) {
        const pair = isMap(node)
          ? node.items.find((item) => isScalar(item.key) && item.key.value === step)
          : undefined;
        const next = pair !== undefined ? pair.key : isSeq(node) ? node.items[Number(step)] : undefined;
        if (next === undefined || next === null) break;
        offset = (next as Node).range?.[0] ?? offset;
        node = (pair !== undefined ? pair.value : next) as Node | null;
      }
      const at = lines.linePos(offset);
      return { line: Math.max(1, at.line), column: Math.max(1, at.col) };
    },
  };
}

/**
 * Checks data from `readYaml` against a schema whose objects are strict.
 * @throws FILE_INVALID that lists every problem with its place, and for an unknown key the nearest known one.
 */
export function checkYaml<S extends z.ZodType>(yaml: YamlText, schema: S): z.output<S> {
  const result = schema.safeParse(yaml.value ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) =>
    describeIssue(issue, schema).map((problem) => {
      const at = yaml.placeOf(problem.path);
      return `${yaml.file}:${at.line}:${at.column}: ${problem.message}`;
    }),
  );
  throw failure('FILE_INVALID', { problems: problems.slice(0, 10) });
}

/** One issue of zod as messages with paths; unknown keys name the nearest known key of the same object. */
export function describeIssue(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
): { path: readonly PropertyKey[]; message: string }[] {
  if (issue.code !== 'unrecognized_keys') {
    const name = issue.path.join('.');
    if (name === '' && issue.code === 'invalid_type') {
      const [first = 'name'] = keysAt(schema, []);
      return [{ path: [], message: `a key and its value are expected on each line, such as "${first}: …"` }];
    }
    return [{ path: issue.path, message: name === '' ? issue.message : `${name}: ${issue.message}` }];
  }
  const known = keysAt(schema, issue.path);
  return issue.keys.map((key) => {
    const name = [...issue.path, key].join('.');
    const near = nearest(key, known);
    const hint = near === undefined ? `Known keys: ${known.join(', ')}.` : `Did you mean "${near}"?`;
    return { path: [...issue.path, key], message: `unknown key "${name.slice(0, NAME_SHOWN_MAX)}". ${hint}` };
  });
}

/** The keys that an object schema knows at a path, looking through optional, default, nullable, pipes and lists. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current: unknown = schema;
  for (const step of [...path, undefined]) {
    current = unwrap(current);
    const { shape, element } = (current ?? {}) as { shape?: Record<string, unknown>; element?: unknown };
    if (step === undefined) return shape === undefined ? [] : Object.keys(shape);
    current = shape === undefined ? element : shape[String(step)];
  }
  return [];
}

function unwrap(schema: unknown): unknown {
  let current = schema as { def?: { innerType?: unknown; in?: unknown } } | undefined;
  while (current?.def?.innerType !== undefined || current?.def?.in !== undefined) {
    current = (current.def.innerType ?? current.def.in) as typeof current;
  }
  return current;
}

function decodeUtf8(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse(file, 1, 1, 'the file is not UTF-8 text');
  }
}

/** Counts brackets and indentation without parsing: an upper bound of the depth of the document. */
function refuseDeepNesting(text: string, file: string): void {
  let line = 1;
  let brackets = 0;
  for (const character of text) {
    if (character === '\n') line++;
    else if (character === '[' || character === '{') brackets++;
    else if ((character === ']' || character === '}') && brackets > 0) brackets--;
    if (brackets > DEPTH_MAX) refuse(file, line, 1, `brackets nest deeper than ${DEPTH_MAX} levels`);
  }
  text.split('\n').forEach((content, index) => {
    const indicators = /^(?:[\s]|[-?:](?=\s))*/.exec(content)?.[0] ?? '';
    const dashes = indicators.replaceAll(/\s/g, '').length;
    if (dashes > DEPTH_MAX || indicators.length > 4 * DEPTH_MAX) {
      refuse(file, index + 1, 1, `lists or indentation nest deeper than ${DEPTH_MAX} levels`);
    }
  });
}

function refuse(file: string, line: number, column: number, what: string): never {
  throw failure('FILE_INVALID', { problems: [`${file}:${line}:${column}: ${what}`] });
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}
