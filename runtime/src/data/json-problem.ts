/**
 * Says where a value is not JSON: what would be lost if it were written and read again. A property that is undefined is one
 * that is not there. REQUIRES a value without circles, as JSON.stringify finds them.
 */
export function jsonProblem(value: unknown, path: string): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${path} is ${value}`;
  if (typeof value !== 'object') return `${path} is of type ${typeof value}`;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const problem = jsonProblem(value[index], `${path}[${index}]`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    return `${path} is an object of a class of its own`;
  for (const [name, property] of Object.entries(value)) {
    const problem = property === undefined ? undefined : jsonProblem(property, `${path}.${name}`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
