/**
 * Owns Kafka Connect's schema of a field as plain data (org.apache.kafka.connect.data.Schema). Does not print it:
 * serde/ does. Member names follow Connect.
 */

export type SchemaType =
  | 'boolean'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'float32'
  | 'float64'
  | 'string'
  | 'bytes'
  | 'array'
  | 'map'
  | 'struct';

/**
 * A default as plain data: numbers within 2^53, bigint beyond; bytes for type bytes (Decimal: big-endian two's complement
 * of the unscaled value); arrays and structs are not given defaults by Debezium.
 */
export type DefaultValue = string | number | bigint | boolean | Uint8Array;

export type FieldSchema = {
  readonly type: SchemaType;
  readonly optional: boolean;
  readonly name?: string;
  readonly version?: number;
  readonly doc?: string;
  readonly parameters?: readonly (readonly [string, string])[];
  readonly defaultValue?: DefaultValue;
  readonly items?: FieldSchema;
  readonly keys?: FieldSchema;
  readonly values?: FieldSchema;
  readonly fields?: readonly StructField[];
};

export type StructField = { readonly field: string; readonly schema: FieldSchema };

/** The scale of a Connect Decimal: how many digits of its unscaled value stand after the point. */
export function scaleOf(schema: Pick<FieldSchema, 'parameters'>): number {
  return Number(schema.parameters?.find(([name]) => name === 'scale')?.[1] ?? '0');
}
