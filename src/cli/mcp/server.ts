/** The advisor as a server of the Model Context Protocol: the commands that answer, as tools. They read, and change nothing. */
import { McpServer, type CallToolResult } from '@modelcontextprotocol/server';
import { CodedError, measureEvents, paint } from 'pipeline-runtime/kit';
import { z } from 'zod';
import { ARCHITECTURES, givenAnswersSchema } from '../../advisor/answers.ts';
import { explanationSchema } from '../../advisor/documents/explanation.ts';
import { profileSchema } from '../../advisor/documents/profile.ts';
import { proofSchema } from '../../advisor/documents/proof.ts';
import { recommendationSchema } from '../../advisor/documents/recommendation.ts';
import { reviewSchema } from '../../advisor/documents/review.ts';
import { mapOf } from '../../advisor/map/map.ts';
import { mapText, SCALE_ROWS } from '../../advisor/print/map-text.ts';
import { profileText } from '../../advisor/print/profile-text.ts';
import { proofText } from '../../advisor/print/prove-text.ts';
import { reviewText } from '../../advisor/print/review-text.ts';
import { recommendationText } from '../../advisor/print/text.ts';
import { profileOf } from '../../advisor/profile.ts';
import { recommend } from '../../advisor/recommend.ts';
import { explanationOf, explanationText } from '../commands/explain.ts';
import { questionsMarkdown } from '../commands/questions.ts';
import { reviewProject } from '../commands/review.ts';
import { eventsOf, prove } from '../prove.ts';
import { described } from './input.ts';

const COLUMNS = 100;
const PLAIN = paint({ isTTY: false } as NodeJS.WriteStream);
const LOOKS = { readOnlyHint: true, openWorldHint: false } as const;

const INSTRUCTIONS =
  'Recommends batch, micro-batch, streaming, Lambda or Kappa for a data pipeline. Ask people for the four needed answers ' +
  '(freshness, lateness.max, reprocessing.every, maturity) instead of guessing them, or say "unsure" or a range such as ' +
  '"1m..15m"; measure what events can tell with `profile`. Report conflicts and flips with the verdict.';

const given = givenAnswersSchema.describe('What is known; what has a default may be left out.');

export function advisorServer(version: string): McpServer {
  const server = new McpServer({ name: 'pipeline-advisor', version }, { instructions: INSTRUCTIONS });
  addRecommend(server);
  addQuestions(server);
  addExplain(server);
  addMap(server);
  addProfile(server);
  addReview(server);
  addProve(server);
  return server;
}

function addRecommend(server: McpServer): void {
  const inputSchema = described(z.strictObject({ answers: given }));
  server.registerTool(
    'recommend',
    {
      title: 'Recommend an architecture',
      description:
        'The simplest architecture that keeps the promise, with reasons, what each alternative would break or cost, conflicts ' +
        'between answers, and the answers that would flip it. Needs freshness, lateness.max, reprocessing.every and maturity.',
      inputSchema,
      outputSchema: described(recommendationSchema),
      annotations: LOOKS,
    },
    ({ answers }) =>
      answering(() => {
        const found = recommend(answers);
        return { text: recommendationText(found, COLUMNS, PLAIN), document: found };
      }),
  );
}

function addQuestions(server: McpServer): void {
  server.registerTool(
    'questions',
    {
      title: 'What is asked, and why',
      description:
        'Every answer that `recommend` takes: what is asked, what is allowed, its default, and why.',
      inputSchema: described(z.strictObject({})),
      annotations: LOOKS,
    },
    () => answering(() => ({ text: questionsMarkdown() })),
  );
}

function addExplain(server: McpServer): void {
  server.registerTool(
    'explain',
    {
      title: 'Explain an architecture',
      description: 'What it is, when it fits, what it costs, with sources.',
      inputSchema: described(z.strictObject({ architecture: z.enum(ARCHITECTURES) })),
      outputSchema: described(explanationSchema),
      annotations: LOOKS,
    },
    ({ architecture }) =>
      answering(() => {
        const explanation = explanationOf(architecture);
        return { text: explanationText(explanation, COLUMNS, PLAIN), document: explanation };
      }),
  );
}

function addMap(server: McpServer): void {
  const axes = {
    x: z.string().max(100).default('freshness').describe('The answer across.'),
    y: z.string().max(100).default('reprocessing.every').describe('The answer upwards.'),
  };
  server.registerTool(
    'map',
    {
      title: 'Draw the decision map',
      description: 'Which architecture wins for every pair of two answers, the others as given, as text.',
      inputSchema: described(z.strictObject({ ...axes, answers: given.default({}) })),
      annotations: LOOKS,
    },
    ({ x, y, answers }) =>
      answering(() => {
        const map = mapOf(answers, { x, y, columns: 200, rows: SCALE_ROWS });
        return { text: mapText(map, COLUMNS, PLAIN) };
      }),
  );
}

