/** A recommendation for a terminal or a pipe: the verdict first, then why, then what else there was. */
import { FIGURE_SOURCES } from '../figures.ts';
import { table, wrap, type paint } from 'pipeline-runtime/kit';
import { secondsText } from '../complete.ts';
import { ABOUT } from '../knowledge/architectures.ts';
import type { Recommendation } from '../recommendation.ts';
import {
  againstIt,
  chosenOf,
  defaultsText,
  flipText,
  figuresText,
  percent,
  sourceText,
  usd,
} from './phrases.ts';

export type Colors = ReturnType<typeof paint>;

export interface TextOptions {
  /** Whether each source says its figure, its date, and how well it is known. */
  readonly sources: boolean;
}

export function recommendationText(
  recommendation: Recommendation,
  columns: number,
  colors: Colors,
  options: TextOptions = { sources: false },
): string {
  const parts = [
    verdict(recommendation, columns, colors),
    section('Why', why(recommendation, columns, colors), colors),
    section('All five', comparison(recommendation, columns, colors), colors),
    section('These answers pull against each other', conflicts(recommendation, columns), colors),
    section('What would change it', flips(recommendation, columns), colors),
    section('Nobody said, so this was assumed', defaults(recommendation, columns), colors),
    section(
      'Sources',
      options.sources ? wholeSources(recommendation, columns) : sources(recommendation, columns),
      colors,
    ),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function verdict(recommendation: Recommendation, columns: number, colors: Colors): string {
  const architecture = recommendation.recommendation;
  const chosen = chosenOf(recommendation, architecture);
  const name = chosen.feasible
    ? colors.bold(colors.green(architecture))
    : colors.bold(colors.yellow(architecture));
  const unkept = chosen.feasible ? '' : '  (no architecture keeps every promise; this one breaks least)';
  const lines = [
    name + unkept,
    indented(ABOUT[architecture].is, columns),
    indented(figuresText(recommendation, chosen), columns),
  ];
  if (recommendation.undecided !== undefined) {
    const [, ...others] = recommendation.possible;
    const { says, findOut = '' } = recommendation.undecided;
    lines.push(indented(`Still possible: ${others.join(', ')}. ${says} ${findOut}`.trimEnd(), columns));
  }
  return lines.join('\n');
}

function section(title: string, body: string, colors: Colors): string {
  return body === '' ? '' : `${colors.bold(title)}\n${body}`;
}

function indented(text: string, columns: number, bullet = '  '): string {
  const margin = ' '.repeat(bullet.length);
  const lines = wrap(text, columns - bullet.length).split('\n');
  return lines.map((line, index) => (index === 0 ? bullet : margin) + line).join('\n');
}

function why(recommendation: Recommendation, columns: number, colors: Colors): string {
  return recommendation.because
    .map((claim) => {
      const text = indented(`${claim.claim} [${claim.source}]`, columns, '  - ');
      return text.replace(`[${claim.source}]`, colors.dim(`[${claim.source}]`));
    })
    .join('\n');
}

function comparison(recommendation: Recommendation, columns: number, colors: Colors): string {
  const chosen = chosenOf(recommendation, recommendation.recommendation);
  const rows = recommendation.candidates.map(({ architecture, feasible, predicted }) => [
    architecture === chosen.architecture ? `> ${architecture}` : `  ${architecture}`,
    feasible ? 'yes' : 'no',
    secondsText(predicted.freshnessP99Seconds),
    percent(predicted.completenessAtRead),
    predicted.reprocessSeconds === 0 ? '-' : secondsText(predicted.reprocessSeconds),
    usd(predicted.monthlyUsd.total),
    `${usd(predicted.range.low.total)}-${usd(predicted.range.high.total).slice(1)}`,
    String(Math.round(predicted.effortHours)),
  ]);
  const header = ['  ', 'holds', 'oldest', 'complete', 'redo', 'a month', 'low-high', 'hours'];
  const others = recommendation.candidates
    .filter((candidate) => candidate !== chosen)
    .map((candidate) =>
      indented(`${candidate.architecture} ${againstIt(candidate, chosen)}.`, columns, '  - '),
    );
  const grid = table(header, rows).split('\n');
  const marked = grid.map((line) => (line.startsWith('>') ? colors.bold(line) : line));
  return [...marked, ...others].join('\n');
}

function conflicts(recommendation: Recommendation, columns: number): string {
  return recommendation.conflicts
    .map((conflict) =>
      [
        indented(`${conflict.answers.join(', ')}: ${conflict.says}`, columns, '  ! '),
        ...conflict.options.map((option) => indented(option, columns, '      - ')),
      ].join('\n'),
    )
    .join('\n');
}

function flips(recommendation: Recommendation, columns: number): string {
  if (recommendation.flips.length === 0) return '  No single answer.';
  return recommendation.flips
    .map((flip) => indented(`${flip.answer} ${flip.from}: would become ${flipText(flip)}`, columns, '  - '))
    .join('\n');
}

function defaults(recommendation: Recommendation, columns: number): string {
  const assumed = defaultsText(recommendation);
  return assumed.length === 0 ? '' : indented(assumed.join(', '), columns);
}

/** What the reasons rest on; of the figures' sources only that there are more. */
function sources(recommendation: Recommendation, columns: number): string {
  const uses = usesOf({ ...recommendation, figures: {} });
  const named = recommendation.sources.filter(({ id, kind }) => uses.has(id) || kind === 'given');
  const more = recommendation.sources.length - named.length;
  return [
    ...named.map((source) => {
      const link = source.kind === 'ours' ? '' : `\n    ${source.where}`;
      return indented(`${source.id}: ${sourceText(source)}`, columns, '  - ') + link;
    }),
    ...(more === 0
      ? []
      : [indented(`${more} more for the figures; --sources prints all, with what they say.`, columns)]),
  ].join('\n');
}

/** Each source with what it says, and the parts of the recommendation that rest on it. */
function wholeSources(recommendation: Recommendation, columns: number): string {
  const uses = usesOf({ ...recommendation, figures: FIGURE_SOURCES });
  return recommendation.sources
    .map((source) => {
      const { id, title, claim, value, unit, where, asOf, check } = source;
      const figure =
        value === undefined
          ? ''
          : ` Figure: ${[value].flat().join(' to ')}${unit === undefined ? '' : ` ${unit}`}.`;
      const known = `${asOf === undefined ? '' : `${asOf}, `}${check}`;
      return [
        indented(`${id}: ${title} (${known})`, columns, '  - '),
        indented(`${claim}.${figure}`, columns, '      '),
        ...(uses.get(id) === undefined
          ? []
          : [indented(`For: ${[...(uses.get(id) ?? [])].join(', ')}`, columns, '      ')]),
        `      ${where}`,
      ].join('\n');
    })
    .join('\n');
}

function usesOf({
  because,
  candidates,
  figures,
}: Recommendation & { readonly figures: Readonly<Record<string, readonly string[]>> }): Map<
  string,
  Set<string>
> {
  const uses = new Map<string, Set<string>>();
  const note = (id: string | undefined, use: string): void => {
    if (id !== undefined) uses.set(id, (uses.get(id) ?? new Set()).add(use));
  };
  for (const { source } of because) note(source, 'why');
  for (const { architecture, violations } of candidates)
    for (const { source, requirement } of violations) note(source, `${architecture} breaks ${requirement}`);
  for (const [figure, ids] of Object.entries(figures)) for (const id of ids) note(id, figure);
  return uses;
}
