/**
 * Owns the rows of the type part of the coverage table: every type of the mapping, the handling modes that change it, and the phases it
 * must be seen in. Does not look at recordings (coverage.ts).
 */

/** Snapshot, create, update, delete, and an update that leaves a TOASTed value unchanged. */
export type Phase = 'r' | 'c' | 'u' | 'd' | 'toast';

export type Mode = { readonly label: string; readonly settings: Readonly<Record<string, string>> };

export type TypeRow = {
  readonly title: string;
  /** The whole type as `format_type` prints it; kinds that the name does not tell follow in brackets. */
  readonly type: RegExp;
  readonly modes: readonly Mode[];
  readonly phases: readonly Phase[];
  /** Modes, by label, in which the field is absent. */
  readonly absentIn: readonly string[];
  /** Phases in which the value is null whatever the row holds, with the reason. */
  readonly nullIn?: { readonly phases: readonly Phase[]; readonly reason: string };
};

const ANY: readonly Mode[] = [{ label: '', settings: {} }];

function modes(option: string, ...values: string[]): readonly Mode[] {
  return values.map((value) => ({ label: value, settings: { [option]: value } }));
}

const DECIMAL = modes('decimal.handling.mode', 'precise', 'double', 'string');
const TIME = modes('time.precision.mode', 'adaptive', 'adaptive_time_microseconds', 'connect', 'isostring', 'microseconds', 'nanoseconds');
const INTERVAL = modes('interval.handling.mode', 'numeric', 'string');
const HSTORE = modes('hstore.handling.mode', 'json', 'map');
const BINARY = modes('binary.handling.mode', 'bytes', 'base64', 'base64-url-safe', 'hex');
const UNKNOWN: readonly Mode[] = [
  { label: 'left out', settings: { 'include.unknown.datatypes': 'false' } },
  { label: 'included', settings: { 'include.unknown.datatypes': 'true' } },
];
const UNKNOWN_BINARY: readonly Mode[] = BINARY.map(({ label, settings }) => ({
  label: `included, ${label}`,
  settings: { 'include.unknown.datatypes': 'true', ...settings },
}));

const FIXED: readonly Phase[] = ['r', 'c', 'u', 'd'];
const TOASTED: readonly Phase[] = [...FIXED, 'toast'];

type RowOptions = {
  readonly modes?: readonly Mode[];
  readonly phases?: readonly Phase[];
  readonly nullIn?: NonNullable<TypeRow['nullIn']>;
};

function row(title: string, type: RegExp, o: RowOptions = {}): TypeRow {
  const rowModes = o.modes ?? ANY;
  const base = { title, type, modes: rowModes, phases: o.phases ?? FIXED, absentIn: rowModes === UNKNOWN ? ['left out'] : [] };
  return o.nullIn === undefined ? base : { ...base, nullIn: o.nullIn };
}

const toasted = (title: string, type: RegExp, o: RowOptions = {}): TypeRow => row(title, type, { phases: TOASTED, ...o });
const unknown = (title: string, type: RegExp, o: RowOptions = {}): TypeRow => row(title, type, { modes: UNKNOWN, ...o });

