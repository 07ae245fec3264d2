import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { expect, test } from 'vitest';
import { murmur2, partitionOfKey } from './partitioner.ts';

// Test vectors of org.apache.kafka.common.utils.UtilsTest.testMurmur2.
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('murmur2 of %s is what the Java client computes', (text, hash) => {
  const bytes = Buffer.from(text);
  expect(murmur2(bytes, 0, bytes.length)).toBe(hash);
});

test("every key goes where kafkajs' Java-compatible partitioner sends it, wherever it stands in the buffer", () => {
  const theirs = Partitioners.DefaultPartitioner();
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 90 }),
      fc.uint8Array({ maxLength: 5 }),
      fc.integer({ min: 1, max: 100 }),
      (key, before, count) => {
        const bytes = Buffer.concat([before, key, Buffer.from('behind')]);
        const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
          partitionId,
          leader: 1,
          replicas: [1],
          isr: [1],
          partitionErrorCode: 0,
        }));
        const expected = theirs({ topic: 't', partitionMetadata, message: { key: Buffer.from(key), value: null } });
        expect(partitionOfKey(bytes, before.length, before.length + key.length, count)).toBe(expected);
      },
    ),
    { numRuns: 500 },
  );
});
