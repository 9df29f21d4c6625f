/** Cuts bytes into lines without ever holding more than one line of the largest allowed size. */
import { EVENT_BYTES_MAX, NOT_UTF8, textOfLine, tooLong } from '../data/line.ts';

/** One event as text, before anybody looked into it. */
export interface Line {
  /** From 1; the rows of a table after its header count alike. */
  readonly number: number;
  /** At most the first megabyte. */
  readonly text: string;
  /** Why the text cannot be an event, when that is known already. */
  readonly problem?: string;
}

const LINE_FEED = 10;

/** Lines of UTF-8 text; empty ones are skipped, a line over a megabyte comes cut, with the problem said. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Line> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let number = 0;
  for await (const chunk of chunks) {
    let from = 0;
    while (from < chunk.length) {
      const feed = chunk.indexOf(LINE_FEED, from);
      const until = feed < 0 ? chunk.length : feed;
      // Beyond the limit only the length is remembered.
      if (bytes <= EVENT_BYTES_MAX) parts.push(chunk.subarray(from, until));
      bytes += until - from;
      from = until + 1;
      if (feed < 0) break;
      const line = finish(parts, bytes, ++number);
      if (line !== null) yield line;
      parts = [];
      bytes = 0;
    }
  }
  const last = bytes > 0 ? finish(parts, bytes, number + 1) : null;
  if (last !== null) yield last;
}

/** A row of a table as the line that it would be. */
export function lineOf(number: number, text: string): Line {
  const bytes = Buffer.byteLength(text);
  if (bytes <= EVENT_BYTES_MAX) return { number, text };
  return { number, text: text.slice(0, EVENT_BYTES_MAX), problem: tooLong(bytes) };
}

/** Bytes that `linesOf` reads as this line again, with the same problem: what another process is sent. */
export function bytesOf({ text, problem }: Line): Buffer {
  if (problem === NOT_UTF8) return Buffer.from(text, 'latin1');
  const bytes = Buffer.from(text);
  if (problem === undefined || bytes.length > EVENT_BYTES_MAX) return bytes;
  return Buffer.concat([bytes, Buffer.alloc(EVENT_BYTES_MAX + 1 - bytes.length, ' ')]);
}

function finish(parts: readonly Uint8Array[], bytes: number, number: number): Line | null {
  const content = Buffer.concat(parts).subarray(0, EVENT_BYTES_MAX);
  if (bytes > EVENT_BYTES_MAX) return { number, text: content.toString('utf8'), problem: tooLong(bytes) };
  const line = textOfLine(content);
  return line === null ? null : { number, ...line };
}
