/**
 * Owns the chain of transforms as the config says it: aliases, predicates, classes, and the options of each. Does not own which classes
 * there are (table/transforms.ts), nor what they do to a record.
 */

import type { PredicateOptions, TransformOptions } from '../../core/options.ts';
import { nearestName } from '../suggest.ts';
import { honourOldOptions } from '../table/transforms/legacy.ts';
import { connectList, type StageClass, type StageValues, stageValue, stageValueProblem } from '../table/transforms/stage-spec.ts';
import { classRefusal, stageClassOf, TRANSFORM_CLASSES } from '../table/transforms.ts';
import type { ConfigReport, OptionValues } from './read-values.ts';

type Kind = 'transforms' | 'predicates';
type Place = { readonly kind: Kind; readonly alias: string; readonly values: OptionValues; readonly report: ConfigReport };

/** Connect's own options of a stage, which the class is not handed. */
const OF_CONNECT: Readonly<Record<Kind, readonly string[]>> = {
  transforms: ['type', 'predicate', 'negate', 'plugin.version'],
  predicates: ['type', 'plugin.version'],
};

type Stage = { readonly alias: string; readonly type: string; readonly options: StageValues };

export function resolveTransforms(values: OptionValues, report: ConfigReport): readonly TransformOptions[] {
  const aliases = aliasesOf('transforms', values, report);
  const predicates = new Predicates(values, report);
  const chain: TransformOptions[] = [];
  for (const alias of aliases) {
    const place: Place = { kind: 'transforms', alias, values, report };
    const condition = conditionOf(place, predicates);
    const stage = resolveStage(place);
    if (stage !== undefined && condition !== 'left out') chain.push({ ...stage, ...condition });
  }
  predicates.resolveUnused();
  noteStrays('transforms', aliases, report);
  noteStrays('predicates', predicates.aliases, report);
  return chain;
}

function aliasesOf(kind: Kind, values: OptionValues, report: ConfigReport): readonly string[] {
  const aliases = connectList(values.text(kind));
  const unique = [...new Set(aliases)];
  if (aliases.includes('')) report.add('invalid', kind, 'has an empty name');
  if (unique.length < aliases.length) report.add('invalid', kind, 'holds a name twice');
  return unique.filter((alias) => alias !== '');
}

/** Each predicate is resolved once, however many stages name it. */
class Predicates {
  readonly aliases: readonly string[];
  readonly #values: OptionValues;
  readonly #report: ConfigReport;
  readonly #resolved = new Map<string, PredicateOptions | undefined>();

  constructor(values: OptionValues, report: ConfigReport) {
    this.aliases = aliasesOf('predicates', values, report);
    this.#values = values;
    this.#report = report;
  }

