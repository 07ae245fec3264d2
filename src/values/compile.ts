/**
 * Owns the table from PostgreSQL types to plans, and the compilation of one column's codec from its type, the handling
 * modes, and its default. The conversions themselves are in the family files.
 */

import { columnDefault, defaultWriter } from './column-default.ts';
import type { ColumnSpec, PgType, ValueModes } from './pg-type.ts';
import { byteCodes, type Placeholder, parsePlaceholder, schemaPlaceholder, singleElement, uuidElement } from './placeholder.ts';
import type { FieldSchema } from './schema.ts';
import { ASCII, bytesConstant, type ConstantWriter, type TypePlan, textConstant } from './type-plan.ts';
import { type ArrayElements, arrayPlan, bitArrayPlan, vectorPlan } from './types/arrays.ts';
import { bitsPlan, byteaPlan, unknownPlan } from './types/binary.ts';
import { mendedNumericPlan, moneyPlan, numericElementPlan, numericPlan } from './types/decimal.ts';
import { driverGeometryPlan, POINT_PLAN } from './types/geometry.ts';
import { hstorePlan } from './types/hstore.ts';
import { INTERVAL_PLANS } from './types/interval.ts';
import { BOOLEAN_PLAN, FLOAT32_PLAN, FLOAT64_PLAN, INT16_PLAN, INT32_PLAN, INT64_PLAN } from './types/numbers.ts';
import { GEOGRAPHY_PLAN, GEOMETRY_PLAN } from './types/postgis.ts';
import { datePlan, fullDayTimePlan, timeElementPlan, timePlan, timestampElementPlan, timestampPlan } from './types/temporal.ts';
import { addressPlan, enumPlan, namedTextPlan, namePlan, singleBytePlan, textPlan, uuidPlan } from './types/text.ts';
import { HALFVEC_PLAN, SPARSEVEC_ELEMENT_PLAN, SPARSEVEC_PLAN, VECTOR_PLAN } from './types/vectors.ts';
import { FULL_DAY_TIMETZ_PLAN, TIMETZ_ELEMENT_PLAN, TIMETZ_PLAN, timestamptzElementPlan, timestamptzPlan } from './types/zoned.ts';
import { ConversionError, type ValueCodec, type ValueWriter } from './value-writer.ts';

/** What a plan may depend on besides its type. */
type PlanInput = {
  /** -1 for none; of the innermost domain that declares one. */
  readonly typmod: number;
  readonly modes: ValueModes;
  readonly placeholder: Placeholder;
};

type PlanFactory = (input: PlanInput) => TypePlan;

/** Fraction digits of a time or timestamp typmod. */
function fractionDigits(typmod: number): number {
  return typmod === -1 ? 6 : typmod;
}

const mendsTimes = (modes: ValueModes): boolean => modes.corrections.has('dates-and-times');
const keepsNames = (modes: ValueModes): boolean =>
  modes.includeUnknownDatatypes || modes.phase === 'snapshot' || modes.corrections.has('names');
const numericFactory = (modes: ValueModes): typeof numericPlan => (modes.corrections.has('numerics') ? mendedNumericPlan : numericPlan);

const INT32_MAX = 0x7fff_ffff;

const text: PlanFactory = ({ placeholder }) => textPlan(placeholder.text);
const address: PlanFactory = ({ placeholder }) => addressPlan(placeholder.text);
const uuid: PlanFactory = ({ placeholder }) => uuidPlan(placeholder.text);

function namedText(name: string): PlanFactory {
  return ({ placeholder }) => namedTextPlan(name, placeholder.text);
}

const json: PlanFactory = namedText('io.debezium.data.Json');

