/** The routes of the contract over a host. The gate has let the request through; what is thrown becomes a problem. */
import type { IncomingMessage } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono, type Context } from 'hono';
import { routePath } from 'hono/route';
import type { Metrics } from '../observe/metrics.ts';
import {
  discardRest,
  DocumentReader,
  documentToLines,
  LimitedBody,
  readBodyKind,
  refuseLength,
  tooLarge,
} from './body.ts';
import { ChangeStream } from './change-stream.ts';
import { dashboardAssets } from './dashboard/assets.ts';
import type { History } from './history.ts';
import type { Host, IngestResult } from '../host/host.ts';
import type { ServeLimits } from './limits.ts';
import type { ServeLogger } from './logger.ts';
import { headersOf, HttpProblem, PROBLEM_TYPE, problemOf } from './problem.ts';
import { readLimit, readViewQuery } from './view-query.ts';

export interface RouteSettings {
  readonly host: Host;
  readonly limits: ServeLimits;
  readonly metrics: Metrics;
  readonly history: History;
  readonly logger: ServeLogger;
  /** The control socket has commands, no limit on rows or bodies, and no page. */
  readonly isControl: boolean;
  readonly isClosing: () => boolean;
  readonly streams: Set<ChangeStream>;
}

export type App = Hono<{ Bindings: HttpBindings }>;
type Call = Context<{ Bindings: HttpBindings }>;
type Answer = (call: Call) => Response | Promise<Response>;

export function createRoutes(settings: RouteSettings): App {
  const app: App = new Hono();
  app.use(async (call, next) => {
    await next();
    const { method } = call.req;
    settings.metrics.httpRequests.inc({ route: routePath(call, -1), method, status: call.res.status });
  });
  const on = (method: 'GET' | 'POST', path: string, answer: Answer): void => {
    app.on(method, path, answer);
    app.all(path, () => {
      const allow = method === 'GET' ? 'GET, HEAD' : method;
      throw new HttpProblem(405, 'METHOD_NOT_ALLOWED', `This address answers to ${allow}.`, {
        headers: { allow },
      });
    });
  };
  healthRoutes(settings, on);
  viewRoutes(settings, on);
  const documents = new DocumentReader(settings.limits);
  on('POST', '/api/events/:source', (call) => ingest(settings, documents, call));
  if (settings.isControl) on('POST', '/control/:name', (call) => command(settings, documents, call));
  else assetRoutes(on);
  app.notFound(() => problemResponse(new HttpProblem(404, 'NOT_FOUND', 'There is nothing at this address.')));
  app.onError(async (error, call) => {
    const problem = problemOf(error);
    if (problem.status >= 500) settings.logger.error({ err: error, code: problem.code }, 'a request failed');
    await discardRest(call.env.incoming, settings.limits.bodyBytesMax, settings.limits.lingerTimeoutMs);
    return problemResponse(error);
  });
  return app;
}

