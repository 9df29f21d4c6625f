/** `sinks` of `pipeline.config.yaml`: which views are delivered where. */
import { z } from 'zod';
import { duration, durationIfSaid, relativePath, size } from './fields.ts';

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
  readonly timeoutMs: number;
}

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
    timeout: duration('30s', 100),
  })
  .transform((to, context): FilesTarget | PostgresTarget => {
    const problem = problemOf(to);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    const { files, format = 'jsonl', partition, postgres, schema = 'public', table = '', timeout } = to;
    return postgres === undefined
      ? { kind: 'files', folder: files ?? '', format, partition }
      : { kind: 'postgres', url: postgres, schema, table, timeoutMs: timeout };
  });

type Given = Readonly<
  Partial<Record<'files' | 'format' | 'partition' | 'postgres' | 'schema' | 'table', string | undefined>>
>;

function problemOf({ files, format, partition, postgres, schema, table }: Given): string | undefined {
  if ((files === undefined) === (postgres === undefined))
    return 'say either "files", a folder, or "postgres", a URL such as ${DATABASE_URL}';
  if (files !== undefined)
    return schema === undefined && table === undefined
      ? undefined
      : '"schema" and "table" belong to "postgres"';
  if (format !== undefined || partition !== undefined) return '"format" and "partition" belong to "files"';
  if (table === undefined) return 'say which "table"';
  // The file is committed with the project; the environment is not.
  if (/^\w+:\/\/[^/@]*:(?!\$\{)[^/@]*@/.test(postgres ?? '') || /[?&]password=(?!\$\{)/.test(postgres ?? ''))
    return '"postgres" holds a password; put it into .env and write ${NAME} for it here';
  return undefined;
}

/** How often files are written when nothing is said: each time the whole partition is. */
const FILES_EVERY_MS = 60_000;
const POSTGRES_EVERY_MS = 1000;

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
    every: every ?? (sink.to.kind === 'files' ? FILES_EVERY_MS : POSTGRES_EVERY_MS),
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
  if (a.kind === 'files' || b.kind === 'files') return false;
  return a.url === b.url && a.schema === b.schema && a.table === b.table;
}

function normal(folder: string): string {
  const names = folder.split(/[\\/]+/).filter((name) => name !== '' && name !== '.');
  return `${names.join('/')}/`;
}
