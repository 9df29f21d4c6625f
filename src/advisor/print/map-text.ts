/**
 * The decision map for a terminal or a pipe.
 *
 *     1d │ M M M B B B      a letter for each architecture, small where nothing keeps every promise;
 *     1h │ S M @ B B B      @ is what was answered, <==> the stretch that a range or `unsure` covers
 *        └────────────
 */
import { wrap } from 'pipeline-runtime/kit';
import type { Architecture } from '../answers.ts';
import { answerAt, answerText } from '../complete.ts';
import type { Axis } from '../map/axis.ts';
import type { Border, DecisionMap, MapCell } from '../map/map.ts';
import type { Colors } from './text.ts';

export const LETTERS: Readonly<Record<Architecture, string>> = {
  batch: 'B',
  'micro-batch': 'M',
  streaming: 'S',
  kappa: 'K',
  lambda: 'L',
};

/** Rows of an axis of choices that all its bands share. */
const BAND_ROWS = 18;

export function mapText(map: DecisionMap, columns: number, colors: Colors): string {
  const rows = rowsOf(map);
  const labels = rowLabels(map, rows.length);
  const margin = Math.max(...labels.map((label) => label.length));
  const width = columns - margin - 3;
  const lines = rows.map((row, index) => {
    const marks = marksOf(map, index, rows.length, width);
    return `${(labels[index] ?? '').padStart(margin)} │ ${rowText(row, width, marks, colors)}`;
  });
  const frame = `${' '.repeat(margin)} └${'─'.repeat(width + 1)}`;
  return `${[
    colors.bold(wrap(titleOf(map), columns)),
    '',
    ...lines.toReversed(),
    frame,
    `${' '.repeat(margin + 3)}${tickLine(map.x, width)}`,
    '',
    ...legend(map, columns, colors),
  ].join('\n')}\n`;
}

export function titleOf({ x, y }: DecisionMap): string {
  return `What wins, by ${x.path} (across) and ${y.path} (upwards)`;
}

/** From the bottom up; a band of choices takes several. */
function rowsOf({ y, cells }: DecisionMap): readonly (readonly MapCell[])[] {
  const copies = y.isScale ? 1 : Math.max(1, Math.floor(BAND_ROWS / y.bands.length));
  return cells.flatMap((row) => Array.from({ length: copies }, () => row));
}

/** Which of so many equal parts a place is in. */
function partOf(at: number, count: number): number {
  return Math.max(0, Math.min(count - 1, Math.floor(at * count)));
}

function rowLabels({ y }: DecisionMap, count: number): readonly string[] {
  const labels = Array.from({ length: count }, () => '');
  for (const { at, label } of y.ticks) labels[partOf(at, count)] = label;
  return labels;
}

function rowText(row: readonly MapCell[], width: number, marks: Marks | null, colors: Colors): string {
  let text = '';
  for (let column = 0; column < width; column++) {
    const cell = row[partOf((column + 0.5) / width, row.length)];
    const mark = marks === null ? null : markAt(marks, column);
    if (mark !== null) text += colors.bold(mark);
    else if (cell !== undefined) text += painted(cell, colors);
  }
  return text;
}

/** The columns of a row that the answers cover. */
interface Marks {
  readonly left: number;
  readonly right: number;
}

function marksOf({ x, y }: DecisionMap, index: number, count: number, width: number): Marks | null {
  if (x.given === null || y.given === null) return null;
  const [low, high] = y.given;
  if (index < partOf(low, count) || index > partOf(high, count)) return null;
  return { left: partOf(x.given[0], width), right: partOf(x.given[1], width) };
}

function markAt({ left, right }: Marks, column: number): string | null {
  if (column < left || column > right) return null;
  if (left === right) return '@';
  if (column === left) return '<';
  return column === right ? '>' : '=';
}

/** Rows of an axis that is a scale. */
export const SCALE_ROWS = 20;

function painted({ architecture, holds }: MapCell, colors: Colors): string {
  const letter = LETTERS[architecture];
  const shown = holds ? letter : letter.toLowerCase();
  switch (architecture) {
    case 'batch':
      return colors.blue(shown);
    case 'micro-batch':
      return colors.green(shown);
    case 'streaming':
      return colors.yellow(shown);
    case 'kappa':
      return colors.magenta(shown);
    case 'lambda':
      return colors.red(shown);
  }
}

function tickLine({ ticks }: Axis, width: number): string {
  let line = '';
  for (const { at, label } of ticks) {
    const start = Math.max(0, Math.min(width - label.length, Math.round(at * width - label.length / 2)));
    if (start > line.length || line === '') line = line.padEnd(start) + label;
  }
  return line;
}

function legend(map: DecisionMap, columns: number, colors: Colors): string[] {
  const shown = new Set(map.cells.flat().map(({ architecture }) => architecture));
  const names = [...shown].map((architecture) => `${LETTERS[architecture]} ${architecture}`);
  const nothing = map.cells.flat().some(({ holds }) => !holds);
  const parts = [
    `${names.join(', ')}${nothing ? '; small: nothing keeps every promise' : ''}${map.x.given !== null && map.y.given !== null ? `; @ ${yourAnswers(map)}` : ''}.`,
    bordersText(map, 'x'),
    bordersText(map, 'y'),
    map.assumed.length === 0
      ? ''
      : colors.dim(
          `Nobody said, so assumed: ${map.assumed.map((path) => `${path} ${answerText(answerAt(map.answers, path))}`).join(', ')}.`,
        ),
  ];
  return parts.filter((part) => part !== '').map((part) => wrap(part, columns));
}

/** `Along freshness: streaming to 1m, micro-batch to 1h, then batch.` */
export function bordersText(map: DecisionMap, which: 'x' | 'y'): string {
  const [along, other] = which === 'x' ? [map.x, map.y] : [map.y, map.x];
  const borders = map.borders[which];
  const at = other.given === null ? 'in the middle of' : other.isDefault ? 'at the default' : 'at your';
  const last = borders.at(-1);
  if (last === undefined) {
    const same = map.cells.every((row) => row.every((cell, column) => isSame(map, which, cell, row, column)));
    return same ? `${along.path} does not change the verdict here.` : '';
  }
  const steps = borders.map(
    (border) => `${border.from} ${along.isScale ? 'below' : 'before'} ${valueText(along, border)}`,
  );
  return `Along ${along.path}, ${at} ${other.path}: ${steps.join(', ')}, then ${last.to}.`;
}

/** `your answers`, or which of them nobody gave. */
export function yourAnswers({ x, y }: Pick<DecisionMap, 'x' | 'y'>): string {
  const assumed = [x, y].filter(({ isDefault }) => isDefault).map(({ path }) => path);
  return assumed.length === 0 ? 'your answers' : `your answers, with the default of ${assumed.join(' and ')}`;
}

export function valueText(axis: Axis, { value }: Border): string {
  return axis.label(value);
}

/** Whether a cell equals the first one of its line along an axis. */
function isSame(
  map: DecisionMap,
  which: 'x' | 'y',
  cell: MapCell,
  row: readonly MapCell[],
  column: number,
): boolean {
  const first = which === 'x' ? row[0] : map.cells[0]?.[column];
  return first?.architecture === cell.architecture;
}
