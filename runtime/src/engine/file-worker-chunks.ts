/**
 * The chunks of an input, each with the lines that begin in it, so that every line is in exactly one and every worker can
 * find its own without reading those before.
 *
 *   file  |……a⏎bbbbbb|bbb⏎c⏎dd|dd⏎…      chunk 0: …a, all of b     chunk 1: c, all of d
 */
import type { MessagePort } from 'node:worker_threads';
import { readSync } from '../ports/files.ts';
import { receiveMessageOnPort } from '../ports/threads.ts';
import { ROOM_BYTES } from './file-lines.ts';
import type { LinesMessage } from './file-worker-messages.ts';

export interface Lines {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
}

export interface ChunkReader {
  /** The lines of a chunk; null behind the last chunk; undefined when it is not there yet. */
  read(chunk: number): Lines | null | undefined;
}

const LINE_FEED = 10;
const MORE_BYTES = 65_536;

export class FileChunks implements ChunkReader {
  readonly #fd: number;
  readonly #chunkBytes: number;
  readonly #bytes: Buffer;

  constructor(fd: number, chunkBytes: number) {
    this.#fd = fd;
    this.#chunkBytes = chunkBytes;
    this.#bytes = Buffer.allocUnsafeSlow(chunkBytes + ROOM_BYTES + MORE_BYTES + 1);
  }

  read(chunk: number): Lines | null {
    const bytes = this.#bytes;
    // With the byte before, which says whether a line begins with the chunk.
    const before = chunk === 0 ? 0 : 1;
    const at = chunk * this.#chunkBytes - before;
    const size = this.#chunkBytes + before;
    let filled = this.#fill(0, size, at);
    if (filled <= before) return null;
    const from = chunk === 0 ? 0 : bytes.subarray(0, filled).indexOf(LINE_FEED) + 1;
    // No line begins here.
    if ((chunk > 0 && from === 0) || from >= filled) return { bytes, from: 0, to: 0 };
    if (bytes[filled - 1] === LINE_FEED || filled < size) return { bytes, from, to: filled };
    const last = Math.max(from, bytes.lastIndexOf(LINE_FEED, filled - 1) + 1);
    // Of a line over the limit the beginning is enough to reject it.
    while (filled - last < ROOM_BYTES) {
      const more = this.#fill(filled, MORE_BYTES, at + filled);
      const feed = bytes.subarray(filled, filled + more).indexOf(LINE_FEED);
      if (feed >= 0) return { bytes, from, to: filled + feed + 1 };
      filled += more;
      if (more < MORE_BYTES) break;
    }
    return { bytes, from, to: filled };
  }

  #fill(at: number, size: number, position: number): number {
    let filled = 0;
    while (filled < size) {
      const read = readSync(this.#fd, this.#bytes, at + filled, size - filled, position + filled);
      if (read === 0) break;
      filled += read;
    }
    return filled;
  }
}

/** Chunks that the main thread hands over. */
export class HandedChunks implements ChunkReader {
  readonly #port: MessagePort;
  readonly #feed: number;
  readonly #onTaken: () => void;
  readonly #arrived = new Map<number, Uint8Array | null>();

  constructor(port: MessagePort, feed: number, onTaken: () => void) {
    this.#port = port;
    this.#feed = feed;
    this.#onTaken = onTaken;
  }

  read(chunk: number): Lines | null | undefined {
    while (!this.#arrived.has(chunk)) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return undefined;
      const message = received.message as LinesMessage;
      if (message.feed === this.#feed) this.#arrived.set(message.chunk, message.lines);
    }
    const lines = this.#arrived.get(chunk) ?? null;
    this.#arrived.delete(chunk);
    if (lines === null) return null;
    this.#onTaken();
    return { bytes: Buffer.from(lines.buffer, lines.byteOffset, lines.length), from: 0, to: lines.length };
  }
}
