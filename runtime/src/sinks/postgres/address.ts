/** Where a database is: a URL whose `${NAME}` come from the environment, and which is never shown. */
import { failure } from '../../base/errors.ts';
import { type Environment, expanded, scrubber } from '../environment.ts';

export interface Address {
  readonly url: string;
  /** `host:port/database`, without user and password. */
  readonly shown: string;
  /** Takes what is secret out of a message. */
  readonly scrub: (message: string) => string;
}

/** Throws SINK_INVALID for a variable that is not set, and for what is no URL of PostgreSQL. */
export function addressOf(template: string, sink: string, environment: Environment): Address {
  const url = expanded(template, sink, environment);
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^postgres(?:ql)?:$/.test(parsed.protocol))
    throw failure('SINK_INVALID', {
      sink,
      problem: '"postgres" is no URL such as postgres://user:password@host:5432/database.',
    });
  const { password, hostname, port, pathname, searchParams } = parsed;
  const secrets = [url, password, decoded(password), searchParams.get('password') ?? ''];
  return {
    url,
    shown: `${hostname}:${port === '' ? '5432' : port}${pathname}`,
    scrub: scrubber(secrets),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
