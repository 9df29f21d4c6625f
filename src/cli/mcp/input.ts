/**
 * A tool's arguments: checked by zod with the same words as the command line, described by the JSON Schema of the answers.
 * Hostile input ends here, as a list of problems.
 */
import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import { describeIssue } from 'pipeline-runtime/kit';
import { z } from 'zod';
import { describeAnswer } from '../../advisor/questions.ts';

const PROBLEMS_MAX = 20;

/** A schema for the arguments of a tool, and for what it returns. */
export function described<S extends z.ZodObject>(schema: S): StandardSchemaWithJSON<z.input<S>, z.output<S>> {
  // Of input as of output: what is returned may get more members in a later version.
  const json = () =>
    z.toJSONSchema(schema, {
      target: 'draft-2020-12',
      io: 'input',
      override: ({ jsonSchema }) => describeAnswer(jsonSchema as Record<string, unknown>),
    }) as Record<string, unknown>;
  return {
    '~standard': {
      version: 1,
      vendor: 'pipeline-advisor',
      jsonSchema: { input: json, output: json },
      validate(value) {
        const checked = schema.safeParse(value);
        if (checked.success) return { value: checked.data };
        const problems = checked.error.issues.flatMap((issue) => describeIssue(issue, schema));
        return { issues: problems.slice(0, PROBLEMS_MAX).map(({ message }) => ({ message })) };
      },
    },
  };
}
