/**
 * Owns the bytes of a header's value, as Connect's SimpleHeaderConverter makes them of a value with a schema: text, in which members of lists,
 * maps and structs look like JSON. Source: org.apache.kafka.connect.storage.SimpleHeaderConverter, org.apache.kafka.connect.data.Values.
 */
import { ByteWriter } from '../core/byte-writer.ts';
import { writePlain } from '../values/plain-value.ts';
import type { FieldSchema } from '../values/schema.ts';
import type { CapturedValue } from '../values/value-capture.ts';
import { HeaderValueWriter } from './header-text.ts';

const out = new ByteWriter(256);
const values = new HeaderValueWriter(out);

/** Null: a header without a value. */
export function headerValue(schema: FieldSchema, value: CapturedValue): Uint8Array | null {
  if (value === null) return null;
  // Only members of something are in quotes.
  if (typeof value === 'string') return Buffer.from(value);
  if (value instanceof Uint8Array && schema.name === undefined) return Buffer.from(Buffer.from(value).toString('base64'));
  out.reset();
  values.schema = schema.items ?? schema;
  writePlain(values, schema, value);
  return out.toOwned();
}
