/**
 * Owns what independent decoders read from Avro records in a registry's wire format: avsc, the kafkajs project's registry client, and
 * Confluent's client for Python. All in the one form of corpus-values.ts. Does not know cases or how they are compared.
 */
import { SchemaRegistry as RegistryClient, SchemaType } from '@kafkajs/confluent-schema-registry';
import type { Type } from 'avsc';
import { avscType, longsAsBigints } from '../oracles/avsc.ts';
import { type AvroRegistry, bytesOf, HEAD_BYTES } from './avro-registry.ts';
import { printRecords, type RecordSchemas, type TextRecord, textRecords } from './corpus-values.ts';
import { type PythonOutcome, startPythonDecoder } from './python-decoder.ts';
import type { GoldenRecord, RecordedText } from './replay-cases.ts';

/** What a decoder cannot read of what the converters write, Debezium's as well as Slotline's. */
export const UNREADABLE: readonly { readonly decoder: AvroDecoder['name']; readonly cases: readonly string[]; readonly reason: string }[] =
  [
    {
      decoder: 'python',
      cases: ['keys-of-odd-indexes'],
      reason: "Confluent's client for Python takes no record without a byte behind the schema's id, as one without fields is",
    },
    {
      decoder: 'python',
      cases: ['matrix-numeric-precise', 'numbers-negative-scale', 'propagate-negative-scale'],
      reason: 'fastavro takes no decimal whose scale is negative or beyond its precision, which PostgreSQL has since release 15',
    },
  ];

type Half = 'key' | 'value';
type DecodeHalf = (topic: string, half: Half, bytes: Buffer) => Promise<unknown>;
type Print = (records: readonly GoldenRecord[], schemas: RecordSchemas) => Promise<TextRecord[]>;

type AvroDecoder = { readonly name: 'avsc' | 'kafkajs' | 'python'; readonly print: Print };

export type AvroDecoders = AsyncDisposable & {
  readonly decoders: readonly AvroDecoder[];
  readonly python: PythonOutcome;
};

/** `registryUrl` is that of the Confluent API; all of them may be asked for several cases at once. */
export async function startDecoders(registry: AvroRegistry, registryUrl: string): Promise<AvroDecoders> {
  const python = await startPythonDecoder(registryUrl);
  const decoders: AvroDecoder[] = [
    { name: 'avsc', print: withValues(avscDecoder(registry)) },
    { name: 'kafkajs', print: withValues(kafkajsDecoder(registryUrl)) },
  ];
  if (python.tag === 'started') decoders.push({ name: 'python', print: withTexts(python.decoder.decode) });
  return {
    decoders,
    python,
    [Symbol.asyncDispose]: async () => {
      if (python.tag === 'started') await python.decoder[Symbol.asyncDispose]();
    },
  };
}

/** Ids of schemas are the registry's: each type is built once. Also checks that avsc writes the same bytes of what it reads. */
function avscDecoder(registry: AvroRegistry): DecodeHalf {
  const types = new Map<number, Type>();
  return async (_topic, _half, bytes) => {
    const { id, text } = await registry.schemaOf(bytes);
    const type = types.get(id) ?? avscType(text);
    types.set(id, type);
    const binary = bytes.subarray(HEAD_BYTES);
    const value: unknown = type.fromBuffer(binary);
    if (!type.toBuffer(value).equals(binary)) throw new Error('avsc writes other bytes of what it reads');
    return value;
  };
}

function kafkajsDecoder(registryUrl: string): DecodeHalf {
  const client = new RegistryClient({ host: registryUrl }, { [SchemaType.AVRO]: { typeHook: longsAsBigints } });
  return async (_topic, _half, bytes): Promise<unknown> => client.decode(bytes);
}

function withValues(decode: DecodeHalf): Print {
  return async (records, schemas) => printRecords(await decodeRecords(records, decode), schemas);
}

/** Of a decoder that answers in JSON text. */
function withTexts(decode: (topic: string, half: Half, bytes: Buffer) => Promise<string>): Print {
  return async (records, schemas) => {
    const texts = await decodeRecords(records, decode);
    return textRecords(texts, schemas);
  };
}

type Halves<T> = { readonly key: T | null; readonly value: T | null };

async function decodeRecords<T>(
  records: readonly GoldenRecord[],
  decode: (topic: string, half: Half, bytes: Buffer) => Promise<T>,
): Promise<(Omit<GoldenRecord, Half> & Halves<T>)[]> {
  const decodeHalf = async (topic: string, half: Half, text: RecordedText): Promise<T | null> => {
    const bytes = bytesOf(text);
    return bytes === null ? null : await decode(topic, half, bytes);
  };
  return await Promise.all(
    records.map(async (record) => ({
      ...record,
      key: await decodeHalf(record.topic, 'key', record.key),
      value: await decodeHalf(record.topic, 'value', record.value),
    })),
  );
}
