/**
 * What lines look like, learned while reading: events of one producer have the same keys in the same order. So the bytes
 * between two values — commas, keys, braces — are one step, which is guessed from the step before and only compared.
 *
 *   {"event_type":2,"bid":{"auction":1000,"price":7}}
 *   ╰─ step ─────╯ ╰─ step ─────────╯    ╰step ──╯ ╰─ step: the end of the line
 *
 * Invariants  F2  Which step a text is depends on its own bytes and on the object it begins in, on nothing behind it. So
 *                 bytes that equal those of a known step are that step.
 */
import { plainEnd } from './scanner-bytes.ts';
import { END, SKIP, STEP, STEP_BYTES, STOP } from './scanner-layout.ts';
import type { ScannerMemory } from './scanner-memory.ts';

/** One value that is read, or an object on the way to one. */
export interface Key {
  /** What to do with the value, and in a line that is not wanted; of an object nothing. */
  readonly op: number;
  readonly opWhenDropped: number;
  /** Address of the leaf, and of the mark of the key. */
  readonly leaf: number;
  readonly mark: number;
  /** The keys of the object; null for a value. */
  readonly inside: ReadonlyMap<string, number> | null;
  /** The key whose object this one lies in; OUTERMOST for those of the event itself. */
  readonly parent: number;
}

export const OUTERMOST = -1;
const OUTSIDE = -2;

/** Numbers of the step before a line, of one that nothing equals, and of the one for what is not worth remembering. */
const START = 0;
const NEVER = 1;
const ONCE = 2;

const STEPS_MAX = 2048;
const BYTES_MAX = 131_072;
const STEP_BYTES_MAX = 4096;
const SUCCESSORS_MAX = 16;
const ENTERED_MAX = 64;

export class Shapes {
  /** Address of the step before a line. */
  readonly start: number;
  readonly #memory: ScannerMemory;
  readonly #keys: readonly Key[];
  readonly #root: ReadonlyMap<string, number>;
  readonly #bytes: number;
  readonly #entered: number;
  readonly #successors: number[][] = Array.from({ length: STEPS_MAX }, () => []);
  readonly #known = new Map<string, number>();
  #size = 3;
  #bytesUsed = 16;
  #enteredUsed = ENTERED_MAX;
  #end = 0;

  constructor(memory: ScannerMemory, keys: readonly Key[], root: ReadonlyMap<string, number>) {
    this.#memory = memory;
    this.#keys = keys;
    this.#root = root;
    this.start = memory.allocate(STEPS_MAX * STEP_BYTES);
    this.#bytes = memory.allocate(BYTES_MAX + 16);
    this.#entered = memory.allocate(4 * (2 * STEPS_MAX + ENTERED_MAX));
    this.#set(START, STEP.inside, OUTSIDE);
    this.#set(START, STEP.guess, this.#address(NEVER));
    this.#set(ONCE, STEP.guess, this.#address(NEVER));
    this.#set(ONCE, STEP.number, ONCE);
    // Line feeds stand between lines, never between values. Should they be met, they stop the scan.
    memory.bytes.fill('\n', this.#bytes, this.#bytes + 4);
    this.#set(NEVER, STEP.bytes, this.#bytes);
    this.#set(NEVER, STEP.length, 4);
    this.#set(NEVER, STEP.mask, 0xf);
    this.#set(NEVER, STEP.op, STOP);
    this.#set(NEVER, STEP.opWhenDropped, STOP);
  }

  #address(step: number): number {
    return this.start + step * STEP_BYTES;
  }

