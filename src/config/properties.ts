/** Owns reading Java properties (java.util.Properties): files of secrets, and the config of a Connect worker. */

/** Of a key that stands twice the last value counts, as in Java. */
export function parseProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (const line of logicalLines(text)) {
    const end = keyEnd(line);
    const value = line.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '');
    properties.set(unescapeProperty(line.slice(0, end)), unescapeProperty(value));
  }
  return properties;
}

/** Lines without blanks in front, comments and line ends that a backslash continues. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let begun: string | undefined;
  for (const natural of text.split(/\r\n|\r|\n/)) {
    const line = natural.trimStart();
    if (begun === undefined && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue;
    const joined: string = (begun ?? '') + line;
    begun = endsInBackslash(joined) ? joined.slice(0, -1) : undefined;
    if (begun === undefined) lines.push(joined);
  }
  if (begun !== undefined) lines.push(begun);
  return lines;
}

function endsInBackslash(line: string): boolean {
  let count = 0;
  while (line.at(-1 - count) === '\\') count += 1;
  return count % 2 === 1;
}

/** Where the first `=`, `:` or blank stands that no backslash precedes. */
function keyEnd(line: string): number {
  for (let index = 0; index < line.length; index += 1) {
    if (line[index] === '\\') index += 1;
    else if (/[=: \t\f]/.test(line.charAt(index))) return index;
  }
  return line.length;
}

function unescapeProperty(text: string): string {
  const controls: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f' };
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, code: string | undefined, char: string | undefined) =>
    code === undefined ? (controls[char ?? ''] ?? char ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
