/** Owns the small pieces that generated pages are put together from. */
import type { OptionSpec, ValueKind } from '../src/config/table/option-spec.ts';

export function code(text: string): string {
  return `\`${text}\``;
}

export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

export function sentence(text: string): string {
  return text === '' || /[.!?…]$/.test(text) ? text : `${text}.`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`);
  return `${lines.join('\n')}\n`;
}

/** Links from a page under docs/ to recorded cases. */
export function caseLinks(names: readonly string[], shownMax: number): string {
  const shown = names.slice(0, shownMax).map((name) => `[${name}](../test/golden/spine/${name}.json)`);
  if (names.length > shownMax) shown.push(`${names.length - shownMax} more`);
  return shown.join(', ');
}

/** The values of an option that are known and refused. */
export function refusedValues(spec: OptionSpec): readonly string[] {
  if (spec.status !== 'honoured' || spec.honouredValues === undefined) return [];
  const { honouredValues, kind } = spec;
  if (kind.tag === 'boolean') return ['true', 'false'].filter((value) => !honouredValues.includes(value));
  if (kind.tag === 'class') return ['other classes'];
  return kind.tag === 'enum' ? kind.values.filter((value) => !honouredValues.includes(value)) : [];
}

/** What a table of options says about the kind of a value. */
export function kindName(kind: ValueKind): string {
  switch (kind.tag) {
    case 'enum':
      return kind.values.map(code).join(', ');
    case 'integer':
      return kind.min === 0 || kind.min < -1 ? 'integer' : `integer ≥ ${kind.min}`;
    case 'regex list':
      return 'list of patterns';
    case 'regex':
      return 'pattern';
    case 'sql':
      return 'SQL';
    default:
      return kind.tag;
  }
}
