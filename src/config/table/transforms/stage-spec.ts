/**
 * Owns the shape of a transform or predicate in the table of classes, and the reading of Connect's value kinds in its options. Does not own
 * the classes (the other files of this folder), nor the chain: resolve/transforms.ts.
 */

import { unreachable } from '../../../core/assert.ts';
import { regexProblem } from '../../resolve/regex-list.ts';
import { kindProblem, normalValue, STRING, type ValueKind } from '../option-spec.ts';

export type StageOption = {
  readonly name: string;
  readonly kind: ValueKind;
  /** As it would be written; undefined where there is none. It is for readers: the resolved options hold what was given. */
  readonly default: string | undefined;
  readonly required: boolean;
  /** The value is compared letter by letter, as Kafka's classes do with some. */
  readonly exact: boolean;
  /** Why it changes nothing here, where that differs from what its class does elsewhere. */
  readonly unused: string | undefined;
  readonly doc: string;
  /** Why the value is wrong, or undefined. Called after the check of the kind. */
  readonly check: ((value: string) => string | undefined) | undefined;
};

type StageProblem = { readonly option: string; readonly reason: string };

/** The options of one stage as they were given. */
export type StageValues = ReadonlyMap<string, string>;

export type StageClass = {
  /** Full class names: one, or the two for key and value. */
  readonly types: readonly string[];
  readonly doc: string;
  readonly options: readonly StageOption[];
  /** Rules between options. Called where each option is right by itself. */
  readonly check: (values: StageValues) => readonly StageProblem[];
  /** Options that the class had once, or that are often written by mistake, and what to write. */
  readonly advice: Readonly<Record<string, string>>;
  /** What a user of the class should know in any case. */
  readonly note: string | undefined;
};

type OptionRow = Pick<StageOption, 'name' | 'doc'> & Partial<StageOption>;

export function option(row: OptionRow): StageOption {
  return {
    name: row.name,
    kind: row.kind ?? STRING,
    default: row.default,
    required: row.required ?? false,
    exact: row.exact ?? false,
    unused: row.unused,
    doc: row.doc,
    check: row.check,
  };
}

type ClassRow = Pick<StageClass, 'types' | 'doc' | 'options'> & Partial<StageClass>;

export function stageClass(row: ClassRow): StageClass {
  return {
    types: row.types,
    doc: row.doc,
    options: row.options,
    check: row.check ?? (() => []),
    advice: row.advice ?? {},
    note: row.note,
  };
}

/** The two classes of a transform that acts on the key or on the value. */
export function keyAndValue(type: string): readonly string[] {
  return [`${type}$Key`, `${type}$Value`];
}

/** Splits as Connect's ConfigDef does: at commas with the blanks around them; an empty text is an empty list. */
export function connectList(text: string): readonly string[] {
  return text.trim() === '' ? [] : text.split(',').map((item) => item.trim());
}

/** The value in the spelling that the class knows: Connect trims all but plain texts. */
export function stageValue(spec: StageOption, text: string): string {
  switch (spec.kind.tag) {
    case 'boolean':
    case 'integer':
      return normalValue(spec.kind, text.trim());
    case 'enum':
      return spec.exact ? text : normalValue(spec.kind, text.trim());
    default:
      return text;
  }
}

/** Why a value, as stageValue gives it, is wrong; or undefined. */
export function stageValueProblem(spec: StageOption, value: string): string | undefined {
  return ofKind(spec, value) ?? spec.check?.(value);
}

function ofKind(spec: StageOption, value: string): string | undefined {
  const { kind } = spec;
  switch (kind.tag) {
    case 'enum':
      if (spec.exact && !kind.values.includes(value)) return `must be one of ${kind.values.join(', ')}, in these letters`;
      return kindProblem(kind, value);
    case 'regex':
      return regexProblem(value, { ignoresCase: false });
    case 'string':
    case 'list':
    case 'boolean':
    case 'integer':
      return kindProblem(kind, value);
    case 'secret':
    case 'sql':
    case 'class':
    case 'number':
    case 'duration':
    case 'regex list':
      throw new Error(`no option of a transform is of the kind ${kind.tag}`);
    default:
      return unreachable(kind);
  }
}

/** For lists of which Kafka says that no value may stand twice, and none be empty. */
export function distinct(value: string): string | undefined {
  const items = connectList(value);
  if (items.includes('')) return 'has an empty item';
  return new Set(items).size < items.length ? 'holds an item twice' : undefined;
}

export function distinctAndFilled(value: string): string | undefined {
  return filledList(value) ?? distinct(value);
}

export function filledList(value: string): string | undefined {
  return connectList(value).length === 0 ? 'must not be empty' : undefined;
}

export function filled(value: string): string | undefined {
  return value.trim() === '' ? 'must not be empty' : undefined;
}
