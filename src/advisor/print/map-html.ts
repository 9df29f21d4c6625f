/** The decision map as one page that needs nothing else. Its script only repeats what the pointer or a finger is on. */
import { answerAt, answerText } from '../complete.ts';
import type { DecisionMap } from '../map/map.ts';
import { QUESTIONS } from '../questions.ts';
import { text } from './escape.ts';
import { mapSvg } from './map-svg.ts';
import { bordersText, titleOf, yourAnswers } from './map-text.ts';

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 1.5rem auto; padding: 0 1rem; background: #fff; color: #1b1f24; }
h1 { font-size: 1.3rem; margin: 0 0 .5rem; } svg { width: 100%; height: auto; }
#place { min-height: 3em; } .dim { opacity: .75; }
@media (prefers-color-scheme: dark) { body { background: #14181d; color: #e8ecf0; } }`;

const SCRIPT = `
const place = document.getElementById('place');
const show = (event) => {
  const title = event.target.closest('.tile')?.querySelector('title');
  if (title) place.textContent = title.textContent;
};
document.querySelector('svg').addEventListener('pointerover', show);
document.querySelector('svg').addEventListener('click', show);`;

export function mapHtml(map: DecisionMap): string {
  const fixed = QUESTIONS.filter(({ path }) => path !== map.x.path && path !== map.y.path).flatMap(
    ({ path }) => {
      const answer = answerAt(map.answers, path);
      return answer === undefined ? [] : [`${path} ${answerText(answer)}`];
    },
  );
  const lines = [
    bordersText(map, 'x'),
    bordersText(map, 'y'),
    map.x.isDefault || map.y.isDefault ? `The circle marks ${yourAnswers(map)}.` : '',
  ].filter((line) => line !== '');
  const assumed =
    map.assumed.length === 0
      ? ''
      : `<p class="dim">Nobody said, so examples were taken: ${text(map.assumed.join(', '))}.</p>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${text(titleOf(map))}</title><style>${STYLE}</style></head>
<body>
<h1>${text(titleOf(map))}</h1>
${mapSvg(map)}<p id="place" aria-live="polite">Point at the map: what a place stands for appears here.</p>
${lines.map((line) => `<p>${text(line)}</p>`).join('\n')}
${assumed}
<p class="dim">The other answers: ${text(fixed.join(', '))}.</p>
<script>${SCRIPT}</script>
</body></html>
`;
}
