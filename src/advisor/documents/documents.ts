/**
 * The JSON documents that commands print, each with its published JSON Schema (2020-12). `schema/` holds the schemas as files;
 * `npm run schemas` writes them. A document may get more members in a later version 1, so none are excluded.
 */
import { z } from 'zod';
import { answersJsonSchema, describeAnswer } from '../questions.ts';
import { explanationSchema } from './explanation.ts';
import { mapSchema } from './map.ts';
import { profileSchema } from './profile.ts';
import { proofSchema } from './proof.ts';
import { recommendationSchema } from './recommendation.ts';
import { reviewSchema } from './review.ts';

/** Command → what it prints with `--format json`. */
const DOCUMENTS = {
  recommendation: { of: 'recommend', schema: recommendationSchema },
  map: { of: 'map', schema: mapSchema },
  profile: { of: 'profile', schema: profileSchema },
  proof: { of: 'prove', schema: proofSchema },
  review: { of: 'review', schema: reviewSchema },
  explanation: { of: 'explain', schema: explanationSchema },
} as const satisfies Record<string, { readonly of: string; readonly schema: z.ZodType }>;

/** The names of the schemas; `answers` is that of the answers file. */
export const SCHEMA_NAMES = ['answers', ...Object.keys(DOCUMENTS)] as const;

/** The JSON Schema of a document. REQUIRES one of SCHEMA_NAMES. */
export function schemaNamed(name: string): Record<string, unknown> {
  const $id = `urn:pipeline-advisor:schema:${name}:1`;
  if (name === 'answers') return { $id, ...answersJsonSchema() };
  const { of, schema } = DOCUMENTS[name as keyof typeof DOCUMENTS];
  const json = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: 'input',
    override: ({ jsonSchema }) => describeAnswer(jsonSchema as Record<string, unknown>),
  });
  return { $id, title: `What \`advisor ${of} --format json\` prints`, ...json };
}
