/** A receiver as a process of its own, and a reader of what it wrote down who never looks away. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Receiver } from '../suites/receiver.ts';

const SCRIPT = new URL('./receiver-process.mjs', import.meta.url).pathname;

export class ReceiverChild {
  /** What the file says, as far as it was read. */
  readonly state = new Receiver();
  readonly #folder = mkdtempSync(join(tmpdir(), 'receiver-'));
  readonly #file = join(this.#folder, 'received.jsonl');
  #child: ChildProcess | null = null;
  #at = 0;
  #rest = Buffer.alloc(0);
  #port = 0;

  static async start(): Promise<ReceiverChild> {
    const receiver = new ReceiverChild();
    writeFileSync(receiver.#file, '');
    await receiver.up();
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/rows`;
  }

  /** Starts it, again on the same port. */
  async up(): Promise<void> {
    const child = spawn(process.execPath, [SCRIPT, this.#file, String(this.#port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    this.#port = Number(said.toString());
  }

  /** At once, whatever it is doing. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Takes in the lines that are whole; one that it died over is not, and was not answered. */
  read(onMessage: () => void = () => {}): void {
    const fd = openSync(this.#file, 'r');
    try {
      const bytes = Buffer.alloc(fstatSync(fd).size - this.#at);
      this.#at += readSync(fd, bytes, 0, bytes.length, this.#at);
      this.#rest = Buffer.concat([this.#rest, bytes]);
    } finally {
      closeSync(fd);
    }
    for (let end = this.#rest.indexOf(10); end >= 0; end = this.#rest.indexOf(10)) {
      const line = this.#rest.toString('utf8', 0, end);
      this.#rest = this.#rest.subarray(end + 1);
      if (!line.endsWith('}')) continue;
      const { key, body } = JSON.parse(line) as { key: string; body: string };
      this.state.take(key, body);
      onMessage();
    }
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
