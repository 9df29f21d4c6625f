/** The records that were changed since the last flush, each once: the record itself says whether it is listed. */
export class Touched {
  list = new Float64Array(256);
  n = 0;

  add(at: number): void {
    if (this.n === this.list.length) {
      const grown = new Float64Array(this.n * 2);
      grown.set(this.list);
      this.list = grown;
    }
    this.list[this.n++] = at;
  }
}
