/** One line of input as text, or why it cannot be an event. */
export const EVENT_BYTES_MAX = 1_000_000;

export const NOT_UTF8 = 'the line is not UTF-8 text';

export function tooLong(bytes: number): string {
  return `the event has ${bytes} bytes, over the 1 MB that one may have`;
}

/** What stands in a line without its line feed: null for nothing but spaces. */
export function textOfLine(bytes: Uint8Array): { readonly text: string; readonly problem?: string } | null {
  if (bytes.length > EVENT_BYTES_MAX) {
    const text = Buffer.from(bytes.subarray(0, EVENT_BYTES_MAX)).toString('utf8');
    return { text, problem: tooLong(bytes.length) };
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { text: Buffer.from(bytes).toString('latin1'), problem: NOT_UTF8 };
  }
  text = text.trim();
  return text === '' ? null : { text };
}

/** The value of a text, or why it is not JSON. */
export function parseJson(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { problem: `not JSON: ${(error as Error).message.slice(0, 120)}` };
  }
}
