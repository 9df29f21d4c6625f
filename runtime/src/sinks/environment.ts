/** `${NAME}` in the settings of a sink stands for a variable of the environment. */
import { failure } from '../base/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Puts them in, and hands each value to `onValue`. Throws SINK_INVALID for one that is not set. */
export function expanded(
  template: string,
  sink: string,
  environment: Environment,
  onValue: (value: string) => void = () => {},
): string {
  return template.replaceAll(VARIABLE, (_, name: string) => {
    const value = environment[name];
    if (value === undefined || value === '')
      throw failure('SINK_INVALID', {
        sink,
        problem: `the environment variable ${name} is not set. Set it, or put it into .env.`,
      });
    onValue(value);
    return value;
  });
}

/** Takes what is secret out of a message, the longest first: one may hold another. */
export function scrubber(secrets: readonly string[]): (message: string) => string {
  const wanted = secrets.filter((secret) => secret !== '').toSorted((a, b) => b.length - a.length);
  return (message) => wanted.reduce((text, secret) => text.replaceAll(secret, '…'), message);
}
