/** PostGIS: EWKB as stored, the SRID it names, and the quirk that a geometry is never required. */
import { describe, expect, it } from 'vitest';
import { arrayType, captured, codecOf, convert, extension } from '../../../test/oracles/columns.ts';

const POINT = '0101000000000000000000F03F0000000000000040';
const POINT_4326 = '0101000020E6100000000000000000F03F0000000000000040';

function shape(hex: string, srid: number | null): { wkb: Uint8Array; srid: number | null } {
  return { wkb: Uint8Array.from(Buffer.from(hex, 'hex')), srid };
}

describe.each(['geometry', 'geography'])('%s', (name) => {
  const type = extension(name);

  it('is written as its EWKB, with the SRID where the flag is set', () => {
    expect(convert(type, POINT)).toStrictEqual(shape(POINT, null));
    expect(convert(type, POINT_4326)).toStrictEqual(shape(POINT_4326, 4326));
  });

  it('in big-endian bytes has its SRID too', () => {
    const hex = '0020000001000010E63FF00000000000004000000000000000';
    expect(convert(type, hex)).toStrictEqual(shape(hex, 4326));
  });

  it.each(['', '01', '0107000000', `${POINT}0`, `${POINT.slice(0, -1)}x`])('%s is refused', (hex) => {
    expect(() => convert(type, hex)).toThrow('hex form');
  });

  it('stands between colons in an array', () => {
    expect(convert(arrayType(type), `{${POINT}:NULL:${POINT_4326}}`)).toStrictEqual([shape(POINT, null), null, shape(POINT_4326, 4326)]);
  });

  it('is an empty collection where a required value is missing', () => {
    const codec = codecOf(type, { optional: false });
    expect(codec.nullable).toBe(false);
    expect(captured(codec.writeFallback)).toStrictEqual(shape('010700000000000000', null));
  });
});

describe('NOT NULL', () => {
  it('makes the schema of a geography required, but not that of a geometry', () => {
    expect(codecOf(extension('geography'), { optional: false }).schema.optional).toBe(false);
    const geometry = codecOf(extension('geometry'), { optional: false });
    expect(geometry.schema.optional).toBe(true);
    expect(captured(geometry.writeUnavailable)).toBeNull();
  });
});
