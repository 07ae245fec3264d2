import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { connectionOptions, recordOf } from '../../../test/kafka/publishing.ts';
import { SILENT_LOG } from '../../core/log.ts';
import type { CompressionType } from '../../core/options.ts';
import { SYSTEM_CLOCK } from '../../core/time.ts';
import { createKafkaClient } from '../client.ts';
import { BufferPool } from './buffer-pool.ts';
import type { RecordView } from './publisher-contract.ts';
import { BATCH_HEADER_BYTES, RecordBatch, recordBytesMax } from './record-batch.ts';

// The decoder and the checksum of kafkajs, which others wrote from the same specification.
const require = createRequire(import.meta.url);
type Decoded = {
  firstSequence: number;
  producerId: string;
  producerEpoch: number;
  lastOffsetDelta: number;
  maxTimestamp: string;
  records: {
    offset: string;
    timestamp: string;
    key: Buffer | null;
    value: Buffer | null;
    headers: Record<string, Buffer | Buffer[] | null>;
  }[];
};
const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object;
const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: object) => Promise<Decoded>;
const crc32C = require('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number;

const { codec } = createKafkaClient(connectionOptions('127.0.0.1:1'), { log: SILENT_LOG, clock: SYSTEM_CLOCK, random: Math.random });
const pool = new BufferPool();

type Sample = {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string])[];
  readonly timestampMs: number;
};

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value * 2;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

function headerBytes(headers: Sample['headers']): Buffer {
  const part = (text: string): Buffer => Buffer.concat([Buffer.from(varint(Buffer.byteLength(text))), Buffer.from(text)]);
  return Buffer.concat([Buffer.from(varint(headers.length)), ...headers.flatMap(([name, value]) => [part(name), part(value)])]);
}

function viewOf({ key, value, headers, timestampMs }: Sample): RecordView {
  return recordOf(key, value, { headers: headerBytes(headers), timestampMs });
}

function sealedBatch(records: readonly RecordView[], compression: CompressionType, baseSequence = 7): RecordBatch {
  const batch = new RecordBatch(1, 0, pool, 0);
  for (const record of records) batch.append(record);
  batch.seal({ codec, compression, producerId: 4711n, producerEpoch: 3, baseSequence });
  return batch;
}

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.string({ unit: 'binary', minLength: 40, maxLength: 300 }));
/** Without the names that every object has: the other decoder keeps headers in a plain object, and takes such names for repeated headers. */
const headerName = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 }).filter((name) => !(name in {}));
const samples = fc.array(
  fc.record<Sample>({
    key: fc.option(text),
    value: fc.option(text),
    headers: fc.uniqueArray(fc.tuple(headerName, fc.string({ maxLength: 60 })), {
      selector: ([name]) => name,
      maxLength: 5,
    }),
    timestampMs: fc.oneof(fc.integer({ min: 1_700_000_000_000, max: 1_700_000_001_000 }), fc.integer({ min: 0, max: 4_102_444_800_000 })),
  }),
  { minLength: 1, maxLength: 150 },
);

describe('a sealed batch', () => {
  test.each(['none', 'gzip'] as const)('is read by an independent decoder, record for record (%s)', async (compression) => {
    await fc.assert(
      fc.asyncProperty(samples, async (given) => {
        const { bytes } = sealedBatch(given.map(viewOf), compression);
        const decoded = await decodeBatch(new Decoder(bytes));
        const seen = decoded.records.map(({ key, value, headers, timestamp }) => ({
          key: key?.toString() ?? null,
          value: value?.toString() ?? null,
          headers: Object.entries(headers).map(([name, header]) => [name, String(header)] as const),
          timestampMs: Number(timestamp),
        }));
        const asText = (value: string | null): string | null => (value === null ? null : Buffer.from(value).toString());
        const byName = (a: readonly [string, string], b: readonly [string, string]): number => (a[0] < b[0] ? -1 : 1);
        const normal = (list: readonly Sample[]): Sample[] =>
          list.map((sample) => ({
            ...sample,
            key: asText(sample.key),
            value: asText(sample.value),
            headers: [...sample.headers].sort(byName),
          }));
        expect(normal(seen)).toEqual(normal(given));
        expect(decoded.records.map(({ offset }) => Number(offset))).toEqual(given.map((_, index) => index));
        expect(decoded).toMatchObject({ producerId: '4711', producerEpoch: 3, firstSequence: 7, lastOffsetDelta: given.length - 1 });
        expect(Number(decoded.maxTimestamp)).toBe(Math.max(...given.map(({ timestampMs }) => timestampMs)));
      }),
      { numRuns: 150 },
    );
  });

  test('carries its length and the checksum of what follows it', () => {
    fc.assert(
      fc.property(samples, fc.constantFrom<CompressionType>('none', 'gzip', 'snappy', 'lz4', 'zstd'), (given, compression) => {
        const { bytes } = sealedBatch(given.map(viewOf), compression);
        expect(bytes.readInt32BE(8)).toBe(bytes.length - 12);
        expect(bytes[16]).toBe(2);
        expect(bytes.readUInt32BE(17)).toBe(crc32C(bytes.subarray(21)) >>> 0);
      }),
      { numRuns: 100 },
    );
  });

  test('does not change when further batches are written', () => {
    const records = [viewOf({ key: 'k', value: 'v'.repeat(5_000), headers: [], timestampMs: 1 })];
    const first = sealedBatch(records, 'lz4');
    const copy = Buffer.from(first.bytes);
    for (let i = 0; i < 20; i++) sealedBatch([recordOf(`k${i}`, 'w'.repeat(5_000))], i % 2 === 0 ? 'lz4' : 'none').release();
    expect(first.bytes.equals(copy)).toBe(true);
  });

  test('goes uncompressed where compression would make it longer', () => {
    const { bytes } = sealedBatch([recordOf('k', 'v')], 'gzip');
    expect(bytes.readInt16BE(21)).toBe(0);
    const packed = sealedBatch([recordOf('k', 'v'.repeat(1_000))], 'gzip').bytes;
    expect(packed.readInt16BE(21)).toBe(1);
    expect(packed.length).toBeLessThan(200);
  });
});

test('the room for a record is never underestimated', () => {
  fc.assert(
    fc.property(samples, (given) => {
      const batch = new RecordBatch(1, 0, pool, 0);
      for (const sample of given) {
        const record = viewOf(sample);
        const before = batch.length;
        batch.append(record);
        expect(batch.length - before).toBeLessThanOrEqual(recordBytesMax(record));
      }
      expect(batch.recordBytes).toBe(batch.length - BATCH_HEADER_BYTES);
      batch.release();
    }),
  );
});
