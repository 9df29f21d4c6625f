/**
 * Making elements. Text only ever becomes a text node, so that nothing in an event can become markup.
 *
 * @typedef {string | Node | null} Child
 */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Readonly<Record<string, string>>} attributes
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  for (const child of children) if (child !== null) made.append(child);
  return made;
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function place(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no place called ${id}`);
  return found;
}

/**
 * Writes words into a place, and leaves it alone when they are the same: a live region then stays silent, and what a
 * reader has selected stays selected.
 * @param {string} id
 * @param {string} words
 */
export function say(id, words) {
  const target = place(id);
  if (target.textContent !== words) target.textContent = words;
}

/**
 * A value of an event or a row in words.
 * @param {unknown} value
 */
export function wordsOf(value) {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** @type {WeakMap<Element, string>} */
const shown = new WeakMap();

/**
 * Rebuilds the children of a place only when what they are made from has changed.
 * @param {Element} target
 * @param {unknown} from
 * @param {() => readonly Node[]} build
 */
export function fill(target, from, build) {
  const signature = JSON.stringify(from);
  if (shown.get(target) === signature) return;
  shown.set(target, signature);
  target.replaceChildren(...build());
}
