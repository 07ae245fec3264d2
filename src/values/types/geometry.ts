/**
 * Owns PostgreSQL's point, and the text of the other geometric types, which Debezium 3.6 knows only as unknown types.
 */

import { byteAt } from '../../core/byte-reader.ts';
import { javaFloat64Text } from '../../core/java/floats.ts';
import { ASCII, cellText, malformed, type TypePlan } from '../type-plan.ts';
import type { ValueWriter } from '../value-writer.ts';
import { parseFloat64 } from './numbers.ts';

/** Byte order mark, geometry type, x, y: well-known binary, little-endian. */
const wkb = new Uint8Array(21);
const wkbView = new DataView(wkb.buffer);
const WKB_LITTLE_ENDIAN = 1;
const WKB_POINT = 1;

function writePointOf(out: ValueWriter, x: number, y: number): void {
  wkbView.setUint8(0, WKB_LITTLE_ENDIAN);
  wkbView.setUint32(1, WKB_POINT, true);
  wkbView.setFloat64(5, x, true);
  wkbView.setFloat64(13, y, true);
  out.beginStruct();
  out.field('x');
  out.float64(x);
  out.field('y');
  out.float64(y);
  out.field('wkb');
  out.bytes(wkb, 0, wkb.length);
  out.field('srid');
  out.nullValue();
  out.endStruct();
}

/** `(x,y)` */
function writePoint(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  if (end - start < 5 || byteAt(source, start) !== ASCII.leftParen || byteAt(source, end - 1) !== ASCII.rightParen) {
    throw malformed('point');
  }
  let comma = start + 1;
  while (comma < end && byteAt(source, comma) !== ASCII.comma) comma++;
  if (comma === end) throw malformed('point');
  writePointOf(out, parseFloat64(source, start + 1, comma), parseFloat64(source, comma + 1, end - 1));
}

export const POINT_PLAN: TypePlan = {
  schema: {
    type: 'struct',
    name: 'io.debezium.data.geometry.Point',
    version: 1,
    doc: 'Geometry (POINT)',
    fields: [
      { field: 'x', schema: { type: 'float64', optional: false } },
      { field: 'y', schema: { type: 'float64', optional: false } },
      { field: 'wkb', schema: { type: 'bytes', optional: true } },
      { field: 'srid', schema: { type: 'int32', optional: true } },
    ],
  },
  write: writePoint,
  writeZero: (out) => writePointOf(out, 0, 0),
};

/** As Java's Double.toString: always a fraction, and an exponent below 10^-3 and from 10^7. */
function javaDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  return javaFloat64Text(value);
}

const NUMBER = /-?(?:[0-9][0-9.eE+-]*|Infinity)|NaN/g;

/** box, circle, line, lseg, path, polygon as Debezium's driver prints them: every number as Java prints a double. */
export function driverGeometryPlan(unknown: TypePlan): TypePlan {
  return {
    ...unknown,
    write: (out, source, start, end) => {
      const text = cellText(source, start, end).replace(NUMBER, (number) => javaDouble(Number(number)));
      const bytes = Buffer.from(text);
      unknown.write(out, bytes, 0, bytes.length);
    },
  };
}
