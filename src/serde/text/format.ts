/**
 * Owns keys and values as text: what Java's toString returns for the structs that Debezium makes, `Struct{id=1,name=a}`. Members that are null
 * are left out, so whether a member has a comma depends on those before it.
 * Source: org.apache.kafka.connect.storage.StringConverter, org.apache.kafka.connect.data.Struct.toString.
 */
import type { ByteWriter } from '../../core/byte-writer.ts';
import { SlotlineError } from '../../core/errors.ts';
import type { RelationName, ValueShape } from '../../events/record-shape.ts';
import type { FieldSchema } from '../../values/schema.ts';
import { DECIMAL_NAME } from '../../values/types/decimal.ts';
import type { Format, FormatRules, Place } from '../format.ts';
import { StringValueWriter, type TextNode } from './value-writer.ts';

export class TextFormat implements Format<TextNode> {
  readonly rules: FormatRules = { flattens: false, copies: false, nullIsDefault: false, requiredTakesNull: true };

  writer(out: ByteWriter): StringValueWriter {
    return new StringValueWriter(out);
  }

  node(schema: FieldSchema, place: Place): TextNode {
    return { field: place?.field, schema: schema.items ?? schema };
  }

  openText(ascii: ByteWriter, out: ByteWriter): void {
    out.copy(ascii.bytes, 0, ascii.length);
  }

  textBehind(text: string): Uint8Array {
    return Buffer.from(text);
  }
}

/** Java prints where the bytes of an array are in memory, not the bytes. So a key cannot have them. Throws string_key_bytes. */
export function rejectBytesInKey({ origin }: ValueShape, relation: RelationName): void {
  if (origin.from !== 'struct') return;
  const found = origin.fields.find(({ schema }) => hasBytes(schema));
  if (found === undefined) return;
  const column = found.origin.from === 'column' ? found.origin.column.name : found.field;
  throw new SlotlineError('string_key_bytes', { ...relation, column });
}

/** True if Java would not print the value's bytes. A Decimal is stored as bytes, but it is printed as a number. */
function hasBytes(schema: FieldSchema): boolean {
  if (schema.type === 'bytes') return schema.name !== DECIMAL_NAME;
  const inner = [schema.items, schema.keys, schema.values, ...(schema.fields ?? []).map((field) => field.schema)];
  return inner.some((one) => one !== undefined && hasBytes(one));
}
