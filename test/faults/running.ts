/** A `pipeline run` that is up: where it answers, and what is on its disk. */
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Exit, TestProject } from '../runtime/crash/project.ts';

export interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly exit: Promise<Exit>;
}

/** Starts `pipeline run` and waits until it says where its dashboard is. Throws what it printed when it ends before. */
export async function startRun(project: TestProject, args: readonly string[] = []): Promise<Running> {
  const { child, exit } = project.start(['run', '--port', '0', ...args]);
  const said: string[] = [];
  const ended = exit.then(({ stderr }) => {
    throw new Error(`pipeline run ended: ${stderr}`);
  });
  ended.catch(() => {});
  for (;;) {
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(said.join(''));
    if (address !== null) return { child, url: address[0], exit };
    const [text] = (await Promise.race([once(child.stderr ?? child, 'data'), ended])) as [string];
    said.push(text);
  }
}

/** Every file of a folder with the hash of its bytes, links and sockets by name alone. */
export function contentOf(folder: string): Record<string, string> {
  const content: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    // Never the lock: closing it would take it away from an owner in this process.
    const isRead = entry.isFile() && entry.name !== 'LOCK';
    content[path.slice(folder.length + 1)] = isRead
      ? createHash('sha256').update(readFileSync(path)).digest('hex')
      : 'exists';
  }
  return content;
}

/** Sends one event; true when it was acknowledged. */
export async function post(url: string, source: string, event: unknown): Promise<boolean> {
  try {
    const response = await fetch(`${url}/api/events/${source}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(event),
    });
    return response.status === 200 && ((await response.json()) as { accepted: number }).accepted === 1;
  } catch {
    return false;
  }
}
