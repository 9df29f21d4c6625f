/** A review for a terminal or a pipe: the verdict, then each answer beside what was measured. */
import { wrap } from 'pipeline-runtime/kit';
import type { Finding } from '../review/findings.ts';
import type { Review } from '../review/review.ts';
import type { Colors } from './text.ts';

const MARKS: Readonly<Record<Finding['level'], string>> = {
  holds: 'holds ',
  warning: 'LOOK  ',
  broken: 'BROKEN',
  info: '      ',
};

export function reviewText(review: Review, columns: number, colors: Colors): string {
  const { measured, missing } = review;
  const span =
    measured.days === 0
      ? 'Nothing was measured yet.'
      : `Measured on ${measured.days} ${measured.days === 1 ? 'day' : 'days'}, ${measured.from ?? ''}${measured.days === 1 ? '' : ` to ${measured.to ?? ''}`}: ${measured.events.toLocaleString('en-US')} events.`;
  const parts = [
    `${verdictLine(review, columns, colors)}\n${wrap(span, columns)}`,
    ...(review.findings.length === 0
      ? []
      : [review.findings.map((finding) => findingText(finding, columns, colors)).join('\n')]),
    ...(review.verdict === 'broken' ? [wrap(NEXT, columns)] : []),
    ...(missing.length === 0
      ? []
      : [
          `${colors.bold('Not known yet')}\n${missing.map((text) => `  - ${wrap(text, columns - 4).replaceAll('\n', '\n    ')}`).join('\n')}`,
        ]),
  ];
  return `${parts.join('\n\n')}\n`;
}

const NEXT =
  'The answers with what was measured in their place are in `--format json`; `advisor recommend` takes them.';

function verdictLine({ verdict, says }: Review, columns: number, colors: Colors): string {
  const paint = { holds: colors.green, 'will-stop': colors.yellow, broken: colors.red, unknown: colors.bold }[
    verdict
  ];
  return wrap(says, columns)
    .split('\n')
    .map((line) => paint(line))
    .join('\n');
}

const LABEL = 12;

/** `  freshness   holds   promised 15m, measured 4s for 99 %`, and under it what that means where it matters. */
function findingText(
  { about, level, answered, measured, says }: Finding,
  columns: number,
  colors: Colors,
): string {
  const margin = ' '.repeat(2 + LABEL + MARKS.info.length + 1);
  const figures = answered === null ? measured : `answered ${answered}; measured ${measured}`;
  const text = level === 'warning' || level === 'broken' ? `${figures}. ${says}` : figures;
  const mark =
    level === 'broken'
      ? colors.red(MARKS[level])
      : level === 'warning'
        ? colors.yellow(MARKS[level])
        : MARKS[level];
  const lines = wrap(text, columns - margin.length).replaceAll('\n', `\n${margin}`);
  return `  ${about.padEnd(LABEL)}${mark} ${lines}`;
}
