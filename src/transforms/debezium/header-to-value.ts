/**
 * Owns HeaderToValue, which puts headers into the value. Debezium remembers the value's schema of the first record and the headers without the
 * moved ones, and by both goes wrong with later records; here each record has its own.
 * Source: io.debezium.transforms.HeaderToValue, io.debezium.transforms.ConnectRecordUtil.
 */
import type { FieldShape, ValueShape } from '../../events/record-shape.ts';
import type { FieldSchema } from '../../values/schema.ts';
import { copyBasics, derived, fieldNamed, fieldsOf, structOf, substituted } from '../fields.ts';
import { nullnessOf, whereThere } from '../nullness.ts';
import { readerOf } from '../read-value.ts';
import type { TransformSettings } from '../settings.ts';
import {
  HeaderList,
  nullOf,
  type Outcome,
  type RecordKind,
  recordOutcome,
  type ShapedRecord,
  type Transform,
  TransformError,
} from '../shaped-record.ts';

const PURPOSE = 'Header field insertion';
/** What Debezium calls the value itself. */
const ROOT = 'payload';

/** A field to be made of a header. */
type Entry = { readonly path: readonly string[]; readonly value: ValueShape };

export function headerToValue(settings: TransformSettings): Transform {
  const headers = settings.list('headers');
  const fields = settings.list('fields');
  const moves = settings.text('operation', 'copy').trim().toLowerCase() === 'move';
  if (headers.length !== fields.length)
    throw new TransformError("'fields' config must have the same number of elements as 'headers' config.");

  const present = (record: ShapedRecord, value: ValueShape): Outcome => {
    fieldsOf(value, PURPOSE);
    const entries = entriesOf(record, headers, fields);
    if (entries.length === 0) return recordOutcome(record);
    for (const { path } of entries) refusePrimitives(value.schema, path);
    const nested = entries.filter(({ path }) => path.length > 1).map(({ path }) => path.join('.'));
    const inserted = new Insertion(entries, nested, record.kind).into(value, ROOT, 0);
    const kept = moves ? new HeaderList(record.headers.entries.filter(({ name }) => !headers.includes(name))) : record.headers;
    return recordOutcome({ ...record, value: inserted, headers: kept });
  };
  return (record) => whereThere(record, 'value', { present: (value) => present(record, value), absent: () => recordOutcome(record) });
}

function entriesOf(record: ShapedRecord, headers: readonly string[], fields: readonly string[]): readonly Entry[] {
  return record.headers.entries.flatMap(({ name, value }) => {
    const field = fields[headers.indexOf(name)];
    if (field === undefined) return [];
    if (value === 'other key') throw new TransformError(`the header ${name} cannot become a field`);
    return [{ path: field.split('.'), value }];
  });
}

function refusePrimitives(schema: FieldSchema, path: readonly string[]): void {
  let current: FieldSchema | undefined = schema;
  for (const part of path.slice(0, -1)) {
    current = current?.fields?.find(({ field }) => field === part)?.schema;
    if (current !== undefined && current.type !== 'struct' && current.type !== 'array' && current.type !== 'map') {
      const nested = path.join('.');
      throw new TransformError(`Field '${part}' is a primitive type, not a struct. Cannot add nested field '${nested}'.`);
    }
  }
}

class Insertion {
  readonly #entries: readonly Entry[];
  readonly #nested: readonly string[];
  readonly #kind: RecordKind;

  constructor(entries: readonly Entry[], nested: readonly string[], kind: RecordKind) {
    this.#entries = entries;
    this.#nested = nested;
    this.#kind = kind;
  }

  /** The struct with the entries that belong into it. It is required then, as all structs that are rebuilt. */
  into(struct: ValueShape, name: string, level: number): ValueShape {
    const basics = copyBasics(struct.schema);
    const fields = fieldsOf(struct, 'Nested field').map((field) => this.#kept(field, level));
    for (const { path, value } of this.#entries) {
      const field = fieldIn(path, name, level);
      if (field !== undefined) put(fields, field, value);
    }
    const parents = this.#entries.flatMap(({ path }) => newParentIn(path, { name, level, schema: struct.schema }));
    for (const parent of new Set(parents)) fields.push(fieldNamed(parent, this.#newStruct(parent, level)));
    const rebuilt = structOf(basics, fields);
    const isNull = nullnessOf(struct, this.#kind);
    if (isNull === false) return rebuilt;
    if (isNull === true) return nullOf(rebuilt.schema);
    const read = readerOf(rebuilt, { substituted: false });
    return derived(rebuilt.schema, (event) => (isNull(event) ? null : read(event)));
  }

  #kept(field: FieldShape, level: number): FieldShape {
    // Debezium looks for the name anywhere in the paths.
    if (!this.#nested.some((path) => path.includes(`${field.field}.`))) return fieldNamed(field.field, substituted(field));
    if (field.schema.type !== 'struct') return fieldNamed(field.field, onlyNull(field));
    return fieldNamed(field.field, this.into(field, field.field, level + 1));
  }

  /** Below the first level Debezium makes it empty. */
  #newStruct(parent: string, level: number): ValueShape {
    const fields: FieldShape[] = [];
    if (level === 0) {
      for (const { path, value } of this.#entries) {
        const [first, second] = path;
        if (first === parent && second !== undefined) fields.push(fieldNamed(second, value));
      }
    }
    return structOf({ type: 'struct', optional: true }, fields);
  }
}

/** What is taken for a struct and is none may be nothing but null. */
function onlyNull({ field, schema, origin }: FieldShape): ValueShape {
  const read = readerOf({ schema, origin }, { substituted: true });
  return derived(schema, (event) => {
    if (read(event) === null) return null;
    throw new TransformError(`Only Struct objects supported for [Nested field], found: ${schema.type} in ${field}`);
  });
}

/** A field that is there keeps its schema. */
function put(fields: FieldShape[], field: string, value: ValueShape): void {
  const at = fields.findIndex((one) => one.field === field);
  const known = fields[at];
  if (known === undefined) fields.push(fieldNamed(field, value));
  else {
    const { type } = known.schema;
    if (type !== value.schema.type) throw new TransformError(`Invalid object for schema type ${type.toUpperCase()} in field ${field}`);
    fields[at] = fieldNamed(field, derived(known.schema, readerOf(value, { substituted: false })));
  }
}

function fieldIn(path: readonly string[], name: string, level: number): string | undefined {
  if (path.length === 1 && name === ROOT) return path[0];
  return path.length === level + 1 && path[Math.max(0, level - 1)] === name ? path[level] : undefined;
}

type Parent = { readonly name: string; readonly level: number; readonly schema: FieldSchema };

/** The struct that the path leads through and that is not there yet. */
function newParentIn(path: readonly string[], { name, level, schema }: Parent): readonly string[] {
  const isHere = level === 0 || path[level - 1] === name;
  const field = path[level];
  if (!isHere || field === undefined || level >= path.length - 1) return [];
  return schema.fields?.some((one) => one.field === field) ? [] : [field];
}
