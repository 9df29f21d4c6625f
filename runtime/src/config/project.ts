/** `pipeline.config.yaml`: how and where a definition runs. Strict: an unknown key names the nearest known one. */
import { join } from 'node:path';
import { z } from 'zod';
import { duration, durationIfSaid, relativePath, size } from './fields.ts';
import { sinksSchema } from './sinks.ts';
import { checkYaml, readYamlFile } from './yaml.ts';

export const ARCHITECTURES = ['batch', 'micro-batch', 'streaming', 'lambda', 'kappa'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export const CONFIG_FILE = 'pipeline.config.yaml';

const projectSchema = z.strictObject({
  version: z.literal(1, { error: 'must be 1: this is the only version of the file that this runtime reads' }),
  architecture: z.enum(ARCHITECTURES, { error: `must be one of ${ARCHITECTURES.join(', ')}` }),
  definition: relativePath.default('pipeline.ts'),
  data: relativePath.default('data'),
  freshness: duration('15m'),
  trigger: z
    .strictObject({
      every: duration('1s'),
      rows: z.int().min(1).max(1_000_000).default(4096),
      /** While more than `rows` wait and generated code runs all views. */
      catchUpRows: z.int().min(1).max(1_000_000).default(524_288),
    })
    .prefault({}),
  batch: z.strictObject({ every: duration('1d', 1000), partition: duration('1d', 1000) }).prefault({}),
  corrections: z.strictObject({ every: duration('1h', 1000) }).prefault({}),
  state: z.strictObject({ memory: size(1).optional() }).prefault({}),
  disk: z.strictObject({ reserve: size(0).prefault('256MB') }).prefault({}),
  snapshots: z
    .strictObject({
      folder: z
        .string()
        .min(1)
        .refine((path) => !path.includes('\0'), { message: 'must be the path of a folder' }),
      everyEpochs: z.int().min(1).default(1000),
      keep: z.int().min(1).max(1000).default(3),
    })
    .optional(),
  sinks: sinksSchema,
  /** What was not accepted: the oldest of it goes when it is more. */
  rejected: z.strictObject({ size: size(1_000_000).prefault('1GB') }).prefault({}),
  log: z
    .strictObject({
      partitions: z.int().min(1).max(256).default(1),
      commitEvery: duration('0s', 0),
      undeclared: z.enum(['keep', 'drop']).optional(),
      retention: z
        .strictObject({ time: durationIfSaid(1000).optional(), size: size(1).optional() })
        .optional(),
      cold: z.strictObject({ after: duration('7d', 1000) }).optional(),
    })
    .prefault({}),
  runtime: z.strictObject({ jit: z.enum(['on', 'off']).default('on') }).prefault({}),
  ingest: z
    .strictObject({
      source: z.string().min(1).max(100),
      file: relativePath,
      arrivalTime: z.string().min(1).max(200).optional(),
      speed: z.number().positive().default(1),
      history: duration('0s', 0),
    })
    .optional(),
  serve: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.int().min(0).max(65_535).default(8080),
    })
    .prefault({}),
});

/** The settings of a project; durations in milliseconds, paths relative to `root`. */
export type ProjectConfig = z.output<typeof projectSchema>;

export interface Project {
  readonly root: string;
  readonly config: ProjectConfig;
}

/** Reads the project in a folder. Throws FILE_UNREADABLE or FILE_INVALID. */
export function readProject(root: string): Project {
  const yaml = readYamlFile(join(root, CONFIG_FILE));
  return { root, config: checkYaml(yaml, projectSchema) };
}

/** The settings that a run without a project has. */
export function defaultConfig(
  architecture: Architecture,
  overrides: Partial<ProjectConfig> = {},
): ProjectConfig {
  return { ...projectSchema.parse({ version: 1, architecture }), ...overrides };
}
