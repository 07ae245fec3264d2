import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileTextHash, type TextHashRule } from './text-hash.ts';

/** The text stands in the middle of a frame. */
function hashOf(rule: TextHashRule, text: string): string {
  const frame = Buffer.from(`😀${text}😀`);
  return compileTextHash(rule)(frame, 4, frame.length - 4);
}

/** As java.io.DataOutput writes it: unit by unit. */
function modifiedUtf8(text: string): Buffer {
  const units = [...Array(text.length).keys()].map((i) => text.charCodeAt(i));
  return Buffer.from(
    units.flatMap((unit) => {
      if (unit !== 0 && unit < 0x80) return [unit];
      if (unit < 0x800) return [0xc0 | (unit >> 6), 0x80 | (unit & 0x3f)];
      return [0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)];
    }),
  );
}

describe('hash of a text', () => {
  it.each<readonly [rule: TextHashRule, text: string, recorded: string]>([
    [
      { version: 'v1', algorithm: 'SHA-256', salt: 'salty' },
      'text value',
      '0c4784d6b72dbd5b4e93b4db3bead63b00a2e53a70e4e43c56b9c057810f976c',
    ],
    [
      { version: 'v2', algorithm: 'SHA-256', salt: 'salty' },
      'text value',
      '567ede8329ff1d22844f7dfbe960e100698ec173270e2ce708923e9df1f83041',
    ],
    [{ version: 'v1', algorithm: 'MD5', salt: 's0' }, 'ünï 😀 0', 'ee0481efdc2d3bd9c0c359ba9f01c6c6'],
    [{ version: 'v1', algorithm: 'MD5', salt: 's0' }, '', '3cb7d6bdc48be0416b217e57b59e619b'],
    [{ version: 'v1', algorithm: 'md5', salt: 's1' }, 'y'.repeat(65_535), '8ee0b2dec4bd14bc14d02a62db3aa32f'],
    [{ version: 'v1', algorithm: 'MD5', salt: 's0' }, 'x'.repeat(70_000), '959c07cdbf5d1cbc8169e6365de7a348'],
    [{ version: 'v1', algorithm: 'Md2', salt: 's2' }, 'ünï 😀 4', '71974e7a800745e6de3403aab9890859'],
    [{ version: 'v1', algorithm: 'MD2', salt: 's2' }, 'y'.repeat(65_536), '373f17d7783ae85bae8217d4d7dd0df1'],
    [{ version: 'v2', algorithm: 'MD2', salt: 'ß2' }, 'ünï 😀 5', '49f268ad6fd1ce8b8381355f7aea60b4'],
    [{ version: 'v1', algorithm: 'sha-1', salt: 's6' }, 'ünï 😀 12', '5a70669b32b8588eaf4f48040f2bae2278b6d085'],
    [{ version: 'v2', algorithm: 'SHA-512/224', salt: 'ß13' }, 'ünï 😀 27', 'e700dc67b14854e285350784a5035726466cbd8118e95c8d68454ace'],
    [{ version: 'v2', algorithm: 'SHA3-224', salt: 'ß15' }, 'ünï 😀 31', 'b22d30b0ec11f6e9ac565704ea13ea9651d4a3f4cb847da46616b7a5'],
  ])('is the one that Debezium publishes: %o %.12s', (rule, text, recorded) => {
    expect(hashOf(rule, text)).toBe(recorded);
  });

  it('is taken over what Java serialises, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.constantFrom(1, 2_000), (unit, times) => {
        const text = unit.replaceAll('\0', '').repeat(times);
        const body = modifiedUtf8(text);
        const header = Buffer.from(body.length > 0xffff ? 'aced00057c0000000000000000' : 'aced0005740000', 'hex');
        if (body.length > 0xffff) header.writeBigUInt64BE(BigInt(body.length), 5);
        else header.writeUInt16BE(body.length, 5);
        const expected = createHash('md5').update('salt').update(header).update(body).digest('hex');
        expect(hashOf({ version: 'v1', algorithm: 'MD5', salt: 'salt' }, text)).toBe(expected);
      }),
      { numRuns: 60 },
    );
  });
});
