/**
 * Writes WebAssembly from expressions: `set(at, add(at, 4))`. Each expression is a function that writes its code, so that
 * labels are names here and distances there. An argument may also be a local (its value) or a number (an i32 constant).
 */
export type Code = (out: Writer) => void;
export type Arg = Code | Local | number;
export type Kind = 'i32' | 'i64' | 'f64' | 'v128';

const KINDS: Readonly<Record<Kind, number>> = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b };
const VOID = 0x40;
const MAGIC = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

export class Writer {
  readonly bytes: number[] = [];
  readonly #labels: (string | null)[] = [];

  op(...bytes: readonly number[]): void {
    this.bytes.push(...bytes);
  }

  arg(arg: Arg): void {
    if (typeof arg === 'number') this.op(0x41, ...signed(arg | 0));
    else if (typeof arg === 'function') arg(this);
    else this.op(0x20, ...unsigned(arg.index));
  }

  within(label: string | null, body: readonly Arg[]): void {
    this.#labels.push(label);
    for (const code of body) this.arg(code);
    this.#labels.pop();
  }

  distance(label: string): readonly number[] {
    const index = this.#labels.lastIndexOf(label);
    if (index < 0) throw new Error(`no label ${label}`);
    return unsigned(this.#labels.length - 1 - index);
  }
}

export interface Local {
  readonly index: number;
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
}

/** REQUIRES a whole number that a double holds. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    const byte = ((rest % 128) + 128) % 128;
    if (rest >= -64 && rest < 64) return [...bytes, byte];
    bytes.push(byte | 128);
  }
}

const operation =
  (...op: readonly number[]) =>
  (...args: readonly Arg[]): Code =>
  (out) => {
    for (const arg of args) out.arg(arg);
    out.op(...op);
  };
const vector = (op: number) => operation(0xfd, ...unsigned(op));
const memory =
  (...op: readonly number[]) =>
  (address: Arg, offset = 0, value?: Arg): Code =>
  (out) => {
    out.arg(address);
    if (value !== undefined) out.arg(value);
    out.op(...op, 0, ...unsigned(offset));
  };

export const add = operation(0x6a);
export const sub = operation(0x6b);
export const mul = operation(0x6c);
export const and = operation(0x71);
export const or = operation(0x72);
export const shl = operation(0x74);
export const eq = operation(0x46);
export const ne = operation(0x47);
export const ltS = operation(0x48);
export const ltU = operation(0x49);
export const gtS = operation(0x4a);
export const gtU = operation(0x4b);
export const leS = operation(0x4c);
export const geS = operation(0x4e);
export const not = operation(0x45);
export const ctz = operation(0x68);
export const add64 = operation(0x7c);
export const mul64 = operation(0x7e);
export const gt64 = operation(0x55);
export const widen = operation(0xad);
export const addF = operation(0xa0);
export const subF = operation(0xa1);
export const divF = operation(0xa3);
export const eqF = operation(0x61);
export const ltF = operation(0x63);
export const gtF = operation(0x64);
export const toDouble = operation(0xb7);
export const toDouble64 = operation(0xb9);
export const equalBytes = vector(0x23);
export const lessBytes = vector(0x25);
export const either = vector(0x50);
export const bitsOf = vector(0x64);
export const load = memory(0x28);
export const loadByte = memory(0x2d);
export const loadF = memory(0x2b);
export const loadV = memory(0xfd, 0x00);
export const store = memory(0x36);
export const storeByte = memory(0x3a);
export const storeF = memory(0x39);
export const storeV = memory(0xfd, 0x0b);

export const const64 =
  (value: number): Code =>
  (out) =>
    out.op(0x42, ...signed(value));
export const constF =
  (value: number): Code =>
  (out) =>
    out.op(0x44, ...new Uint8Array(new Float64Array([value]).buffer));
/** Sixteen times the same byte. */
export const constV =
  (byte: number): Code =>
  (out) =>
    out.op(0xfd, 0x0c, ...Array<number>(16).fill(byte));

export const set =
  (local: Local, value: Arg): Code =>
  (out) => {
    out.arg(value);
    out.op(0x21, ...unsigned(local.index));
  };
/** Sets and is the value. */
export const tee =
  (local: Local, value: Arg): Code =>
  (out) => {
    out.arg(value);
    out.op(0x22, ...unsigned(local.index));
  };

const nest =
  (op: number) =>
  (label: string, ...body: readonly Code[]): Code =>
  (out) => {
    out.op(op, VOID);
    out.within(label, body);
    out.op(0x0b);
  };
/** `br` to its label goes behind it. */
export const block = nest(0x02);
/** `br` to its label begins it anew; otherwise it ends. */
export const loop = nest(0x03);
export const br =
  (label: string): Code =>
  (out) =>
    out.op(0x0c, ...out.distance(label));
export const brIf =
  (label: string, condition: Arg): Code =>
  (out) => {
    out.arg(condition);
    out.op(0x0d, ...out.distance(label));
  };
export const when =
  (condition: Arg, then: readonly Code[], otherwise: readonly Code[] = []): Code =>
  (out) => {
    out.arg(condition);
    out.op(0x04, VOID);
    out.within(null, then);
    if (otherwise.length > 0) {
      out.op(0x05);
      out.within(null, otherwise);
    }
    out.op(0x0b);
  };
export const give = operation(0x0f);
/** Behind code that always gives something before it gets here. */
export const unreachable: Code = (out) => out.op(0x00);
/** Computes and forgets. */
export const drop = operation(0x1a);
/** The first when the condition holds. Both are computed. */
export const choose = operation(0x1b);
export interface Function_ {
  readonly name: string;
  readonly params: readonly Kind[];
  /** All functions give an i32. */
  readonly locals: readonly Kind[];
  readonly body: readonly Arg[];
}

/** Makes locals of these kinds. */
export type MakeLocals = <const K extends readonly Kind[]>(...kinds: K) => { readonly [I in keyof K]: Local };

/** A module under construction; functions from outside are declared before its own. */
export class Assembler {
  readonly #imports: { readonly name: string; readonly params: readonly Kind[] }[] = [];
  readonly #functions: Function_[] = [];
  readonly #indices = new Map<string, number>();