function addProfile(server: McpServer): void {
  const field = z.string().min(1).max(200);
  server.registerTool(
    'profile',
    {
      title: 'Measure events',
      description:
        'Reads a file of events of this machine (JSON lines, CSV or Parquet, in the order of arrival) and measures rate, ' +
        'disorder, lateness, duplicates and keys; `answers` of the result can be given to `recommend`.',
      inputSchema: described(
        z.strictObject({
          file: path('Its path.'),
          eventTime: field.describe('The field that says when an event happened; nested as bid.dateTime.'),
          arrivalTime: field.optional().describe('The field that says when it arrived.'),
          key: field.optional().describe('The field that results are grouped by.'),
        }),
      ),
      outputSchema: described(profileSchema),
      annotations: LOOKS,
    },
    ({ file, eventTime, arrivalTime, key }) =>
      answering(async () => {
        const profile = profileOf(
          await measureEvents(file, {
            eventTime,
            ...(arrivalTime !== undefined && { arrivalTime }),
            ...(key !== undefined && { key }),
          }),
        );
        return { text: profileText(profile, COLUMNS, PLAIN), document: profile };
      }),
  );
}

function addReview(server: McpServer): void {
  server.registerTool(
    'review',
    {
      title: 'Review a running decision',
      description:
        'Compares the answers of a generated project of this machine with what its pipeline measured: whether the decision ' +
        'holds, ends at this growth on a day, or holds no longer. Reads, also while it runs, and changes nothing.',
      inputSchema: described(z.strictObject({ dir: path('The folder of the project.') })),
      outputSchema: described(reviewSchema),
      annotations: LOOKS,
    },
    ({ dir }) =>
      answering(async () => {
        const review = await reviewProject(dir);
        return { text: reviewText(review, COLUMNS, PLAIN), document: review };
      }),
  );
}

/** An agent waits for the answer, so fewer events are simulated than on the command line. */
const PROVE_EVENTS_MAX = 20_000;
const PROVE_EVENTS = 3000;

function addProve(server: McpServer): void {
  const field = z.string().min(1).max(200);
  server.registerTool(
    'prove',
    {
      title: 'Measure all five architectures',
      description:
        'Runs all five over the described workload, or over a file of events of this machine, through the real runtime in virtual ' +
        'time: freshness, completeness, corrections, work, bytes and the time of reprocessing, beside what was predicted. ' +
        'Takes seconds, by `events`. Needs the answers that `recommend` needs.',
      inputSchema: described(
        z.strictObject({
          answers: given,
          file: path('A file of events, in place of the described ones.').optional(),
          eventTime: field.optional().describe('With `file`: the field that says when an event happened.'),
          arrivalTime: field.optional().describe('With `file`: the field that says when it arrived.'),
          key: field.optional().describe('With `file`: the field that results are grouped by.'),
          events: z
            .int()
            .min(100)
            .max(PROVE_EVENTS_MAX)
            .default(PROVE_EVENTS)
            .describe('So many are simulated at most; of more, a part that stands for all.'),
          seed: z.int().min(0).max(4_294_967_295).default(1),
        }),
      ),
      outputSchema: described(proofSchema),
      annotations: LOOKS,
    },
    ({ answers, file, eventTime, arrivalTime, key, events: mostEvents, seed }, { mcpReq: { signal } }) =>
      answering(async () => {
        const proof = await prove(answers, eventsOf({ file, eventTime, arrivalTime, key }), {
          seed,
          mostEvents,
          signal,
        });
        return { text: proofText(proof, COLUMNS, PLAIN), document: proof };
      }),
  );
}

function path(what: string) {
  return z
    .string()
    .min(1)
    .max(4096)
    .refine((text) => !text.includes('\0'), { message: 'is no path' })
    .describe(what);
}

interface Answer {
  readonly text: string;
  readonly document?: object;
}

/** What a tool says; an error of ours is an answer too, in the words of the command line, and nothing of a stack. */
async function answering(work: () => Answer | Promise<Answer>): Promise<CallToolResult> {
  try {
    const { text, document } = await work();
    const content = [{ type: 'text' as const, text }];
    return document === undefined
      ? { content }
      : { content, structuredContent: JSON.parse(JSON.stringify(document)) as Record<string, unknown> };
  } catch (error) {
    const text =
      error instanceof CodedError ? `${error.code}: ${error.message}` : 'This is not an error we expected.';
    return { content: [{ type: 'text', text }], isError: true };
  }
}
