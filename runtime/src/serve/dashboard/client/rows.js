/**
 * One section for each view: its rows, the newest window first, and a filter on one column.
 *
 * @import { JsonRow, Status, ViewStatus } from '../../../host/host.ts'
 * @typedef {{ readonly start: string, readonly end: string }} WindowValue
 */
import { element, fill, place, wordsOf } from './dom.js';
import { ask } from './feed.js';
import { counted, whole, windowTime } from './format.js';

const ROWS_MAX = 200;

/** @type {Map<string, ViewPanel>} */
const panels = new Map();

/** @param {Status} status */
export function showViews(status) {
  for (const view of status.views) {
    const panel = panels.get(view.name) ?? new ViewPanel(view);
    panels.set(view.name, panel);
    panel.show(view, status);
  }
  fill(
    place('views'),
    status.views.map((view) => view.name),
    () => status.views.flatMap((view) => panels.get(view.name)?.section ?? []),
  );
}

class ViewPanel {
  #asked = '';
  #filter = { column: '', value: '' };
  #status;
  #view;
  #note = element('p', { class: 'quiet', role: 'status' });
  #table = element('table', { class: 'rows' });

  /** @param {ViewStatus} view */
  constructor(view) {
    this.#view = view;
    this.#status = /** @type {Status | null} */ (null);
    const scroll = { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Rows of ${view.name}` };
    const title = element('div', {}, element('h2', {}, view.name), this.#note);
    const head = element('div', { class: 'view-head' }, title, this.#form(view));
    this.section = element(
      'section',
      { class: 'card', 'aria-label': view.name },
      head,
      element('div', scroll, this.#table),
    );
  }

  /**
   * Asks for rows only when the view has changed, or the filter has.
   * @param {ViewStatus} view
   * @param {Status} status
   */
  show(view, status) {
    this.#view = view;
    this.#status = status;
    const asked = JSON.stringify([
      view.updatedAtMs,
      view.rows,
      this.#filter,
      status.lambda?.coveredUntilMs,
      view.closedUntilMs,
    ]);
    if (asked === this.#asked) return;
    this.#asked = asked;
    void this.#load();
  }

  /** @param {ViewStatus} view */
  #form(view) {
    const id = `filter-${view.name}`;
    const column = element(
      'select',
      { id: `${id}-column`, name: 'column' },
      ...view.columns.map((name) => element('option', { value: name }, name)),
    );
    const value = element('input', {
      id: `${id}-value`,
      name: 'value',
      autocomplete: 'off',
      spellcheck: 'false',
    });
    const clear = element('button', { type: 'reset' }, 'Clear');
    const form = element(
      'form',
      { class: 'filter', 'aria-label': `Filter ${view.name}` },
      element('div', {}, element('label', { for: `${id}-column` }, 'Column'), column),
      element('div', {}, element('label', { for: `${id}-value` }, 'Equals'), value),
      element('button', { type: 'submit' }, 'Filter'),
      clear,
    );
    const apply = (/** @type {string} */ wanted) => {
      this.#filter = { column: wanted === '' ? '' : column.value, value: wanted };
      this.#asked = '';
      if (this.#status !== null) this.show(this.#view, this.#status);
    };
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      apply(value.value.trim());
    });
    form.addEventListener('reset', () => apply(''));
    return form;
  }

  async #load() {
    const view = this.#view;
    const { column, value } = this.#filter;
    const params = new URLSearchParams({ limit: String(ROWS_MAX), order: 'newest' });
    if (column !== '') params.set('where', `${column}=${value}`);
    const asked = this.#asked;
    try {
      const path = `/api/views/${encodeURIComponent(view.name)}?${params.toString()}`;
      const answer = /** @type {{ rows: readonly JsonRow[], truncated: boolean }} */ (await ask(path));
      // A later question may have been answered first.
      if (asked === this.#asked) this.#draw(newestFirst(answer.rows, view.columns), answer.truncated);
    } catch (error) {
      this.#asked = '';
      this.#note.className = 'problem';
      this.#note.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  /**
   * @param {readonly JsonRow[]} rows
   * @param {boolean} truncated
   */
  #draw(rows, truncated) {
    const { columns, keys, name } = this.#view;
    this.#note.className = 'quiet';
    this.#note.textContent = this.#noteOf(rows.length, truncated);
    const hasState = rows.some((row) => this.#stateOf(row) !== null);
    const numeric = new Set(
      columns.filter((column) => rows.length > 0 && rows.every((row) => isNumeric(row[column]))),
    );
    const digits = new Map([...numeric].map((column) => [column, digitsOf(rows.map((row) => row[column]))]));
    const alignment = (/** @type {string} */ column) => (numeric.has(column) ? 'right' : '');
    const heads = columns.map((column) => element('th', { scope: 'col', class: alignment(column) }, column));
    if (hasState)
      heads.push(element('th', { scope: 'col' }, this.#status?.lambda === undefined ? 'state' : 'layer'));
    const body = rows.map((row) => {
      const cells = columns.map((column) =>
        cell(
          row[column],
          `${alignment(column)}${keys.includes(column) ? ' key' : ''}`,
          digits.get(column) ?? 0,
        ),
      );
      const state = this.#stateOf(row);
      if (state !== null)
        cells.push(
          element('td', {}, element('span', { class: 'chip', 'data-tone': state.tone }, state.words)),
        );
      return element('tr', {}, ...cells);
    });
    const caption = element('caption', { hidden: '' }, `Rows of ${name}`);
    this.#table.replaceChildren(
      caption,
      element('thead', {}, element('tr', {}, ...heads)),
      element('tbody', {}, ...body),
    );
  }

  /**
   * @param {number} shown
   * @param {boolean} truncated
   */
  #noteOf(shown, truncated) {
    const { column, value } = this.#filter;
    const mode = this.#view.mode === 'final' ? 'only final results' : 'results as they grow';
    const of = truncated ? `the first ${whole(shown)}` : `all ${whole(shown)}`;
    if (column !== '')
      return shown === 0 ? `No row has ${column} ${value}.` : `${column} ${value}: ${of} rows`;
    if (!truncated) return `${counted(shown, 'row')}, ${mode}`;
    return `${whole(shown)} of ${counted(this.#view.rows, 'row')}, newest first, ${mode}`;
  }

  /**
   * Whether a row may still change, or which layer of Lambda it comes from.
   * @param {JsonRow} row
   * @returns {{ words: string, tone: 'good' | 'wait' } | null}
   */
  #stateOf(row) {
    const window = windowOf(row, this.#view.columns);
    if (window === null) return null;
    const endMs = Date.parse(window.end);
    if (this.#status?.lambda !== undefined) {
      const covered = this.#status.lambda.coveredUntilMs;
      return covered !== null && endMs <= covered
        ? { words: 'batch', tone: 'good' }
        : { words: 'speed', tone: 'wait' };
    }
    const until = this.#view.closedUntilMs;
    if (until === undefined) return null;
    return until !== null && endMs <= until
      ? { words: 'closed', tone: 'good' }
      : { words: 'open', tone: 'wait' };
  }
}

/**
 * @param {unknown} value
 * @param {string} style
 * @param {number} digits
 */
function cell(value, style, digits) {
  if (value === null || value === undefined) return element('td', { class: `${style} none` }, '–');
  if (isWindow(value)) {
    const words = windowTime(Date.parse(value.start), Date.parse(value.end));
    return element(
      'td',
      { class: `${style} window`, title: `${value.start} to ${value.end}` },
      ...pieces(words),
    );
  }
  if (typeof value === 'number')
    return element('td', { class: style, title: String(value) }, value.toFixed(digits));
  return element('td', { class: style }, wordsOf(value));
}

/**
 * A narrow table breaks a time between day and clock, and nowhere else.
 * @param {string} words
 */
function pieces(words) {
  return words
    .split(/(?<=,) /)
    .flatMap((piece, i) => [i === 0 ? '' : ' ', element('span', { class: 'whole' }, piece)]);
}

/**
 * How many digits behind the point a column shows, the same in all its rows: two, four when all are below one.
 * @param {readonly unknown[]} values
 */
function digitsOf(values) {
  const numbers = values.filter((value) => typeof value === 'number');
  if (numbers.every((value) => Number.isInteger(value))) return 0;
  return numbers.some((value) => Math.abs(value) >= 1) ? 2 : 4;
}

/** @param {unknown} value */
function isNumeric(value) {
  return typeof value === 'number' || value === null;
}

/**
 * @param {unknown} value
 * @returns {value is WindowValue}
 */
function isWindow(value) {
  return (
    typeof value === 'object' &&
    value !== null &&
    'start' in value &&
    'end' in value &&
    !Number.isNaN(Date.parse(String(value.end)))
  );
}

/**
 * @param {JsonRow} row
 * @param {readonly string[]} columns
 * @returns {WindowValue | null}
 */
function windowOf(row, columns) {
  const found = columns.map((column) => row[column]).find(isWindow);
  return found ?? null;
}

/**
 * @param {readonly JsonRow[]} rows
 * @param {readonly string[]} columns
 */
function newestFirst(rows, columns) {
  const startOf = (/** @type {JsonRow} */ row) => Date.parse(windowOf(row, columns)?.start ?? '') || 0;
  return [...rows].sort((a, b) => startOf(b) - startOf(a));
}