const SCALARS: readonly TypeRow[] = [
  row('boolean', /^boolean$/),
  row('smallint', /^smallint$/),
  row('integer', /^integer$/),
  row('bigint', /^bigint$/),
  row('oid', /^oid$/),
  row('real', /^real$/),
  row('double precision', /^double precision$/),
  toasted('char(n)', /^character\(\d+\)$/),
  toasted('bpchar', /^bpchar$/),
  toasted('varchar(n)', /^character varying\(\d+\)$/),
  toasted('varchar', /^character varying$/),
  toasted('text', /^text$/),
  row('"char"', /^"char"$/),
  row('name', /^name$/, { nullIn: { phases: ['c', 'u', 'd'], reason: 'Debezium does not resolve the type while streaming' } }),
  toasted('citext', /^citext$/),
  row('uuid', /^uuid$/),
  toasted('xml', /^xml$/),
  toasted('json', /^json$/),
  toasted('jsonb', /^jsonb$/),
  toasted('bytea', /^bytea$/, { modes: BINARY }),
  row('bit(1)', /^bit\(1\)$/),
  toasted('bit(n)', /^bit\((?!1\))\d+\)$/),
  row('varbit(1)', /^bit varying\(1\)$/),
  toasted('varbit(n)', /^bit varying\((?!1\))\d+\)$/),
  toasted('varbit', /^bit varying$/),
  ...['inet', 'cidr', 'macaddr', 'macaddr8'].map((name) => row(name, new RegExp(`^${name}$`))),
  ...['int4range', 'int8range', 'tsrange', 'tstzrange', 'daterange'].map((name) => row(name, new RegExp(`^${name}$`))),
  toasted('numrange', /^numrange$/),
  unknown('multirange', /^[a-z0-9]+multirange( \(multirange\))?$/),
  row('enum', /^[^[]+ \(enum\)$/),
  toasted('tsvector', /^tsvector$/),
  ...['tsquery', 'pg_lsn', 'txid_snapshot', 'xid', 'cid', 'regclass', 'jsonpath'].map((name) => unknown(name, new RegExp(`^${name}$`))),
  toasted('ltree', /^ltree$/),
  row('isbn', /^isbn$/),
  toasted('hstore', /^hstore$/, { modes: HSTORE }),
  row('point', /^point$/),
  ...['box', 'lseg', 'path', 'polygon', 'circle', 'line'].map((name) => unknown(name, new RegExp(`^${name}$`))),
  unknown('composite', /^[^[]+ \(composite\)$/),
  row('any type without a mapping, included', /^(tsquery|pg_lsn|xid|circle|box|line|jsonpath|txid_snapshot)$/, { modes: UNKNOWN_BINARY }),
  row('domain', /^[^(]+ \(domain over (?![^)]*domain)[^[]+\)$/),
  row('domain over a domain', /^[^(]+ \(domain over [^(]+ \(domain over /),
];

const NUMBERS: readonly TypeRow[] = [
  row('numeric(p,s)', /^numeric\(\d+,[1-9]\d*\)$/, { modes: DECIMAL }),
  row('numeric(p)', /^numeric\(\d+,0\)$/, { modes: DECIMAL }),
  toasted('numeric', /^numeric$/, { modes: DECIMAL }),
  row('money', /^money$/, { modes: DECIMAL }),
];

const TEMPORAL: readonly TypeRow[] = [
  row('date', /^date$/, { modes: TIME }),
  row('time(0..3)', /^time\([0-3]\) without/, { modes: TIME }),
  row('time, time(4..6)', /^time(\([4-6]\))? without/, { modes: TIME }),
  row('timestamp(0..3)', /^timestamp\([0-3]\) without/, { modes: TIME }),
  row('timestamp, timestamp(4..6)', /^timestamp(\([4-6]\))? without/, { modes: TIME }),
  row('timestamptz', /^timestamp with time zone$/, { modes: TIME }),
  row('timestamptz(p)', /^timestamp\(\d\) with time zone$/),
  row('timetz', /^time with time zone$/, { modes: TIME }),
  row('timetz(p)', /^time\(\d\) with time zone$/),
  row('interval', /^interval/, { modes: INTERVAL }),
];

const EXTENSIONS: readonly TypeRow[] = [
  toasted('geometry (PostGIS)', /^geometry(\(.*\))?$/),
  toasted('geography (PostGIS)', /^geography(\(.*\))?$/),
  toasted('vector (pgvector)', /^vector(\(\d+\))?$/),
  toasted('halfvec (pgvector)', /^halfvec(\(\d+\))?$/),
  toasted('sparsevec (pgvector)', /^sparsevec(\(\d+\))?$/),
];

function array(element: string, type: string, o: RowOptions = {}): TypeRow {
  return toasted(`${element}[]`, new RegExp(`^${type}\\[\\]$`), o);
}

const PLAIN_ELEMENTS = ['smallint', 'integer', 'bigint', 'oid', 'real', 'double precision', 'boolean', 'text', 'citext', 'bpchar'];
const TEXT_ELEMENTS = ['inet', 'cidr', 'macaddr', 'macaddr8', 'uuid', 'json', 'jsonb', 'ltree'];
const RANGE_ELEMENTS = ['int4range', 'int8range', 'numrange', 'tsrange', 'tstzrange', 'daterange'];
const LEFT_OUT_ELEMENTS = ['money', 'name', 'interval', 'bit varying', 'xml', 'point', 'refcursor'];

const ARRAYS: readonly TypeRow[] = [
  ...[...PLAIN_ELEMENTS, ...TEXT_ELEMENTS, ...RANGE_ELEMENTS].map((name) => array(name, name)),
  array('char(n)', 'character\\(\\d+\\)'),
  array('varchar(n)', 'character varying(\\(\\d+\\))?'),
  array('numeric(p,s)', 'numeric\\(\\d+,\\d+\\)', { modes: DECIMAL }),
  array('numeric', 'numeric', { modes: DECIMAL }),
  array('date', 'date', { modes: TIME }),
  array('time', 'time(\\(\\d\\))? without time zone', { modes: TIME }),
  array('timestamp', 'timestamp(\\(\\d\\))? without time zone', { modes: TIME }),
  array('timetz', 'time(\\(\\d\\))? with time zone'),
  array('timestamptz', 'timestamp(\\(\\d\\))? with time zone'),
  array('bytea', 'bytea', { modes: BINARY }),
  array('hstore', 'hstore', { modes: HSTORE }),
  array('geometry', 'geometry(\\(.*\\))?'),
  array('geography', 'geography(\\(.*\\))?'),
  toasted('enum[]', /^.+\[\] \(enum\)$/),
  toasted('bit(n)[]', /^bit\(\d+\)\[\]$/, {
    phases: FIXED,
    nullIn: { phases: FIXED, reason: 'Debezium takes the column for a single bit string' },
  }),
  // include.unknown.datatypes does not bring them back.
  ...LEFT_OUT_ELEMENTS.map((name) => ({ ...unknown(`${name}[]`, new RegExp(`^${name}\\[\\]$`)), absentIn: ['left out', 'included'] })),
  unknown('composite[]', /^.+\[\] \(composite\)$/),
];

type RowSection = { readonly title: string; readonly rows: readonly TypeRow[] };

export const ROW_SECTIONS: readonly RowSection[] = [
  { title: 'Scalars', rows: SCALARS },
  { title: 'Numbers', rows: NUMBERS },
  { title: 'Dates and times', rows: TEMPORAL },
  { title: 'PostGIS and pgvector', rows: EXTENSIONS },
  { title: 'Arrays', rows: ARRAYS },
];

/** What a handling mode is where a case does not set it. */
export const MODE_DEFAULTS: Readonly<Record<string, string>> = {
  'decimal.handling.mode': 'precise',
  'time.precision.mode': 'adaptive',
  'interval.handling.mode': 'numeric',
  'hstore.handling.mode': 'json',
  'binary.handling.mode': 'bytes',
  'include.unknown.datatypes': 'false',
};
