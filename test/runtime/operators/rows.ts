/** What tests of several operators do with rows. */
import type { Row } from '../../../runtime/src/data/value.ts';
import type { Step } from '../../suites/operator.suite.ts';

/** A row as short as it gets: `5,x,` for 5, 'x' and null. */
export const brief = (row: Row): string =>
  row.map((value) => (value === null ? '' : JSON.stringify(value).replaceAll('"', ''))).join(',');

/** Items by a value of theirs, each group and the groups in the order of their first items. */
export function groupedBy<T>(items: readonly T[], keyOf: (item: T) => unknown): T[][] {
  const groups = new Map<unknown, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

/** The rows that are there in the end: those that came and were not taken back. */
export function remaining(steps: readonly Step[]): Step[] {
  const nameOf = ({ input, row }: Step): string => JSON.stringify([input, row]);
  const gone = steps.filter(({ weight }) => weight === -1).map(nameOf);
  return steps.filter((step) => {
    if (step.weight === -1) return false;
    const index = gone.indexOf(nameOf(step));
    if (index >= 0) gone.splice(index, 1);
    return index < 0;
  });
}
