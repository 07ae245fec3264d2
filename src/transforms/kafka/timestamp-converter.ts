/** Owns TimestampConverter, which gives a time another form. Source: org.apache.kafka.connect.transforms.TimestampConverter. */
import { compileDateFormat, type DateFormat } from '../../core/java/simple-date-format.ts';
import type { ValueShape } from '../../events/record-shape.ts';
import type { FieldSchema } from '../../values/schema.ts';
import type { CapturedValue } from '../../values/value-capture.ts';
import { converted, copyBasics, fieldNamed, fieldsOf, type Side, sideOf, structOf, withSide } from '../fields.ts';
import { whereThere } from '../nullness.ts';
import type { TransformSettings } from '../settings.ts';
import { nullOf, recordOutcome, type Transform, TransformError } from '../shaped-record.ts';
import { DATE_UNITS, narrowest } from './java-values.ts';
import { fieldReader } from './operating.ts';

const PURPOSE = 'converting timestamp formats';
const MILLIS_PER_DAY = 86_400_000;
const CONNECT = 'org.apache.kafka.connect.data.';

type Value = NonNullable<CapturedValue>;
type Target = 'string' | 'unix' | 'Date' | 'Time' | 'Timestamp';

/** How times are read and written. */
type Forms = { readonly pattern: string; readonly format: DateFormat | undefined; readonly unit: Unit };
/** Plain numbers: so many of them are so many milliseconds. */
type Unit = { readonly perMilli: bigint; readonly millis: bigint };

const UNITS: Readonly<Record<string, Unit>> = {
  seconds: { perMilli: 1n, millis: 1000n },
  milliseconds: { perMilli: 1n, millis: 1n },
  microseconds: { perMilli: 1000n, millis: 1n },
  nanoseconds: { perMilli: 1_000_000n, millis: 1n },
};

export function timestampConverter(side: Side, settings: TransformSettings): Transform {
  const name = settings.text('field', '');
  const target = targetOf(settings.text('target.type', ''));
  const forms = formsOf(settings);
  if (target === 'string' && forms.format === undefined)
    throw new TransformError('TimestampConverter requires format option to be specified when using string timestamps');
  const readField = fieldReader(settings);

  const convertedShape = (shape: ValueShape): ValueShape => {
    const toMillis = reading(shape.schema, forms);
    const fromMillis = writing(target, forms);
    const schema = { ...TARGETS[target], optional: shape.schema.optional };
    return converted(shape, schema, { substituted: false, convert: (value) => fromMillis(toMillis(value)) });
  };
  const struct = (shape: ValueShape): ValueShape => {
    const fields = fieldsOf(shape, PURPOSE).map(readField);
    const made = fields.map((field) => (field.field === name ? fieldNamed(name, convertedShape(field)) : field));
    return structOf({ ...copyBasics(shape.schema), optional: shape.schema.optional }, made);
  };
  return (record) => {
    const whole = sideOf(record, side);
    if (whole === undefined || name === '') {
      return recordOutcome(withSide(record, side, whole === undefined ? undefined : convertedShape(whole)));
    }
    return whereThere(record, side, {
      present: (shape) => recordOutcome(withSide(record, side, struct(shape))),
      // A null gets the new schema too.
      absent: () => recordOutcome(withSide(record, side, nullOf(structSchema(whole.schema, name, target)))),
    });
  };
}

function structSchema(schema: FieldSchema, name: string, target: Target): FieldSchema {
  const fields = (schema.fields ?? []).map((one) =>
    one.field === name ? { field: name, schema: { ...TARGETS[target], optional: one.schema.optional } } : one,
  );
  return { ...copyBasics(schema), optional: schema.optional, fields };
}

const TARGETS: Readonly<Record<Target, Omit<FieldSchema, 'optional'>>> = {
  string: { type: 'string' },
  unix: { type: 'int64' },
  Date: { type: 'int32', name: `${CONNECT}Date`, version: 1 },
  Time: { type: 'int32', name: `${CONNECT}Time`, version: 1 },
  Timestamp: { type: 'int64', name: `${CONNECT}Timestamp`, version: 1 },
};

function targetOf(text: string): Target {
  const found = Object.keys(TARGETS).find((target) => target === text);
  if (found === undefined) throw new TransformError(`Unknown timestamp type in TimestampConverter: ${text}`);
  return found as Target;
}

function formsOf(settings: TransformSettings): Forms {
  const pattern = settings.text('format', '');
  const format = pattern.trim() === '' ? undefined : compileDateFormat(pattern);
  if (typeof format === 'string') throw new TransformError(`format: ${format}`);
  const unit = UNITS[settings.text('unix.precision', 'milliseconds')];
  if (unit === undefined) throw new TransformError('unix.precision must be one of seconds, milliseconds, microseconds, nanoseconds');
  return { pattern, format, unit };
}

/** By the schema, also where all values are null. */
function reading({ type, name }: FieldSchema, { pattern, format, unit }: Forms): (value: Value) => number {
  const dateUnit = DATE_UNITS.get(name);
  if (dateUnit !== undefined) return (value) => Number(value) * dateUnit;
  if (type === 'string') {
    if (format?.parseProblem !== undefined) throw new TransformError(`format: ${format.parseProblem}`);
    return (value) => {
      if (format === undefined) throw new TransformError('a text is no timestamp without the option format');
      const millis = format.parse(String(value));
      if (millis === undefined) throw new TransformError(`Could not parse timestamp: value does not match pattern (${pattern})`);
      return millis;
    };
  }
  // Division of bigints truncates towards zero, as Java's does.
  if (type === 'int64') return (value) => Number(inInt64((BigInt(value as number | bigint) * unit.millis) / unit.perMilli));
  const printed = `${name === undefined ? '' : `${name}:`}${type.toUpperCase()}`;
  throw new TransformError(`Schema Schema{${printed}} does not correspond to a known timestamp type format`);
}

const INT64_MAX = (1n << 63n) - 1n;

/** java.util.concurrent.TimeUnit keeps what is too large at its end. */
function inInt64(value: bigint): bigint {
  if (value > INT64_MAX) return INT64_MAX;
  return value < -INT64_MAX - 1n ? -INT64_MAX - 1n : value;
}

function writing(target: Target, { format, unit }: Forms): (millis: number) => CapturedValue {
  switch (target) {
    case 'string':
      return (millis) => format?.print(millis) ?? '';
    case 'unix':
      return (millis) => narrowest(inInt64((BigInt(millis) * unit.perMilli) / unit.millis));
    case 'Timestamp':
      return (millis) => millis;
    case 'Date':
      return (millis) => Math.floor(millis / MILLIS_PER_DAY);
    case 'Time':
      return (millis) => millis - Math.floor(millis / MILLIS_PER_DAY) * MILLIS_PER_DAY;
  }
}
