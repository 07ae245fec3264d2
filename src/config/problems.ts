/** Owns what is said about a config: problems, notes, and their printed form. Does not decide what is a problem. */

type ProblemKind = 'syntax' | 'unknown' | 'missing' | 'invalid' | 'unsupported';

export type Problem = {
  readonly kind: ProblemKind;
  /** The key as written; empty for a problem of the whole file. Never holds a salt. */
  readonly key: string;
  /** The value as written, before substitution; `***` for secrets; undefined where the value does not help. */
  readonly value: string | undefined;
  readonly reason: string;
  readonly didYouMean: string | undefined;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;
};

/** Something that the user may want to know and that stops nothing. */
export type Note = { readonly key: string; readonly text: string; readonly line: number | undefined };

export function problem(kind: ProblemKind, key: string, reason: string, more: Partial<Problem> = {}): Problem {
  return { kind, key, reason, value: undefined, didYouMean: undefined, file: undefined, line: undefined, column: undefined, ...more };
}

const ALLOW_HINT =
  'Options that are not honoured or not known can be ignored: list their names in slotline.unsupported.allow. Think of masks and filters first.';

/** One line per problem, in the order of the file, for a terminal; then what to do about refused ones. */
export function formatProblems(problems: readonly Problem[]): string {
  const lines = inOrder(problems).map(formatProblem);
  if (problems.some((each) => each.kind === 'unsupported' || each.kind === 'unknown')) lines.push(ALLOW_HINT);
  return lines.join('\n');
}

/** The same for `--json`: one object per problem, without empty fields. */
export function problemsAsJson(problems: readonly Problem[]): Readonly<Record<string, string | number>>[] {
  return inOrder(problems).map((each) => {
    const fields: [string, string | number][] = [];
    for (const [name, value] of Object.entries(each)) {
      if (value !== undefined && value !== '') fields.push([name, value]);
    }
    return Object.fromEntries(fields);
  });
}

export function formatNotes(notes: readonly Note[]): string {
  return inOrder(notes)
    .map((each) => `${each.line === undefined ? '' : `line ${each.line}: `}${each.key}: ${each.text}`)
    .join('\n');
}

function formatProblem(each: Problem): string {
  const place = formatPlace(each);
  const value = each.value === undefined ? '' : `=${each.value}`;
  const subject = each.key === '' ? '' : `${each.key}${value}: `;
  const hint = each.didYouMean === undefined ? '' : ` (did you mean ${each.didYouMean}?)`;
  return `${place}${subject}${each.reason}${hint}`;
}

function formatPlace(each: Problem): string {
  const parts: string[] = [];
  if (each.file !== undefined) parts.push(each.file);
  if (each.line !== undefined) parts.push(`line ${each.line}`);
  if (each.column !== undefined) parts.push(`column ${each.column}`);
  return parts.length === 0 ? '' : `${parts.join(', ')}: `;
}

/** Sorts by line; items without a line come last. */
export function inOrder<T extends { readonly line: number | undefined }>(items: readonly T[]): readonly T[] {
  return items.toSorted((a, b) => (a.line ?? Number.POSITIVE_INFINITY) - (b.line ?? Number.POSITIVE_INFINITY) || 0);
}
