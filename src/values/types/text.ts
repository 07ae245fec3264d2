/**
 * Owns the types that are published as the text PostgreSQL prints: character types, uuid, xml, json, network addresses,
 * ranges, enums and their like.
 */

import { byteAt } from '../../core/byte-reader.ts';
import { type BareSchema, type CellWriter, type TypePlan, textConstant, writeEmptyText } from '../type-plan.ts';
import type { ValueWriter } from '../value-writer.ts';

function writeText(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  out.utf8(source, start, end);
}

/** For types whose output function prints only letters, digits and `.:/-`. */
function writePlainText(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  out.plainAscii(source, start, end);
}

function plan(schema: BareSchema, write: CellWriter, placeholder: string): TypePlan {
  return { schema, write, writeZero: writeEmptyText, writePlaceholder: textConstant(placeholder) };
}

/** text, varchar, bpchar, citext, ranges, isbn: no semantic name. */
export function textPlan(placeholder: string): TypePlan {
  return plan({ type: 'string' }, writeText, placeholder);
}

const REPLACEMENT = Buffer.from('\ufffd');

/** A single byte outside of ASCII is not UTF-8. Servers before 16 send it as it is, and Java reads the replacement character. */
function writeSingleByte(out: ValueWriter, source: Uint8Array, start: number, end: number): void {
  if (end - start === 1 && byteAt(source, start) > 0x7f) out.utf8(REPLACEMENT, 0, REPLACEMENT.length);
  else out.utf8(source, start, end);
}

/** "char", the type of one byte. */
export function singleBytePlan(placeholder: string): TypePlan {
  return { ...textPlan(placeholder), write: writeSingleByte };
}

/** name: Debezium's streaming knows the schema but drops the value, unless unknown types are included; its snapshot keeps it. */
export function namePlan(valueIsKept: boolean, placeholder: string): TypePlan {
  return { ...textPlan(placeholder), valueIsLost: !valueIsKept };
}

/** inet, cidr, macaddr, macaddr8. */
export function addressPlan(placeholder: string): TypePlan {
  return plan({ type: 'string' }, writePlainText, placeholder);
}

export function uuidPlan(placeholder: string): TypePlan {
  return plan({ type: 'string', name: 'io.debezium.data.Uuid', version: 1 }, writePlainText, placeholder);
}

/** xml, json and jsonb, tsvector, ltree: text under a semantic name. */
export function namedTextPlan(name: string, placeholder: string): TypePlan {
  return plan({ type: 'string', name, version: 1 }, writeText, placeholder);
}

export function enumPlan(labels: readonly string[], placeholder: string): TypePlan {
  const schema: BareSchema = {
    type: 'string',
    name: 'io.debezium.data.Enum',
    version: 1,
    parameters: [['allowed', labels.join(',')]],
  };
  return plan(schema, writeText, placeholder);
}
