/** Owns reading `sasl.jaas.config`. Does not own what the credentials are used for. Never puts any part of the text into an error. */

export type Jaas = { readonly module: string; readonly options: ReadonlyMap<string, string> };

type JaasResult = { readonly tag: 'jaas'; readonly jaas: Jaas } | { readonly tag: 'wrong'; readonly reason: string };

const FLAGS = ['required', 'requisite', 'sufficient', 'optional'];

/** One entry, as Kafka demands: `module flag key="value" … ;`. */
export function parseJaas(text: string): JaasResult {
  const tokens = tokenize(text);
  if (tokens === undefined) return wrong('has an unfinished quote');
  const [module, flag, ...rest] = tokens;
  if (module === undefined || flag === undefined || !FLAGS.includes(flag.toLowerCase()))
    return wrong('must begin with a login module and required');
  if (rest.at(-1) !== ';') return wrong('must end in a semicolon');
  return parseOptions(module, rest.slice(0, -1));
}

function parseOptions(module: string, tokens: readonly string[]): JaasResult {
  if (tokens.includes(';')) return wrong('must hold one login module only');
  const options = new Map<string, string>();
  for (let index = 0; index < tokens.length; index += 3) {
    const [key, equals, value] = tokens.slice(index, index + 3);
    if (key === undefined || equals !== '=' || value === undefined) return wrong('must hold key="value" pairs after the login module');
    options.set(key, value);
  }
  return { tag: 'jaas', jaas: { module: module.slice(module.lastIndexOf('.') + 1), options } };
}

/** Splits into words, quoted texts without their quotes, `=` and `;`. Undefined for an unfinished quote. */
function tokenize(text: string): string[] | undefined {
  const tokens: string[] = [];
  const pattern = /\s+|([=;])|"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([^\s=;"']+)/gsy;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) return undefined;
    const quoted = match[2] ?? match[3];
    const token = match[1] ?? (quoted === undefined ? match[4] : unescapeQuoted(quoted));
    if (token !== undefined) tokens.push(token);
  }
  return tokens;
}

function unescapeQuoted(text: string): string {
  const controls: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f', b: '\b' };
  return text.replace(/\\(.)/gs, (_, char: string) => controls[char] ?? char);
}

function wrong(reason: string): JaasResult {
  return { tag: 'wrong', reason };
}
