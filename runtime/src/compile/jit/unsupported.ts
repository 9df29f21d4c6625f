/** Thrown while compiling: the plan has something that only the interpreter runs. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported';
}
