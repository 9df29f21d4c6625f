/**
 * The exact sum of doubles, so that the order of additions cannot change a result: the same events in another order, cut
 * otherwise or recomputed by the batch layer end in the same last bit.
 *
 * The sum is held as doubles that do not overlap, smallest first, as in Shewchuk, "Adaptive precision floating-point
 * arithmetic" (1997); Python's `math.fsum` is built on the same algorithm. One or two partials are usual.
 *
 * REQUIRES |x| <= 2^970 and fewer than 2^53 additions, so that no partial overflows.
 */
export class ExactSum {
  readonly #partials: number[];

  constructor(partials: readonly number[] = []) {
    this.#partials = [...partials];
  }

  get partials(): readonly number[] {
    return this.#partials;
  }

  add(value: number): void {
    const partials = this.#partials;
    let x = value;
    let kept = 0;
    for (const partial of partials) {
      const [large, small] = Math.abs(x) < Math.abs(partial) ? [partial, x] : [x, partial];
      const high = large + small;
      const low = small - (high - large);
      // In place: what is kept never overtakes what is read.
      if (low !== 0) partials[kept++] = low;
      x = high;
    }
    if (x !== 0 || kept === 0) partials[kept++] = x;
    partials.length = kept;
  }

  /** The sum rounded to the nearest double, ties to even. */
  value(): number {
    const partials = this.#partials;
    let index = partials.length - 1;
    let high = partials[index] ?? 0;
    let low = 0;
    while (index > 0) {
      const x = high;
      const y = partials[--index] ?? 0;
      high = x + y;
      low = y - (high - x);
      if (low !== 0) break;
    }
    // Half-way cases: the sign of the next partial decides which neighbour is nearer.
    const next = index > 0 ? (partials[index - 1] ?? 0) : 0;
    if ((low < 0 && next < 0) || (low > 0 && next > 0)) {
      const doubled = low * 2;
      const rounded = high + doubled;
      if (doubled === rounded - high) high = rounded;
    }
    return high + 0;
  }
}