/** Types of pg_catalog by pg_type.typname. What is not here is unknown to Debezium. */
const BUILT_IN_TYPES: ReadonlyMap<string, PlanFactory> = new Map<string, PlanFactory>([
  ['bool', () => BOOLEAN_PLAN],
  ['int2', () => INT16_PLAN],
  ['int4', () => INT32_PLAN],
  ['int8', () => INT64_PLAN],
  ['oid', () => INT64_PLAN],
  ['float4', () => FLOAT32_PLAN],
  ['float8', () => FLOAT64_PLAN],
  ['numeric', ({ typmod, modes, placeholder }) => numericFactory(modes)(typmod, modes.decimal, placeholder.text)],
  ['money', ({ modes, placeholder }) => moneyPlan(modes.moneyFractionDigits, modes.decimal, placeholder.text)],
  ['text', text],
  ['varchar', text],
  ['bpchar', text],
  ['char', ({ placeholder }) => singleBytePlan(placeholder.text)],
  ['name', ({ modes, placeholder }) => namePlan(keepsNames(modes), placeholder.text)],
  ['uuid', uuid],
  ['xml', namedText('io.debezium.data.Xml')],
  ['json', json],
  ['jsonb', json],
  ['tsvector', namedText('io.debezium.data.Tsvector')],
  ['bytea', ({ modes, placeholder }) => byteaPlan(modes.binary, placeholder)],
  ['bit', ({ typmod }) => bitsPlan(typmod)],
  ['varbit', ({ typmod }) => bitsPlan(typmod === -1 ? INT32_MAX : typmod)],
  ['inet', address],
  ['cidr', address],
  ['macaddr', address],
  ['macaddr8', address],
  ['int4range', text],
  ['int8range', text],
  ['numrange', text],
  ['tsrange', text],
  ['tstzrange', text],
  ['daterange', text],
  ['date', ({ modes }) => datePlan(modes.time, mendsTimes(modes) ? 'stream' : modes.phase)],
  ['time', ({ typmod, modes }) => (mendsTimes(modes) ? fullDayTimePlan : timePlan)(modes.time, fractionDigits(typmod))],
  ['timestamp', ({ typmod, modes }) => timestampPlan(modes.time, fractionDigits(typmod))],
  ['timestamptz', ({ typmod }) => timestamptzPlan(fractionDigits(typmod))],
  ['timetz', ({ modes }) => (mendsTimes(modes) ? FULL_DAY_TIMETZ_PLAN : TIMETZ_PLAN)],
  ['interval', ({ modes }) => INTERVAL_PLANS[modes.interval]],
  ['point', () => POINT_PLAN],
  ['int2vector', ({ modes }) => vectorPlan(INT16_PLAN, modes.corrections.has('arrays'))],
  ['oidvector', ({ modes }) => vectorPlan(INT64_PLAN, modes.corrections.has('arrays'))],
]);

/** Types of extensions by name, in whatever schema they were created. */
const EXTENSION_TYPES: ReadonlyMap<string, PlanFactory> = new Map<string, PlanFactory>([
  ['citext', text],
  ['hstore', ({ modes, placeholder }) => hstorePlan(modes.hstore, placeholder.text)],
  ['ltree', namedText('io.debezium.data.Ltree')],
  ['isbn', text],
  ['geometry', () => GEOMETRY_PLAN],
  ['geography', () => GEOGRAPHY_PLAN],
  ['vector', () => VECTOR_PLAN],
  ['halfvec', () => HALFVEC_PLAN],
  ['sparsevec', () => SPARSEVEC_PLAN],
]);

/** Debezium omits arrays of these although it knows the element, also under include.unknown.datatypes. */
const OMITTED_ARRAY_ELEMENTS: ReadonlySet<string> = new Set(['money', 'name', 'interval', 'varbit', 'xml', 'point', 'refcursor']);

/** Debezium declares the elements of these arrays, and of enum arrays, as required. ltree[] fails as a whole on null. */
const REQUIRED_ARRAY_ELEMENTS: ReadonlySet<string> = new Set(['tsvector', 'isbn', 'vector', 'halfvec', 'sparsevec']);
const NULL_REFUSING_ARRAY_ELEMENTS: ReadonlySet<string> = new Set(['ltree']);

/** pg_type.typdelim of the types that have another than a comma. */
const DELIMITERS: ReadonlyMap<string, number> = new Map([
  ['box', ASCII.semicolon],
  ['geometry', ASCII.colon],
  ['geography', ASCII.colon],
]);

function isBuiltIn(type: PgType): boolean {
  return type.schema === 'pg_catalog';
}

/** The type under all domains, and the typmod that holds for it. */
function underDomains(type: PgType, typmod: number): { readonly type: PgType; readonly typmod: number } {
  let root = type;
  let applied = typmod;
  while (root.kind === 'domain' && root.base !== undefined) {
    if (applied === -1) applied = root.baseTypmod ?? -1;
    root = root.base;
  }
  return { type: root, typmod: applied };
}

function knownPlan(type: PgType, input: PlanInput): TypePlan | undefined {
  if (type.isGone === true) return text(input);
  if (type.kind === 'enum') return enumPlan(type.enumLabels ?? [], input.placeholder.text);
  if (type.kind === 'domain' || type.kind === 'composite' || type.kind === 'multirange') return undefined;
  const table = isBuiltIn(type) ? BUILT_IN_TYPES : EXTENSION_TYPES;
  return table.get(type.name)?.(input);
}

