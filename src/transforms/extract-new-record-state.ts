/**
 * Owns ExtractNewRecordState, which replaces an envelope by the row in it.
 * Source: io.debezium.transforms.ExtractNewRecordState, AbstractExtractNewRecordState, ExtractNewRecordStateConfigDefinition.
 */

import { constantText } from '../events/facts.ts';
import { type FieldShape, isPresent, type ValueShape } from '../events/record-shape.ts';
import type { FieldSchema } from '../values/schema.ts';
import { fieldDropper } from './debezium/drop-fields.ts';
import { copyBasics, derived, fieldNamed, fieldsOf, findField, madeOptional, structOf, substituted, textOf, withSchema } from './fields.ts';
import { nullnessOf } from './nullness.ts';
import { readerOf } from './read-value.ts';
import type { TransformSettings } from './settings.ts';
import {
  DROPPED,
  type HeaderShape,
  isAlwaysNull,
  isEnvelope,
  nullOf,
  type Outcome,
  recordOutcome,
  type ShapedRecord,
  type Transform,
  TransformError,
} from './shaped-record.ts';

const PURPOSE = 'extract new record state';
const TEXT: FieldSchema = { type: 'string', optional: true };
const DELETED = '__deleted';
/** Fields that an unqualified name means in the transaction block, and in the envelope itself. All others are of the source block. */
const IN_TRANSACTION: ReadonlySet<string> = new Set(['id', 'total_order', 'data_collection_order']);
const IN_ENVELOPE: ReadonlySet<string> = new Set(['op', 'ts_ms', 'ts_us', 'ts_ns']);

/** A value of the envelope that is added. `struct`: undefined for the envelope itself. */
type Reference = { readonly struct: string | undefined; readonly field: string; readonly name: string };

type Mode = 'drop' | 'tombstone' | 'rewrite' | 'rewrite-with-tombstone' | 'delete-to-tombstone' | 'tombstone-with-tombstone';

export function extractNewRecordState(settings: TransformSettings): Transform {
  const mode = settings.text('delete.tombstone.handling.mode', 'tombstone').trim().toLowerCase() as Mode;
  const rewrites = mode.startsWith('rewrite');
  const substitutes = rewrites && settings.flag('replace.null.with.default', true);
  const fields = settings.list('add.fields').map((entry) => referenceOf(entry, settings.text('add.fields.prefix', '__')));
  const headers = settings.list('add.headers').map((entry) => referenceOf(entry, settings.text('add.headers.prefix', '__')));
  const routeField = settings.text('route.by.field', '');
  const dropped = fieldDropper(settings);
  const keepsTombstones = mode === 'rewrite-with-tombstone' || mode === 'tombstone-with-tombstone';

  const rowOf = (envelope: ValueShape, image: 'before' | 'after'): ValueShape => {
    const row = imageOf(envelope, image);
    const columns = fieldsOf(row, PURPOSE).map((column) => (substitutes ? fieldNamed(column.field, substituted(column)) : column));
    return structOf(copyBasics(row.schema), rewrites ? [...columns, deletedField(image === 'before')] : columns);
  };
  const withFields = (row: ValueShape, envelope: ValueShape): ValueShape => {
    const added = fields.map((reference) => [reference.name, resolve(envelope, reference)] as const);
    const present = added.flatMap(([name, shape]) => (shape === undefined ? [] : [fieldNamed(name, shape)]));
    return present.length === 0 ? row : structOf(copyBasics(row.schema), [...fieldsOf(row, PURPOSE), ...present]);
  };
  const routed = (record: ShapedRecord, row: ValueShape, next: (record: ShapedRecord) => Outcome): Outcome => {
    if (routeField === '') return next(record);
    const field = findField(row, routeField, PURPOSE);
    if (field === undefined) throw new TransformError(`${routeField} is not a valid field name`);
    if (field.schema.type !== 'string') throw new TransformError(`Field '${routeField}' is not of type STRING`);
    const read = readerOf(field, { substituted: false });
    const branch = (topic: string | null): Outcome => next(topic === null || topic.trim() === '' ? record : { ...record, topic });
    return { tag: 'fork', read: (event) => textOf(read(event)), branch };
  };
  // Fields are added to a deleted row when others are dropped already.
  const deleted = (record: ShapedRecord, envelope: ValueShape): Outcome => {
    const before = imageOf(envelope, 'before');
    const emptied = (value: ValueShape | undefined): Outcome =>
      routed(newRecord(record, value), before, (routedRecord) => dropped(routedRecord, recordOutcome));
    const added = (rewritten: ShapedRecord): Outcome =>
      recordOutcome(rewritten.value === undefined ? rewritten : newRecord(rewritten, withFields(rewritten.value, envelope)));
    switch (mode) {
      case 'drop':
        return DROPPED;
      case 'delete-to-tombstone':
        return emptied(undefined);
      case 'rewrite':
      case 'rewrite-with-tombstone':
        return routed(newRecord(record, rowOf(envelope, 'before')), before, (routedRecord) => dropped(routedRecord, added));
      case 'tombstone':
      case 'tombstone-with-tombstone':
        return emptied(nullOf(imageOf(envelope, 'after').schema));
    }
  };

  const unwrapped = (record: ShapedRecord, isNull: boolean): Outcome => {
    if (isEnvelope(record) || isNull) addHeaders(record, isNull, headers);
    if (record.value === undefined || isNull) return keepsTombstones ? recordOutcome(record) : DROPPED;
    if (!isEnvelope(record)) return recordOutcome(record);
    const envelope = record.value;
    if (record.kind === 'truncate') return DROPPED;
    if (record.kind === 'delete') return deleted(record, envelope);
    const row = rowOf(envelope, 'after');
    return routed(newRecord(record, withFields(row, envelope)), row, (routedRecord) => dropped(routedRecord, recordOutcome));
  };
  return (record) => {
    const isNull = nullnessOf(record.value, record.kind);
    if (typeof isNull === 'boolean') return unwrapped(record, isNull);
    const branch = (answer: string | null): Outcome => unwrapped({ ...record, headers: record.headers.copy() }, answer === null);
    return { tag: 'fork', read: (event) => (isNull(event) ? null : 'there'), branch };
  };
}

