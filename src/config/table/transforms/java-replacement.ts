/** Owns the check of a replacement text of Java (java.util.regex.Matcher) against its pattern. Does not replace anything. */

/** Why the text fails where the pattern matches, or undefined. `pattern` must be a regular expression that compiles. */
export function replacementProblem(pattern: string, replacement: string): string | undefined {
  const groups = groupsOf(pattern);
  for (const [token, escaped, name, index] of replacement.matchAll(TOKEN)) {
    if (escaped === '') return 'ends with a backslash: write \\\\ for one';
    if (name !== undefined && !groups.names.has(name)) return `names the group ${name}, which the pattern does not have`;
    // Java takes further digits only as long as they make the number of a group.
    if (index !== undefined && Number(index) > groups.count) return `names the group ${index}, and the pattern has ${groups.count}`;
    if (token === '$') return 'has a $ that begins neither $1 nor ${name}: write \\$ for a plain one';
  }
  return undefined;
}

/** An escaped character (empty at the end of the text), a named group, a numbered one, a stray `$`. */
const TOKEN = /\\(.|$)|\$\{([a-zA-Z][a-zA-Z0-9]*)\}|\$(\d)|\$/gs;

function groupsOf(pattern: string): { readonly count: number; readonly names: ReadonlySet<string> } {
  const match = new RegExp(`${pattern}|`).exec('');
  return { count: (match?.length ?? 1) - 1, names: new Set(Object.keys(match?.groups ?? {})) };
}
