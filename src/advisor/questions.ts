/** The questions, read from the schema of the answers: what prompts, flags and documentation are made of. */
import { z } from 'zod';
import type { QuestionMeta } from './answer-kinds.ts';
import { answersSchema, measuredSchema } from './answers.ts';

export interface Question extends QuestionMeta {
  /** `volume.eventsPerSecond` */
  readonly path: string;
  /** `--volume-events-per-second` */
  readonly flag: string;
  readonly required: boolean;
  /** Checks one answer as the whole schema would. */
  readonly schema: z.ZodType;
}

/** Every answer, in the order of the file. */
export const QUESTIONS: readonly Question[] = questionsOf(answersSchema, []);

const BY_PATH: ReadonlyMap<string, Question> = new Map(
  QUESTIONS.map((question) => [question.path, question]),
);

export function questionOf(path: string): Question {
  const found = BY_PATH.get(path);
  if (found === undefined) throw new Error(`no question "${path}"`);
  return found;
}

function questionsOf(object: z.ZodObject, path: readonly string[]): Question[] {
  return Object.entries(object.shape).flatMap(([name, field]) => {
    const schema = field instanceof z.ZodOptional ? (field.unwrap() as z.ZodType) : (field as z.ZodType);
    if (name === 'measured') return [];
    const here = [...path, name];
    if (schema instanceof z.ZodObject) return questionsOf(schema, here);
    const meta = schema.meta()?.['question'] as QuestionMeta;
    const flag = `--${here.join('-').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const required = meta.fallback === undefined && meta.onlyWith === undefined;
    return [{ ...meta, path: here.join('.'), flag, required, schema }];
  });
}

/** The JSON Schema (2020-12) of an answers file. Required answers may also be given as flags or in the interview. */
export function answersJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(answersSchema, {
    target: 'draft-2020-12',
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === measuredSchema) return;
      const node = jsonSchema as Record<string, unknown>;
      const question = node['question'] as QuestionMeta | undefined;
      if (question !== undefined) describe(node, question);
      const properties = node['properties'] as Record<string, Record<string, unknown>> | undefined;
      if (properties !== undefined) requireOnly(node, properties);
    },
  });
  return { title: 'Answers of the architecture advisor', ...schema };
}

/** Says what an answer is, where it is part of a document: without a default, since there nothing is left out. */
export function describeAnswer(node: Record<string, unknown>): void {
  const question = node['question'] as QuestionMeta | undefined;
  delete node['question'];
  if (question !== undefined) node['description'] = question.ask;
}

function describe(node: Record<string, unknown>, question: QuestionMeta): void {
  delete node['question'];
  const only = question.onlyWith === undefined ? '' : ` Only with ${question.onlyWith}.`;
  node['description'] = `${question.ask} Why it is asked: ${question.why}${only}`;
  node['x-why'] = question.why;
  if (question.typical.length > 0) node['x-typical'] = Object.fromEntries(question.typical);
  if (question.fallback !== undefined) {
    if (question.fallback === 'same as freshness') node['x-default'] = question.fallback;
    else node['default'] = question.fallback;
  }
  if (question.example !== undefined) node['examples'] = [question.example];
}

const OPTIONAL: ReadonlySet<string> = new Set(['arrivalEvery', 'measured']);

/** A group is required when it holds a required answer; an answer is when it has no default. */
function requireOnly(
  node: Record<string, unknown>,
  properties: Record<string, Record<string, unknown>>,
): void {
  const required = Object.entries(properties).flatMap(([name, child]) => {
    const nested = child['properties'] !== undefined;
    const needed = nested ? (child['required'] as string[] | undefined)?.length : !hasDefault(child);
    return needed !== undefined && needed !== 0 && needed !== false && !OPTIONAL.has(name) ? [name] : [];
  });
  if (required.length > 0) node['required'] = required;
  else delete node['required'];
}

function hasDefault(node: Record<string, unknown>): boolean {
  const question = node['question'] as QuestionMeta | undefined;
  return question?.fallback !== undefined || node['default'] !== undefined || node['x-default'] !== undefined;
}
