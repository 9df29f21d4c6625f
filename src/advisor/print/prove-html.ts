/** What `advisor prove` measured, as one page that needs nothing else: no script, no font, nothing fetched. */
import { formatSize } from 'pipeline-runtime/kit';
import type { Proof, ProvedArchitecture } from '../prove/proof.ts';
import { text } from './escape.ts';
import { COLOURS } from './map-svg.ts';
import { percent } from './phrases.ts';
import { curvesSvg } from './prove-svg.ts';
import { headingText, lawText, timeText } from './prove-text.ts';

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 1.5rem auto; padding: 0 1rem; background: #fff; color: #1b1f24; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1.1rem; margin: 1.8rem 0 .4rem; } svg { width: 100%; height: auto; display: block; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: right; padding: .3rem .5rem; border-bottom: 1px solid #8884; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 500; opacity: .8; white-space: normal; vertical-align: bottom; } small { opacity: .7; display: block; font-size: .8rem; line-height: 1.2; }
tr.chosen td:first-child { font-weight: 700; } tr.chosen { background: #8881; } .wide { overflow-x: auto; } .dim { opacity: .75; }
.dot { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .5em; }
.law { padding: .5rem .8rem; border-left: 4px solid #2f9e6b; background: #2f9e6b1a; } .law.broken { border-color: #d33; background: #d331; }
.broken-promise { color: #c2410c; } .kept { color: #15803d; }
@media (prefers-color-scheme: dark) { body { background: #14181d; color: #e8ecf0; } .kept { color: #4ade80; } .broken-promise { color: #fb923c; } }`;

export function proofHtml(proof: Proof): string {
  const notes = proof.notes.map((note) => `<li>${text(note)}</li>`);
  const { eventUs, againUs, entryUs, commitUs, syncUs, source } = proof.costs;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Five architectures, the same events</title><style>${STYLE}</style></head>
<body>
<h1>Five architectures, the same events</h1>
<p>${text(headingText(proof))}</p>
<p class="law${proof.law.holds ? '' : ' broken'}">${text(lawText(proof))}</p>
<h2>How old the newest result was</h2>
${curvesSvg(proof)}
<p class="dim">The age of what a reader sees, at its oldest in each moment and on average; the scale is logarithmic. The dashed line is the promise.</p>
<h2>What readers see</h2>
${grid(proof, ['promise', 'age, half of the time', 'age, 99 % of it', 'complete when read', 'final after', 'corrected', 'all in, 99 %'], readers)}
<p class="dim">Small: what was predicted. Complete: what is in when a window is read as long after its end as the promise says. Final: until no event in time can change it. Corrected: windows that changed after they were read. All in: 99 % of the windows hold everything this long after their end.</p>
<h2>What it takes</h2>
${grid(proof, ['interval', 'events read', 'each', 'commits', 'entries written', 'log', 'state', 'views', 'history again'], takes)}
<p class="dim">Each: how often an event is read. History again: all of it once more, on one core.</p>
<h2>How it was measured</h2>
<ul>${[`The real engine, log, epochs and views ran in virtual time. An event costs ${eventUs} µs, ${againUs} µs when it is read again, an entry of the store ${entryUs} µs, a commit ${commitUs} µs and an fsync ${syncUs} µs (${source}).`].map((each) => `<li>${text(each)}</li>`).join('')}${notes.join('')}</ul>
</body></html>
`;
}

function grid(
  proof: Proof,
  header: readonly string[],
  cellsOf: (each: ProvedArchitecture) => readonly string[],
): string {
  const rows = proof.architectures.map((each) => {
    const { architecture } = each;
    const chosen = architecture === proof.recommendation;
    const name = `<span class="dot" style="background:${COLOURS[architecture]}"></span>${architecture}${chosen ? '<small>recommended</small>' : ''}`;
    const cells = [name, ...cellsOf(each)].map((cell) => `<td>${cell}</td>`);
    return `<tr${chosen ? ' class="chosen"' : ''}>${cells.join('')}</tr>`;
  });
  const titles = ['', ...header].map((title) => `<th>${text(title)}</th>`);
  return `<div class="wide"><table><thead><tr>${titles.join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}

function beside(measured: string, predicted: string): string {
  return `${text(measured)}<small>${text(predicted)}</small>`;
}

function readers({ keepsFreshness, measured, predicted }: ProvedArchitecture): string[] {
  const { corrections, finalAfterP50Seconds } = measured;
  return [
    keepsFreshness ? '<span class="kept">kept</span>' : '<span class="broken-promise">broken</span>',
    beside(timeText(measured.freshnessP50Seconds), timeText(predicted.freshnessP50Seconds)),
    beside(timeText(measured.freshnessP99Seconds), timeText(predicted.freshnessP99Seconds)),
    beside(percent(measured.completenessAtRead), percent(predicted.completenessAtRead)),
    finalAfterP50Seconds === null ? '-' : text(timeText(finalAfterP50Seconds)),
    `${corrections.windowsCorrected} of ${corrections.windows}`,
    text(timeText(corrections.completeAfterP99Seconds)),
  ];
}

function takes({ settings, measured: { work, kept, reprocess } }: ProvedArchitecture): string[] {
  const number = (value: number): string => value.toLocaleString('en-US');
  return [
    timeText(settings.triggerEverySeconds),
    number(work.eventsProcessed),
    `${work.readsPerEvent.toFixed(1)}×`,
    number(work.commits),
    number(work.entriesWritten),
    formatSize(kept.logBytes),
    formatSize(kept.stateBytes),
    formatSize(kept.viewBytes),
    reprocess.historyEvents === 0 ? '-' : timeText(reprocess.historySeconds),
  ].map(text);
}
