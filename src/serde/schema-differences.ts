/** Owns which format's comparison of schemas is asked. The comparisons are avro-differences.ts's and protobuf-differences.ts's. */
import * as avro from './avro-differences.ts';
import { isSameProtobufShape, protobufDifferences } from './protobuf-differences.ts';
import type { SchemaType } from './schema-registry.ts';

type Compared = { readonly registered: string; readonly wanted: string; readonly type: SchemaType | undefined };

/** What differs, by path, for people. */
export function schemaDifferences({ registered, wanted, type }: Compared): string[] {
  return type === 'PROTOBUF' ? protobufDifferences({ registered, wanted }) : avro.schemaDifferences({ registered, wanted });
}

/** Whether records of both have the same bytes. */
export function isSameShape({ registered, wanted, type }: Compared): boolean {
  return type === 'PROTOBUF' ? isSameProtobufShape(registered, wanted) : avro.isSameShape(registered, wanted);
}
