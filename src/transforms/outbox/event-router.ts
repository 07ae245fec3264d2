/**
 * Owns the outbox's EventRouter, which makes an event of each row of an outbox table: topic, key, headers and value are columns. What depends
 * on the row is asked by forks: the topic, the version of the schema, an empty payload, the schema of a payload that is JSON.
 * Source: io.debezium.transforms.outbox.EventRouter, EventRouterDelegate, EventRouterConfigDefinition.
 */
import type { NameAdjustment } from '../../core/options.ts';
import { fieldNameAdjuster } from '../../events/name-adjustment.ts';
import type { FieldShape, ValueShape } from '../../events/record-shape.ts';
import type { FieldSchema } from '../../values/schema.ts';
import type { CapturedValue } from '../../values/value-capture.ts';
import { fieldNamed, fieldsOf, findField, structOf, substituted, textOf } from '../fields.ts';
import { whereThere } from '../nullness.ts';
import { replacing } from '../pattern.ts';
import { nullTesterOf, readerOf } from '../read-value.ts';
import type { TransformSettings } from '../settings.ts';
import {
  DROPPED,
  HeaderList,
  isEnvelope,
  type NumberReader,
  type Outcome,
  recordOutcome,
  type ShapedRecord,
  type Transform,
  TransformError,
} from '../shaped-record.ts';
import { EnvelopeNames } from './envelope-names.ts';
import { ExpandedJson, NO_SCHEMA, payloadExpansion } from './expanded-json.ts';
import type { JsonRules } from './json-struct.ts';

const PURPOSE = 'Read Outbox Event';
const PAYLOAD = 'payload';

type Place = 'header' | 'envelope' | 'partition';
type Placement = { readonly column: string; readonly place: string; readonly alias: string };
type Columns = { readonly id: string; readonly key: string; readonly payload: string; readonly route: string };

type Router = {
  readonly columns: Columns;
  readonly timestampColumn: string | undefined;
  readonly versionColumn: string | undefined;
  readonly placements: readonly Placement[];
  readonly ignoresMissing: boolean;
  readonly topicOf: (route: string) => string;
  readonly json: JsonRules | undefined;
  readonly tombstones: boolean;
  readonly names: EnvelopeNames;
};

export function eventRouter(settings: TransformSettings): Transform {
  const router = routerOf(settings);
  const failsOnUpdate = settings.text('table.op.invalid.behavior', 'warn').trim().toLowerCase() === 'fatal';
  const present = (record: ShapedRecord, value: ValueShape): Outcome => {
    const { kind } = record;
    if (!isEnvelope(record)) return recordOutcome(record);
    if (kind === 'delete') return DROPPED;
    if (kind === 'update') {
      if (failsOnUpdate) throw new TransformError('Unexpected update message received, fail.');
      return DROPPED;
    }
    if (kind !== 'create' && kind !== 'read') throw new TransformError(`Only Struct objects supported for [${PURPOSE}], found: null`);
    return routed(router, record, value);
  };
  return (record) => whereThere(record, 'value', { present: (value) => present({ ...record, value }, value), absent: () => DROPPED });
}

function routerOf(settings: TransformSettings): Router {
  const replace = replacing(
    settings.text('route.topic.regex', '(?<routedByValue>.*)'),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a group of the expression above, in Java's words.
    settings.text('route.topic.replacement', 'outbox.event.${routedByValue}'),
  );
  return {
    columns: {
      id: settings.text('table.field.event.id', 'id'),
      key: settings.text('table.field.event.key', 'aggregateid'),
      payload: settings.text('table.field.event.payload', 'payload'),
      route: settings.text('route.by.field', 'aggregatetype'),
    },
    timestampColumn: settings.optional('table.field.event.timestamp'),
    versionColumn: settings.optional('table.field.event.schema.version'),
    placements: settings.list('table.fields.additional.placement').map(placementOf),
    ignoresMissing: settings.text('table.field.additional.missing', 'error').trim().toLowerCase() === 'ignore',
    topicOf: (route) => replace(route) ?? route,
    json: settings.flag('table.expand.json.payload', false) ? jsonRulesOf(settings) : undefined,
    tombstones: settings.flag('route.tombstone.on.empty.payload', false),
    names: new EnvelopeNames(),
  };
}

