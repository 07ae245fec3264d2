import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../core/byte-writer.ts';
import { formatFloat64, writeBase64, writeJsonString } from './lexical.ts';

function written(write: (out: ByteWriter) => void): string {
  const out = new ByteWriter(4);
  write(out);
  return out.toOwned().toString('utf8');
}

const jsonString = (text: string): string => {
  const bytes = Buffer.from(`..${text}..`);
  return written((out) => writeJsonString(out, bytes, 2, bytes.length - 2));
};

/** Jackson's rules, written without tricks. */
function reference(text: string): string {
  let result = '"';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const short = { 8: '\\b', 9: '\\t', 10: '\\n', 12: '\\f', 13: '\\r', 34: '\\"', 92: '\\\\' }[unit];
    if (short !== undefined) result += short;
    else if (unit < 0x20 || (unit >= 0xd800 && unit <= 0xdfff)) result += `\\u${unit.toString(16).toUpperCase().padStart(4, '0')}`;
    else result += text.charAt(i);
  }
  return `${result}"`;
}

describe('JSON text', () => {
  it('escapes as Jackson does', () => {
    expect(jsonString('a"b\\c/d\u007f\u2028')).toBe('"a\\"b\\\\c/d\u007f\u2028"');
    expect(jsonString('\b\f\n\r\t\u000b\u001f')).toBe('"\\b\\f\\n\\r\\t\\u000B\\u001F"');
    expect(jsonString('😀')).toBe('"\\uD83D\\uDE00"');
  });

  it('equals the plain reference on any text, short and long', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({ unit: 'binary', minLength: 60, maxLength: 200 }),
      fc.string({ maxLength: 300 }),
    );
    fc.assert(
      fc.property(text, (value) => {
        expect(jsonString(value)).toBe(reference(value));
        expect(JSON.parse(jsonString(value))).toBe(value);
      }),
      { numRuns: 200 },
    );
  });

  it('writes a lone high surrogate where a character was cut after three of its four bytes', () => {
    const cut = (text: string): string => {
      const bytes = Buffer.from(text);
      return written((out) => writeJsonString(out, bytes, 0, bytes.length - 1));
    };
    expect(cut('ab😀')).toBe('"ab\\uD83D"');
    expect(cut(`${'x'.repeat(100)}\u{10ffff}`)).toBe(`"${'x'.repeat(100)}\\uDBFF"`);
  });

  it('writes the same base64 as Node', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        const text = written((out) => writeBase64(out, bytes, 0, bytes.length));
        expect(text).toBe(`"${Buffer.from(bytes).toString('base64')}"`);
      }),
    );
  });

  it('spells doubles as Java does, special ones quoted', () => {
    const cases: [number, string][] = [
      [0, '0.0'],
      [-0, '-0.0'],
      [1, '1.0'],
      [0.001, '0.001'],
      [9999999, '9999999.0'],
      [1e7, '1.0E7'],
      [1e21, '1.0E21'],
      [-1.5e-10, '-1.5E-10'],
      [Number.NaN, '"NaN"'],
      [Number.NEGATIVE_INFINITY, '"-Infinity"'],
    ];
    for (const [value, text] of cases) expect(formatFloat64(value)).toBe(text);
  });

  it('reads back every double', () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => Object.is(Number(formatFloat64(value)), value)));
  });

  it('prints decimals of any safe integer', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(written((out) => out.decimal(value))).toBe(String(value));
      }),
    );
  });
});
