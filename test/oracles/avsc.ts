/** Owns the oracle of Avro's bytes: avsc, with longs as bigints. For tests only. */
import { parse, type Schema, type Type, types } from 'avsc';

const LONG = types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    // A default beyond 2^53 was rounded when avsc's schema was parsed, maybe beyond 64 bits: no reader needs it.
    buffer.writeBigInt64LE(BigInt.asIntN(64, value));
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
});

export function longsAsBigints(schema: Schema): Type | undefined {
  const isLong = schema === 'long' || (typeof schema === 'object' && 'type' in schema && schema.type === 'long');
  return isLong ? LONG : undefined;
}

export function avscType(schemaText: string): Type {
  return parse(schemaText, { typeHook: longsAsBigints });
}
