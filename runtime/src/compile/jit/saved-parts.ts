/** The aggregates of a record as `operators/group-state.ts` saves them, and back: see accumulators there for each format. */
import { ExactSum } from '../../operators/exact-sum.ts';
import type { AggregatePart } from './stages/accumulators.ts';
import type { Texts } from './texts.ts';

type SavedSum = readonly [count: number, partials: readonly number[]];

export function savedPart(part: AggregatePart, cells: Float64Array, at: number, texts: Texts): unknown {
  switch (part.kind) {
    case 'count':
      return cells[at + part.cell];
    case 'sum': {
      const sum = new ExactSum();
      for (const cell of [part.rest, part.sum]) {
        const value = cells[at + cell] as number;
        if (value !== 0) sum.add(value);
      }
      return [cells[at + part.n], sum.partials];
    }
    case 'extreme': {
      const value = cells[at + part.cell] as number;
      if (part.isText) return value < 0 ? null : texts.dictionary.text(value);
      return Number.isNaN(value) ? null : value;
    }
    case 'distinct':
      return null;
  }
}

/** Puts what was saved into a new record. The members of a distinct count are entries of their own. */
export function restorePart(
  part: AggregatePart,
  saved: unknown,
  cells: Float64Array,
  at: number,
  texts: Texts,
): void {
  switch (part.kind) {
    case 'count':
      cells[at + part.cell] = saved as number;
      return;
    case 'sum': {
      const [count, partials] = saved as SavedSum;
      cells[at + part.n] = count;
      // The largest is last; what is behind it is far smaller.
      cells[at + part.sum] = partials.at(-1) ?? 0;
      cells[at + part.rest] = partials.slice(0, -1).reduce((sum, each) => sum + each, 0);
      return;
    }
    case 'extreme':
      if (part.isText) cells[at + part.cell] = saved === null ? -1 : texts.dictionary.codeOf(saved as string);
      else cells[at + part.cell] = saved === null ? NaN : (saved as number);
      return;
    case 'distinct':
  }
}
