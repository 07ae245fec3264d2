/** Owns TimezoneConverter, which moves times of rows to a time zone. Source: io.debezium.transforms.TimezoneConverter. */
import { type FieldShape, isPresent, type ValueShape } from '../../events/record-shape.ts';
import { derived, fieldNamed, fieldsOf, structOf } from '../fields.ts';
import { readerOf } from '../read-value.ts';
import type { TransformSettings } from '../settings.ts';
import { isEnvelope, recordOutcome, type ShapedRecord, type Transform, TransformError } from '../shaped-record.ts';
import { type TimeZone, timeZone } from './time-zone.ts';
import { sourceTimeChange, type ZonedChange, zonedChange } from './zoned-values.ts';

const PURPOSE = 'timezone conversion';
/** Debezium's pattern of the whole list, as Java prints it. */
const LIST = /^\[(source|topic|[".\w\s_]+):([".\w\s_]+(?::[".\w\s_]+)?(?:,|\]$))+$/;

/** Whether a field is converted. */
type Wanted = (image: string, field: string) => boolean;

/** Fields by what they are listed for; none: all. */
type Rules = Readonly<Record<'topic' | 'source' | 'any', Map<string, Set<string>>>>;

export function timezoneConverter(settings: TransformSettings): Transform {
  const zone = timeZone(settings.text('converted.timezone', ''));
  const include = settings.list('include.list');
  const exclude = settings.list('exclude.list');
  for (const [name, list] of [['include', include] as const, ['exclude', exclude] as const]) if (list.length > 0) checkList(name, list);
  if (include.length > 0 && exclude.length > 0)
    throw new TransformError('Both include and exclude lists are specified. Please specify only one.');
  const rules = rulesOf(exclude.length > 0 ? exclude : include);
  const wantedOf = (record: ShapedRecord): Wanted | undefined => {
    const fields = include.length + exclude.length === 0 ? undefined : fieldsFor(rules, record);
    if (include.length > 0) return fields === undefined ? undefined : included(fields);
    if (fields === undefined) return inRows;
    return fields.size === 0 ? undefined : excluded(fields);
  };
  return (record) => {
    const { value } = record;
    if (value === undefined || !isEnvelope(record)) return recordOutcome(record);
    const wanted = wantedOf(record);
    return recordOutcome(wanted === undefined ? record : { ...record, value: convertedEnvelope(value, { wanted, zone }) });
  };
}

function checkList(name: string, list: readonly string[]): void {
  if (LIST.test(`[${list.join(', ')}]`)) return;
  const forms = '"source:<tablename>:<fieldnames>", "topic:<topicname>:<fieldnames>", "<matchname>:<fieldnames>"';
  throw new TransformError(`Invalid ${name} list format. Please specify a list of rules in the format of ${forms}`);
}

/** A prefix counts for the entries that follow too. */
function rulesOf(list: readonly string[]): Rules {
  const rules: Rules = { topic: new Map(), source: new Map(), any: new Map() };
  let prefix: string | undefined;
  for (const item of list) {
    const parts = item.split(':');
    const hasPrefix = parts.length > 1 && /^(source|topic)$/i.test(parts[0] ?? '');
    if (hasPrefix) prefix = parts.shift();
    const [name = '', field] = parts;
    const named = rules[prefix === 'topic' || prefix === 'source' ? prefix : 'any'];
    const fields = named.get(name) ?? new Set();
    if (field !== undefined) fields.add(field);
    named.set(name, fields);
  }
  return rules;
}

function fieldsFor({ topic, source, any }: Rules, record: ShapedRecord): ReadonlySet<string> | undefined {
  const { table } = record.relation;
  return topic.get(record.topic) ?? source.get(table) ?? any.get(record.topic) ?? any.get(table);
}

const inRows: Wanted = (image) => image !== 'source';

function isListed(fields: ReadonlySet<string>, image: string, field: string): boolean {
  return fields.has(`${image}.${field}`) || (image !== 'source' && fields.has(field));
}

function included(fields: ReadonlySet<string>): Wanted {
  return fields.size === 0 ? inRows : (image, field) => isListed(fields, image, field);
}

/** The source's times are looked at only where one of them is named. */
function excluded(fields: ReadonlySet<string>): Wanted {
  const hasSource = [...fields].some((field) => field.startsWith('source.'));
  return (image, field) => (image !== 'source' || hasSource) && !isListed(fields, image, field);
}

type Conversion = { readonly wanted: Wanted; readonly zone: TimeZone };

function convertedEnvelope(envelope: ValueShape, conversion: Conversion): ValueShape {
  const images = ['before', 'after', 'source'];
  const fields = fieldsOf(envelope, PURPOSE).map((field) =>
    images.includes(field.field) ? fieldNamed(field.field, convertedStruct(field, conversion)) : field,
  );
  return structOf(envelope.schema, fields);
}

function convertedStruct(struct: FieldShape, { wanted, zone }: Conversion): ValueShape {
  const { schema, origin, field: image } = struct;
  // What a transform has computed has no times of a table.
  if (schema.type !== 'struct' || origin.from !== 'struct') return struct;
  const { when } = origin;
  const fields = origin.fields.map((field) => {
    const { name } = field.schema;
    const change = name === undefined && image === 'source' ? sourceTimeChange(field.field, zone) : zonedChange(name, zone);
    if (change === undefined || !wanted(image, field.field)) return field;
    const isThere = when === undefined ? undefined : (event: Parameters<typeof isPresent>[0]) => isPresent(event, when);
    return fieldNamed(field.field, convertedField(field, change, isThere));
  });
  return structOf(schema, fields, when);
}

/** A null is read as the default, and that is converted too. */
function convertedField(
  field: FieldShape,
  change: ZonedChange,
  isThere: ((event: Parameters<typeof isPresent>[0]) => boolean) | undefined,
): ValueShape {
  const read = readerOf(field, { substituted: true });
  return derived(field.schema, (event) => {
    const value = isThere === undefined || isThere(event) ? read(event) : null;
    return value === null ? null : change(value, Math.floor(event.info.nowUs / 1_000_000));
  });
}
