/**
 * SQL's LIKE: `%` is any text, `_` any one code point, everything else itself; there is no escape. Takes time in proportion
 * to text times pattern at most.
 */
export function likeMatcher(pattern: string): (text: string) => boolean {
  const [, first, middle = '', last] = /^(%*)([^%_]*)(%*)$/.exec(pattern) ?? [];
  if (first === undefined) return (text) => isLike(Array.from(text), Array.from(pattern));
  if (first === '' && last === '') return (text) => text === middle;
  if (first === '') return (text) => text.startsWith(middle);
  if (last === '') return (text) => text.endsWith(middle);
  return (text) => text.includes(middle);
}

/** After a mismatch only the last `%` takes one more: an earlier one taking more could not help. */
function isLike(text: readonly string[], pattern: readonly string[]): boolean {
  let [at, next] = [0, 0];
  let [star, resume] = [-1, 0];
  while (at < text.length) {
    if (pattern[next] === '%') {
      star = next++;
      resume = at;
    } else if (next < pattern.length && (pattern[next] === '_' || pattern[next] === text[at])) {
      at++;
      next++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[next] === '%') next++;
  return next === pattern.length;
}