function deletedField(isDeleted: boolean): FieldShape {
  return fieldNamed(DELETED, { schema: TEXT, origin: { from: 'fact', fact: constantText(String(isDeleted)) } });
}

/** As Connect's newRecord(): with headers of its own. */
function newRecord(record: ShapedRecord, value: ValueShape | undefined): ShapedRecord {
  return { ...record, value, headers: record.headers.copy() };
}

function imageOf(envelope: ValueShape, image: 'before' | 'after'): ValueShape {
  const row = findField(envelope, image, PURPOSE);
  if (row === undefined) throw new TransformError(`${image} is not a valid field name`);
  return row;
}

/** In place, as Debezium does: a tombstone has the headers of its delete too. */
function addHeaders({ headers, kind, value }: ShapedRecord, isNull: boolean, references: readonly Reference[]): void {
  if (value === undefined || isNull) {
    const op = (name: string): HeaderShape => ({ name, value: { schema: TEXT, origin: { from: 'fact', fact: constantText('d') } } });
    headers.entries.push(...references.filter(({ field }) => field === 'op').map(({ name }) => op(name)));
    return;
  }
  if (kind === 'truncate' && references.length === 0) return;
  for (const reference of references) {
    const shape = resolve(value, reference);
    if (shape !== undefined) headers.entries.push({ name: reference.name, value: shape });
  }
}

/** Grammar: `[struct.]field[:alias]`. Throws TransformError. */
function referenceOf(entry: string, prefix: string): Reference {
  const [path = '', alias, more] = entry.split(':').map((part) => part.trim());
  if (more !== undefined) throw new TransformError(`Unexpected field name: ${entry}`);
  const [first = '', second] = path.split('.');
  const name = `${prefix}${alias ?? (second === undefined ? first : `${first}_${second}`)}`;
  if (second !== undefined) return { struct: first, field: second, name };
  if (IN_TRANSACTION.has(first)) return { struct: 'transaction', field: first, name };
  return { struct: IN_ENVELOPE.has(first) ? undefined : 'source', field: first, name };
}

/** The value that is meant, optional and without a default; undefined if there is none of this name. */
function resolve(envelope: ValueShape, { struct, field }: Reference): ValueShape | undefined {
  const found = struct === undefined ? findField(envelope, field, PURPOSE) : inStruct(envelope, struct, field);
  return found === undefined ? undefined : withSchema(found, madeOptional(found.schema));
}

/** A field that the struct does not have is looked for in the envelope. It is null all the same where the struct is. */
function inStruct(envelope: ValueShape, struct: string, field: string): ValueShape | undefined {
  const parent = findField(envelope, struct, PURPOSE);
  if (parent === undefined) throw new TransformError(`the envelope has no struct ${struct}`);
  const schema = parent.schema.fields?.find((one) => one.field === field)?.schema;
  if (isAlwaysNull(parent)) return schema === undefined ? undefined : nullOf(schema);
  const member = findField(parent, field, PURPOSE) ?? findField(envelope, field, PURPOSE);
  const when = parent.origin.from === 'struct' ? parent.origin.when : undefined;
  // A column is null anyway if its row is not there.
  if (member === undefined || when === undefined || member.origin.from === 'column') return member;
  const read = readerOf(member, { substituted: false });
  return derived(member.schema, (event) => (isPresent(event, when) ? read(event) : null));
}
