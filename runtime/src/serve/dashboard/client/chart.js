/**
 * Small line charts of the last minutes, drawn as SVG.
 *
 * @import { Sample } from '../../history.ts'
 * @typedef {{ readonly atMs: number, readonly value: number }} Point
 */
import { duration, whole } from './format.js';
import { place, say } from './dom.js';

const WIDTH = 600;
const HEIGHT = 96;
const HEADROOM = 6;
const SAMPLES_MAX = 300;
const CLOCK_STEP_MS = 60_000;

/** What the page knows of the past: the server's samples, then one more every `everyMs`. */
export class Past {
  /** @type {Sample[]} */
  #samples = [];
  #everyMs = 2000;

  /** @param {{ everySeconds: number, samples: readonly Sample[] }} history */
  start(history) {
    this.#everyMs = history.everySeconds * 1000;
    this.#samples = [...history.samples];
  }

  /** @param {Sample} sample */
  add(sample) {
    const last = this.#samples.at(-1);
    // The server's samples may be a little newer than the answer that comes with them; much newer is another clock.
    if (last !== undefined && sample.atMs < last.atMs - CLOCK_STEP_MS) this.#samples = [];
    else if (last !== undefined && sample.atMs - last.atMs < this.#everyMs) return;
    this.#samples.push(sample);
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  /** @returns {readonly Point[]} */
  rates() {
    return this.#samples.slice(1).map((sample, i) => {
      const before = /** @type {Sample} */ (this.#samples[i]);
      const seconds = Math.max(0.001, (sample.atMs - before.atMs) / 1000);
      return { atMs: sample.atMs, value: Math.max(0, (sample.eventsIn - before.eventsIn) / seconds) };
    });
  }

  /** @returns {readonly Point[]} */
  lags() {
    return this.#samples.map((sample) => ({ atMs: sample.atMs, value: sample.lagEvents }));
  }
}

/**
 * @param {'rate' | 'lag'} name
 * @param {readonly Point[]} points
 * @param {string} what
 */
export function drawChart(name, points, what) {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined || points.length < 2) return;
  const max = Math.max(...points.map((point) => point.value));
  const span = Math.max(1, last.atMs - first.atMs);
  const path = points.map(({ atMs, value }) => {
    const x = ((atMs - first.atMs) / span) * WIDTH;
    const y = HEIGHT - (max === 0 ? 0 : (value / max) * (HEIGHT - HEADROOM));
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  const svg = place(`${name}-chart`);
  svg.replaceChildren(
    shape('polygon', 'area', `0,${HEIGHT} ${path.join(' ')} ${WIDTH},${HEIGHT}`),
    shape('polyline', 'line', path.join(' ')),
  );
  const back = span < 1000 ? '' : `${duration(Math.round(span / 1000))} ago`;
  svg.setAttribute(
    'aria-label',
    `${what}: now ${whole(last.value)}, at most ${whole(max)} in the time shown`,
  );
  say(`${name}-now`, whole(last.value));
  say(`${name}-from`, back);
  say(`${name}-max`, `at most ${whole(max)}`);
}

/**
 * @param {string} tag
 * @param {string} name
 * @param {string} points
 */
function shape(tag, name, points) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  made.setAttribute('class', name);
  made.setAttribute('points', points);
  return made;
}
