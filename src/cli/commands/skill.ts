/** `advisor skill`: the skill file that tells a coding agent when and how to ask the advisor. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { packageRoot } from '../../generator/versions.ts';

export function printSkill(): void {
  process.stdout.write(readFileSync(join(packageRoot(), 'skills', 'pipeline-advisor', 'SKILL.md'), 'utf8'));
}
