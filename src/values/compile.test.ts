/** What a column's codec does besides its type's conversion: omission, domains, fallback, unchanged TOAST, refusal. */
import { describe, expect, it } from 'vitest';
import {
  arrayType,
  builtIn,
  type ColumnOptions,
  captured,
  codecOf,
  convert,
  convertWith,
  domainType,
  enumType,
  extension,
  numericTypmod,
  otherType,
  plainTwosComplement,
  tryCodec,
} from '../../test/oracles/columns.ts';
import type { CapturedValue } from './value-capture.ts';

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

describe('types that Debezium omits', () => {
  it.each(['tsquery', 'pg_lsn', 'xid', 'regclass', 'jsonpath', 'box', 'circle', 'line', 'lseg', 'path', 'polygon', 'refcursor'])(
    '%s, and as text when unknown types are included',
    (name) => {
      expect(tryCodec(name)).toBeUndefined();
      const modes = { includeUnknownDatatypes: true };
      expect(codecOf(name, { modes }).schema).toStrictEqual({ type: 'bytes', optional: true });
    },
  );

  it('include composite types, multiranges, ranges of users and unknown extensions', () => {
    expect(tryCodec(otherType('address', 'composite'))).toBeUndefined();
    expect(tryCodec(otherType('int4multirange', 'multirange'))).toBeUndefined();
    expect(tryCodec(otherType('floatrange', 'range'))).toBeUndefined();
    expect(tryCodec(extension('cube'))).toBeUndefined();
    expect(tryCodec({ ...builtIn('int4multirange'), kind: 'multirange' })).toBeUndefined();
  });

  it.each(['money', 'name', 'interval', 'varbit', 'xml', 'point', 'refcursor'])('%s[], even unknown', (name) => {
    expect(tryCodec(arrayType(builtIn(name)))).toBeUndefined();
    expect(tryCodec(arrayType(builtIn(name)), { modes: { includeUnknownDatatypes: true } })).toBeUndefined();
  });

  it('include arrays of domains and of unknown types, unless these are included by option', () => {
    const modes = { includeUnknownDatatypes: true };
    const tokens = arrayType(domainType('token', builtIn('text')));
    expect(tryCodec(tokens)).toBeUndefined();
    expect(convert(tokens, '{bar,baz}', { modes })).toStrictEqual([
      Uint8Array.from(Buffer.from('bar')),
      Uint8Array.from(Buffer.from('baz')),
    ]);
    expect(codecOf(tokens, { modes }).schema.items).toStrictEqual({ type: 'bytes', optional: false });
    expect(tryCodec(arrayType(builtIn('pg_lsn')))).toBeUndefined();
  });

  it.each([
    ['bytes', Uint8Array.from(Buffer.from('16/B374D848'))],
    ['base64', 'MTYvQjM3NEQ4NDg='],
    ['base64-url-safe', 'MTYvQjM3NEQ4NDg='],
    ['hex', '31362f4233373444383438'],
  ] as const)('an unknown value as %s', (binary, expected) => {
    const modes = { includeUnknownDatatypes: true, binary };
    expect(convert('pg_lsn', '16/B374D848', { modes })).toStrictEqual(expected);
  });

  it.each([
    ['circle', '<(10,20),10>', '<(10.0,20.0),10.0>'],
    ['box', '(3,4),(1,2.5)', '(3.0,4.0),(1.0,2.5)'],
    ['line', '{1,-2,0.0001}', '{1.0,-2.0,1.0E-4}'],
    ['lseg', '[(1e+20,-0),(12345678,0.001)]', '[(1.0E20,-0.0),(1.2345678E7,0.001)]'],
    ['path', '((1,Infinity),(NaN,-Infinity))', '((1.0,Infinity),(NaN,-Infinity))'],
  ])('an included %s is the text of the driver', (type, cell, expected) => {
    const modes = { includeUnknownDatatypes: true };
    expect(convert(type, cell, { modes })).toStrictEqual(Uint8Array.from(Buffer.from(expected)));
  });

  it('elements of an included box[] stand between semicolons', () => {
    const modes = { includeUnknownDatatypes: true, binary: 'base64' } as const;
    const boxes = convert(arrayType(builtIn('box')), '{(3,4),(1,2);(1,1),(0,0)}', { modes });
    expect(boxes).toStrictEqual([btoa('(3.0,4.0),(1.0,2.0)'), btoa('(1.0,1.0),(0.0,0.0)')]);
  });

  it('a type hidden by a table of its name is null in streaming, or the default', () => {
    const mood = { ...enumType('mood', ['ok']), isHidden: true };
    expect(convert(mood, 'ok')).toBeNull();
    expect(convert(mood, 'ok', { optional: false, defaultExpression: `'ok'::mood` })).toBe('ok');
    expect(convert(mood, 'ok', { optional: false, defaultExpression: `'ok'::mood`, modes: { phase: 'snapshot' } })).toBe('ok');
    expect(convert({ ...mood, hidesDefault: true }, 'ok', { optional: false, defaultExpression: `'ok'::mood` })).toBe('');
    expect(convert(mood, 'ok', { modes: { phase: 'snapshot' } })).toBe('ok');
    expect(convert(mood, 'ok', { modes: { includeUnknownDatatypes: true } })).toBe('ok');
  });

  it('bit[] has a schema that no value fits', () => {
    const bits = arrayType(builtIn('bit'));
    expect(codecOf(bits, { typmod: 3 }).schema.name).toBe('io.debezium.data.Bits');
    expect(() => convert(bits, '{101}', { typmod: 3 })).toThrow('no form');
  });

  it('name is null in streaming, or text when unknown types are included', () => {
    expect(convert('name', 'slot')).toBeNull();
    expect(convert('name', 'slot', { optional: false })).toBe('');
    expect(convert('name', 'slot', { modes: { includeUnknownDatatypes: true } })).toBe('slot');
  });
});