  /** Undefined where it is wrong, which is reported, or left out. */
  find(alias: string): PredicateOptions | undefined {
    if (!this.#resolved.has(alias)) this.#resolved.set(alias, resolveStage(this.#place(alias)));
    return this.#resolved.get(alias);
  }

  /** Connect takes predicates that no transform names, so they refuse nothing. */
  resolveUnused(): void {
    for (const alias of this.aliases) {
      if (!this.#resolved.has(alias)) this.#report.note(`predicates.${alias}.type`, 'has no effect: no transform names this predicate');
    }
  }

  #place(alias: string): Place {
    return { kind: 'predicates', alias, values: this.#values, report: this.#report };
  }
}

type Condition = Pick<TransformOptions, 'predicate' | 'negate'>;

/** `left out` where the predicate is wrong, or ignored: a stage is not applied to more records than it was written for. */
function conditionOf({ alias, values, report }: Place, predicates: Predicates): Condition | 'left out' {
  const prefix = `transforms.${alias}.`;
  const name = values.given(`${prefix}predicate`) ? values.text(`${prefix}predicate`).trim() : '';
  const negate = values.given(`${prefix}negate`) ? values.text(`${prefix}negate`).trim().toLowerCase() : 'false';
  if (negate !== 'true' && negate !== 'false') report.add('invalid', `${prefix}negate`, 'must be true or false');
  if (name === '') {
    if (values.given(`${prefix}negate`)) report.add('invalid', `${prefix}negate`, 'needs a predicate to negate');
    return { predicate: undefined, negate: false };
  }
  if (!predicates.aliases.includes(name)) {
    report.add('invalid', `${prefix}predicate`, 'names none of predicates', nearestName(name, predicates.aliases));
    return 'left out';
  }
  const predicate = predicates.find(name);
  if (predicate !== undefined) return { predicate, negate: negate === 'true' };
  report.note(`${prefix}predicate`, 'cannot be judged, so this transform is left out');
  return 'left out';
}

/** Undefined where something is wrong, which is reported, or where the class is refused and may be ignored. */
function resolveStage(place: Place): Stage | undefined {
  const { kind, alias, values, report } = place;
  const typeKey = `${kind}.${alias}.type`;
  const written = values.given(typeKey) ? values.text(typeKey).trim() : '';
  if (written === '') {
    if (!values.wrong(typeKey)) report.add('missing', typeKey, `is required: ${kind} names ${alias}`);
    return undefined;
  }
  const refusal = classRefusal(written) ?? kindRefusal(written, kind);
  if (refusal !== undefined) {
    report.refuse(typeKey, refusal, [kind, `${kind}.${alias}`, typeKey]);
    return undefined;
  }
  const found = stageClassOf(written);
  if (found === undefined) return undefined;
  if (found.spec.note !== undefined) report.note(typeKey, found.spec.note);
  const options = resolveOptionsOf(place, found);
  return options === undefined ? undefined : { alias, type: found.type, options };
}

function kindRefusal(written: string, kind: Kind): string | undefined {
  const spec = stageClassOf(written)?.spec;
  const isTransform = spec !== undefined && TRANSFORM_CLASSES.includes(spec);
  if (isTransform === (kind === 'transforms')) return undefined;
  return isTransform ? 'is a transform, not a predicate' : 'is a predicate, not a transform';
}

/** Undefined where an option is wrong. */
function resolveOptionsOf(place: Place, { type, spec }: { readonly type: string; readonly spec: StageClass }): StageValues | undefined {
  const { values, report } = place;
  const prefix = `${place.kind}.${place.alias}.`;
  const given = readGiven(place, spec);
  const old = honourOldOptions(type, given.options, values.oneOf('slotline.unwrap.legacy', ['honour', 'ignore']));
  if (old.note !== undefined) report.note(prefix + (old.used[0] ?? ''), old.note);
  const problems = old.problem === undefined ? [] : [old.problem];
  for (const each of spec.options) {
    const value = old.values.get(each.name);
    if (value === undefined) {
      if (each.required && !values.wrong(prefix + each.name)) problems.push({ option: each.name, reason: `is required: ${each.doc}` });
      continue;
    }
    const reason = stageValueProblem(each, value);
    if (reason !== undefined) problems.push({ option: each.name, reason });
    else if (each.unused !== undefined) report.note(prefix + each.name, `has no effect: ${each.unused}`);
  }
  noteUnknown(place, { type, spec }, old.used);
  if (problems.length === 0) problems.push(...spec.check(old.values));
  for (const { option, reason } of problems) report.add(old.values.has(option) ? 'invalid' : 'missing', prefix + option, reason);
  return problems.length > 0 || given.wrong ? undefined : old.values;
}

function readGiven({ kind, alias, values }: Place, spec: StageClass): { readonly options: StageValues; readonly wrong: boolean } {
  const prefix = `${kind}.${alias}.`;
  const options = new Map<string, string>();
  for (const [key, text] of values.members(prefix)) {
    const name = key.slice(prefix.length);
    if (OF_CONNECT[kind].includes(name)) continue;
    const row = spec.options.find((each) => each.name === name);
    options.set(name, row === undefined ? text : stageValue(row, text));
  }
  return { options, wrong: spec.options.some(({ name }) => values.wrong(prefix + name)) };
}

/** Connect hands a class every option, and it ignores those that it does not know. */
function noteUnknown(place: Place, { type, spec }: { readonly type: string; readonly spec: StageClass }, used: readonly string[]): void {
  const { kind, alias, report } = place;
  const prefix = `${kind}.${alias}.`;
  const known = spec.options.map(({ name }) => name);
  for (const key of report.keys().filter((each) => each.startsWith(prefix))) {
    const name = key.slice(prefix.length);
    if (name === 'plugin.version') report.note(key, 'has no effect: there are no plug-ins');
    if (OF_CONNECT[kind].includes(name) || known.includes(name) || used.includes(name)) continue;
    const near = nearestName(name, known);
    const advice = spec.advice[name] ?? (near === undefined ? undefined : `did you mean ${near}?`);
    const short = type.slice(type.lastIndexOf('.') + 1);
    report.note(key, `has no effect: ${short} has no such option${advice === undefined ? '' : ` (${advice})`}`);
  }
}

/** Options of aliases that the list does not name do nothing, in Connect too. */
function noteStrays(kind: Kind, aliases: readonly string[], report: ConfigReport): void {
  const told = new Set<string>();
  for (const key of report.keys().filter((each) => each.startsWith(`${kind}.`))) {
    if (aliases.some((alias) => key.startsWith(`${kind}.${alias}.`))) continue;
    const alias = key.split('.')[1] ?? '';
    if (told.has(alias)) continue;
    told.add(alias);
    const near = nearestName(alias, aliases);
    report.note(key, `has no effect: ${kind} does not name ${alias}${near === undefined ? '' : ` (did you mean ${near}?)`}`);
  }
}