function jsonRulesOf(settings: TransformSettings): JsonRules {
  const is = (option: string, value: string): boolean => settings.text(option, '').trim().toLowerCase() === value;
  return {
    keepsNulls: is('table.json.payload.null.behavior', 'optional_bytes'),
    keepsEmptyArrays: is('table.json.payload.empty.array.behavior', 'optional_string'),
    adjust: fieldNameAdjuster(settings.text('field.name.adjustment.mode', 'none').trim().toLowerCase() as NameAdjustment),
  };
}

/** Grammar: `column:place[:alias]`. Throws TransformError. */
function placementOf(entry: string): Placement {
  const [column = '', place, alias, more] = entry.split(':').map((part) => part.trim());
  if (place === undefined || more !== undefined)
    throw new TransformError(`A comma-separated list of valid String pairs or trios is expected but got: ${entry}`);
  return { column, place: place.toLowerCase(), alias: alias ?? column };
}

type Row = { readonly schema: FieldSchema; readonly fields: readonly FieldShape[] };

function columnOf({ fields }: Row, column: string): FieldShape {
  const found = fields.find(({ field }) => field === column);
  if (found === undefined) throw new TransformError(`${column} is not a valid field name`);
  return found;
}

function typedColumnOf(row: Row, column: string, type: FieldSchema['type']): FieldShape {
  const found = columnOf(row, column);
  if (found.schema.type !== type) throw new TransformError(`Field '${column}' is not of type ${type.toUpperCase()}`);
  return found;
}

function routed(router: Router, record: ShapedRecord, envelope: ValueShape): Outcome {
  const { columns, topicOf } = router;
  const after = findField(envelope, 'after', PURPOSE);
  if (after === undefined) throw new TransformError('Unknown field: after');
  const row: Row = { schema: after.schema, fields: fieldsOf(after, PURPOSE) };
  const payload = row.fields.find(({ field }) => field === columns.payload);
  if (payload === undefined) throw new TransformError(`Unable to find payload field ${columns.payload} in event`);
  const timestamp = timestampOf(router, row, envelope);
  const headers = headersOf(router, row, record.headers);
  const parts = { timestamp, headers, key: substituted(columnOf(row, columns.key)), partition: partitionOf(router, row) };
  const read = readerOf(typedColumnOf(row, columns.route, 'string'), { substituted: false });
  const branch = (route: string | null): Outcome => {
    if (route === null) throw new TransformError(`The field ${columns.route} is null, so there is no topic`);
    return withValue({ ...router, row, route, payload: substituted(payload) }, { ...record, ...parts, topic: topicOf(route) });
  };
  return { tag: 'fork', read: (event) => textOf(read(event)), branch };
}

function timestampOf({ timestampColumn }: Router, row: Row, envelope: ValueShape): NumberReader {
  const processed = findField(envelope, 'ts_ms', PURPOSE);
  if (processed === undefined) throw new TransformError('ts_ms is not a valid field name');
  const now = numberReader(readerOf(processed, { substituted: false }), 1);
  if (timestampColumn === undefined) return now;
  if (!row.fields.some(({ field }) => field === timestampColumn))
    throw new TransformError(`Unable to find timestamp field ${timestampColumn} in event`);
  const column = typedColumnOf(row, timestampColumn, 'int64');
  const time = numberReader(readerOf(column, { substituted: false }), unitsPerMilli(column.schema.name));
  return (event) => time(event) ?? now(event);
}

function unitsPerMilli(name: string | undefined): number {
  switch (name) {
    case 'io.debezium.time.Timestamp':
      return 1;
    case 'io.debezium.time.MicroTimestamp':
      return 1_000;
    case 'io.debezium.time.NanoTimestamp':
      return 1_000_000;
    case undefined:
      throw new TransformError('Unsupported field type INT64 (without logical schema name) for event timestamp');
    default:
      throw new TransformError(`Unsupported field type ${name} for event timestamp`);
  }
}

/** Divides as Java does: towards zero. */
function numberReader(read: ReturnType<typeof readerOf>, divisor: number): NumberReader {
  return (event) => {
    const value = read(event);
    if (typeof value === 'bigint') return Number(value / BigInt(divisor));
    return typeof value === 'number' ? Math.trunc(value / divisor) : null;
  };
}

/** The placements whose column is there. Throws TransformError for others, unless they are to be ignored. */
function placed({ placements, ignoresMissing }: Router, row: Row, place: Place): readonly Placement[] {
  const known: readonly string[] = ['header', 'envelope', 'partition'];
  for (const { place: named } of placements) if (!known.includes(named)) throw new TransformError(`There is no placement ${named}`);
  const wanted = placements.filter((placement) => placement.place === place);
  return ignoresMissing ? wanted.filter(({ column }) => row.fields.some(({ field }) => field === column)) : wanted;
}

