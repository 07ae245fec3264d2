/**
 * Owns the way from written keys and values to checked ones: spelling, old names, substitution, the kind of the value,
 * and the class of the option. Does not own rules between options, nor the resolved form: resolve.ts and the files beside it.
 */

import { assert } from '../../core/assert.ts';
import { type ConfigEnvironment, providersOf, substitute } from '../environment.ts';
import { type Note, type Problem, problem } from '../problems.ts';
import { compileSecretNames, type IsSecret, printableKey, printableValue } from '../secrets.ts';
import { meantName } from '../suggest.ts';
import { driverPropertyProblem } from '../table/database.ts';
import { foreignNames, isSilentForeign } from '../table/names/foreign.ts';
import { RENAMED, RENAMED_VALUES } from '../table/names/renamed.ts';
import { isFamily, kindProblem, normalValue, type OptionSpec, parseDurationMs } from '../table/option-spec.ts';
import { findFamily, findOption, KNOWN_NAMES, OPTIONS } from '../table/options.ts';
import { splitRegexList } from './regex-list.ts';

/** A value as it stands in the config, under the option that it is meant for. */
type Written = {
  readonly key: string;
  readonly spec: OptionSpec;
  readonly rank: number;
  readonly text: string;
  readonly convert: (text: string) => string;
};

/** `value` is undefined where it was wrong or refused; that is reported already. */
type Given = { readonly key: string; readonly value: string | undefined };

/** More names would not help a reader. */
const UNUSED_SHOWN_MAX = 6;

const IGNORED = 'is ignored because slotline.unsupported.allow names it';

/** Collects all problems and notes while a config is read. */
export class ConfigReport {
  readonly problems: Problem[] = [];
  readonly notes: Note[] = [];
  readonly #isSecret: IsSecret;
  readonly #written: ReadonlyMap<string, string>;
  readonly #lines: ReadonlyMap<string, number>;
  readonly #allowed: ReadonlySet<string>;
  readonly #fromWorker: ReadonlySet<string>;
  /** By reason: the keys, and where their note stands. */
  readonly #unused = new Map<string, { readonly keys: readonly string[]; readonly index: number }>();

  constructor(written: ReadonlyMap<string, string>, { lines, fromWorker }: Pick<ConfigSource, 'lines' | 'fromWorker'>) {
    this.#written = written;
    this.#lines = lines;
    this.#fromWorker = fromWorker;
    this.#isSecret = compileSecretNames(written.get('custom.sanitize.pattern'));
    this.#allowed = new Set(splitRegexList(written.get('slotline.unsupported.allow') ?? ''));
  }

