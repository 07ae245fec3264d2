/**
 * Owns what Debezium's driver says of a column's type: its name, length and scale, and whether it counts as text. Debezium
 * publishes them (propagation) and decides by them (truncation, length of hashes). Changes nothing itself.
 * Source: pgjdbc's TypeInfoCache and PgDatabaseMetaData.getColumns; Debezium's PostgresType and ColumnMetaData.
 */

import type { ColumnSpec, PgType, Phase } from './pg-type.ts';

export type SourceType = {
  /** As the driver (snapshot) or the type registry (stream) spells it. */
  readonly name: string;
  /** -1: not known. 2147483647: without limit. */
  readonly length: number;
  /** undefined: the driver says nothing. */
  readonly scale: number | undefined;
  /** CHAR and VARCHAR of JDBC: the only types that masks and hashes change. */
  readonly isText: boolean;
};

const NO_TYPMOD = -1;
const UNLIMITED = 0x7fff_ffff;
const VARCHAR_HEADER = 4;

/** OIDs of pg_catalog that never change. */
const OID = {
  bool: 16,
  char: 18,
  name: 19,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  oid: 26,
  float4: 700,
  float8: 701,
  bpchar: 1042,
  varchar: 1043,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
  interval: 1186,
  timetz: 1266,
  bit: 1560,
  varbit: 1562,
  numeric: 1700,
} as const;

const TEXT_OIDS: ReadonlySet<number> = new Set([OID.char, OID.name, OID.text, OID.bpchar, OID.varchar]);
const SERIAL_NAMES: ReadonlyMap<number, string> = new Map([
  [OID.int2, 'smallserial'],
  [OID.int4, 'serial'],
  [OID.int8, 'bigserial'],
]);

type Column = Pick<ColumnSpec, 'type' | 'typmod' | 'defaultExpression'>;

/** While streaming, Debezium knows the type by its OID; in a snapshot by what JDBC's metadata say. */
export function sourceTypeOf(column: Column, phase: Phase): SourceType {
  const isText = isTextType(column.type);
  return phase === 'stream' ? { ...streamedType(column), isText } : { ...listedType(column), isText };
}

function isTextType(type: PgType): boolean {
  const root = rootOf(type);
  return root.kind === 'enum' || TEXT_OIDS.has(root.oid);
}

function rootOf(type: PgType): PgType {
  let root = type;
  while (root.base !== undefined) root = root.base;
  return root;
}

function streamedType({ type, typmod }: Column): Omit<SourceType, 'isText'> {
  if (typmod === NO_TYPMOD) return { name: type.name, length: defaultLength(type), scale: defaultScale(type) };
  const oid = elementOid(type);
  return { name: type.name, length: precision(oid, typmod), scale: scale(oid, typmod) };
}

function listedType({ type, typmod, defaultExpression }: Column): Omit<SourceType, 'isText'> {
  const name = listedName(type, defaultExpression);
  if (type.base !== undefined) return { name, length: defaultLength(type), scale: defaultScale(type) };
  const oid = elementOid(type);
  if (type.oid === OID.numeric && typmod === NO_TYPMOD) return { name, length: 0, scale: undefined };
  return { name, length: precision(oid, typmod) || displaySize(oid, typmod), scale: scale(oid, typmod) };
}

/** Quoted and with its schema where that is not on the search path; a column that takes its values from a sequence is a serial. */
function listedName(type: PgType, defaultExpression: string | undefined): string {
  const serial = SERIAL_NAMES.get(type.oid);
  if (serial !== undefined && defaultExpression?.includes('nextval(')) return serial;
  return type.offSearchPath === true ? `"${type.schema}"."${type.name}"` : type.name;
}

/** For a domain, the length of its base type under the domain's typmod; for a nested domain, that of the inner one. */
function defaultLength(type: PgType): number {
  if (type.base === undefined) {
    const oid = elementOid(type);
    return precision(oid, NO_TYPMOD) || displaySize(oid, NO_TYPMOD);
  }
  const typmod = type.baseTypmod ?? NO_TYPMOD;
  if (typmod === NO_TYPMOD) return defaultLength(type.base);
  const oid = elementOid(type.base);
  return precision(oid, typmod) || displaySize(oid, typmod);
}

function defaultScale(type: PgType): number {
  if (type.base === undefined) return scale(elementOid(type), NO_TYPMOD);
  const typmod = type.baseTypmod ?? NO_TYPMOD;
  return typmod === NO_TYPMOD ? defaultScale(type.base) : scale(elementOid(type.base), typmod);
}

/** For an array the driver asks about its element. It knows nothing about types outside of pg_catalog. */
function elementOid(type: PgType): number {
  return type.kind === 'array' && type.element !== undefined ? type.element.oid : type.oid;
}

/** TypeInfoCache.getPrecision. */
function precision(oid: number, typmod: number): number {
  switch (oid) {
    case OID.int2:
      return 5;
    case OID.int4:
    case OID.oid:
      return 10;
    case OID.int8:
      return 19;
    case OID.float4:
      return 8;
    case OID.float8:
      return 17;
    case OID.numeric:
      return typmod === NO_TYPMOD ? 0 : ((typmod - VARCHAR_HEADER) & 0xffff_0000) >> 16;
    case OID.bool:
    case OID.char:
      return 1;
    case OID.bpchar:
    case OID.varchar:
      return typmod === NO_TYPMOD ? UNLIMITED : typmod - VARCHAR_HEADER;
    case OID.bit:
      return typmod;
    case OID.varbit:
      return typmod === NO_TYPMOD ? UNLIMITED : typmod;
    default:
      return displaySize(oid, typmod);
  }
}

/** TypeInfoCache.getScale. A negative scale of numeric shows as its low bits. */
function scale(oid: number, typmod: number): number {
  switch (oid) {
    case OID.float4:
      return 8;
    case OID.float8:
      return 17;
    case OID.numeric:
      return typmod === NO_TYPMOD ? 0 : (typmod - VARCHAR_HEADER) & 0xffff;
    case OID.time:
    case OID.timetz:
    case OID.timestamp:
    case OID.timestamptz:
      return typmod === NO_TYPMOD ? 6 : typmod;
    case OID.interval:
      return typmod === NO_TYPMOD ? 6 : typmod & 0xffff;
    default:
      return 0;
  }
}

const NUMERIC_DISPLAY_SIZE = 131_089;

/** The part of TypeInfoCache.getDisplaySize that getPrecision uses. */
function displaySize(oid: number, typmod: number): number {
  switch (oid) {
    case OID.numeric:
      return NUMERIC_DISPLAY_SIZE;
    case OID.date:
      return 13;
    case OID.interval:
      return 49;
    case OID.time:
      return 8 + secondsSize(typmod);
    case OID.timetz:
      return 14 + secondsSize(typmod);
    case OID.timestamp:
      return 22 + secondsSize(typmod);
    case OID.timestamptz:
      return 28 + secondsSize(typmod);
    default:
      return UNLIMITED;
  }
}

/** The driver counts one fraction digit as two. */
function secondsSize(typmod: number): number {
  if (typmod === NO_TYPMOD) return 7;
  if (typmod === 1) return 3;
  return typmod === 0 ? 0 : typmod + 1;
}
