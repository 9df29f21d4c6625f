/** The decision map as data: what each place of the grid was computed for, and the verdict there. */
import { answerText } from '../complete.ts';
import type { Axis } from '../map/axis.ts';
import { type Border, centres, type DecisionMap } from '../map/map.ts';

export function mapJson({ x, y, cells, borders, answers, assumed }: DecisionMap) {
  return {
    version: 1,
    x: axisJson(x, cells[0]?.length ?? 0),
    y: axisJson(y, cells.length),
    /** Rows in the order of `y.values`. */
    verdicts: cells.map((row) => row.map(({ architecture }) => architecture)),
    holds: cells.map((row) => row.map(({ holds }) => holds)),
    borders: { x: borders.x.map(borderJson(x)), y: borders.y.map(borderJson(y)) },
    answers,
    assumed,
  };
}

/** Durations in seconds. */
function axisJson(axis: Axis, count: number) {
  return {
    answer: axis.path,
    given:
      axis.given === null || axis.isDefault
        ? null
        : axis.given.map((place) => axis.label(axis.valueAt(place))),
    values: centres(count).map((place) => axis.valueAt(place)),
  };
}

function borderJson(axis: Axis) {
  return ({ value, from, to }: Border) => ({ at: answerText(axis.label(value)), from, to });
}
