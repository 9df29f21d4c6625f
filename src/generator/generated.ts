/** `.pipeline/generated.json`: what made this project, so that it can be recognised, started again and later upgraded. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { answersSchema, ARCHITECTURES } from '../advisor/answers.ts';
import { PACKAGE_MANAGERS } from './package-manager.ts';

export const GENERATED_FILE = '.pipeline/generated.json';

const generatedSchema = z.object({
  version: z.literal(1),
  generator: z.literal('pipeline-advisor'),
  generatorVersion: z.string(),
  runtimeVersion: z.string(),
  template: z.string(),
  architecture: z.enum(ARCHITECTURES),
  recommendation: z.enum(ARCHITECTURES),
  packageManager: z.enum(PACKAGE_MANAGERS),
  /** Complete, defaults filled in. */
  answers: answersSchema,
  /** SHA-256 of each other file as it was generated. */
  files: z.record(z.string(), z.string()),
});

export type Generated = z.output<typeof generatedSchema>;

/** What generated the project in a folder, or undefined when the file is absent or not one of ours. */
export function readGenerated(dir: string): Generated | undefined {
  try {
    return generatedSchema.parse(JSON.parse(readFileSync(join(dir, GENERATED_FILE), 'utf8')));
  } catch {
    return undefined;
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
