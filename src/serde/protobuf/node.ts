/**
 * Owns how a value of a Connect schema is framed in Protobuf: field keys, what a zero and a null become, what is packed. Compiled once per
 * relation version; the writer follows it. Does not write (value-writer.ts) and does not choose names (schema.ts).
 * Grammar: Protocol Buffers, «Encoding». A field is its key (number << 3 | wire type, a varint) and its value; there is no null.
 */
import type { FieldSchema } from '../../values/schema.ts';
import { LOGICAL_MESSAGES, type ProtobufSchemaSettings } from './schema.ts';

export type NullSettings = Pick<ProtobufSchemaSettings, 'optionalForNullables' | 'wrapperForNullables'>;

/** A zero is not written. A reader sees the same for a null. */
export const IMPLICIT = 0;
/** A zero is written. */
export const EXPLICIT = 1;
/** The value is the only field of a wrapper message, such as google.protobuf.StringValue. */
export const WRAPPED = 2;
/** The value is an element of a packed array: it has no key. */
export const PACKED = 3;
type Form = typeof IMPLICIT | typeof EXPLICIT | typeof WRAPPED | typeof PACKED;

export const PLAIN = 0;
export const DATE = 1;
const TIME = 2;
export const TIMESTAMP = 3;
type Logical = typeof PLAIN | typeof DATE | typeof TIME | typeof TIMESTAMP;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

export type ProtobufNode = {
  /** Field number and wire type. Below 2^14, because a table has at most 1,600 columns. */
  readonly key: number;
  readonly form: Form;
  readonly logical: Logical;
  /** False for an array's element. Elsewhere a null is an absent field. */
  readonly takesNull: boolean;
  /** The node of an array's element or a map's value; null for other types. */
  readonly items: ProtobufNode | null;
  /** The node of a map's key; null for other types. */
  readonly keys: ProtobufNode | null;
  /** The nodes of a message's fields, in order. */
  readonly fields: readonly ProtobufNode[];
};

export function messageFields(schema: FieldSchema, settings: NullSettings): readonly ProtobufNode[] {
  return (schema.fields ?? []).map(({ schema: field }, index) => fieldNode(field, index + 1, settings));
}

export function fieldNode(schema: FieldSchema, number: number, settings: NullSettings): ProtobufNode {
  return nodeIn('message', schema, number, settings);
}

/** What contains the value; that decides what a null becomes. In Confluent's map entries no field is optional. */
type Place = 'message' | 'array' | 'entry';

function nodeIn(place: Place, schema: FieldSchema, number: number, settings: NullSettings): ProtobufNode {
  const repeated = { ...NO_NODE, key: (number << 3) | LENGTH, takesNull: true };
  if (schema.type === 'array' && schema.items !== undefined) {
    return { ...repeated, items: valueNode('array', schema.items, number, settings) };
  }
  if (schema.type === 'map' && schema.keys !== undefined && schema.values !== undefined) {
    return { ...repeated, keys: nodeIn('entry', schema.keys, 1, settings), items: nodeIn('entry', schema.values, 2, settings) };
  }
  return valueNode(place, schema, number, settings);
}

/** For a value that is begun without a schema. */
export const NO_NODE: ProtobufNode = { key: 0, form: IMPLICIT, logical: PLAIN, takesNull: false, items: null, keys: null, fields: [] };

/** The node of a whole key or value. */
export const ROOT: ProtobufNode = { ...NO_NODE };

function valueNode(place: Place, schema: FieldSchema, number: number, settings: NullSettings): ProtobufNode {
  // For an array of maps there is only a schema: ProtobufData cannot write such values.
  const isMessage = schema.type === 'struct' || schema.type === 'map' || (schema.name !== undefined && LOGICAL_MESSAGES.has(schema.name));
  const isWrapped = !isMessage && settings.wrapperForNullables && schema.optional;
  const wire = isMessage || isWrapped ? LENGTH : wireType(schema.type);
  const hasPresence = isMessage || (schema.optional && settings.optionalForNullables && place !== 'entry');
  const form = isWrapped ? WRAPPED : place === 'array' ? elementForm(wire) : hasPresence ? EXPLICIT : IMPLICIT;
  const fields = schema.type === 'struct' ? messageFields(schema, settings) : [];
  return { ...NO_NODE, key: (number << 3) | wire, form, logical: logicalOf(schema), takesNull: place !== 'array', fields };
}

function elementForm(wire: number): Form {
  return wire === LENGTH ? EXPLICIT : PACKED;
}

function wireType(type: FieldSchema['type']): number {
  switch (type) {
    case 'float32':
      return FIXED32;
    case 'float64':
      return FIXED64;
    case 'string':
    case 'bytes':
      return LENGTH;
    default:
      return VARINT;
  }
}

function logicalOf({ name }: FieldSchema): Logical {
  switch (name) {
    case 'org.apache.kafka.connect.data.Date':
      return DATE;
    case 'org.apache.kafka.connect.data.Time':
      return TIME;
    case 'org.apache.kafka.connect.data.Timestamp':
      return TIMESTAMP;
    default:
      return PLAIN;
  }
}
