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

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
const identifier = z
  .string()
  .regex(NAME, { message: 'must start with a letter or _, then letters, digits and _, at most 63' });

const targetSchema = z
  .strictObject({
    files: relativePath,
    format: z.enum(FILE_FORMATS, { error: `must be one of ${FILE_FORMATS.join(', ')}` }).default('jsonl'),
    partition: z.enum(PARTITIONS, { error: `must be one of ${PARTITIONS.join(', ')}` }).optional(),
  })
  .transform(({ files, format, partition }): FilesTarget => ({
    kind: 'files',
    folder: files,
    format,
    partition,
  }));

/** How often files are written when nothing is said: each time the whole partition is. */
const FILES_EVERY_MS = 60_000;

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
    every: every ?? FILES_EVERY_MS,
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

function isSamePlace(a: FilesTarget, b: FilesTarget): boolean {
  const [one, two] = [normal(a.folder), normal(b.folder)];
  return one.startsWith(two) || two.startsWith(one);
}

function normal(folder: string): string {
  const names = folder.split(/[\\/]+/).filter((name) => name !== '' && name !== '.');
  return `${names.join('/')}/`;
}
