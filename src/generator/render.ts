/**
 * Templates hold no logic and values never become code. Handlebars runs closed: it knows only the helpers below, misses a
 * name loudly, looks nothing up on prototypes, and escapes nothing by itself, because what is right depends on the
 * language of the file. So a value enters a file only through the helper of its language; the exceptions are listed in
 * the blueprint as ready-made text.
 */
import Handlebars from 'handlebars';
import { stringify } from 'yaml';

/** How a value is written in each language. */
const HELPERS = {
  /** A JSON value, also valid in TypeScript. The two separators would end a line in old JavaScript. */
  json: (value: unknown) => escapeSeparators(JSON.stringify(value)),
  /** A string literal of TypeScript, in single quotes. */
  ts: (value: unknown) => {
    const inner = JSON.stringify(String(value)).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
    return `'${escapeSeparators(inner)}'`;
  },
  /** A YAML value on one line; text that YAML would read as something else is quoted, as JSON where it is not ASCII. */
  yaml: (value: unknown) =>
    typeof value === 'string' && !/^[ -~]*$/.test(value)
      ? escapeSeparators(JSON.stringify(value))
      : stringify(value, { lineWidth: 0, collectionStyle: 'flow', schema: 'core' }).trimEnd(),
  /** Text inside a comment of any of our languages: one line, and nothing that ends the comment. */
  comment: (value: unknown) =>
    String(value)
      // oxlint-disable-next-line no-control-regex
      .replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
      .replaceAll('*/', '* /'),
} as const;

export const HELPER_NAMES: readonly string[] = Object.keys(HELPERS);

export interface Renderer {
  render(template: string, name: string): string;
}

/** A renderer for one view model; each call of `render` misses a name with an error that says in which template. */
export function rendererOf(model: object, partials: ReadonlyMap<string, string>): Renderer {
  const handlebars = Handlebars.create();
  const context = withoutPrototypes(model);
  for (const name of Object.keys(handlebars.helpers)) {
    if (name !== 'if' && name !== 'unless' && name !== 'each') handlebars.unregisterHelper(name);
  }
  for (const [name, write] of Object.entries(HELPERS)) {
    handlebars.registerHelper(name, (value: unknown) => {
      if (value === undefined) throw new Error(`${name}: the value is missing`);
      return write(value);
    });
  }
  const known = Object.fromEntries([...HELPER_NAMES, 'if', 'unless', 'each'].map((name) => [name, true]));
  const options = {
    noEscape: true,
    strict: true,
    knownHelpersOnly: true,
    knownHelpers: known,
    preventIndent: true,
  };
  for (const [slot, text] of partials) handlebars.registerPartial(slot, handlebars.compile(text, options));
  return {
    render(template, name) {
      try {
        return handlebars.compile(template, options)(context, { allowProtoPropertiesByDefault: false });
      } catch (error) {
        throw new Error(`template ${name}: ${(error as Error).message}`, { cause: error });
      }
    },
  };
}

function escapeSeparators(text: string): string {
  return text.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

/** A copy that inherits nothing, so that a template cannot name what every object has. */
function withoutPrototypes(value: object): object {
  const entries = Object.entries(value).map(([key, inner]: [string, unknown]) => [
    key,
    typeof inner === 'object' && inner !== null ? withoutPrototypes(inner) : inner,
  ]);
  return Object.assign(Object.create(null) as object, Object.fromEntries(entries));
}
