import type { Operation, Range } from '../state/store.ts';

/** Keys as Latin-1 texts, which compare as their bytes do, and their values. Copies share what neither changes. */
export class SortedMap {
  #keys: string[] = [];
  #values: Buffer[] = [];
  #isShared = false;

  copy(): SortedMap {
    const copy = new SortedMap();
    copy.#keys = this.#keys;
    copy.#values = this.#values;
    copy.#isShared = true;
    this.#isShared = true;
    return copy;
  }

  /** All of it as Latin-1 text. */
  encode(): string {
    return JSON.stringify([this.#keys, this.#values.map((value) => value.toString('latin1'))]);
  }

  static decode(text: string): SortedMap {
    const [keys, values] = JSON.parse(text) as [string[], string[]];
    const map = new SortedMap();
    map.#keys = keys;
    map.#values = values.map((value) => Buffer.from(value, 'latin1'));
    return map;
  }

  get(key: string): Buffer | undefined {
    const at = this.#place(key);
    return this.#keys[at] === key ? this.#values[at] : undefined;
  }

  entries({ gte, lt }: Range): { readonly keys: readonly string[]; readonly values: readonly Buffer[] } {
    const from = this.#place(gte.toString('latin1'));
    const to = Math.max(from, this.#place(lt.toString('latin1')));
    return { keys: this.#keys.slice(from, to), values: this.#values.slice(from, to) };
  }

  apply(operations: readonly Operation[]): void {
    if (this.#isShared) {
      this.#keys = [...this.#keys];
      this.#values = [...this.#values];
      this.#isShared = false;
    }
    for (const operation of operations) {
      if (operation.kind === 'put') this.#put(operation.key.toString('latin1'), Buffer.from(operation.value));
      else if (operation.kind === 'delete') {
        const key = operation.key.toString('latin1');
        const at = this.#place(key);
        this.#remove(at, this.#keys[at] === key ? 1 : 0);
      } else {
        const from = this.#place(operation.gte.toString('latin1'));
        this.#remove(from, this.#place(operation.lt.toString('latin1')) - from);
      }
    }
  }

  #put(key: string, value: Buffer): void {
    const at = this.#place(key);
    if (this.#keys[at] === key) this.#values[at] = value;
    else {
      this.#keys.splice(at, 0, key);
      this.#values.splice(at, 0, value);
    }
  }

  #remove(at: number, count: number): void {
    if (count <= 0) return;
    this.#keys.splice(at, count);
    this.#values.splice(at, count);
  }

  /** Where a key is or would be. */
  #place(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
