/**
 * Talks to a running pipeline of this machine through its control socket. Every answer is what the host said; every
 * failure keeps the code, the message and the kind that the host's error had.
 */
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { CodedError, row } from '../base/coded-error.ts';
import { failure } from '../base/errors.ts';
import { request } from '../ports/network.ts';
import type { IngestResult, JsonRow, LateRow, RejectedRow, Status, ViewQuery } from '../host/host.ts';

export interface ControlClient {
  status(): Promise<Status>;
  /** Without a limit: every row. */
  query(view: string, query: ViewQuery): Promise<readonly JsonRow[]>;
  ingest(source: string, lines: AsyncIterable<Uint8Array>, producer?: string): Promise<IngestResult>;
  command(name: string, params: unknown): Promise<unknown>;
  late(limit: number): Promise<readonly LateRow[]>;
  rejected(limit: number): Promise<readonly RejectedRow[]>;
}

/** Every method @throws NOT_RUNNING when nothing answers at the socket, and what the host throws. */
export function controlClient(socketPath: string): ControlClient {
  const get = async (path: string): Promise<unknown> => {
    return valueOf(await send(socketPath, 'GET', path));
  };
  const rows = async <R>(path: string): Promise<readonly R[]> =>
    ((await get(path)) as { rows: readonly R[] }).rows;
  return {
    status: async () => (await get('/api/status')) as Status,
    query: (view, query) => rows(`/api/views/${encodeURIComponent(view)}?${paramsOf(query).toString()}`),
    late: (limit) => rows(`/api/late?limit=${limit}`),
    rejected: (limit) => rows(`/api/rejected?limit=${limit}`),
    async ingest(source, lines, producer) {
      const path = `/api/events/${encodeURIComponent(source)}`;
      const reply = await send(socketPath, 'POST', path, {
        type: 'application/x-ndjson',
        lines,
        ...(producer !== undefined && { producer }),
      });
      const refused = problemSchema.safeParse(reply.value).data;
      // That no event was good is a result, not a failure of the call.
      if (refused?.code === 'EVENTS_REJECTED') return ingestSchema.parse(reply.value);
      return valueOf(reply) as IngestResult;
    },
    async command(name, params) {
      const lines = [Buffer.from(JSON.stringify(params ?? null))];
      const body = { type: 'application/json', lines };
      return valueOf(await send(socketPath, 'POST', `/control/${encodeURIComponent(name)}`, body));
    },
  };
}

function paramsOf(query: ViewQuery): URLSearchParams {
  const params = new URLSearchParams();
  for (const [column, value] of Object.entries(query.where)) params.append('where', `${column}=${value}`);
  if (query.fromMs !== undefined) params.set('from', new Date(query.fromMs).toISOString());
  if (query.toMs !== undefined) params.set('to', new Date(query.toMs).toISOString());
  if (query.order !== undefined) params.set('order', query.order);
  if (query.limit !== undefined) params.set('limit', String(query.limit));
  return params;
}

const problemSchema = z.looseObject({
  code: z.string(),
  detail: z.string(),
  kind: z.enum(['user', 'external', 'check', 'internal']),
  retry: z.boolean(),
});

const ingestSchema = z.object({
  accepted: z.number(),
  rejected: z.number(),
  known: z.number().optional(),
  problems: z.array(z.object({ line: z.number(), reason: z.string() })),
});

interface Reply {
  readonly status: number;
  readonly value: unknown;
}

interface Body {
  readonly type: string;
  readonly producer?: string;
  readonly lines: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

function valueOf(reply: Reply): unknown {
  if (reply.status === 200) return reply.value;
  const problem = problemSchema.safeParse(reply.value).data;
  if (problem === undefined) throw failure('CONTROL_ANSWER_INVALID', { status: reply.status });
  const kind = problem.kind === 'internal' ? 'external' : problem.kind;
  throw new CodedError(
    problem.code,
    row(kind, () => problem.detail, problem.retry),
    {},
  );
}

async function send(socketPath: string, method: string, path: string, body?: Body): Promise<Reply> {
  const headers = {
    host: 'localhost',
    ...(body !== undefined && { 'content-type': body.type }),
    ...(body?.producer !== undefined && { 'pipeline-producer': body.producer }),
  };
  const outgoing = request({ socketPath, method, path, headers, agent: false });
  const answer = answerOf(outgoing, socketPath);
  answer.catch(() => {});
  if (body === undefined) outgoing.end();
  else await Promise.race([sendBody(outgoing, body), answer]);
  const incoming = await answer;
  const text = await textOf(incoming);
  try {
    return { status: incoming.statusCode ?? 0, value: JSON.parse(text) as unknown };
  } catch {
    throw failure('CONTROL_ANSWER_INVALID', { status: incoming.statusCode ?? 0 });
  }
}

/** A failure to read `lines` is the caller's own error; a server that stops reading has answered why. */
async function sendBody(outgoing: ClientRequest, body: Body): Promise<void> {
  let readError: unknown;
  const lines = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* body.lines;
    } catch (error) {
      readError = error;
      throw error;
    }
  };
  try {
    await pipeline(Readable.from(lines(), { objectMode: false }), outgoing);
  } catch {
    if (readError !== undefined) throw readError as Error;
  }
}

async function answerOf(outgoing: ClientRequest, socketPath: string): Promise<IncomingMessage> {
  try {
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    return incoming;
  } catch (error) {
    throw failure('NOT_RUNNING', { path: socketPath }, error);
  }
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
