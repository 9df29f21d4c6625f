import process from 'node:process';
import pc from 'picocolors';

type Stream = NodeJS.WriteStream;

/** Colours for one stream: none unless it is a terminal, never with NO_COLOR or TERM=dumb. */
export function paint(stream: Stream): ReturnType<typeof pc.createColors> {
  const plain = !stream.isTTY || (process.env['NO_COLOR'] ?? '') !== '' || process.env['TERM'] === 'dumb';
  return pc.createColors(!plain);
}

/** Columns to print in: the terminal's width up to 100; 80 in a pipe, and where a terminal does not know its width. */
export function columnsOf(stream: Stream): number {
  return Math.min(100, stream.isTTY && stream.columns > 0 ? stream.columns : 80);
}

/**
 * Aligns rows in columns two spaces apart; a column whose cells are all numbers is right-aligned. With a limit, the widest
 * columns are cut until a line fits.
 */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  columnsMax = Number.POSITIVE_INFINITY,
): string {
  const all = [header, ...rows];
  const widths = header.map((_, i) => Math.max(...all.map((cells) => visibleLength(cells[i] ?? ''))));
  const numeric = header.map(
    (_, i) => rows.length > 0 && rows.every((cells) => /^-?[\d.,]*$/.test(cells[i] ?? '')),
  );
  narrow(widths, columnsMax);
  const aligned = (cell: string, i: number): string => {
    const width = widths[i] ?? 0;
    const text = visibleLength(cell) > width ? `${cell.slice(0, width - 1)}…` : cell;
    const gap = ' '.repeat(width - visibleLength(text));
    return numeric[i] === true ? gap + text : text + gap;
  };
  return all
    .map((cells) =>
      header
        .map((_, i) => aligned(cells[i] ?? '', i))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const COLUMN_CHARACTERS_MIN = 8;

/** Takes from the widest column until the line fits, or no column can give any more. */
function narrow(widths: number[], columnsMax: number): void {
  const total = (): number => widths.reduce((sum, width) => sum + width + 2, -2);
  while (total() > columnsMax) {
    const widest = widths.indexOf(Math.max(...widths));
    const width = widths[widest] ?? 0;
    if (width <= COLUMN_CHARACTERS_MIN) return;
    widths[widest] = width - 1;
  }
}

/** Breaks text into lines of at most `width` columns at spaces; later lines start with `indent`. */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && visibleLength(line) + 1 + visibleLength(word) > width) {
      lines.push(line);
      line = indent + word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join('\n');
}

// oxlint-disable-next-line no-control-regex
const ESCAPES = /\u001b\[[0-9;]*m/g;

function visibleLength(text: string): number {
  return text.replaceAll(ESCAPES, '').length;
}

/**
 * True when a command may ask: both ends are terminals, and neither `--yes`, `--no-input` nor CI forbids it.
 */
export function mayAsk(options: { readonly yes?: boolean; readonly input?: boolean }): boolean {
  const ci = process.env['CI'] ?? '';
  const forbidden =
    options.yes === true || options.input === false || (ci !== '' && ci !== '0' && ci !== 'false');
  return !forbidden && process.stdin.isTTY && process.stdout.isTTY;
}

/** Removes control characters, so that data from events cannot move the cursor or paint the terminal. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\uFFFD');
}
