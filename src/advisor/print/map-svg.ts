/**
 * The decision map as a picture: one area for each architecture, hatched where nothing keeps every promise, the borders
 * labelled along what was answered. Standing on its own or inside the page; every tile says its numbers when it is hovered.
 */
import type { Architecture } from '../answers.ts';
import { secondsText } from '../complete.ts';
import type { Axis } from '../map/axis.ts';
import { type Border, centres, type DecisionMap, type MapCell, middleOf } from '../map/map.ts';
import { monthlyCostOf } from '../model/cost.ts';
import { effortHoursOf } from '../model/effort.ts';
import { freshnessOf } from '../model/freshness.ts';
import { text } from './escape.ts';
import { titleOf, valueText, yourAnswers } from './map-text.ts';
import { usd } from './phrases.ts';

const SIZE = { width: 860, height: 560 } as const;
const PLOT = { left: 130, top: 70, width: 680, height: 394 } as const;
/** Tiles that answer to the pointer; the areas are drawn finer. */
const TILES = { columns: 40, rows: 24 } as const;

/** Told apart by people who see few colours, on light and on dark ground. */
export const COLOURS: Readonly<Record<Architecture, string>> = {
  batch: '#5b8fd0',
  'micro-batch': '#4aa98a',
  streaming: '#e0a93e',
  kappa: '#a678c8',
  lambda: '#d9705f',
};

const STYLE = `
.map { font: 13px system-ui, sans-serif; }
.map text { fill: #1b1f24; } .map .ground { fill: #fff; } .map .line { stroke: #1b1f24; }
.map .name { font-size: 17px; font-weight: 600; fill: #10151a; }
.map .border { font-weight: 600; } .map .far { font-weight: 600; fill: #10151a; } .map .tile { fill: #000; fill-opacity: 0; } .map .tile:hover { fill-opacity: .18; }
@media (prefers-color-scheme: dark) {
  .map text { fill: #e8ecf0; } .map .ground { fill: #14181d; } .map .line { stroke: #e8ecf0; } .map .name, .map .far { fill: #10151a; }
}`;