  /** `key` is a written key or, for a rule between options, the name of one. */
  add(kind: Problem['kind'], key: string, reason: string, didYouMean?: string): void {
    const text = this.#written.get(key);
    const spec = findOption(key)?.spec ?? findFamily(key);
    const value = text === undefined || kind === 'unknown' ? undefined : printableValue(key, spec, text, this.#isSecret);
    const where = this.#fromWorker.has(key) ? " (in the worker's file)" : '';
    this.problems.push(problem(kind, printableKey(key), reason + where, { value, didYouMean, line: this.#lines.get(key) }));
  }

  /** What is not honoured is a problem, unless slotline.unsupported.allow holds one of `names`, by which it may be called. */
  refuse(key: string, reason: string, names: readonly string[], unknown?: { readonly didYouMean: string | undefined }): void {
    if (names.some((name) => this.#allowed.has(name))) this.note(key, IGNORED);
    else this.add(unknown === undefined ? 'unsupported' : 'unknown', key, reason, unknown?.didYouMean);
  }

  /** Of keys that do nothing for the same reason there is one note, at the first of them. */
  noteUnused(key: string, reason: string): void {
    if (this.#fromWorker.has(key)) return;
    const known = this.#unused.get(reason);
    const keys = [...(known?.keys ?? []), printableKey(key)];
    const index = known?.index ?? this.notes.length;
    this.#unused.set(reason, { keys, index });
    const [first = '', ...others] = keys;
    const shown =
      others.slice(0, UNUSED_SHOWN_MAX).join(', ') +
      (others.length > UNUSED_SHOWN_MAX ? ` and ${others.length - UNUSED_SHOWN_MAX} more` : '');
    const also = others.length === 0 ? '' : `, nor have ${shown}`;
    this.notes[index] = { key: first, text: `has no effect${also}: ${reason}`, line: this.notes[index]?.line ?? this.#lines.get(key) };
  }

  /** The text under a key as it was written, for rules about keys that were not honoured. */
  written(key: string): string | undefined {
    return this.#written.get(key);
  }

  /** Every key as it was written, with a text for a value. */
  keys(): readonly string[] {
    return [...this.#written.keys()];
  }

  /** A worker's file is for more than this connector, so nothing is said of it but problems. */
  note(key: string, text: string): void {
    if (this.#fromWorker.has(key)) return;
    this.notes.push({ key: printableKey(key), text, line: this.#lines.get(key) });
  }
}

/** Checked values by option name; where one is missing or wrong, the default. */
export class OptionValues {
  readonly #given: ReadonlyMap<string, Given>;

  constructor(given: ReadonlyMap<string, Given>) {
    this.#given = given;
  }

  /** True where the option was written and is not empty, whether its value is right or wrong. */
  given(name: string): boolean {
    return this.#given.has(name);
  }

  /** True where the option was written, but its value is wrong or refused. */
  wrong(name: string): boolean {
    return this.#given.has(name) && this.#given.get(name)?.value === undefined;
  }

  /** The key under which the option was written, for problems. */
  keyOf(name: string): string {
    return this.#given.get(name)?.key ?? name;
  }

  optional(name: string): string | undefined {
    return this.#given.get(name)?.value ?? specOf(name).default;
  }

  /** For options that have a default or are required. A required one that is missing reads as empty; the problem is reported already. */
  text(name: string): string {
    return this.optional(name) ?? '';
  }

  integer(name: string): number {
    return Number(this.text(name));
  }

  durationMs(name: string): number {
    return parseDurationMs(this.text(name)) ?? 0;
  }

  flag(name: string): boolean {
    return this.text(name) === 'true';
  }

  list(name: string): string[] {
    return splitRegexList(this.text(name));
  }

  /** One of `values`, which must be those of the option's kind. */
  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const value = this.text(name);
    const found = values.find((each) => each === value) ?? values[0];
    assert(found !== undefined, `${name} has no values`);
    return found;
  }

  /** The members of a family that were given, by their full key. */
  members(prefix: string): ReadonlyMap<string, string> {
    const members = new Map<string, string>();
    for (const [name, { value }] of this.#given) {
      if (name.startsWith(prefix) && value !== undefined) members.set(name, value);
    }
    return members;
  }
}

/** The values of these options are names; the keys of further options begin with these names. */
const NAMERS = ['converters', 'post.processors'];

type ConfigSource = {
  readonly environment: ConfigEnvironment;
  /** The line of each key in the file, if there is a file. */
  readonly lines: ReadonlyMap<string, number>;
  /** Keys that came from the worker's file. */
  readonly fromWorker: ReadonlySet<string>;
};

export function readValues(raw: Readonly<Record<string, unknown>>, source: ConfigSource): { values: OptionValues; report: ConfigReport } {
  const texts = readTexts(raw);
  const report = new ConfigReport(texts, source);
  reportShapes(raw, report);
  const reader: Reader = { texts, report, environment: source.environment, providers: providersOf(texts), refused: new Set() };
  const byOption = new Map<string, Written>();
  for (const [key, text] of texts) {
    for (const each of identify(key, text, reader)) keepHighest(each, byOption, report);
  }
  const given = new Map<string, Given>();
  const parentsFirst = [...byOption].toSorted(([a], [b]) => a.length - b.length);
  for (const [name, each] of parentsFirst) {
    const value = check(each, reader);
    if (value !== undefined || each.text.trim() !== '') given.set(name, { key: each.key, value });
  }
  reportMissing(byOption, report);
  return { values: new OptionValues(given), report };
}

type Reader = {
  readonly texts: ReadonlyMap<string, string>;
  readonly report: ConfigReport;
  readonly environment: ConfigEnvironment;
  readonly providers: ReadonlyMap<string, string>;
  /** Options that were refused or ignored. What belongs to them is not reported by itself. */
  readonly refused: Set<string>;
};

/** Connect sends every value as text; JSON files may also hold numbers and booleans. */
function readTexts(raw: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const [key, value] of Object.entries(raw)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') texts.set(key, String(value));
  }
  return texts;
}

/** A value of null counts as not given, as in Connect. */
function reportShapes(raw: Readonly<Record<string, unknown>>, report: ConfigReport): void {
  for (const [key, value] of Object.entries(raw)) {
    if (value === null || typeof value !== 'object') continue;
    const hint = Array.isArray(value) ? ': a list is one text, its items separated by commas' : '';
    report.add('invalid', key, `must be a text, a number or a boolean${hint}`);
  }
}

/** The option that a key means. None, if the key is unknown, or belongs to another option that reads it. */
function identify(key: string, text: string, reader: Reader): Written[] {
  const found = findOption(key);
  if (found !== undefined) return [{ key, text, spec: found.spec, rank: found.rank, convert: (each) => each }];
  const renamed = RENAMED[key];
  if (renamed !== undefined) return identifyRenamed(key, text, renamed, reader);
  if (NAMERS.some((namer) => namedBy(namer, key, reader))) return [];
  const foreign = foreignNames(key);
  if (foreign !== undefined) {
    if (!isSilentForeign(foreign, text, (name) => reader.texts.get(name))) reader.report.noteUnused(key, foreign.reason);
    return [];
  }
  return identifyMember(key, text, reader);
}

function identifyRenamed(
  key: string,
  text: string,
  renamed: { to: string; convert?: (value: string) => string },
  reader: Reader,
): Written[] {
  const spec = specOf(renamed.to);
  reader.report.note(key, `is the old name of ${renamed.to}`);
  return [{ key, text, spec, rank: 0, convert: renamed.convert ?? ((each) => each) }];
}

function identifyMember(key: string, text: string, reader: Reader): Written[] {
  const driver = /^(?:driver|database)\.(.+)$/.exec(key)?.[1];
  const refused = driver === undefined ? undefined : driverPropertyProblem(driver);
  if (refused !== undefined) {
    reader.report.refuse(key, refused, [key]);
    return [];
  }
  const family = findFamily(key);
  const near = meantName(key, KNOWN_NAMES);
  if (family === undefined || (key.startsWith('database.') && near !== undefined)) {
    reader.report.refuse(key, 'is not an option', [key], { didYouMean: near });
    return [];
  }
  return [{ key, text, spec: { ...family, name: key }, rank: 1, convert: (each) => each }];
}

/** `converters=a` makes options of `a.type` and `a.…`. They are accepted or refused together with `converters`. */
function namedBy(namer: string, key: string, reader: Reader): boolean {
  return splitRegexList(reader.texts.get(namer) ?? '').some((name) => key.startsWith(`${name}.`));
}

/** Connect's order: `producer.override.…` wins over the worker's `producer.…`, that one over the bare name, and a new name over an old one. */
function keepHighest(each: Written, byOption: Map<string, Written>, report: ConfigReport): void {
  const other = byOption.get(each.spec.name);
  if (other === undefined) {
    byOption.set(each.spec.name, each);
    return;
  }
  const [winner, loser] = other.rank > each.rank ? [other, each] : [each, other];
  byOption.set(each.spec.name, winner);
  report.note(loser.key, `is overridden by ${winner.key}`);
}

/** Returns the value if it is given, right and honoured. Reports everything else. */
function check(each: Written, reader: Reader): string | undefined {
  const { spec, key } = each;
  if (spec.status !== 'honoured' && spec.parent !== undefined) return checkMember(each, reader);
  if (spec.status === 'no effect') {
    if ([...reader.refused].some((name) => key.startsWith(`${name}.`))) return undefined;
    if (!isSilent(each)) reader.report.noteUnused(key, spec.reason ?? '');
    return undefined;
  }
  const substituted = substitute(each.text, reader.environment, reader.providers);
  for (const reason of substituted.problems) reader.report.add('invalid', key, reason);
  if (substituted.problems.length > 0) return undefined;
  const value = normalise(each.convert(substituted.text), spec);
  if (value === '' && !spec.emptyAllowed) return undefined;
  if (isRefused(spec, value)) {
    refuse(each, value, reader);
    return undefined;
  }
  const reason = kindProblem(spec.kind, value) ?? spec.check?.(value);
  if (reason === undefined) return value;
  reader.report.add('invalid', key, reason);
  return undefined;
}

/** Nothing need be said of a value that asks for what is done anyway. */
function isSilent({ spec, text }: Written): boolean {
  const value = normalise(text, spec);
  return spec.silent === 'always' || value === (spec.default ?? '') || spec.silent.includes(value);
}

function normalise(text: string, spec: OptionSpec): string {
  const trimmed = spec.kind.tag === 'secret' || spec.emptyAllowed ? text : text.trim();
  const renamed = RENAMED_VALUES[spec.name]?.[trimmed.toLowerCase()] ?? trimmed;
  return normalValue(spec.kind, renamed);
}

/** True for a value that is known but not honoured. An unknown value is a plain error instead. */
function isRefused(spec: OptionSpec, value: string): boolean {
  if (kindProblem(spec.kind, value) !== undefined) return false;
  const honoured = [...(spec.honouredValues ?? []), ...(spec.default === undefined ? [] : [spec.default])];
  if (spec.status === 'not yet') return !honoured.includes(value);
  return spec.honouredValues !== undefined && !honoured.includes(value);
}

function refuse(each: Written, value: string, reader: Reader): void {
  const { key, spec } = each;
  reader.refused.add(spec.name);
  const what = spec.status === 'not yet' ? 'is not honoured yet' : 'this value is not honoured';
  reader.report.refuse(key, `${what}: ${spec.reason ?? ''}${withMembers(spec, value, reader)}`, [key, spec.name]);
}

/** Names a refused option together with the keys that depend on it, so that the report covers every line. */
function withMembers(spec: OptionSpec, value: string, reader: Reader): string {
  const prefixes = NAMERS.includes(spec.name) ? splitRegexList(value).map((name) => `${name}.`) : [`${spec.name}.`];
  const members = [...reader.texts.keys()].filter(
    (key) => prefixes.some((prefix) => key.startsWith(prefix)) && findOption(key) === undefined,
  );
  return members.length === 0 ? '' : ` (with it ${members.map(printableKey).join(', ')})`;
}

/** A member of a refused family is part of its parent; without the parent it does nothing, as in Connect. */
function checkMember(each: Written, reader: Reader): undefined {
  const parent = each.spec.parent ?? '';
  if (!reader.texts.has(parent)) reader.report.note(each.key, `has no effect: ${parent} is not set`);
  return undefined;
}

function reportMissing(byOption: ReadonlyMap<string, Written>, report: ConfigReport): void {
  for (const spec of OPTIONS) {
    if (!spec.required || isFamily(spec)) continue;
    const written = byOption.get(spec.name);
    if (written === undefined || written.text.trim() === '') report.add('missing', written?.key ?? spec.name, `is required: ${spec.doc}`);
  }
}

function specOf(name: string): OptionSpec {
  const spec = findOption(name)?.spec ?? findFamily(name);
  assert(spec !== undefined, `no option ${name}`);
  return spec;
}
