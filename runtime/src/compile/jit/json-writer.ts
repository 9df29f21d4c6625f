/** Writes rows as lines of JSON straight from columns: no object and, for stored texts, no string is made. */
import { formatTimestamp } from '../../data/timestamp.ts';
import type { Column } from '../../data/value.ts';
import { nullTest, type Code, type RowSymbols, type Symbol_ } from './symbol.ts';

export interface JsonFormat {
  /** `iso`: 2015-07-15T00:00:00.000Z. `sql`: 2015-07-15 00:00:00.000 */
  readonly times?: 'iso' | 'sql';
}

const PIECE_BYTES = 1 << 16;
const DIGIT_0 = 48;

export class JsonWriter {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #isSql: boolean;
  #bytes = Buffer.allocUnsafe(PIECE_BYTES * 2);
  #at = 0;
  #day = NaN;
  readonly #dayText = Buffer.alloc(11);

  constructor(write: (bytes: Uint8Array) => void, { times }: JsonFormat) {
    this.#write = write;
    this.#isSql = times === 'sql';
  }

  /** Room for one more value; hands full pieces on. */
  #room(needBytes: number): void {
    if (this.#at + needBytes <= this.#bytes.length) return;
    this.finish();
    if (needBytes > this.#bytes.length) this.#bytes = Buffer.allocUnsafe(needBytes * 2);
  }

  finish(): void {
    if (this.#at > 0) this.#write(Buffer.from(this.#bytes.subarray(0, this.#at)));
    this.#at = 0;
  }

  raw(piece: Uint8Array): void {
    const { length } = piece;
    this.#room(length);
    for (let i = 0; i < length; i++) this.#bytes[this.#at + i] = piece[i] as number;
    this.#at += length;
  }

  number(value: number): void {
    this.#room(32);
    if (Number.isInteger(value) && value >= 0 && value <= 4294967295) this.#whole(value);
    else this.#at += this.#bytes.write(JSON.stringify(value), this.#at, 'latin1');
  }

  #whole(value: number): void {
    let digits = 1;
    for (let limit = 10; limit <= value; limit *= 10) digits++;
    let rest = value;
    for (let at = this.#at + digits - 1; at >= this.#at; at--) {
      const next = Math.floor(rest / 10);
      this.#bytes[at] = DIGIT_0 + rest - next * 10;
      rest = next;
    }
    this.#at += digits;
  }

  decimal(value: number, scale: number): void {
    const text = String(Math.abs(value)).padStart(scale + 1, '0');
    const point = scale === 0 ? text : `${text.slice(0, -scale)}.${text.slice(-scale)}`;
    this.#room(64);
    this.#at += this.#bytes.write(`"${value < 0 ? '-' : ''}${point}"`, this.#at, 'latin1');
  }

  time(ms: number): void {
    this.#room(40);
    const day = Math.floor(ms / 86_400_000);
    if (day !== this.#day) {
      this.#day = day;
      this.#dayText.fill(
        formatTimestamp(day * 86_400_000)
          .slice(0, 11)
          .replace('T', this.#isSql ? ' ' : 'T'),
      );
    }
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = 34;
    if (ms < -62_167_219_200_000 || ms >= 253_402_300_800_000) {
      at += bytes.write(formatTimestamp(ms), at, 'latin1');
    } else {
      for (let i = 0; i < 11; i++) bytes[at++] = this.#dayText[i] as number;
      const rest = ms - day * 86_400_000;
      at = pair(bytes, at, Math.floor(rest / 3_600_000), 58);
      at = pair(bytes, at, Math.floor(rest / 60_000) % 60, 58);
      at = pair(bytes, at, Math.floor(rest / 1000) % 60, 46);
      bytes[at++] = DIGIT_0 + Math.floor((rest % 1000) / 100);
      at = pair(bytes, at, rest % 100, this.#isSql ? 34 : 90);
      if (this.#isSql) at--;
    }
    bytes[at++] = 34;
    this.#at = at;
  }

  window(startMs: number, endMs: number): void {
    this.#room(16);
    this.#at += this.#bytes.write('{"start":', this.#at, 'latin1');
    this.time(startMs);
    this.#room(16);
    this.#at += this.#bytes.write(',"end":', this.#at, 'latin1');
    this.time(endMs);
    this.#room(16);
    this.#bytes[this.#at++] = 125;
  }

  boolean(value: boolean): void {
    this.#room(8);
    this.#at += this.#bytes.write(String(value), this.#at, 'latin1');
  }

  /** A string of JS, or any other value. */
  value(value: unknown): void {
    const text = JSON.stringify(value);
    this.#room(text.length * 3);
    this.#at += this.#bytes.write(text, this.#at, 'utf8');
  }

  /** UTF-8 in [start, end): what JSON has to escape is all below 0x60. */
  text(source: Uint8Array, start: number, end: number): void {
    this.#room((end - start) * 6 + 2);
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = 34;
    for (let i = start; i < end; i++) {
      const byte = source[i] as number;
      if (byte >= 32 && byte !== 34 && byte !== 92) bytes[at++] = byte;
      else at = escaped(bytes, at, byte);
    }
    bytes[at++] = 34;
    this.#at = at;
  }
}

function pair(bytes: Uint8Array, at: number, value: number, behind: number): number {
  const tens = Math.floor(value / 10);
  bytes[at] = DIGIT_0 + tens;
  bytes[at + 1] = DIGIT_0 + value - tens * 10;
  bytes[at + 2] = behind;
  return at + 3;
}

function escaped(bytes: Buffer, at: number, byte: number): number {
  const text = JSON.stringify(String.fromCharCode(byte));
  return at + bytes.write(text.slice(1, -1), at, 'latin1');
}

export function writeJson(
  read: (writer: JsonWriter) => void,
  write: (bytes: Uint8Array) => void,
  format: JsonFormat,
): void {
  const writer = new JsonWriter(write, format);
  read(writer);
  writer.finish();
}

/** Code that writes one row with the writer `w`. */
export function jsonLine({ emitter }: Code, columns: readonly Column[]): (row: RowSymbols) => void {
  return (row) => {
    for (const [index, { name }] of columns.entries()) {
      const head = `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`;
      emitter.line(`w.raw(${emitter.bind(Buffer.from(head))});`);
      const symbol = row.get(name)?.get() as Symbol_;
      const test = nullTest(symbol);
      if (test === undefined) emitter.line(writeValue(symbol));
      else {
        emitter.block(`if (${test})`, () => emitter.line(`w.value(null);`));
        emitter.block('else', () => emitter.line(writeValue(symbol)));
      }
    }
    emitter.line(`w.raw(${emitter.bind(Buffer.from(columns.length === 0 ? '{}\n' : '}\n'))});`);
  };
}

function writeValue(symbol: Symbol_): string {
  switch (symbol.rep) {
    case 'number':
      if (symbol.type.type === 'timestamp') return `w.time(${symbol.js});`;
      if (symbol.type.type === 'decimal') return `w.decimal(${symbol.js}, ${symbol.type.scale ?? 0});`;
      return `w.number(${symbol.js});`;
    case 'boolean':
      return `w.boolean(${symbol.type.nullable ? `${symbol.js} === 1` : symbol.js});`;
    case 'window':
      return `w.window(${symbol.start}, ${symbol.end});`;
    case 'text': {
      const { form } = symbol;
      if (form.kind === 'span') return `w.text(${form.bytes}, ${form.start}, ${form.end});`;
      if (form.kind !== 'stored') return `w.value(${symbol.js.get()});`;
      const { arena, reference } = form;
      return `{ const b = ${arena}.bytesOf(${reference}), s = ${arena}.startOf(${reference}); w.text(b, s, s + ${arena}.lengthOf(${reference})); }`;
    }
    case 'value':
      return `w.value(${symbol.js});`;
  }
}