export function mapSvg(map: DecisionMap): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" class="map" viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="${text(titleOf(map))}">
<style>${STYLE}</style>
<defs><pattern id="nothing" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="3" height="8" fill="#000" fill-opacity=".22"/></pattern></defs>
<rect class="ground" width="${SIZE.width}" height="${SIZE.height}"/>
${[...areas(map), ...names(map), ...axes(map), ...borders(map), ...farBorders(map), ...you(map), ...legend(map), ...tiles(map)].join('\n')}
</svg>
`;
}

const across = (at: number): number => rounded(PLOT.left + at * PLOT.width);
const upwards = (at: number): number => rounded(PLOT.top + (1 - at) * PLOT.height);
const rounded = (pixels: number): number => Math.round(pixels * 10) / 10;

/** Cells of one row that are alike are one rectangle. */
function areas({ cells }: DecisionMap): string[] {
  return cells.flatMap((row, index) =>
    runsOf(row).map(({ cell, from, to }) => {
      const [x, y] = [across(from / row.length), upwards((index + 1) / cells.length)];
      const place = `x="${x}" y="${y}" width="${rounded(across(to / row.length) - x)}" height="${rounded(upwards(index / cells.length) - y)}" shape-rendering="crispEdges"`;
      const area = `<rect ${place} fill="${COLOURS[cell.architecture]}"/>`;
      return cell.holds ? area : `${area}<rect ${place} fill="url(#nothing)"/>`;
    }),
  );
}

interface Run {
  readonly cell: MapCell;
  readonly from: number;
  readonly to: number;
}

function runsOf(row: readonly MapCell[]): Run[] {
  const runs: { cell: MapCell; from: number; to: number }[] = [];
  for (const [index, cell] of row.entries()) {
    const last = runs.at(-1);
    if (last?.cell.architecture === cell.architecture && last.cell.holds === cell.holds) last.to = index + 1;
    else runs.push({ cell, from: index, to: index + 1 });
  }
  return runs;
}

const NAME_PIXELS = 12;
const NAME_HEIGHT_PIXELS = 22;
/** A name keeps this far from the mark of the answers. */
const MARK_PIXELS = 30;

/** A name in the middle of the widest place of each area that has room for it. */
function names({ cells, x: axisX, y: axisY }: DecisionMap): string[] {
  const widest = new Map<
    Architecture,
    { readonly width: number; readonly x: number; readonly rows: number[] }
  >();
  for (const [index, row] of cells.entries()) {
    for (const { cell, from, to } of runsOf(row.map(({ architecture }) => ({ architecture, holds: true })))) {
      const known = widest.get(cell.architecture);
      const [width, x] = [(to - from) / row.length, (from + to) / 2 / row.length];
      if (known !== undefined && Math.abs(known.width - width) < 1e-9 && Math.abs(known.x - x) < 1e-9)
        known.rows.push(index);
      else if (known === undefined || width > known.width)
        widest.set(cell.architecture, { width, x, rows: [index] });
    }
  }
  return [...widest].flatMap(([architecture, { width, x, rows }]) => {
    const middle = ((rows[0] ?? 0) + (rows.at(-1) ?? 0) + 1) / 2 / cells.length;
    const height = (rows.length / cells.length) * PLOT.height;
    if (width * PLOT.width < architecture.length * NAME_PIXELS || height < NAME_HEIGHT_PIXELS) return [];
    const isBeside =
      axisY.given !== null && Math.abs(upwards(middle) - upwards(middleOf(axisY))) < MARK_PIXELS;
    const isUnder = axisX.given !== null && isBeside && isAcross(axisX.given, x, architecture);
    const y = upwards(middle) + 5 - (isUnder && height > 4 * MARK_PIXELS ? MARK_PIXELS : 0);
    return [
      `<text class="name" x="${across(x)}" y="${rounded(y)}" text-anchor="middle">${architecture}</text>`,
    ];
  });
}

/** Whether the mark of the answers would lie over a name. */
function isAcross([from, to]: readonly [number, number], x: number, name: string): boolean {
  const half = (name.length * NAME_PIXELS) / 2 + 10;
  return across(from) <= across(x) + half && across(to) >= across(x) - half;
}

function axes({ x, y }: DecisionMap): string[] {
  const bottom = upwards(0);
  return [
    `<text x="${across(0.5)}" y="${SIZE.height - 52}" text-anchor="middle" class="border">${text(x.path)}</text>`,
    `<text x="12" y="${PLOT.top - 42}" class="border">${text(y.path)}</text>`,
    ...apart(x).map(
      ({ at, label }) =>
        `<line class="line" x1="${across(at)}" x2="${across(at)}" y1="${bottom}" y2="${bottom + 5}"/><text x="${across(at)}" y="${bottom + 20}" text-anchor="middle">${text(label)}</text>`,
    ),
    ...y.ticks.map(
      ({ at, label }) =>
        `<line class="line" x1="${PLOT.left - 5}" x2="${PLOT.left}" y1="${upwards(at)}" y2="${upwards(at)}"/><text x="${PLOT.left - 10}" y="${upwards(at) + 4}" text-anchor="end">${text(label)}</text>`,
    ),
  ];
}

const TICK_PIXELS = 46;

/** Ticks that do not touch each other. */
function apart({ ticks }: Axis): Axis['ticks'] {
  let last = -Infinity;
  return ticks.filter(({ at }) => {
    if (across(at) - last < TICK_PIXELS) return false;
    last = across(at);
    return true;
  });
}

/** Where the verdict changes along the lines through the answers; only a scale has a value there. */
function borders({ x, y, borders: found }: DecisionMap): string[] {
  const along = (
    axis: Axis,
    list: readonly Border[],
    draw: (border: Border, label: string) => string,
  ): string[] => (axis.isScale ? list.map((border) => draw(border, text(valueText(axis, border)))) : []);
  const [atX, atY] = [across(middleOf(x)), upwards(middleOf(y))];
  return [
    ...along(x, found.x, ({ at }, label) => {
      const place = across(at);
      return `<line class="line" stroke-dasharray="2 3" x1="${place}" x2="${place}" y1="${PLOT.top - 6}" y2="${atY}"/><text class="border" x="${place}" y="${PLOT.top - 12}" text-anchor="middle">${label}</text>`;
    }),
    ...along(y, found.y, ({ at }, label) => {
      const place = upwards(at);
      const right = PLOT.left + PLOT.width;
      return `<line class="line" stroke-dasharray="2 3" x1="${atX}" x2="${right + 4}" y1="${place}" y2="${place}"/><text class="border" x="${right + 6}" y="${place + 4}">${label}</text>`;
    }),
  ];
}

/** Where the verdict changes elsewhere, said at the place; only a scale has a value there. */
function farBorders(map: DecisionMap): string[] {
  const found = map.farBorders();
  const label = (axis: Axis, border: Border, x: number, y: number, anchor: string): string =>
    `<text class="far" x="${x}" y="${y}" text-anchor="${anchor}">${text(valueText(axis, border))}</text>`;
  return [
    ...(map.x.isScale ? found.x : []).map((border) =>
      label(map.x, border, across(border.at) + 4, upwards(border.beside) + 4, 'start'),
    ),
    ...(map.y.isScale ? found.y : []).map((border) =>
      label(map.y, border, across(border.beside), upwards(border.at) + 15, 'middle'),
    ),
  ];
}

/** The answers as a point, or as the stretch that they leave open. */
function you({ x, y }: DecisionMap): string[] {
  if (x.given === null || y.given === null) return [];
  const [left, right, low, high] = [
    across(x.given[0]),
    across(x.given[1]),
    upwards(y.given[0]),
    upwards(y.given[1]),
  ];
  const reach = 7;
  return [
    `<rect x="${left - reach}" y="${high - reach}" width="${rounded(right - left + 2 * reach)}" height="${rounded(low - high + 2 * reach)}" rx="${reach}" fill="#fff" fill-opacity=".35" stroke="#10151a" stroke-width="2.5"><title>${text(yourAnswers({ x, y }))}</title></rect>`,
  ];
}

function legend({ cells, x, y }: DecisionMap): string[] {
  const all = cells.flat();
  const shown = (Object.keys(COLOURS) as Architecture[]).filter((architecture) =>
    all.some((cell) => cell.architecture === architecture),
  );
  const items = shown.map((architecture) => ({ name: architecture as string, fill: COLOURS[architecture] }));
  if (all.some(({ holds }) => !holds)) items.push({ name: 'not every promise kept', fill: 'url(#nothing)' });
  let at = PLOT.left;
  const top = SIZE.height - 34;
  const parts = items.map(({ name, fill }) => {
    const part = `<rect x="${rounded(at)}" y="${top}" width="14" height="14" rx="2" fill="${fill}" stroke="#8888"/><text x="${rounded(at + 20)}" y="${top + 12}">${name}</text>`;
    at += 34 + name.length * 6.4;
    return part;
  });
  if (x.given !== null && y.given !== null)
    parts.push(
      `<circle cx="${rounded(at + 7)}" cy="${top + 7}" r="6" fill="#fff" stroke="#10151a" stroke-width="2"/><text x="${rounded(at + 20)}" y="${top + 12}">your answers</text>`,
    );
  return parts;
}

/** What a place stands for, in words: the page shows it below the map as well. */
function tiles(map: DecisionMap): string[] {
  const { x, y } = map;
  const columns = x.isScale ? TILES.columns : x.bands.length;
  const rows = y.isScale ? TILES.rows : y.bands.length;
  const [width, height] = [rounded(PLOT.width / columns), rounded(PLOT.height / rows)];
  return centres(rows).flatMap((atY) =>
    centres(columns).map((atX) => {
      const [left, top] = [rounded(across(atX) - width / 2), rounded(upwards(atY) - height / 2)];
      return `<rect class="tile" x="${left}" y="${top}" width="${width}" height="${height}"><title>${text(tileText(map, atX, atY))}</title></rect>`;
    }),
  );
}

function tileText(map: DecisionMap, atX: number, atY: number): string {
  const { x, y, cells } = map;
  const row = cells[Math.floor(atY * cells.length)] ?? [];
  const cell = row[Math.floor(atX * row.length)];
  if (cell === undefined) return '';
  const { architecture, holds } = cell;
  const facts = map.factsAt(atX, atY);
  const { p99Seconds } = freshnessOf(architecture, facts);
  const { total } = monthlyCostOf(architecture, facts).likely;
  const hours = Math.round(effortHoursOf(architecture, facts));
  const place = [x, y].map(
    (axis, index) => `${axis.path} ${axis.label(axis.valueAt(index === 0 ? atX : atY))}`,
  );
  const verdict = holds ? architecture : `nothing keeps every promise; ${architecture} breaks least`;
  return `${place.join(', ')}: ${verdict}. A result at most ${secondsText(p99Seconds)} old, about ${usd(total)} a month, ${hours} hours of people.`;
}