function headersOf(router: Router, row: Row, headers: HeaderList): HeaderList {
  const added = placed(router, row, 'header').map(({ alias, column }) => ({ name: alias, value: substituted(columnOf(row, column)) }));
  return new HeaderList([...headers.entries, { name: 'id', value: substituted(columnOf(row, router.columns.id)) }, ...added]);
}

/** The last placement counts. */
function partitionOf(router: Router, row: Row): NumberReader | undefined {
  const readers = placed(router, row, 'partition').map(({ column }) =>
    numberReader(readerOf(typedColumnOf(row, column, 'int32'), { substituted: false }), 1),
  );
  return readers.at(-1);
}

type Event = Router & { readonly row: Row; readonly route: string; readonly payload: ValueShape };

function withValue(event: Event, record: ShapedRecord): Outcome {
  const { json, payload } = event;
  if (json === undefined || payload.schema.type !== 'string') return withPayload(event, record);
  const read = readerOf(payload, { substituted: false });
  const expanded = new ExpandedJson((view) => textOf(read(view)), payloadExpansion(event.columns.payload, json));
  const branch = (answer: string | null): Outcome => {
    if (answer === null) return withPayload(event, record);
    if (answer === NO_SCHEMA) return enveloped({ ...event, payload: { ...payload, schemaless: true } }, record);
    return enveloped({ ...event, payload: expanded.shapeOf(answer) }, record);
  };
  return { tag: 'fork', read: (view) => expanded.answer(view), branch };
}

function withPayload(event: Event, record: ShapedRecord): Outcome {
  if (!event.tombstones) return enveloped(event, record);
  const isEmpty = emptinessOf(event.payload);
  const branch = (answer: string | null): Outcome =>
    answer === 'empty' ? recordOutcome({ ...record, value: undefined }) : enveloped(event, record);
  return { tag: 'fork', read: (view) => (isEmpty(view) ? 'empty' : 'full'), branch };
}

/** Java's trim() takes every character up to the blank. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are blanks to Java.
const BLANK = /^[\u0000-\u0020]*$/;

function emptinessOf(payload: ValueShape): ReturnType<typeof nullTesterOf> {
  if (payload.schema.type !== 'string') return nullTesterOf(payload);
  const read = readerOf(payload, { substituted: false });
  const isBlank = (value: CapturedValue): boolean => value === null || (typeof value === 'string' && BLANK.test(value));
  return (event) => isBlank(read(event));
}

function enveloped(event: Event, record: ShapedRecord): Outcome {
  const { placements, payload, row, route, names, versionColumn } = event;
  if (!placements.some(({ place }) => place === 'envelope')) return recordOutcome({ ...record, value: payload });
  if (payload.schemaless) throw new TransformError('The payload has no schema, so it cannot stand in an envelope');
  const added = placed(event, row, 'envelope').map(({ column, alias }) => {
    const found = row.fields.find(({ field }) => field === column);
    if (found === undefined) throw new TransformError(`Unable to find field ${column} in event`);
    return fieldNamed(alias, substituted(found));
  });
  const fields = [fieldNamed(PAYLOAD, payload), ...added];
  const required: FieldSchema = { type: 'struct', optional: false };
  const name = nameWith(row.schema.name, route);
  if (versionColumn === undefined) {
    const known = names.ofPayload(payload.schema, name);
    return recordOutcome({ ...record, value: structOf({ ...required, name: known }, fields) });
  }
  const read = readerOf(typedColumnOf(row, versionColumn, 'int32'), { substituted: false });
  const branch = (answer: string | null): Outcome => {
    const version = answer === null ? {} : { version: Number(answer) };
    const known = names.ofVersion(answer, payload.schema, name);
    return recordOutcome({ ...record, value: structOf({ ...required, name: known, ...version }, fields) });
  };
  return { tag: 'fork', read: (view) => numberText(read(view)), branch };
}

function numberText(value: CapturedValue): string | null {
  return value === null ? null : String(value);
}

/** The row's name with the route before its last part. */
function nameWith(name: string | undefined, route: string): string {
  if (name === undefined) return route;
  const last = name.lastIndexOf('.') + 1;
  return `${name.slice(0, last)}${route}.${name.slice(last)}`;
}