const DRIVER_GEOMETRIES: ReadonlySet<string> = new Set(['box', 'circle', 'line', 'lseg', 'path', 'polygon']);

/** What include.unknown.datatypes makes of a type that has no plan. */
function includedPlan(type: PgType, input: PlanInput): TypePlan {
  const plan = unknownPlan(input.modes.binary, input.placeholder);
  return isBuiltIn(type) && DRIVER_GEOMETRIES.has(type.name) ? driverGeometryPlan(plan) : plan;
}

/** Debezium's driver reads some types differently inside an array. */
function elementPlan(element: PgType, input: PlanInput): TypePlan | undefined {
  const plan = knownPlan(element, input);
  if (plan === undefined) return undefined;
  const { modes, typmod } = input;
  const mendsArrays = modes.corrections.has('arrays');
  if (!isBuiltIn(element)) return plan === SPARSEVEC_PLAN && !mendsArrays ? SPARSEVEC_ELEMENT_PLAN : plan;
  if (element.name === 'numeric') return mendsArrays ? plan : numericElementPlan(plan);
  if (mendsTimes(modes)) return plan;
  switch (element.name) {
    case 'date':
      return datePlan(modes.time, 'snapshot');
    case 'time':
      return timeElementPlan(modes.time, fractionDigits(typmod));
    case 'timestamp':
      return timestampElementPlan(modes.time, fractionDigits(typmod));
    case 'timestamptz':
      return timestamptzElementPlan(fractionDigits(typmod));
    case 'timetz':
      return TIMETZ_ELEMENT_PLAN;
    default:
      return plan;
  }
}

function arrayOf(element: PgType, input: PlanInput): TypePlan | undefined {
  if (isBuiltIn(element) && OMITTED_ARRAY_ELEMENTS.has(element.name)) return undefined;
  const known = elementPlan(element, input);
  if (known === undefined && !input.modes.includeUnknownDatatypes) return undefined;
  const plan = known ?? includedPlan(element, input);
  const delimiter = DELIMITERS.get(element.name) ?? ASCII.comma;
  if (input.modes.corrections.has('arrays')) {
    const elements: ArrayElements = { plan, required: false, nullable: true, delimiter, flattens: true };
    return arrayPlan(elements, known === undefined ? undefined : arrayPlaceholder(element, plan, input));
  }
  if (known === undefined) return arrayPlan({ plan, required: true, nullable: false, delimiter });
  if (isBuiltIn(element) && element.name === 'bit') return bitArrayPlan(plan);
  const required = element.kind === 'enum' || REQUIRED_ARRAY_ELEMENTS.has(element.name);
  const nullable = !required && !NULL_REFUSING_ARRAY_ELEMENTS.has(element.name);
  const javaClass = isBuiltIn(element) || element.kind === 'enum' || element.name === 'ltree' ? javaClassOf(element, plan) : undefined;
  return arrayPlan({ plan, required, nullable, delimiter, javaClass }, arrayPlaceholder(element, plan, input));
}

const JAVA_STRINGS: ReadonlySet<string> = new Set(['text', 'varchar', 'bpchar', 'char', 'json', 'jsonb']);
const CONVERTED_TEXTS: ReadonlySet<string> = new Set(['date', 'time', 'timestamp', 'timestamptz', 'timetz', 'numeric', 'bytea']);

/** What Debezium's driver reads the elements of an array as, where Debezium takes whatever comes for a string. */
function javaClassOf(element: PgType, plan: TypePlan): string | undefined {
  if (plan.schema.type !== 'string' || CONVERTED_TEXTS.has(element.name)) return undefined;
  if (element.name === 'uuid') return 'java.util.UUID';
  return element.kind === 'enum' || JAVA_STRINGS.has(element.name) ? 'java.lang.String' : 'java.lang.Object';
}

/** Only these arrays have a placeholder in Debezium. */
function arrayPlaceholder(element: PgType, plan: TypePlan, input: PlanInput): ConstantWriter | undefined {
  if (!isBuiltIn(element)) return undefined;
  const { modes, placeholder } = input;
  switch (element.name) {
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'json':
    case 'jsonb':
      return singleElement(textConstant(placeholder.text));
    case 'bytea':
      return modes.binary === 'bytes' ? singleElement(bytesConstant(placeholder.bytes)) : undefined;
    case 'int4':
      return byteCodes(placeholder, 'int32');
    case 'date':
      // Connect's own Date and ISO text do not take the integers: the column fails.
      return plan.schema.name === 'io.debezium.time.Date' ? byteCodes(placeholder, 'int32') : undefined;
    case 'int8':
      return byteCodes(placeholder, 'int64');
    case 'uuid':
      return uuidElement(placeholder);
    default:
      return undefined;
  }
}

