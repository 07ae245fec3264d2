/** bytea and bit strings against plain versions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codecOf, convertWith, outcome, refuse, withEdits } from '../../../test/oracles/columns.ts';

const RUNS = { numRuns: 1000 };
const OCTETS = fc.uint8Array({ maxLength: 300 });
const HEX_TEXTS = withEdits(fc.uint8Array({ maxLength: 6 }).map((octets) => `\\x${Buffer.from(octets).toString('hex')}`));

function plainBytes(text: string): Uint8Array {
  return /^\\x(?:[0-9a-fA-F]{2})*$/.test(text) ? Uint8Array.from(Buffer.from(text.slice(2), 'hex')) : refuse();
}

describe('bytea', () => {
  it('is written as bytes, like the plain version writes it', () => {
    const codec = codecOf('bytea');
    fc.assert(
      fc.property(HEX_TEXTS, (text) => {
        expect(outcome(() => convertWith(codec, text))).toStrictEqual(outcome(() => plainBytes(text)));
      }),
      RUNS,
    );
  });

  it.each([
    ['base64', (octets: Buffer) => octets.toString('base64')],
    ['base64-url-safe', (octets: Buffer) => octets.toString('base64').replaceAll('+', '-').replaceAll('/', '_')],
    ['hex', (octets: Buffer) => octets.toString('hex')],
  ] as const)('as %s', (binary, plain) => {
    const codec = codecOf('bytea', { modes: { binary } });
    fc.assert(
      fc.property(OCTETS, (octets) => {
        const text = `\\x${Buffer.from(octets).toString('hex')}`;
        expect(convertWith(codec, text)).toBe(plain(Buffer.from(octets)));
      }),
      RUNS,
    );
  });

  it('may be larger than the space that is kept between cells', () => {
    const octets = Buffer.alloc(1024 * 1024 + 1, 'abc');
    expect(Buffer.from(convertWith(codecOf('bytea'), `\\x${octets.toString('hex')}`) as Uint8Array).equals(octets)).toBe(true);
  });
});

/** Little-endian, without the zero bytes at the end. */
function plainBits(text: string): Uint8Array {
  if (!/^[01]*$/.test(text)) refuse();
  const bytes: number[] = [];
  for (let rest = BigInt(`0b0${text}`); rest > 0n; rest >>= 8n) bytes.push(Number(rest & 0xffn));
  return Uint8Array.from(bytes);
}

describe('bit strings', () => {
  it('are written like the plain version writes them', () => {
    const codec = codecOf('varbit');
    fc.assert(
      fc.property(withEdits(fc.string({ unit: fc.constantFrom('0', '0', '1'), maxLength: 70 })), (text) => {
        expect(outcome(() => convertWith(codec, text))).toStrictEqual(outcome(() => plainBits(text)));
      }),
      RUNS,
    );
  });
});
