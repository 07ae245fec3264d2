/**
 * Owns the option rows that Confluent's Protobuf converter alone has; those of every converter with a registry are in
 * converters.ts.
 */

import { BOOLEAN, CLASS, honoured, noEffect, type OptionSpec } from './option-spec.ts';

export const PROTOBUF_CONVERTER = 'io.confluent.connect.protobuf.ProtobufConverter';

const CONFLUENT = "Confluent's.";
const READ_ONLY = 'It is for reading.';
const NO_REFERENCES = 'Schemas import types that every registry of Confluent knows, and have no references.';

export function protobufRows(name: string): OptionSpec[] {
  return [
    honoured({ name: `${name}.optional.for.nullables`, kind: BOOLEAN, default: 'false', why: CONFLUENT, doc: 'Protobuf: nullable fields are `optional`. Without it a null is sent as no field, which readers show as 0, false or an empty text: `true` is recommended.' }),
    honoured({ name: `${name}.wrapper.for.nullables`, kind: BOOLEAN, default: 'false', why: CONFLUENT, doc: 'Protobuf: nullable numbers, texts and bytes are messages like google.protobuf.StringValue, so that a null is not a zero; also in arrays and maps.' }),
    honoured({ name: `${name}.skip.known.types`, kind: BOOLEAN, default: 'true', honouredValues: ['true'], why: CONFLUENT, reason: 'Imported types are not registered: registries know them.', doc: 'Protobuf: do not register imported types that the registry knows.' }),
    noEffect({ name: `${name}.reference.subject.name.strategy`, kind: CLASS, reason: NO_REFERENCES, doc: 'Protobuf: what the subjects of imported schemas are named by.' }),
    noEffect({ name: `${name}.reference.lookup.only`, kind: BOOLEAN, default: 'false', reason: NO_REFERENCES, doc: 'Protobuf: look imported schemas up only.' }),
    noEffect({ name: `${name}.enhanced.protobuf.schema.support`, kind: BOOLEAN, default: 'false', reason: READ_ONLY, silent: 'always', doc: 'Protobuf: keep package names.' }),
    noEffect({ name: `${name}.int.for.enums`, kind: BOOLEAN, default: 'false', reason: READ_ONLY, silent: 'always', doc: 'Protobuf: read enums as integers.' }),
    noEffect({ name: `${name}.optional.for.proto2`, kind: BOOLEAN, default: 'true', reason: READ_ONLY, silent: 'always', doc: 'Protobuf: read optional fields of proto2 as nullable.' }),
    noEffect({ name: `${name}.wrapper.for.raw.primitives`, kind: BOOLEAN, default: 'true', reason: READ_ONLY, silent: 'always', doc: 'Protobuf: read wrapper messages as what they hold.' }),
    noEffect({ name: `${name}.generate.struct.for.nulls`, kind: BOOLEAN, default: 'false', reason: READ_ONLY, silent: 'always', doc: 'Protobuf: read absent messages as empty ones.' }),
    noEffect({ name: `${name}.generate.index.for.unions`, kind: BOOLEAN, default: 'true', reason: READ_ONLY, silent: 'always', doc: 'Protobuf: number the names of unions.' }),
    noEffect({ name: `${name}.flatten.unions`, kind: BOOLEAN, default: 'false', reason: READ_ONLY, silent: 'always', doc: 'Protobuf: read the members of unions as fields.' }),
  ];
}
