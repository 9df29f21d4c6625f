/** `advisor map`: the decision map over two answers, as text, JSON, SVG or one page of HTML. */
import process from 'node:process';
import { columnsOf, paint } from 'pipeline-runtime/kit';
import { mapOf } from '../../advisor/map/map.ts';
import { mapHtml } from '../../advisor/print/map-html.ts';
import { mapJson } from '../../advisor/print/map-json.ts';
import { mapSvg } from '../../advisor/print/map-svg.ts';
import { mapText, SCALE_ROWS } from '../../advisor/print/map-text.ts';
import { answerFlagsOf } from '../answer-flags.ts';
import { collectGiven } from '../interview.ts';
import { writeOutput } from '../output.ts';

type Format = 'text' | 'json' | 'svg' | 'html';

/** How fine a picture is: cells across and upwards. */
const PICTURE = { columns: 340, rows: 100 } as const;

export async function runMap(options: Readonly<Record<string, unknown>>): Promise<void> {
  const [x, y] = [options['x'] as string, options['y'] as string];
  const format = options['format'] as Format;
  const file = options['output'] as string | undefined;
  const answers = await collectGiven({
    file: options['answers'] as string | undefined,
    flags: answerFlagsOf(options),
  });
  const map = mapOf(answers, { x, y, ...(format === 'text' ? { columns: 200, rows: SCALE_ROWS } : PICTURE) });
  writeOutput(file, textOf());

  function textOf(): string {
    if (format === 'json') return `${JSON.stringify(mapJson(map), null, 1)}\n`;
    if (format === 'svg') return mapSvg(map);
    if (format === 'html') return mapHtml(map);
    const stream = file === undefined ? process.stdout : ({ isTTY: false } as NodeJS.WriteStream);
    return mapText(map, columnsOf(stream), paint(stream));
  }
}