describe('"char"', () => {
  it('is text; a byte that servers before 16 send as it is becomes the replacement character', () => {
    expect(convert('char', 'x')).toBe('x');
    expect(convert('char', '\\303')).toBe('\\303');
    expect(convertWith(codecOf('char'), bytes(0xc3))).toBe('\ufffd');
  });
});

describe('domains', () => {
  it('take schema and typmod of their base type, through any number of domains', () => {
    const amount = domainType('amount', builtIn('numeric'), numericTypmod(8, 3));
    const salary = domainType('salary', amount);
    for (const type of [amount, salary]) {
      const codec = codecOf(type);
      expect(codec.schema.parameters).toContainEqual(['scale', '3']);
      expect(convert(type, '12345.123')).toStrictEqual(plainTwosComplement(12345123n));
    }
    expect(convert(domainType('flags', builtIn('varbit'), 3), '101')).toStrictEqual(bytes(5));
  });

  it('over an enum or an array behave like these', () => {
    expect(codecOf(domainType('state', enumType('mood', ['ok']))).schema.name).toBe('io.debezium.data.Enum');
    expect(convert(domainType('ids', arrayType(builtIn('int4'))), '{1,2}')).toStrictEqual([1, 2]);
  });

  it('have no default value', () => {
    expect(codecOf(domainType('small', builtIn('int4')), { defaultExpression: '1' }).schema.defaultValue).toBe(undefined);
  });
});

type Fallback = readonly [type: string, zero: CapturedValue, options?: ColumnOptions];

const FALLBACKS: readonly Fallback[] = [
  ['bool', false],
  ['int4', 0],
  ['int8', 0],
  ['float8', 0],
  ['numeric', { scale: 0, value: bytes(0) }],
  ['numeric', bytes(0), { typmod: numericTypmod(5, 2) }],
  ['numeric', '0.00', { typmod: numericTypmod(5, 2), modes: { decimal: 'string' } }],
  ['money', '0.00', { modes: { decimal: 'string' } }],
  ['money', bytes(0)],
  ['text', ''],
  ['json', ''],
  ['bytea', bytes()],
  ['bytea', '', { modes: { binary: 'hex' } }],
  ['varbit', bytes()],
  ['bit', false, { typmod: 1 }],
  ['date', 0],
  ['date', '1970-01-01Z', { modes: { time: 'isostring' } }],
  ['time', '00:00:00Z', { modes: { time: 'isostring' } }],
  ['timestamp', '1970-01-01T00:00:00Z', { modes: { time: 'isostring' } }],
  ['timestamptz', '1970-01-01T00:00:00Z'],
  ['timetz', '00:00:00Z'],
  ['interval', 0],
  ['interval', 'P0Y0M0DT0H0M0S', { modes: { interval: 'string' } }],
];

describe('fallback of a NOT NULL column', () => {
  for (const [type, zero, options] of FALLBACKS) {
    it(`of ${type} ${JSON.stringify(options ?? {})}`, () => {
      const codec = codecOf(type, { optional: false, ...options });
      expect(captured((out) => codec.writeFallback(out))).toStrictEqual(zero);
    });
  }

  it('is the default where there is one', () => {
    const codec = codecOf('int4', { optional: false, defaultExpression: '42' });
    expect(captured((out) => codec.writeFallback(out))).toBe(42);
  });

  it('is empty for arrays and hstore', () => {
    const options = { optional: false };
    expect(captured((out) => codecOf(arrayType(builtIn('int4')), options).writeFallback(out))).toStrictEqual([]);
    expect(captured((out) => codecOf(extension('hstore'), options).writeFallback(out))).toBe('{}');
    const map = codecOf(extension('hstore'), { ...options, modes: { hstore: 'map' } });
    expect(captured((out) => map.writeFallback(out))).toStrictEqual(new Map());
  });
});