function planOf(spec: ColumnSpec, modes: ValueModes): TypePlan | undefined {
  const plan = debeziumPlan(spec, modes);
  if (plan === undefined || plan.writePlaceholder !== undefined || !modes.corrections.has('toast-placeholders')) return plan;
  return { ...plan, writePlaceholder: schemaPlaceholder(plan.schema, parsePlaceholder(modes.unavailablePlaceholder)) };
}

function debeziumPlan(spec: ColumnSpec, modes: ValueModes): TypePlan | undefined {
  const { type, typmod } = underDomains(spec.type, spec.typmod);
  const input: PlanInput = { typmod, modes, placeholder: parsePlaceholder(modes.unavailablePlaceholder) };
  const known = knownPlan(type, input);
  if (known !== undefined) return spec.type === type ? known : underDomainPlan(known, type, input);
  if (type.kind === 'array' && type.element !== undefined) {
    const plan = arrayOf(type.element, input);
    // Debezium tells the arrays with a placeholder by the name of the column's own type, which here is the domain's.
    return plan === undefined || spec.type === type ? plan : { ...plan, writePlaceholder: undefined };
  }
  return modes.includeUnknownDatatypes ? includedPlan(type, input) : undefined;
}

/** Debezium tells hstore by the name of the column's own type too when it picks the placeholder. */
function underDomainPlan(plan: TypePlan, type: PgType, input: PlanInput): TypePlan {
  if (isBuiltIn(type) || type.name !== 'hstore') return plan;
  const isText = plan.schema.type === 'string';
  return { ...plan, writePlaceholder: isText ? textConstant(input.placeholder.text) : undefined };
}

function columnSchema(spec: ColumnSpec, plan: TypePlan): FieldSchema {
  const bare: FieldSchema = { ...plan.schema, optional: spec.optional || plan.ignoresNotNull === true };
  const defaultValue = columnDefault(spec, plan);
  return defaultValue === undefined ? bare : { ...bare, defaultValue };
}

function writeNull(out: ValueWriter): void {
  out.nullValue();
}

function isHidden(type: PgType, modes: ValueModes): boolean {
  return type.isHidden === true && modes.phase === 'stream' && !modes.includeUnknownDatatypes;
}

/** Thrown for many rows, so it is made once. */
const NO_PLACEHOLDER = new ConversionError('an unchanged TOAST value has no placeholder in this type');

function refuseUnavailable(): never {
  throw NO_PLACEHOLDER;
}

/**
 * The codec of a column, or undefined where Debezium omits the column because it knows no form for its type. A codec
 * throws ConversionError in the middle of arrays and structs too: the caller takes back what the cell has written.
 */
export function compileColumn(spec: ColumnSpec, modes: ValueModes): ValueCodec | undefined {
  const plan = planOf(spec, modes);
  if (plan === undefined) return undefined;
  const schema = columnSchema(spec, plan);
  const writeFallback = defaultWriter(schema) ?? plan.writeZero;
  const writeMissing = spec.optional ? writeNull : writeFallback;
  return {
    schema,
    nullable: spec.optional,
    write: plan.valueIsLost === true || isHidden(spec.type, modes) ? writeMissing : plan.write,
    writeFallback,
    writeUnavailable: plan.writePlaceholder ?? (schema.optional && schema.defaultValue === undefined ? writeNull : refuseUnavailable),
  };
}

/** By type, typmod and NOT NULL. Weak, so that codecs go with the types and the connector that they were compiled for. */
const SHARED = new WeakMap<ValueModes, WeakMap<PgType, Map<string, ValueCodec | undefined>>>();

/** As compileColumn; columns that are alike and have no default share one codec, because a plan is kept for each of many tables. */
export function sharedColumn(spec: ColumnSpec, modes: ValueModes): ValueCodec | undefined {
  if (spec.defaultExpression !== undefined) return compileColumn(spec, modes);
  const ofModes = entryOf(SHARED, modes, () => new WeakMap<PgType, Map<string, ValueCodec | undefined>>());
  const ofType = entryOf(ofModes, spec.type, () => new Map<string, ValueCodec | undefined>());
  return entryOf(ofType, `${spec.typmod} ${spec.optional}`, () => compileColumn(spec, modes));
}

function entryOf<K, V>(
  map: { has(key: K): boolean; get(key: K): V | undefined; set(key: K, value: V): unknown },
  key: K,
  make: () => V,
): V {
  if (map.has(key)) return map.get(key) as V;
  const made = make();
  map.set(key, made);
  return made;
}
