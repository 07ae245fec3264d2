/** Owns which format's comparison of schemas is asked. The comparisons are those of {avro,json-schema,protobuf}-differences.ts. */
import * as avro from '../serde/avro/differences.ts';
import { isSameJsonSchemaShape, jsonSchemaDifferences } from '../serde/json-schema/differences.ts';
import { isSameProtobufShape, protobufDifferences } from '../serde/protobuf/differences.ts';
import type { SchemaType } from '../serde/registered-format.ts';

type Compared = { readonly registered: string; readonly wanted: string; readonly type: SchemaType | undefined };

/** What differs, by path, for people. */
export function schemaDifferences({ registered, wanted, type }: Compared): string[] {
  if (type === 'JSON') return jsonSchemaDifferences({ registered, wanted });
  return type === 'PROTOBUF' ? protobufDifferences({ registered, wanted }) : avro.schemaDifferences({ registered, wanted });
}

/** Whether records of both have the same bytes. */
export function isSameShape({ registered, wanted, type }: Compared): boolean {
  if (type === 'JSON') return isSameJsonSchemaShape(registered, wanted);
  return type === 'PROTOBUF' ? isSameProtobufShape(registered, wanted) : avro.isSameShape(registered, wanted);
}
