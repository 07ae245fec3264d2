/**
 * Owns PostGIS' geometry and geography: PostgreSQL prints both as EWKB in hex, Debezium publishes its bytes as they are and
 * the SRID that they name. Does not interpret the geometry itself.
 */

import { byteAt } from '../../core/byte-reader.ts';
import { Scratch } from '../scratch.ts';
import { malformed, type TypePlan } from '../type-plan.ts';
import type { ValueWriter } from '../value-writer.ts';
import { decodeHex } from './binary.ts';

const scratch = new Scratch(4096);

/** This bit of EWKB's geometry type says that an SRID follows. */
const SRID_FLAG = 0x2000_0000;
/** Byte order, geometry type, and what follows both in the shortest geometry: a count. */
const EWKB_BYTES_MIN = 9;
const LITTLE_ENDIAN = 1;

/** GEOMETRYCOLLECTION EMPTY. */
const EMPTY = Uint8Array.of(LITTLE_ENDIAN, 7, 0, 0, 0, 0, 0, 0, 0);

/** An unsigned 32-bit integer in the byte order that the first byte tells. */
function uint32(ewkb: Uint8Array, at: number): number {
  const [a, b, c, d] = [byteAt(ewkb, at), byteAt(ewkb, at + 1), byteAt(ewkb, at + 2), byteAt(ewkb, at + 3)];
  const isLittle = byteAt(ewkb, 0) === LITTLE_ENDIAN;
  return (isLittle ? a | (b << 8) | (c << 16) | (d << 24) : d | (c << 8) | (b << 16) | (a << 24)) >>> 0;
}

function writeShape(out: ValueWriter, ewkb: Uint8Array, length: number): void {
  out.beginStruct();
  out.field('wkb');
  out.bytes(ewkb, 0, length);
  out.field('srid');
  if ((uint32(ewkb, 1) & SRID_FLAG) === 0) out.nullValue();
  else out.int32(uint32(ewkb, 5) | 0);
  out.endStruct();
}

function write(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  const length = (end - start) / 2;
  if (!Number.isInteger(length) || length < EWKB_BYTES_MIN) throw malformed('EWKB geometry in hex form');
  const target = scratch.take(length);
  writeShape(out, target, decodeHex(target, source, start, end));
}

function plan(kind: 'Geometry' | 'Geography', ignoresNotNull: boolean): TypePlan {
  return {
    schema: {
      type: 'struct',
      name: `io.debezium.data.geometry.${kind}`,
      version: 1,
      doc: kind,
      fields: [
        { field: 'wkb', schema: { type: 'bytes', optional: false } },
        { field: 'srid', schema: { type: 'int32', optional: true } },
      ],
    },
    write,
    writeZero: (out) => writeShape(out, EMPTY, EMPTY.length),
    ignoresNotNull,
  };
}

/** Debezium declares a geometry as optional whatever the column says, also in keys; a geography not. */
export const GEOMETRY_PLAN = plan('Geometry', true);
export const GEOGRAPHY_PLAN = plan('Geography', false);
