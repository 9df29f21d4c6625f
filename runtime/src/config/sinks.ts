/** `sinks` of `pipeline.config.yaml`: which views are delivered where. */
import { z } from 'zod';
import { duration, durationIfSaid, relativePath, size } from './fields.ts';
import { type HttpTarget, problemOfHttp } from './http-target.ts';

export const FILE_FORMATS = ['jsonl', 'csv', 'parquet'] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];
export const PARTITIONS = ['none', 'window', 'hour', 'day'] as const;
export type Partition = (typeof PARTITIONS)[number];

export interface FilesTarget {
  readonly kind: 'files';
  /** Relative to the project. */
  readonly folder: string;
  readonly format: FileFormat;
  /** Undefined: by day where the rows of the view have a time. */
  readonly partition: Partition | undefined;
}

export interface PostgresTarget {
  readonly kind: 'postgres';
  /** A URL in which `${NAME}` stands for a variable of the environment. */
  readonly url: string;
  readonly schema: string;
  readonly table: string;
  /** Whether the table has an index by the columns of the view's key. */
  readonly index?: boolean;
  readonly timeoutMs: number;
}

/** Of the view, to a message. */
const ROWS_A_MESSAGE = 500;

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
const identifier = z
  .string()
  .regex(NAME, { message: 'must start with a letter or _, then letters, digits and _, at most 63' });

const targetSchema = z
  .strictObject({
    files: relativePath.optional(),
    format: z.enum(FILE_FORMATS, { error: `must be one of ${FILE_FORMATS.join(', ')}` }).optional(),
    partition: z.enum(PARTITIONS, { error: `must be one of ${PARTITIONS.join(', ')}` }).optional(),
    postgres: z.string().min(1).max(2000).optional(),
    schema: identifier.optional(),
    table: identifier.optional(),
    index: z.boolean().optional(),
    http: z.string().min(1).max(2000).optional(),
    headers: z.record(z.string(), z.string().max(4000)).optional(),
    rows: z.int().min(1).max(10_000).optional(),
    timeout: duration('30s', 100),
  })
  .transform((to, context): FilesTarget | PostgresTarget | HttpTarget => {
    const problem = problemOf(to);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    const { files, format = 'jsonl', partition, postgres, schema = 'public', table = '', index = false } = to;
    const { http, headers = {}, rows = ROWS_A_MESSAGE, timeout: timeoutMs } = to;
    if (http !== undefined) return { kind: 'http', url: http, headers, rows, timeoutMs };
    return postgres === undefined
      ? { kind: 'files', folder: files ?? '', format, partition }
      : { kind: 'postgres', url: postgres, schema, table, ...(index && { index }), timeoutMs };
  });

interface Given extends Readonly<
  Partial<Record<'files' | 'format' | 'partition' | 'postgres' | 'schema' | 'table' | 'http', unknown>>
> {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly rows?: number | undefined;
  readonly index?: boolean | undefined;
}

/** Which settings belong to which kind of sink, beside its own name. */
const SETTINGS = {
  files: ['format', 'partition'],
  postgres: ['schema', 'table', 'index'],
  http: ['headers', 'rows'],
} as const;
type Kind = keyof typeof SETTINGS;
const KINDS = Object.keys(SETTINGS) as readonly Kind[];

function problemOf(given: Given): string | undefined {
  const [kind, ...others] = KINDS.filter((each) => given[each] !== undefined);
  if (kind === undefined || others.length > 0)
    return 'say either "files", a folder, or "postgres", a URL such as ${DATABASE_URL}, or "http", a URL such as https://example.com/rows';
  for (const owner of KINDS) {
    const settings = SETTINGS[owner];
    if (owner !== kind && settings.some((each) => given[each] !== undefined))
      return `${settings.map((each) => `"${each}"`).join(', ')} belong to "${owner}"`;
  }
  const { postgres, table, http, headers = {} } = given;
  if (kind === 'http') return problemOfHttp(String(http), headers);
  return kind === 'files' ? undefined : problemOfPostgres(String(postgres), table);
}

function problemOfPostgres(postgres: string, table: unknown): string | undefined {
  if (table === undefined) return 'say which "table"';
  // The file is committed with the project; the environment is not.
  if (/^\w+:\/\/[^/@]*:(?!\$\{)[^/@]*@/.test(postgres) || /[?&]password=(?!\$\{)/.test(postgres))
    return '"postgres" holds a password; put it into .env and write ${NAME} for it here';
  return undefined;
}

/** How often files are written when nothing is said: each time the whole partition is. */
const FILES_EVERY_MS = 60_000;
const OTHERS_EVERY_MS = 1000;

const sinkSchema = z
  .strictObject({
    view: z.string().min(1).max(63),
    name: identifier.optional(),
    to: targetSchema,
    every: durationIfSaid(0),
    buffer: size(1).prefault('64MB'),
    giveUpAfter: duration('15m', 0),
  })
  .transform(({ name, every, ...sink }) => ({
    ...sink,
    name: name ?? `${sink.view}_${sink.to.kind}`,
    every: every ?? (sink.to.kind === 'files' ? FILES_EVERY_MS : OTHERS_EVERY_MS),
  }));

/** Durations in milliseconds, sizes in bytes. */
export type SinkConfig = z.output<typeof sinkSchema>;

export const sinksSchema = z
  .array(sinkSchema)
  .max(64)
  .default([])
  .superRefine((sinks, context) => {
    for (const [index, sink] of sinks.entries()) {
      const before = sinks.slice(0, index);
      if (before.some(({ name }) => name === sink.name))
        context.addIssue({
          code: 'custom',
          path: [index],
          message: `there are two sinks named "${sink.name}"; give one another "name"`,
        });
      const other = before.find(({ to }) => isSamePlace(to, sink.to));
      if (other !== undefined)
        context.addIssue({
          code: 'custom',
          path: [index, 'to'],
          message: `sink "${other.name}" writes there already`,
        });
    }
  });

function isSamePlace(a: SinkConfig['to'], b: SinkConfig['to']): boolean {
  if (a.kind === 'files' && b.kind === 'files') {
    const [one, two] = [normal(a.folder), normal(b.folder)];
    return one.startsWith(two) || two.startsWith(one);
  }
  // A receiver tells sinks apart by their names.
  if (a.kind !== 'postgres' || b.kind !== 'postgres') return false;
  return a.url === b.url && a.schema === b.schema && a.table === b.table;
}

function normal(folder: string): string {
  const names = folder.split(/[\\/]+/).filter((name) => name !== '' && name !== '.');
  return `${names.join('/')}/`;
}
