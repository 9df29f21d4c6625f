/** A recommendation as one self-contained page: no script, no font, nothing fetched. */
import { secondsText } from '../complete.ts';
import { ABOUT } from '../knowledge/architectures.ts';
import type { Candidate, Recommendation } from '../recommendation.ts';
import { text } from './escape.ts';
import {
  againstIt,
  chosenOf,
  defaultsText,
  flipText,
  figuresText,
  percent,
  sourceText,
  usd,
  usdRange,
} from './phrases.ts';

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } .verdict { font-size: 1.2rem; } small, .dim { opacity: .7; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; }
td:nth-child(1) { white-space: nowrap; } td:nth-child(6) { min-width: 9rem; } td:nth-child(8) { min-width: 15rem; }
tr.chosen { font-weight: 600; background: #3a72; } .wide { overflow-x: auto; } pre { overflow-x: auto; padding: .6rem; background: #8881; }
.conflict { border-left: 4px solid #c80; padding-left: .8rem; }`;

export interface HtmlOptions {
  readonly title: string;
  readonly date?: string;
}

export function toHtml(recommendation: Recommendation, options: HtmlOptions): string {
  const chosen = chosenOf(recommendation, recommendation.recommendation);
  const body = [
    heading(recommendation, chosen, options),
    `<h2>Why</h2>${list(recommendation.because.map((claim) => `${text(claim.claim)} ${citation(claim.source)}`))}`,
    comparison(recommendation, chosen),
    conflicts(recommendation),
    `<h2>What would change it</h2>${list(
      recommendation.flips.map(
        (flip) => `<code>${text(flip.answer)}</code> (now ${text(flip.from)}): ${text(flipText(flip))}`,
      ),
      'No single answer.',
    )}`,
    `<h2>Assumed, because nobody said</h2><p>${text(defaultsText(recommendation).join(', ') || 'Nothing.')}</p>`,
    `<h2>Sources</h2>${list(recommendation.sources.map((source) => `<span id="${text(source.id)}">${text(source.id)}</span>: ${source.kind === 'ours' ? text(sourceText(source)) : `<a href="${text(source.where)}">${text(sourceText(source))}</a>`}`))}`,
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${text(options.title)}</title><style>${STYLE}</style></head>
<body>
${body.filter((part) => part !== '').join('\n')}
</body></html>
`;
}

function heading(recommendation: Recommendation, chosen: Candidate, options: HtmlOptions): string {
  const about = ABOUT[chosen.architecture];
  const unkept = chosen.feasible
    ? ''
    : '<p class="conflict">No architecture keeps every promise; this one breaks least.</p>';
  const open =
    recommendation.undecided === undefined
      ? ''
      : `<p class="conflict">Still possible: ${text(recommendation.possible.slice(1).join(', '))}. ${text(recommendation.undecided.says)}</p>`;
  const dated = options.date === undefined ? '' : `<small>${text(options.date)}</small>`;
  return `<h1>${text(about.name)}</h1>${dated}
<p class="verdict">${text(about.is)}</p>${unkept}${open}
<p>${text(figuresText(recommendation, chosen))}</p>
<pre>${text(about.picture)}</pre>`;
}

function comparison(recommendation: Recommendation, chosen: Candidate): string {
  const rows = recommendation.candidates.map((candidate) => {
    const { predicted } = candidate;
    const cells = [
      candidate.architecture,
      candidate.feasible ? 'yes' : 'no',
      secondsText(predicted.freshnessP99Seconds),
      percent(predicted.completenessAtRead),
      predicted.reprocessSeconds === 0 ? '-' : secondsText(predicted.reprocessSeconds),
      `${usd(predicted.monthlyUsd.total)} (${usdRange(predicted.range)})`,
      String(Math.round(predicted.effortHours)),
      candidate === chosen ? 'recommended' : againstIt(candidate, chosen),
    ];
    return `<tr${candidate === chosen ? ' class="chosen"' : ''}>${cells.map((cell) => `<td>${text(cell)}</td>`).join('')}</tr>`;
  });
  const header = ['', 'holds', 'oldest', 'complete when read', 'reprocessing', 'a month', 'hours', ''];
  return `<h2>All five</h2><div class="wide"><table><thead><tr>${header.map((cell) => `<th>${cell}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function conflicts(recommendation: Recommendation): string {
  if (recommendation.conflicts.length === 0) return '';
  const parts = recommendation.conflicts.map(
    (conflict) =>
      `<div class="conflict"><p><b>${text(conflict.answers.join(', '))}</b>: ${text(conflict.says)}</p>${list(conflict.options.map(text))}</div>`,
  );
  return `<h2>These answers pull against each other</h2>${parts.join('')}`;
}

function list(items: readonly string[], none = ''): string {
  return items.length === 0
    ? `<p>${none}</p>`
    : `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`;
}

function citation(id: string): string {
  return `<a class="dim" href="#${text(id)}">[${text(id)}]</a>`;
}
