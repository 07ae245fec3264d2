/** Owns reading a config file: JSON, the line of each key, and the two accepted shapes. Does not own the rules: resolve/resolve.ts. */

import { type ConfigEnvironment, errorName } from './environment.ts';
import { parseJsonText } from './json-text.ts';
import { otherForm, otherJsonForm } from './other-forms.ts';
import { inOrder, problem } from './problems.ts';
import { isObject, type ResolveResult, resolveConfig } from './resolve/resolve.ts';
import { printableKey } from './secrets.ts';

/** `again` reads once more the files that placeholders name; it exists only where some do. It does not read the config file again. */
export type LoadResult = ResolveResult & { readonly again?: () => ResolveResult };

/** Any provider but that of variables: config.providers may give it another name. */
const PLACED_IN_FILES = /\$\{(?!env:)[A-Za-z][A-Za-z0-9_-]*:/;

/** `workerConfig` is the path of a Connect worker's file, if there is one. Returns all problems of the file at once, each with its line. Never throws. */
export function loadConfig(path: string, environment: ConfigEnvironment, workerConfig?: string): LoadResult {
  let text: string;
  try {
    text = environment.readFile(path);
  } catch (error) {
    return refused(path, `cannot be read (${errorName(error)})`);
  }
  const parsed = parseJsonText(text.replace(/^\uFEFF/, ''));
  if (parsed.tag === 'broken') {
    const form = otherForm(text);
    if (form !== undefined) return refused(path, form);
    return refused(path, parsed.reason, { line: parsed.line, column: parsed.column });
  }
  if (!isObject(parsed.value)) return refused(path, 'must hold one JSON object');
  const form = otherJsonForm(parsed.value);
  if (form !== undefined) return refused(path, form);
  const lines = parsed.keyLines;
  const result = resolveConfig(parsed.value, environment, lines, workerConfig);
  const twice = parsed.duplicates.map((each) =>
    problem('invalid', printableKey(each.key), `stands twice: first on line ${lines.get(each.key) ?? each.line}`, { line: each.line }),
  );
  const problems = [...twice, ...(result.tag === 'refused' ? result.problems : [])];
  if (result.tag === 'resolved' && problems.length === 0) {
    const raw = parsed.value;
    return PLACED_IN_FILES.test(text) ? { ...result, again: () => resolveConfig(raw, environment, lines, workerConfig) } : result;
  }
  return { tag: 'refused', problems: inOrder(problems).map((each) => ({ ...each, file: path })), notes: result.notes };
}

function refused(file: string, reason: string, place: { readonly line?: number; readonly column?: number } = {}): LoadResult {
  return { tag: 'refused', problems: [problem('syntax', '', reason, { file, ...place })], notes: [] };
}