const PLACEHOLDER = '__debezium_unavailable_value';
const PLACEHOLDER_BYTES = Uint8Array.from(Buffer.from(PLACEHOLDER));

describe('unchanged TOAST', () => {
  it.each(['text', 'varchar', 'json', 'jsonb', 'xml', 'uuid', 'tsvector', 'bpchar'])('%s holds the placeholder', (type) => {
    expect(captured((out) => codecOf(type).writeUnavailable(out))).toBe(PLACEHOLDER);
  });

  it.each([
    ['bytes', PLACEHOLDER_BYTES],
    ['base64', null],
    ['base64-url-safe', null],
    ['hex', PLACEHOLDER],
  ] as const)('bytea as %s', (binary, expected) => {
    expect(captured((out) => codecOf('bytea', { modes: { binary } }).writeUnavailable(out))).toStrictEqual(expected);
  });

  it('arrays hold it as an element, as byte codes or as a name UUID', () => {
    const unavailable = (name: string, options: ColumnOptions = {}) =>
      captured((out) => codecOf(arrayType(builtIn(name)), options).writeUnavailable(out));
    for (const name of ['text', 'varchar', 'bpchar', 'json', 'jsonb']) {
      expect(unavailable(name)).toStrictEqual([PLACEHOLDER]);
    }
    expect(unavailable('bytea')).toStrictEqual([PLACEHOLDER_BYTES]);
    expect(unavailable('bytea', { modes: { binary: 'hex' } })).toBeNull();
    for (const name of ['int4', 'int8', 'date']) expect(unavailable(name)).toStrictEqual([...PLACEHOLDER_BYTES]);
    expect(unavailable('date', { modes: { time: 'connect' } })).toBeNull();
    // java.util.UUID.nameUUIDFromBytes of the default placeholder
    expect(unavailable('uuid')).toStrictEqual(['b68a35a7-17ad-35b3-af2a-ae46edb4545a']);
    for (const name of ['float8', 'timestamptz', 'int2', 'numeric']) expect(unavailable(name)).toBeNull();
  });

  it('is null, or the fallback, where Debezium has none', () => {
    expect(captured((out) => codecOf('numeric').writeUnavailable(out))).toBeNull();
    expect(captured((out) => codecOf('varbit').writeUnavailable(out))).toBeNull();
    expect(() => captured((out) => codecOf('varbit', { optional: false }).writeUnavailable(out))).toThrow('no placeholder');
    const withDefault = codecOf('varbit', { defaultExpression: '\'101\'::"bit"' });
    expect(() => captured((out) => withDefault.writeUnavailable(out))).toThrow('no placeholder');
  });

  it('hstore holds it as key and value', () => {
    const hstore = extension('hstore');
    expect(captured((out) => codecOf(hstore).writeUnavailable(out))).toBe(`{"${PLACEHOLDER}":"${PLACEHOLDER}"}`);
    const map = codecOf(hstore, { modes: { hstore: 'map' } });
    expect(captured((out) => map.writeUnavailable(out))).toStrictEqual(new Map([[PLACEHOLDER, PLACEHOLDER]]));
  });

  it('a placeholder in hex is bytes for bytea and text elsewhere', () => {
    const modes = { unavailablePlaceholder: 'hex:6162ff' };
    expect(captured((out) => codecOf('bytea', { modes }).writeUnavailable(out))).toStrictEqual(bytes(0x61, 0x62, 0xff));
    expect(captured((out) => codecOf('text', { modes }).writeUnavailable(out))).toBe('ab\ufffd');
    const base64 = codecOf('bytea', { modes: { ...modes, binary: 'base64' } });
    expect(captured((out) => base64.writeUnavailable(out))).toBeNull();
    expect(captured((out) => codecOf(arrayType(builtIn('int4')), { modes }).writeUnavailable(out))).toStrictEqual([0x61, 0x62, -1]);
  });
});

describe('malformed text', () => {
  const SECRET = 'geheim4711x';
  it.each([
    'bool',
    'int2',
    'int4',
    'int8',
    'oid',
    'float4',
    'float8',
    'numeric',
    'money',
    'date',
    'time',
    'timestamp',
    'timestamptz',
    'timetz',
    'interval',
    'bytea',
    'bit',
    'varbit',
    'point',
  ])('%s is refused without showing the value', (type) => {
    // A bit string may be empty.
    const empty = type === 'varbit' ? [] : [''];
    for (const cell of [SECRET, ...empty, ' ', '-', `1${SECRET}`, `${SECRET}1`]) {
      let reason = '';
      try {
        convert(type, cell);
      } catch (error) {
        expect(error).toHaveProperty('name', 'ConversionError');
        reason = String(error);
      }
      expect(reason).not.toBe('');
      expect(reason).not.toContain('geheim');
    }
  });
});
