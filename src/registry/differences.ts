/** Owns the choice of the comparison for two schemas, by their type: those of serde/avro/, serde/json-schema/ and serde/protobuf/. */
import * as avro from '../serde/avro/differences.ts';
import { isSameJsonSchemaShape, jsonSchemaDifferences } from '../serde/json-schema/differences.ts';
import { isSameProtobufShape, protobufDifferences } from '../serde/protobuf/differences.ts';
import type { SchemaType } from '../serde/registered-format.ts';

type Compared = { readonly registered: string; readonly wanted: string; readonly type: SchemaType | undefined };

/** What differs, by path, for people to read. */
export function schemaDifferences({ registered, wanted, type }: Compared): string[] {
  if (type === 'JSON') return jsonSchemaDifferences({ registered, wanted });
  return type === 'PROTOBUF' ? protobufDifferences({ registered, wanted }) : avro.schemaDifferences({ registered, wanted });
}

/** True when records of both schemas have the same bytes. */
export function isSameShape({ registered, wanted, type }: Compared): boolean {
  if (type === 'JSON') return isSameJsonSchemaShape(registered, wanted);
  return type === 'PROTOBUF' ? isSameProtobufShape(registered, wanted) : avro.isSameShape(registered, wanted);
}
