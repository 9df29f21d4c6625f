/** Freshness over time, a strip for each architecture on one logarithmic scale, with the promise across all of them. */
import type { Proof, ProvedArchitecture } from '../prove/proof.ts';
import { text } from './escape.ts';
import { COLOURS } from './map-svg.ts';
import { timeText } from './prove-text.ts';

const STRIP = { left: 120, width: 700, height: 78, gap: 26, top: 10 } as const;
const WIDTH = 860;
/** Where the scale has lines: a second, a minute, … */
const MARKS = [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 6 * 3600, 86_400, 7 * 86_400] as const;

const STYLE = `
.ages { font: 12px system-ui, sans-serif; } .ages text { fill: #1b1f24; } .ages .name { font-size: 14px; font-weight: 600; }
.ages .mark { stroke: #8886; stroke-width: 1; } .ages .promise { stroke: #c2410c; stroke-width: 1.5; stroke-dasharray: 5 4; }
.ages .small { font-size: 10.5px; opacity: .75; } .ages .mean { fill: none; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) { .ages text { fill: #e8ecf0; } .ages .promise { stroke: #fb923c; } }`;

const rounded = (pixels: number): number => Math.round(pixels * 10) / 10;

export function curvesSvg(proof: Proof): string {
  const { architectures, promiseSeconds } = proof;
  const seen = architectures.flatMap(({ curve }) =>
    curve.flatMap(({ meanSeconds, maxSeconds }) => [meanSeconds, maxSeconds]),
  );
  const high = 1.6 * Math.max(promiseSeconds, ...seen);
  const low = Math.max(0.0005, Math.min(promiseSeconds, ...seen.filter((seconds) => seconds > 0)) / 2);
  const scale = (seconds: number): number =>
    Math.min(1, Math.max(0, Math.log(seconds / low) / Math.log(high / low)));
  const height = STRIP.top + architectures.length * (STRIP.height + STRIP.gap);
  const strips = architectures.map((each, index) =>
    strip(proof, each, { scale, top: STRIP.top + index * (STRIP.height + STRIP.gap), low, high }),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" class="ages" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Age of the newest result over time">
<style>${STYLE}</style>
${strips.join('\n')}
</svg>`;
}

interface Frame {
  readonly scale: (seconds: number) => number;
  readonly top: number;
  readonly low: number;
  readonly high: number;
}

function strip(proof: Proof, each: ProvedArchitecture, { scale, top, low, high }: Frame): string {
  const { architecture, curve, measured } = each;
  const bottom = top + STRIP.height;
  const right = STRIP.left + STRIP.width;
  const y = (seconds: number): number => rounded(bottom - scale(seconds) * STRIP.height);
  const x = (at: number): number => rounded(STRIP.left + (at / curve.length) * STRIP.width);
  const steps = (of: (point: ProvedArchitecture['curve'][number]) => number): string =>
    curve.map((point, at) => `H${x(at)}V${y(of(point))}H${x(at + 1)}`).join('');
  const colour = COLOURS[architecture];
  const area = `M${STRIP.left} ${bottom}${steps(({ maxSeconds }) => maxSeconds)}V${bottom}Z`;
  const mean = `M${STRIP.left} ${y(curve[0]?.meanSeconds ?? 0)}${steps(({ meanSeconds }) => meanSeconds)}`;
  const marks = MARKS.filter((mark) => mark > low && mark < high).filter(
    (_, index, all) => all.length < 6 || index % 2 === 0,
  );
  const promiseY = y(proof.promiseSeconds);
  return [
    ...marks.flatMap((mark) => [
      `<path class="mark" d="M${STRIP.left} ${y(mark)}H${right}"/>`,
      `<text class="small" x="${right + 4}" y="${y(mark) + 4}">${timeText(mark)}</text>`,
    ]),
    `<path d="${area}" fill="${colour}" fill-opacity=".35"/>`,
    `<path class="mean" d="${mean}" stroke="${colour}"/>`,
    `<path class="promise" d="M${STRIP.left} ${promiseY}H${right}"/>`,
    `<path class="mark" d="M${STRIP.left} ${bottom}H${right}"/>`,
    `<text class="name" x="0" y="${top + 32}">${text(architecture)}</text>`,
    `<text class="small" x="0" y="${top + 48}">${text(`${timeText(measured.freshnessP50Seconds)}, ${timeText(measured.freshnessP99Seconds)}`)}</text>`,
    `<text class="small" x="${STRIP.left}" y="${bottom + 13}">${text(spanText(proof, each))}</text>`,
  ].join('\n');
}

function spanText({ workload }: Proof, { architecture, measured, curve }: ProvedArchitecture): string {
  const span = timeText(curve.at(-1)?.atSeconds ?? 0);
  if (measured.freshnessFrom === 'horizon') return `${span} of ${timeText(workload.horizonSeconds)}`;
  const slice = workload.slices.find(({ architectures }) => architectures.includes(architecture));
  return `${timeText(slice?.seconds ?? 0)} at the full rate of the busiest time`;
}
