/** `advisor schema`: the JSON Schema of what commands read and print. */
import process from 'node:process';
import { nearest } from 'pipeline-runtime/kit';
import { SCHEMA_NAMES, schemaNamed } from '../../advisor/documents/documents.ts';
import { failure } from '../../errors.ts';

/** Throws SCHEMA_UNKNOWN. */
export function printSchema(name: string | undefined): void {
  process.stdout.write(name === undefined ? `${SCHEMA_NAMES.join('\n')}\n` : schemaText(name));
}

function schemaText(name: string): string {
  if (SCHEMA_NAMES.includes(name)) return `${JSON.stringify(schemaNamed(name), null, 2)}\n`;
  const near = nearest(name, SCHEMA_NAMES);
  const hint = near === undefined ? `There are ${SCHEMA_NAMES.join(', ')}.` : `Did you mean "${near}"?`;
  throw failure('SCHEMA_UNKNOWN', { name: name.slice(0, 60), hint });
}
