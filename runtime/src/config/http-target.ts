/** `http` as a sink of `pipeline.config.yaml`: where messages are posted to, and with which headers. */

export interface HttpTarget {
  readonly kind: 'http';
  /** A URL in which `${NAME}` stands for a variable of the environment, as in the values of headers. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the view to a message, at most. */
  readonly rows: number;
  /** Of a whole exchange. */
  readonly timeoutMs: number;
}

const HEADERS_MAX = 32;
/** What says how a message travels, or what it is, is ours. */
const OURS =
  /^(?:host|connection|keep-alive|transfer-encoding|te|trailer|upgrade|expect|content-(?:length|type|encoding)|idempotency-key|proxy-.*)$/i;
const SECRET = /auth|cookie|token|key|secret|signature|password|credential/i;
const SECRET_PARAMETER = /[?&][^=&]*(?:token|key|secret|sig|password|auth)[^=&]*=(?!\$\{)[^&]/i;

/** What is wrong with it, without repeating any value. */
export function problemOfHttp(url: string, headers: Readonly<Record<string, string>>): string | undefined {
  // The scheme may come from the environment; whatever comes is looked at again.
  if (!/^(?:https?:\/\/|\$\{)/i.test(url))
    return '"http" must be a URL such as https://example.com/rows or ${RECEIVER_URL}';
  if (/^\w+:\/\/[^/?#]*@/.test(url))
    return '"http" holds a user or a password; send them in a header, such as authorization: "${RECEIVER_AUTHORIZATION}"';
  if (SECRET_PARAMETER.test(url))
    return '"http" holds what looks like a secret; put it into .env and write ${NAME} for it here';
  const names = Object.keys(headers);
  if (names.length > HEADERS_MAX) return `"headers" are more than ${HEADERS_MAX}`;
  for (const name of names) {
    if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/.test(name))
      return '"headers" has a name that no header can have';
    if (OURS.test(name)) return `the header "${name}" is set by the pipeline`;
    // The file is committed with the project; the environment is not.
    if (SECRET.test(name) && !headers[name]?.includes('${'))
      return `the header "${name}" holds its value here; put that into .env and write \${NAME} for it`;
  }
  return undefined;
}
