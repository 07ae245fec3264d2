/** The Connect schema of each type in each mode. */
import { describe, expect, it } from 'vitest';
import { arrayType, builtIn, codecOf, enumType, numericTypmod } from '../../test/oracles/columns.ts';
import type { ValueModes } from './pg-type.ts';

describe('schemas', () => {
  it.each([
    ['bool', { type: 'boolean' }],
    ['int2', { type: 'int16' }],
    ['int4', { type: 'int32' }],
    ['int8', { type: 'int64' }],
    ['oid', { type: 'int64' }],
    ['float4', { type: 'float32' }],
    ['float8', { type: 'float64' }],
    ['text', { type: 'string' }],
    ['varchar', { type: 'string' }],
    ['name', { type: 'string' }],
    ['inet', { type: 'string' }],
    ['macaddr8', { type: 'string' }],
    ['tstzrange', { type: 'string' }],
    ['uuid', { type: 'string', name: 'io.debezium.data.Uuid', version: 1 }],
    ['xml', { type: 'string', name: 'io.debezium.data.Xml', version: 1 }],
    ['json', { type: 'string', name: 'io.debezium.data.Json', version: 1 }],
    ['tsvector', { type: 'string', name: 'io.debezium.data.Tsvector', version: 1 }],
    ['bytea', { type: 'bytes' }],
    ['date', { type: 'int32', name: 'io.debezium.time.Date', version: 1 }],
    ['time', { type: 'int64', name: 'io.debezium.time.MicroTime', version: 1 }],
    ['timestamp', { type: 'int64', name: 'io.debezium.time.MicroTimestamp', version: 1 }],
    ['timestamptz', { type: 'string', name: 'io.debezium.time.ZonedTimestamp', version: 1 }],
    ['timetz', { type: 'string', name: 'io.debezium.time.ZonedTime', version: 1 }],
    ['interval', { type: 'int64', name: 'io.debezium.time.MicroDuration', version: 1 }],
    ['varbit', { type: 'bytes', name: 'io.debezium.data.Bits', version: 1, parameters: [['length', '2147483647']] }],
    ['money', { type: 'bytes', name: 'org.apache.kafka.connect.data.Decimal', version: 1, parameters: [['scale', '2']] }],
    [
      'numeric',
      {
        type: 'struct',
        name: 'io.debezium.data.VariableScaleDecimal',
        version: 1,
        doc: 'Variable scaled decimal',
        fields: [
          { field: 'scale', schema: { type: 'int32', optional: false } },
          { field: 'value', schema: { type: 'bytes', optional: false } },
        ],
      },
    ],
  ])('%s', (type, expected) => {
    expect(codecOf(type).schema).toStrictEqual({ ...expected, optional: true });
    expect(codecOf(type, { optional: false }).schema).toStrictEqual({ ...expected, optional: false });
  });

  it('numeric(5,2) names scale, then precision; a negative scale shows as Debezium shows it', () => {
    const schema = codecOf('numeric', { typmod: numericTypmod(5, 2) }).schema;
    expect(schema.parameters).toStrictEqual([
      ['scale', '2'],
      ['connect.decimal.precision', '5'],
    ]);
    expect(codecOf('numeric', { typmod: numericTypmod(5, -2) }).schema.parameters).toStrictEqual([
      ['scale', '2046'],
      ['connect.decimal.precision', '5'],
    ]);
  });

  it('times with up to three and with four digits have different schemas', () => {
    expect(codecOf('time', { typmod: 3 }).schema).toMatchObject({ type: 'int32', name: 'io.debezium.time.Time' });
    expect(codecOf('time', { typmod: 4 }).schema).toMatchObject({ type: 'int64', name: 'io.debezium.time.MicroTime' });
    expect(codecOf('timestamp', { typmod: 0 }).schema.name).toBe('io.debezium.time.Timestamp');
    expect(codecOf('timestamp', { typmod: 4 }).schema.name).toBe('io.debezium.time.MicroTimestamp');
  });

  it('an enum lists its labels in order', () => {
    const schema = codecOf(enumType('mood', ['sad', 'ok', 'happy'])).schema;
    expect(schema).toStrictEqual({
      type: 'string',
      name: 'io.debezium.data.Enum',
      version: 1,
      parameters: [['allowed', 'sad,ok,happy']],
      optional: true,
    });
  });

  it('array elements are optional, but not those of enum and tsvector', () => {
    expect(codecOf(arrayType(builtIn('int4'))).schema).toStrictEqual({
      type: 'array',
      items: { type: 'int32', optional: true },
      optional: true,
    });
    expect(codecOf(arrayType(enumType('mood', ['ok']))).schema.items?.optional).toBe(false);
    expect(codecOf(arrayType(builtIn('tsvector'))).schema.items?.optional).toBe(false);
  });
});

const MODE_SCHEMAS: readonly (readonly [string, Partial<ValueModes>, string, string | undefined])[] = [
  ['date', { time: 'connect' }, 'int32', 'org.apache.kafka.connect.data.Date'],
  ['date', { time: 'isostring' }, 'string', 'io.debezium.time.IsoDate'],
  ['time', { time: 'adaptive_time_microseconds' }, 'int64', 'io.debezium.time.MicroTime'],
  ['time', { time: 'connect' }, 'int32', 'org.apache.kafka.connect.data.Time'],
  ['time', { time: 'isostring' }, 'string', 'io.debezium.time.IsoTime'],
  ['time', { time: 'nanoseconds' }, 'int64', 'io.debezium.time.NanoTime'],
  ['timestamp', { time: 'connect' }, 'int64', 'org.apache.kafka.connect.data.Timestamp'],
  ['timestamp', { time: 'isostring' }, 'string', 'io.debezium.time.IsoTimestamp'],
  ['timestamp', { time: 'microseconds' }, 'int64', 'io.debezium.time.MicroTimestamp'],
  ['timestamp', { time: 'nanoseconds' }, 'int64', 'io.debezium.time.NanoTimestamp'],
  ['timestamptz', { time: 'connect' }, 'string', 'io.debezium.time.ZonedTimestamp'],
  ['interval', { interval: 'string' }, 'string', 'io.debezium.time.Interval'],
  ['numeric', { decimal: 'double' }, 'float64', undefined],
  ['money', { decimal: 'string' }, 'string', undefined],
  ['bytea', { binary: 'base64-url-safe' }, 'string', undefined],
];

describe('modes', () => {
  it.each(MODE_SCHEMAS)('%s under %o is %s %s', (type, modes, schemaType, name) => {
    const { schema } = codecOf(type, { modes });
    expect(schema.type).toBe(schemaType);
    expect(schema.name).toBe(name);
  });
});