  import(name: string, ...params: readonly Kind[]): void {
    this.#indices.set(name, this.#indices.size);
    this.#imports.push({ name, params });
  }

  /** A function; `body` gets its parameters, and a way to make more locals. */
  define<const P extends readonly Kind[]>(
    name: string,
    params: P,
    body: (params: { readonly [K in keyof P]: Local }, local: MakeLocals) => readonly Arg[],
  ): void {
    this.#indices.set(name, this.#indices.size);
    const locals: Kind[] = [];
    const local = (...kinds: readonly Kind[]) =>
      kinds.map((kind): Local => ({ index: params.length + locals.push(kind) - 1 }));
    const code = body(params.map((_, index) => ({ index })) as never, local as MakeLocals);
    this.#functions.push({ name, params, locals, body: code });
  }

  call =
    (name: string, ...args: readonly Arg[]): Code =>
    (out) => {
      const index = this.#indices.get(name);
      if (index === undefined) throw new Error(`no function ${name}`);
      for (const arg of args) out.arg(arg);
      out.op(0x10, ...unsigned(index));
    };

  /** The module: it takes `env.memory` and the imports of `env`, and exports all its functions. */
  module(): Uint8Array<ArrayBuffer> {
    const imports = this.#imports;
    const functions = this.#functions;
    const types = [...imports, ...functions].map(({ params }) => [
      0x60,
      ...list(params.map((kind) => [KINDS[kind]])),
      ...list([[KINDS.i32]]),
    ]);
    const imported = imports.map(({ name }, index) => [...text('env'), ...text(name), 0, ...unsigned(index)]);
    const bodies = functions.map(({ locals, body }) => {
      const out = new Writer();
      out.within(null, body);
      const code = [...list(locals.map((kind) => [1, KINDS[kind]])), ...out.bytes, 0x0b];
      return [...unsigned(code.length), ...code];
    });
    const first = imports.length;
    return Uint8Array.from([
      ...MAGIC,
      ...section(1, types),
      ...section(2, [[...text('env'), ...text('memory'), 2, 0, 1], ...imported]),
      ...section(
        3,
        functions.map((_, index) => unsigned(first + index)),
      ),
      ...section(
        7,
        functions.map(({ name }, index) => [...text(name), 0, ...unsigned(first + index)]),
      ),
      ...section(10, bodies),
    ]);
  }
}

const list = (items: readonly (readonly number[])[]): number[] => [
  ...unsigned(items.length),
  ...items.flat(),
];
const text = (name: string): number[] => list([...Buffer.from(name)].map((byte) => [byte]));

function section(id: number, items: readonly (readonly number[])[]): number[] {
  const content = list(items);
  return [id, ...unsigned(content.length), ...content];
}
