/** A project in a temporary folder, run as real processes of the built `pipeline` command. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const CLI = new URL('../../../runtime/dist/cli/main.js', import.meta.url).pathname;
const SAMPLE = new URL('../../../templates/base/sample/flights.jsonl', import.meta.url).pathname;

/** The flights question under the policy `correct`; the oracle in ../law knows the same rules. */
export const DEFINITION = `
import { avg, count, countDistinct, pipeline, source, tumbling } from 'pipeline-runtime';
import { z } from 'zod';
const flights = source('flights', {
  schema: z.object({ origin: z.string(), destination: z.string(), scheduled: z.iso.datetime(), delay: z.number() }),
  eventTime: 'scheduled',
  watermark: { delay: '15m' },
  lateness: { allowed: '1h', then: 'correct' },
});
export default pipeline('departures', {
  delays: flights
    .groupBy((f) => ({ origin: f.origin, window: tumbling(f.scheduled, '1h') }))
    .aggregate((f) => ({ flights: count(), meanDelay: avg(f.delay), destinations: countDistinct(f.destination) }))
    .updates(),
});
`;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class TestProject {
  readonly folder = mkdtempSync(join(tmpdir(), 'project-'));
  readonly #children = new Set<ChildProcess>();

  constructor(config: string, definition = DEFINITION) {
    writeFileSync(join(this.folder, 'pipeline.config.yaml'), `version: 1\n${config}`);
    writeFileSync(join(this.folder, 'pipeline.ts'), definition);
    cpSync(SAMPLE, join(this.folder, 'flights.jsonl'));
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  start(args: readonly string[], input?: string): { child: ChildProcess; exit: Promise<Exit> } {
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd: this.folder,
      env: { ...process.env, NO_COLOR: '1' },
    });
    this.#children.add(child);
    const [stdout, stderr]: [string[], string[]] = [[], []];
    child.stdout.setEncoding('utf8').on('data', (text: string) => stdout.push(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => stderr.push(text));
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    const exit = new Promise<Exit>((resolve) => {
      child.on('close', (code, signal) => {
        this.#children.delete(child);
        resolve({ code, signal, stdout: stdout.join(''), stderr: stderr.join('') });
      });
    });
    return { child, exit };
  }

  run(args: readonly string[], input?: string): Promise<Exit> {
    return this.start(args, input).exit;
  }

  /** Rows of the view as the command prints them. */
  async rows(): Promise<unknown[]> {
    const { stdout } = await this.run(['query', 'delays', '--format', 'json']);
    return JSON.parse(stdout) as unknown[];
  }

  remove(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
