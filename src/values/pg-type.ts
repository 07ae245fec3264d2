/**
 * Owns the plain description of a PostgreSQL type that codecs are compiled from. postgres/catalog/type-registry.ts fills it from
 * the catalog; nothing here touches a server.
 */

import type { ValueCorrection } from '../core/options.ts';

export type PgTypeKind = 'base' | 'enum' | 'domain' | 'array' | 'range' | 'multirange' | 'composite' | 'pseudo';

export type PgType = {
  readonly oid: number;
  /** pg_type.typname, unquoted, e.g. `int4`, `_text`, `mood`. */
  readonly name: string;
  /** pg_namespace.nspname. */
  readonly schema: string;
  readonly kind: PgTypeKind;
  /** True where its schema is not on the connection's search path: Debezium's driver then spells it with the schema. */
  readonly offSearchPath?: boolean;
  /** True where a streaming Debezium takes the row type of a table of the same name for it and loses the value. */
  readonly isHidden?: boolean;
  /** True where Debezium finds that row type by the bare name: it then knows no default of the type in any table. */
  readonly hidesDefault?: boolean;
  /** True where the catalog no longer has the type: then only the text of its values is known. */
  readonly isGone?: boolean;
  /** For kind array: the element type. */
  readonly element?: PgType;
  /** For kind domain: the type it is over, one level down, and the typmod it applies (-1 for none). */
  readonly base?: PgType;
  readonly baseTypmod?: number;
  /** For kind enum: labels in enumsortorder. */
  readonly enumLabels?: readonly string[];
};

/** What a codec is compiled from. */
export type ColumnSpec = {
  readonly name: string;
  readonly type: PgType;
  /** pg_attribute.atttypmod, -1 for none. */
  readonly typmod: number;
  readonly optional: boolean;
  /** pg_get_expr of the column default, e.g. `'x'::text`, `nextval('s'::regclass)`; undefined for none. */
  readonly defaultExpression?: string | undefined;
};

/** The handling modes that shape values; names and values are Debezium's. */
export type ValueModes = {
  readonly decimal: 'precise' | 'double' | 'string';
  readonly time: 'adaptive' | 'adaptive_time_microseconds' | 'connect' | 'isostring' | 'microseconds' | 'nanoseconds';
  readonly interval: 'numeric' | 'string';
  readonly binary: 'bytes' | 'base64' | 'base64-url-safe' | 'hex';
  readonly hstore: 'json' | 'map';
  readonly moneyFractionDigits: number;
  readonly includeUnknownDatatypes: boolean;
  /** unavailable.value.placeholder as given; a `hex:` prefix means hex octets. */
  readonly unavailablePlaceholder: string;
  /** The corrections that are on: there values differ from Debezium's. */
  readonly corrections: ReadonlySet<ValueCorrection>;
  /** Debezium reads a few values (name, far dates) differently in a snapshot, where its driver parses them. */
  readonly phase: Phase;
};

export type Phase = 'snapshot' | 'stream';

export const DEFAULT_VALUE_MODES: ValueModes = {
  decimal: 'precise',
  time: 'adaptive',
  interval: 'numeric',
  binary: 'bytes',
  hstore: 'json',
  moneyFractionDigits: 2,
  includeUnknownDatatypes: false,
  unavailablePlaceholder: '__debezium_unavailable_value',
  corrections: new Set(),
  phase: 'stream',
};