export function problemResponse(error: unknown): Response {
  const problem = problemOf(error);
  const headers = { ...headersOf(error), 'content-type': PROBLEM_TYPE };
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

type On = (method: 'GET' | 'POST', path: string, answer: Answer) => void;

function healthRoutes(settings: RouteSettings, on: On): void {
  const { host, metrics, history, limits } = settings;
  on('GET', '/healthz', (call) => call.json({ ok: true }));
  on('GET', '/readyz', async (call) => {
    const status = await host.status().catch(() => null);
    const checks = {
      accepting: !settings.isClosing(),
      running: status?.running ?? false,
      room: status?.disk?.intake !== 'refused',
    };
    if (Object.values(checks).every(Boolean)) return call.json({ ready: true, checks });
    const detail = checks.running && !checks.room ? 'The disk is full.' : 'The pipeline is not running.';
    throw new HttpProblem(503, 'NOT_READY', detail, { members: { checks } });
  });
  on('GET', '/metrics', async (call) => {
    const text = await metrics.render(await host.status());
    return call.body(text, 200, { 'content-type': metrics.contentType });
  });
  on('GET', '/api/status', async (call) => call.json(await host.status()));
  on('GET', '/api/history', (call) =>
    call.json({ everySeconds: limits.historyEveryMs / 1000, samples: history.samples() }),
  );
}

function viewRoutes(settings: RouteSettings, on: On): void {
  const { host, limits } = settings;
  on('GET', '/api/views/:view', async (call) => {
    const view = nameOf(call, 'view');
    const query = readViewQuery(paramsOf(call), settings.isControl ? UNLIMITED_ROWS(limits) : limits);
    const limit = query.limit ?? limits.rowsDefault;
    // One row more than asked for tells whether there are more.
    const rows = await host.query(view, { ...query, limit: limit + 1 });
    return call.json({ view, rows: rows.slice(0, limit), truncated: rows.length > limit });
  });
  on('GET', '/api/views/:view/changes', (call) => follow(settings, call));
  on('GET', '/api/late', async (call) => {
    const limit = readLimit(paramsOf(call).get('limit') ?? undefined, 20, limits.rowsMax);
    return call.json({ rows: await host.late(limit) });
  });
  on('GET', '/api/rejected', async (call) => {
    const limit = readLimit(paramsOf(call).get('limit') ?? undefined, 20, limits.rowsMax);
    return call.json({ rows: await host.rejected(limit) });
  });
}

/** A command of this machine's owner reads a whole view. */
function UNLIMITED_ROWS(limits: ServeLimits): ServeLimits {
  return { ...limits, rowsDefault: 999_999_998, rowsMax: 999_999_999 };
}

async function follow(settings: RouteSettings, call: Call): Promise<Response> {
  const { host, limits, streams, metrics } = settings;
  const view = nameOf(call, 'view');
  await host.query(view, { where: {}, limit: 1 });
  if (call.req.method === 'HEAD')
    return call.body(null, 200, { 'content-type': 'text/event-stream; charset=utf-8' });
  if (settings.isClosing() || streams.size >= limits.streamsMax) {
    throw new HttpProblem(
      503,
      'TOO_MANY_STREAMS',
      `At most ${limits.streamsMax} streams are open at a time.`,
    );
  }
  const { outgoing } = call.env;
  let stream: ChangeStream | undefined;
  // Nothing is sent before the host has agreed: an error can still be a problem document.
  const stop = host.subscribe(view, (changes) => stream?.push(changes));
  const opened = new ChangeStream(outgoing, limits, () => streams.size);
  stream = opened;
  streams.add(opened);
  metrics.streams.set(streams.size);
  outgoing.once('close', () => {
    stop();
    streams.delete(opened);
    metrics.streams.set(streams.size);
    if (opened.dropped) metrics.streamsDropped.inc();
  });
  return RESPONSE_ALREADY_SENT;
}

async function ingest(settings: RouteSettings, documents: DocumentReader, call: Call): Promise<Response> {
  const { host } = settings;
  const source = nameOf(call, 'source');
  const request = call.env.incoming;
  const kind = readBodyKind(request, ['document', 'lines']);
  if (kind === 'document') {
    const { bytes, value } = await documents.read(request, settings.limits.bodyBytesMax);
    if (typeof value !== 'object' || value === null) {
      throw new HttpProblem(400, 'BODY_INVALID', 'The body must be an event, or an array of events.');
    }
    return ingested(call, await host.ingest(source, only(documentToLines(bytes, Array.isArray(value)))));
  }
  const bytesMax = settings.isControl ? Number.POSITIVE_INFINITY : settings.limits.bodyBytesMax;
  refuseLength(request, bytesMax);
  const body = new LimitedBody(request, bytesMax);
  const producer = settings.isControl ? request.headers['pipeline-producer'] : undefined;
  const result = await host.ingest(source, body, typeof producer === 'string' ? producer : undefined);
  if (body.exceeded) throw tooLarge(bytesMax, { ...result });
  return ingested(call, result);
}

function ingested(call: Call, result: IngestResult): Response {
  if (result.accepted > 0 || result.rejected === 0) return call.json(result);
  const detail = `No event was accepted; ${result.rejected} were rejected. They are kept, see "pipeline rejected".`;
  throw new HttpProblem(400, 'EVENTS_REJECTED', detail, { members: { ...result } });
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function command(settings: RouteSettings, documents: DocumentReader, call: Call): Promise<Response> {
  const request: IncomingMessage = call.env.incoming;
  readBodyKind(request, ['document']);
  const { value } = await documents.read(request, settings.limits.commandBytesMax);
  const answer = await settings.host.command(nameOf(call, 'name'), value);
  return call.json(answer ?? null);
}

function assetRoutes(on: On): void {
  for (const [path, asset] of dashboardAssets()) {
    on('GET', path, (call) => call.body(asset.body, 200, { 'content-type': asset.type }));
  }
}

function nameOf(call: Call, parameter: string): string {
  return call.req.param(parameter) ?? '';
}

function paramsOf(call: Call): URLSearchParams {
  return new URL(call.req.url).searchParams;
}
