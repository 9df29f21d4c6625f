/** Where messages go: a URL and headers whose `${NAME}` come from the environment, and of which no secret is ever shown. */
import { failure } from '../../base/errors.ts';
import type { HttpTarget } from '../../config/http-target.ts';
import { type Environment, expanded, scrubber } from '../environment.ts';

/** What is shorter is no secret, and would take other words out of a message. */
const SECRET_CHARACTERS_MIN = 4;

export interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Scheme, host and path, without what comes from the environment behind the host. */
  readonly shown: string;
  readonly scrub: (message: string) => string;
}

/** Throws SINK_INVALID. */
export function targetOf(
  { url: template, headers: templates }: Pick<HttpTarget, 'url' | 'headers'>,
  sink: string,
  environment: Environment,
): Target {
  const invalid = (problem: string): Error => failure('SINK_INVALID', { sink, problem });
  const url = expanded(template, sink, environment);
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw invalid('"http" is no URL such as https://example.com/rows.');
  if (parsed.username !== '' || parsed.password !== '')
    throw invalid(
      '"http" holds a user or a password. Send them in a header, such as authorization: "${RECEIVER_AUTHORIZATION}".',
    );
  const secrets: string[] = [];
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(templates)) {
    const header = expanded(value, sink, environment, (part) => secrets.push(part));
    if (/[^\t\x20-\x7e\x80-\xff]/.test(header))
      throw invalid(`the header "${name}" has a character that no header can have.`);
    headers[name] = header;
    if (value.includes('${')) secrets.push(header, ...decodedBasic(header));
  }
  const isPathHidden = template.replace(/^https?:\/\/[^/?#]*/i, '').includes('${');
  if (isPathHidden && parsed.pathname.length > 1) secrets.push(parsed.pathname, decodedText(parsed.pathname));
  if (parsed.search !== '') secrets.push(parsed.search, ...parsed.searchParams.values());
  const shown = `${parsed.origin}${isPathHidden ? '/…' : parsed.pathname}`;
  return {
    url,
    headers,
    shown,
    scrub: scrubber(secrets.filter(({ length }) => length >= SECRET_CHARACTERS_MIN)),
  };
}

/** A receiver may show user and password as it has read them. */
function decodedBasic(header: string): string[] {
  const [, encoded] = /^basic +([\w+/=-]+)$/i.exec(header) ?? [];
  if (encoded === undefined) return [];
  const text = Buffer.from(encoded, 'base64').toString();
  return [encoded, text, text.slice(text.indexOf(':') + 1)];
}

function decodedText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
