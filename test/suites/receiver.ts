/** Who receives the messages of an HTTP sink: has what a view has, if it was told everything, whatever came twice. */
import type { JsonRow } from '../../runtime/src/host/host.ts';

interface Body {
  readonly version: number;
  readonly number: number;
  readonly position: number;
  readonly reset: boolean;
  readonly complete: boolean;
  readonly changes: readonly { readonly id: string; readonly row: JsonRow | null; readonly count?: number }[];
}

export class Receiver {
  /** Bodies by their idempotency keys, in their order. */
  readonly messages = new Map<string, string>();
  readonly rows = new Map<string, { readonly row: JsonRow; readonly count: number }>();
  readonly problems: string[] = [];
  /** Messages that came again. */
  repeats = 0;
  /** Rows that came under another key with the values that they had. */
  echoes = 0;
  /** Content and position after the last message that said it was complete. */
  complete: { readonly position: number; readonly content: readonly JsonRow[] } | null = null;
  largest = 0;

  take(key: string | null, text: string): void {
    if (key === null) {
      this.problems.push('a message without a key');
      return;
    }
    const before = this.messages.get(key);
    if (before !== undefined) {
      this.repeats++;
      if (before !== text) this.problems.push(`${key}: not the same bytes`);
      return;
    }
    this.messages.set(key, text);
    const { reset, complete, position, changes } = JSON.parse(text) as Body;
    this.largest = Math.max(this.largest, changes.length);
    if (reset) this.rows.clear();
    for (const { id, row, count = 1 } of changes) {
      const found = this.rows.get(id);
      if (row !== null && JSON.stringify(found) === JSON.stringify({ row, count })) this.echoes++;
      if (row === null) this.rows.delete(id);
      else this.rows.set(id, { row, count });
    }
    if (complete) this.complete = { position, content: this.content() };
  }

  content(): JsonRow[] {
    return [...this.rows.values()].flatMap(({ row, count }) => Array.from({ length: count }, () => row));
  }

  numbers(): number[] {
    return [...this.messages.values()].map((text) => (JSON.parse(text) as Body).number);
  }
}
