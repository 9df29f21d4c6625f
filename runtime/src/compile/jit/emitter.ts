/**
 * Writes the source of generated functions. Values never become part of the text: they are bound, and the code knows them
 * as p0, p1, … Names are made here; no name of a plan ever appears.
 *
 * A local that was made in a block is known only there. `Lazy` remembers in which block it made a local, so that the same
 * value is computed once where it can be and again where it must be.
 */
export class Emitter {
  readonly bound: unknown[] = [];
  #functions: string[] = [];
  #lines: string[] = [];
  #depth = 0;
  #fresh = 0;
  #scope = 0;
  #scopes: number[] = [];

  /** The name under which the code knows a value. */
  bind(value: unknown): string {
    const known = this.bound.indexOf(value);
    if (known >= 0) return `p${known}`;
    this.bound.push(value);
    return `p${this.bound.length - 1}`;
  }

  fresh(prefix: string): string {
    return `${prefix}${this.#fresh++}`;
  }

  line(text: string): void {
    this.#lines.push('  '.repeat(this.#depth) + text);
  }

  /** A local with this value. */
  local(prefix: string, value: string): string {
    const name = this.fresh(prefix);
    this.line(`const ${name} = ${value};`);
    return name;
  }

  block(head: string, body: () => void): void {
    this.line(`${head} {`);
    this.#depth++;
    this.#scopes.push(++this.#scope);
    body();
    this.#scopes.pop();
    this.#depth--;
    this.line('}');
  }

  /** A function of the generated module; returns its name. */
  fn(prefix: string, params: string, body: () => void): string {
    const name = this.fresh(prefix);
    const [lines, depth, scopes] = [this.#lines, this.#depth, this.#scopes];
    this.#lines = [];
    this.#depth = 0;
    this.#scopes = [];
    this.block(`function ${name}(${params})`, body);
    this.#functions.push(this.#lines.join('\n'));
    this.#lines = lines;
    this.#depth = depth;
    this.#scopes = scopes;
    return name;
  }

  get scope(): number {
    return this.#scopes.at(-1) ?? 0;
  }

  isOpen(scope: number): boolean {
    return this.#scopes.includes(scope);
  }

  /** The whole module: a function of the bound values that returns the functions named in `exported`. */
  module(exported: Readonly<Record<string, string>>): string {
    const names = this.bound.map((_, index) => `p${index}`);
    const list = Object.entries(exported).map(([as, name]) => `${as}: ${name}`);
    return [
      `'use strict';`,
      ...(names.length > 0 ? [`const [${names.join(', ')}] = P;`] : []),
      ...this.#functions,
      `return { ${list.join(', ')} };`,
    ].join('\n');
  }
}

/** A value that is computed where it is first needed, and kept for the blocks inside. */
export class Lazy<T> {
  readonly #emitter: Emitter;
  readonly #make: () => T;
  #made: { readonly value: T; readonly scope: number } | null = null;

  constructor(emitter: Emitter, make: () => T) {
    this.#emitter = emitter;
    this.#make = make;
  }

  get(): T {
    if (this.#made === null || !this.#emitter.isOpen(this.#made.scope)) {
      const value = this.#make();
      this.#made = { value, scope: this.#emitter.scope };
    }
    return this.#made.value;
  }
}
