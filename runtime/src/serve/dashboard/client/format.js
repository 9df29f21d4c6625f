/** Numbers, sizes, durations and times in words. Event times are always UTC, because a replay shows any year. */

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** @param {number} value */
export function whole(value) {
  return WHOLE.format(value);
}

/**
 * @param {number} value
 * @param {string} one
 * @param {string} [many]
 */
export function counted(value, one, many = `${one}s`) {
  return `${whole(value)} ${value === 1 ? one : many}`;
}

/**
 * `0.42` is `420 ms`, `192` is `3 min 12 s`: at most two units, the second only when it is not zero.
 * @param {number} seconds
 * @returns {string}
 */
export function duration(seconds) {
  if (seconds < 0) return `−${duration(-seconds)}`;
  if (seconds === 0) return '0 s';
  if (seconds < 0.9995) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 9.95) return `${Math.round(seconds * 10) / 10} s`;
  const total = Math.round(seconds);
  if (total < 60) return `${total} s`;
  if (total < 3600) return two(Math.floor(total / 60), 'min', total % 60, 's');
  if (total < 86_400) return two(Math.floor(total / 3600), 'h', Math.round((total % 3600) / 60) % 60, 'min');
  return two(Math.floor(total / 86_400), 'd', Math.floor((total % 86_400) / 3600), 'h');
}

/**
 * @param {number} first
 * @param {string} firstUnit
 * @param {number} second
 * @param {string} secondUnit
 */
function two(first, firstUnit, second, secondUnit) {
  return second === 0 ? `${first} ${firstUnit}` : `${first} ${firstUnit} ${second} ${secondUnit}`;
}

/**
 * @param {number | null} ms
 * @param {number} nowMs
 */
export function ago(ms, nowMs) {
  if (ms === null) return 'not yet';
  const seconds = Math.max(0, (nowMs - ms) / 1000);
  return seconds < 1.5 ? 'just now' : `${duration(Math.round(seconds))} ago`;
}

/** @param {number} bytes */
export function size(bytes) {
  for (const [unit, of] of /** @type {const} */ ([
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ])) {
    if (bytes >= of) return `${Math.round((bytes / of) * 10) / 10} ${unit}`;
  }
  return `${Math.round(bytes)} B`;
}

/** @param {number} ms */
function day(ms) {
  const date = new Date(ms);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

/** @param {number} ms */
function clock(ms) {
  const iso = new Date(ms).toISOString();
  return iso.endsWith(':00.000Z') ? iso.slice(11, 16) : iso.slice(11, 19);
}

/** @param {number | null} ms */
export function eventTime(ms) {
  return ms === null ? 'no event yet' : `${day(ms)}, ${clock(ms)}`;
}

/**
 * `10 Jan 2001, 06:00–07:00`; a window over midnight names both days.
 * @param {number} startMs
 * @param {number} endMs
 */
export function windowTime(startMs, endMs) {
  const sameDay = day(startMs) === day(endMs - 1);
  return sameDay ? `${eventTime(startMs)}–${clock(endMs)}` : `${eventTime(startMs)} – ${eventTime(endMs)}`;
}

/**
 * A share in per cent, with a digit more when it is small, and never "0 %" for something.
 * @param {number} part
 * @param {number} all
 */
export function share(part, all) {
  if (all === 0 || part === 0) return '0 %';
  const percent = (part / all) * 100;
  if (percent < 0.01) return 'under 0.01 %';
  return `${percent < 1 ? percent.toFixed(2) : percent < 10 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}
