import fc from 'fast-check';
import { expect, test } from 'vitest';
import { connectionOptions, recordOf } from '../../../test/kafka/publishing.ts';
import { SILENT_LOG } from '../../core/log.ts';
import type { CompressionType } from '../../core/options.ts';
import { SYSTEM_CLOCK } from '../../core/time.ts';
import { createKafkaClient } from '../client.ts';
import { hasKey, splitBatch } from './batch-split.ts';
import { BufferPool } from './buffer-pool.ts';
import { RecordBatch } from './record-batch.ts';

const { codec } = createKafkaClient(connectionOptions('127.0.0.1:1'), { log: SILENT_LOG, clock: SYSTEM_CLOCK, random: Math.random });
const pool = new BufferPool();

function sealed(batch: RecordBatch, compression: CompressionType, baseSequence = 7): RecordBatch {
  batch.seal({ codec, compression, producerId: 1n, producerEpoch: 0, baseSequence });
  return batch;
}

const record = fc.record({
  key: fc.option(fc.string({ maxLength: 20 })),
  value: fc.option(fc.string({ unit: 'grapheme', maxLength: 300 })),
  headers: fc.constantFrom(Uint8Array.of(0), Buffer.concat([Buffer.of(2, 4), Buffer.from('hk'), Buffer.of(6), Buffer.from('hv1')])),
  timestampMs: fc.integer({ min: 0, max: 2 ** 42 }),
});

test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
  'the parts hold the records of the batch, in order and byte for byte (%s)',
  (compression) => {
    const property = fc.property(
      fc.array(record, { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 100, max: 3_000 }),
      (records, bytesMax) => {
        const fill = (batch: RecordBatch): RecordBatch => {
          for (const { key, value, ...rest } of records) batch.append(recordOf(key, value, rest));
          return batch;
        };
        const batch = sealed(fill(new RecordBatch(1, 0, pool, 0)), compression);
        const parts = splitBatch(batch, bytesMax, codec);
        expect(parts.reduce((sum, { count }) => sum + count, 0)).toBe(records.length);
        expect(parts.length).toBeGreaterThanOrEqual(Math.min(2, records.length));
        for (const part of parts) expect(part.count === 1 || part.length <= bytesMax).toBe(true);
        // Cut into single records, each batch is what it would be with that record alone.
        const singles = parts.flatMap((part) => splitBatch(sealed(part, compression), 1, codec));
        records.forEach(({ key, value, ...rest }, index) => {
          const alone = new RecordBatch(1, 0, pool, 0);
          alone.append(recordOf(key, value, rest));
          const single = singles[index];
          expect(Buffer.from(sealed(single as RecordBatch, 'none').bytes).equals(sealed(alone, 'none').bytes)).toBe(true);
          expect(hasKey(batch, index, codec)).toBe(key !== null);
        });
        expect(hasKey(batch, records.length, codec)).toBeUndefined();
      },
    );
    fc.assert(property, { numRuns: 40 });
  },
);