  #set(step: number, field: number, value: number): void {
    this.#memory.words[(this.#address(step) + field) >>> 2] = value;
  }

  #get(step: number, field: number): number {
    return this.#memory.words[(this.#address(step) + field) >>> 2] as number;
  }

  /**
   * The address of the step at these bytes, behind the value of the step with the number `before`, and where it ends; null
   * when they are none, or one with escapes in a key.
   */
  find(at: number, before: number): { readonly step: number; readonly end: number } | null {
    const successors = this.#successors[before] ?? [];
    const known = successors.find((step) => this.#isAt(step, at));
    const step = known ?? this.#parse(at, this.#get(before, STEP.inside));
    if (step < 0) return null;
    if (known !== undefined) this.#end = at + this.#get(step, STEP.length);
    if (step !== ONCE && before !== ONCE) {
      this.#set(before, STEP.guess, this.#address(step));
      if (known === undefined && successors.length < SUCCESSORS_MAX) successors.push(step);
    }
    return { step: this.#address(step), end: this.#end };
  }

  #isAt(step: number, at: number): boolean {
    const { bytes } = this.#memory;
    const length = this.#get(step, STEP.length);
    const from = this.#get(step, STEP.bytes);
    for (let each = 0; each < length; each++) if (bytes[at + each] !== bytes[from + each]) return false;
    return true;
  }

  /** Reads from behind a value in the object `inside` to the next value that is not an object on the way, or to the end. */
  #parse(from: number, inside: number): number {
    const { bytes, view } = this.#memory;
    const entered: number[] = [];
    let open = inside;
    let at = pastSpace(bytes, from);
    let isFirst = false;
    if (open === OUTSIDE) {
      if (bytes[at] !== 123) return -1;
      open = OUTERMOST;
      isFirst = true;
      at = pastSpace(bytes, at + 1);
    }
    for (;;) {
      if (bytes[at] === 125) {
        isFirst = false;
        at = pastSpace(bytes, at + 1);
        if (open === OUTERMOST) return this.#endOf(from, at, inside, entered);
        open = this.#keys[open]?.parent ?? OUTERMOST;
        continue;
      }
      if (!isFirst) {
        if (bytes[at] !== 44) return -1;
        at = pastSpace(bytes, at + 1);
      }
      if (bytes[at] !== 34) return -1;
      const quote = plainEnd(bytes, view, at + 1);
      if (quote < 0) return -1;
      const name = bytes.toString('utf8', at + 1, quote);
      at = pastSpace(bytes, quote + 1);
      if (bytes[at] !== 58) return -1;
      at = pastSpace(bytes, at + 1);
      const keys = open === OUTERMOST ? this.#root : this.#keys[open]?.inside;
      const id = keys?.get(name) ?? -1;
      if (id < 0 || this.#keys[id]?.inside === null) {
        return this.#step({ from, to: at, inside, entered, open, key: id });
      }
      if (entered.push(id) > ENTERED_MAX) return -1;
      isFirst = bytes[at] === 123;
      if (isFirst) {
        open = id;
        at = pastSpace(bytes, at + 1);
      } else if (bytes.toString('latin1', at, at + 4) === 'null') at = pastSpace(bytes, at + 4);
      else return -1;
    }
  }

  #endOf(from: number, at: number, inside: number, entered: readonly number[]): number {
    const { bytes } = this.#memory;
    if (bytes[at] !== 10) return -1;
    const step = this.#step({ from, to: at + 1, inside, entered, open: OUTSIDE, key: -1 });
    this.#set(step, STEP.op, END);
    this.#set(step, STEP.opWhenDropped, END);
    this.#set(step, STEP.tail, bytes[at - 1] === 13 ? 2 : 1);
    return step;
  }

  #step(found: Found): number {
    const { bytes } = this.#memory;
    const { from, to, inside, entered } = found;
    this.#end = to;
    const once = (): number => this.#fill(ONCE, found, this.#bytes, this.#entered);
    if (to - from > STEP_BYTES_MAX) return once();
    const text = `${inside} ${bytes.toString('latin1', from, to)}`;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const isFull =
      this.#size === STEPS_MAX ||
      this.#bytesUsed + to - from > BYTES_MAX ||
      this.#enteredUsed + entered.length > 2 * STEPS_MAX;
    if (isFull) return once();
    const step = this.#size++;
    this.#known.set(text, step);
    bytes.copy(bytes, this.#bytes + this.#bytesUsed, from, to);
    this.#fill(step, found, this.#bytes + this.#bytesUsed, this.#entered + 4 * this.#enteredUsed);
    this.#bytesUsed += to - from;
    this.#enteredUsed += entered.length;
    this.#set(step, STEP.guess, this.#address(NEVER));
    return step;
  }

  #fill(step: number, { from, to, open, key, entered }: Found, bytes: number, enteredFrom: number): number {
    const known = this.#keys[key];
    const fields = {
      bytes,
      length: to - from,
      mask: (1 << (((to - from - 1) & 15) + 1)) - 1,
      op: known?.op ?? SKIP,
      opWhenDropped: known?.opWhenDropped ?? SKIP,
      leaf: known?.leaf ?? 0,
      key: known?.mark ?? 0,
      entered: enteredFrom,
      enteredEnd: enteredFrom + 4 * entered.length,
      number: step,
      inside: open,
    };
    for (const [field, value] of Object.entries(fields))
      this.#set(step, STEP[field as keyof typeof fields], value);
    for (const [index, id] of entered.entries()) {
      this.#memory.words[(enteredFrom >>> 2) + index] = this.#keys[id]?.mark ?? 0;
    }
    return step;
  }
}

/** A step as it was parsed: its bytes, the object it began in, those it entered, the one it ended in, the key of its value. */
interface Found {
  readonly from: number;
  readonly to: number;
  readonly inside: number;
  readonly entered: readonly number[];
  readonly open: number;
  readonly key: number;
}

/** Behind what JSON calls white space, but for the line feed, which ends the line. */
function pastSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 32 || bytes[at] === 9 || bytes[at] === 13) at++;
  return at;
}
