/** The built `advisor mcp`, as a coding agent meets it: the SDK's own client over standard input and output. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recommend } from '../../src/advisor/recommend.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAM = join(ROOT, 'dist', 'advisor.js');
const FLIGHTS = join(ROOT, 'templates', 'base', 'sample', 'flights.jsonl');
const ANSWERS = {
  freshness: '15m',
  lateness: { max: '10m' },
  reprocessing: { every: 'monthly' },
  maturity: 'novice',
} as const;

interface Result {
  readonly content: readonly { readonly type: string; readonly text?: string }[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
}

let client: Client;
let said = '';
beforeAll(async () => {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [PROGRAM, 'mcp'],
    stderr: 'pipe',
  });
  transport.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
});
afterAll(() => client.close());

async function call(name: string, args: Record<string, unknown>): Promise<Result> {
  return (await client.callTool({ name, arguments: args })) as Result;
}

const textOf = ({ content }: Result): string => content.map(({ text = '' }) => text).join('\n');

describe('tools', () => {
  test('are listed, each read-only, with the answers as JSON Schema', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      'recommend',
      'questions',
      'explain',
      'map',
      'profile',
      'review',
      'prove',
    ]);
    for (const { annotations, inputSchema } of tools) {
      expect(annotations).toMatchObject({ readOnlyHint: true });
      expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
      // How a prompt asks is no business of an agent.
      expect(JSON.stringify(inputSchema)).not.toContain('"question"');
    }
    const text = JSON.stringify(tools[0]?.inputSchema);
    expect(text).toContain('How old may a result be when someone reads it?');
    expect(text).toContain('"enum":["novice","intermediate","expert","unsure"]');
  });

  test('recommend answers what the library does, as text and as a document', async () => {
    const result = await call('recommend', { answers: ANSWERS });
    expect(result.isError ?? false).toBe(false);
    expect(result.structuredContent).toEqual(JSON.parse(JSON.stringify(recommend(ANSWERS))));
    expect(textOf(result)).toMatch(/^micro-batch\n/);
  });

  test('questions, explain, map and profile answer', async () => {
    expect(textOf(await call('questions', {}))).toContain('| `freshness` |');
    expect(await call('explain', { architecture: 'kappa' })).toMatchObject({
      structuredContent: { architecture: 'kappa' },
    });
    const map = textOf(await call('map', { answers: ANSWERS }));
    expect(map).toContain('M micro-batch');
    expect(map).not.toContain('\u001b[');
    const profile = await call('profile', {
      file: FLIGHTS,
      eventTime: 'scheduled',
      arrivalTime: 'arrived',
      key: 'origin',
    });
    expect(profile.structuredContent).toMatchObject({ version: 1, measures: { events: 16_805 } });
    const { answers } = profile.structuredContent as { answers: object };
    const next = await call('recommend', { answers: { ...ANSWERS, ...answers } });
    expect(next.structuredContent).toMatchObject({ defaulted: expect.not.arrayContaining(['volume.keys']) });
  });
});

test(
  'prove measures the five as the command does, and no more events than it may',
  { timeout: 300_000 },
  async () => {
    const proved = await call('prove', {
      answers: { ...ANSWERS, volume: { eventsPerSecond: 2 } },
      events: 300,
    });
    expect(proved.isError).not.toBe(true);
    expect(proved.structuredContent).toMatchObject({
      version: 1,
      recommendation: 'micro-batch',
      workload: { from: 'description', oneIn: 576, simulatedEvents: 300 },
      law: { holds: true },
    });
    expect(textOf(proved)).toContain('All five end with the same');
    const more = await call('prove', { answers: ANSWERS, events: 1_000_000 });
    expect(more.isError).toBe(true);
    const fields = await call('prove', { answers: ANSWERS, key: 'origin' });
    expect(textOf(fields)).toMatch(/OPTION_NEEDS: --key/);
  },
);

describe('hostile input gets an error that says what to do, and the server goes on', () => {
  test.each<[string, string, Record<string, unknown>, RegExp]>([
    ['a missing answer', 'recommend', { answers: { freshness: '15m' } }, /ANSWERS_MISSING: .*--lateness-max/],
    ['no answers at all', 'recommend', {}, /answers: /],
    [
      'a bare number',
      'recommend',
      { answers: { ...ANSWERS, freshness: 15 } },
      /15 has no unit: say 15m or 15s/,
    ],
    ['an unknown key', 'recommend', { answers: { ...ANSWERS, latenes: {} } }, /Did you mean "lateness"\?/],
    [
      'a prototype',
      'recommend',
      { answers: JSON.parse('{"__proto__":{"freshness":"1s"}}') },
      /unknown key|MISSING/,
    ],
    [
      'a long text',
      'recommend',
      { answers: { ...ANSWERS, freshness: '9'.repeat(1e6) } },
      /is not a duration|has no unit/,
    ],
    [
      'a long word',
      'recommend',
      { answers: { ...ANSWERS, maturity: 'x'.repeat(1e6) } },
      /is not one of novice/,
    ],
    ['a long key', 'recommend', { answers: { ...ANSWERS, ['k'.repeat(1e6)]: 1 } }, /unknown key/],
    ['contradiction', 'recommend', { answers: { ...ANSWERS, arrival: 'files' } }, /needs arrivalEvery/],
    ['another word', 'explain', { architecture: 'lamda' }, /lambda/],
    ['an axis that is none', 'map', { x: 'freshnes' }, /Did you mean "freshness"\?/],
    ['one axis twice', 'map', { x: 'maturity', y: 'maturity' }, /AXES_EQUAL/],
    ['a file that is not there', 'profile', { file: '/nowhere/x.jsonl', eventTime: 'at' }, /nowhere/],
    ['a folder', 'profile', { file: ROOT, eventTime: 'at' }, /cannot be read|EISDIR|FILE_/],
    ['a folder that is no project', 'review', { dir: ROOT }, /PROJECT_ABSENT: .*pipeline\.config\.yaml/],
    ['a field that is not there', 'profile', { file: FLIGHTS, eventTime: 'when' }, /"when"/],
    ['a zero in a name', 'profile', { file: 'a\0b.jsonl', eventTime: 'at' }, /file: is no path/],
  ])('%s', async (_, name, args, says) => {
    const result = await call(name, args);
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(says);
    expect(textOf(result)).not.toMatch(/^\s+at .*\.js/m);
    expect(textOf(result).length).toBeLessThan(5000);
  });

  test('a tool that there is not is refused', async () => {
    await expect(call('rm', { path: '/' })).rejects.toThrow('rm');
  });

  test('after all of it the server answers', async () => {
    expect(await call('recommend', { answers: ANSWERS })).toMatchObject({
      structuredContent: { recommendation: 'micro-batch' },
    });
    expect(said).toBe('');
  });
});

describe('the process', () => {
  function start() {
    const server = spawn(process.execPath, [PROGRAM, 'mcp'], { stdio: ['pipe', 'pipe', 'pipe'] });
    const lines: string[] = [];
    createInterface({ input: server.stdout }).on('line', (line) => lines.push(line));
    let err = '';
    server.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    return { server, lines, err: () => err };
  }

  test('lines that are no messages do not end it; the end of the input does, with exit code 0', async () => {
    const { server, lines, err } = start();
    server.stdin.write('hello\n{"jsonrpc":"2.0"}\n[]\n{"jsonrpc":"2.0","id":1,"method":"nothing"}\nnull\n');
    const deep = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":${'['.repeat(1e5)}${']'.repeat(1e5)}}`;
    server.stdin.write(`${deep}\n`);
    const params = {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 't', version: '1' },
    };
    server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'initialize', params })}\n`);
    while (!lines.some((line) => line.includes('"id":7'))) await once(server.stdout, 'data');
    const answers = lines.map((line) => JSON.parse(line) as { id?: number; result?: unknown });
    expect(answers.find(({ id }) => id === 7)?.result).toMatchObject({
      serverInfo: { name: 'pipeline-advisor' },
    });
    server.stdin.end();
    const [code] = (await once(server, 'exit')) as [number];
    expect(code).toBe(0);
    expect(err()).not.toMatch(/^\s+at /m);
  });
});
