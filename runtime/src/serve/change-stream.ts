/**
 * One client that follows the changes of a view through server-sent events.
 *
 *   commit ─► pending, latest row of each key ──every flush──► socket
 *                 └── pending + unsent bytes over the limit ─► the client reads, but one commit is too big: `reset`
 *                                                              the client does not read:                  dropped
 *
 *   event: change   data: [{"key":{…},"row":{…}|null}, …]     rows that changed since the last event
 *   event: reset    data: {}                                  query the view again, then go on
 *   : heartbeat                                               so that both ends notice a dead connection
 *
 * Invariants  I1  A client holds at most `streamBufferedBytesMax` of memory, however slow it is; all of them together at
 *                 most `streamsBufferedBytesMax`.
 *             I2  A client that applies every change and obeys `reset` ends with the rows of the view.
 */
import type { ServerResponse } from 'node:http';
import type { ViewChange } from '../host/host.ts';
import { after, every } from '../ports/timers.ts';
import type { ServeLimits } from './limits.ts';

/** What a row takes in memory besides its text. */
const ROW_BYTES = 100;

export class ChangeStream {
  readonly #response: ServerResponse;
  readonly #limits: ServeLimits;
  /** How many streams there are, this one among them. */
  readonly #streams: () => number;
  readonly #pending = new Map<string, string>();
  readonly #stopHeartbeat: () => void;
  #pendingBytes = 0;
  #mustReset = false;
  #stopFlush: (() => void) | undefined;
  dropped = false;

  constructor(response: ServerResponse, limits: ServeLimits, streams: () => number = () => 1) {
    this.#streams = streams;
    this.#response = response;
    this.#limits = limits;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
    response.write('retry: 2000\n\n: changes follow; query the view now\n\n');
    this.#stopHeartbeat = every(limits.streamHeartbeatEveryMs, () => this.#write(': heartbeat\n\n'));
    response.once('close', () => this.#stop());
    response.on('drain', () => this.#schedule());
  }

  push(changes: readonly ViewChange[]): void {
    if (this.#response.destroyed) return;
    for (const { key, row } of changes) this.#hold(JSON.stringify(key), JSON.stringify(row));
    this.#schedule();
  }

  end(): void {
    this.#flush();
    this.#stop();
    this.#response.end();
  }

  #hold(key: string, row: string): void {
    if (this.#mustReset || this.#response.destroyed) return;
    const before = this.#pending.get(key);
    this.#pendingBytes +=
      Buffer.byteLength(row) -
      (before === undefined ? -Buffer.byteLength(key) - ROW_BYTES : Buffer.byteLength(before));
    this.#pending.set(key, row);
    if (this.#pendingBytes + this.#response.writableLength <= this.#bytesMax) return;
    if (this.#response.writableNeedDrain) {
      this.dropped = true;
      this.#response.destroy();
    } else {
      this.#mustReset = true;
      this.#clear();
    }
  }

  get #bytesMax(): number {
    const { streamBufferedBytesMax, streamsBufferedBytesMax } = this.#limits;
    return Math.min(streamBufferedBytesMax, streamsBufferedBytesMax / Math.max(1, this.#streams()));
  }

  #schedule(): void {
    if (this.#stopFlush !== undefined || (this.#pending.size === 0 && !this.#mustReset)) return;
    this.#stopFlush = after(this.#limits.streamFlushEveryMs, () => {
      this.#stopFlush = undefined;
      // A client that is still busy with the last event gets the next one when it has read it.
      if (!this.#response.writableNeedDrain) this.#flush();
    });
  }

  #flush(): void {
    if (this.#mustReset) {
      this.#mustReset = false;
      this.#write('event: reset\ndata: {}\n\n');
    } else if (this.#pending.size > 0) {
      const changes = [...this.#pending].map(([key, row]) => `{"key":${key},"row":${row}}`);
      this.#clear();
      this.#write(`event: change\ndata: [${changes.join(',')}]\n\n`);
    }
  }

  #write(text: string): void {
    if (!this.#response.destroyed && !this.#response.writableEnded) this.#response.write(text);
  }

  #clear(): void {
    this.#pending.clear();
    this.#pendingBytes = 0;
  }

  #stop(): void {
    this.#stopHeartbeat();
    this.#stopFlush?.();
    this.#clear();
  }
}
