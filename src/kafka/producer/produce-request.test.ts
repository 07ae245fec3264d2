import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter } from '../../core/byte-writer.ts';
import { type ProduceOutcome, parseProduceReply, produceBody } from './produce-request.ts';

test('a request groups the batches by topic and holds their bytes as they are', () => {
  const parts = [
    { topic: 'a', partition: 1, bytes: Buffer.from('A1') },
    { topic: 'b', partition: 0, bytes: Buffer.from('B0') },
    { topic: 'a', partition: 2, bytes: Buffer.alloc(300, 'x') },
  ];
  const body = produceBody(parts, -1, 5_000);
  for (const { bytes } of parts) expect(body).toContain(bytes);
  const expected = Buffer.concat([
    Buffer.from([0, 0xff, 0xff, 0, 0, 0x13, 0x88, 3]),
    Buffer.from([2, 0x61, 3, 0, 0, 0, 1, 3]),
    Buffer.from('A1'),
    Buffer.from([0, 0, 0, 0, 2, 0xad, 0x02]),
    Buffer.alloc(300, 'x'),
    Buffer.from([0, 0]),
    Buffer.from([2, 0x62, 2, 0, 0, 0, 0, 3]),
    Buffer.from('B0'),
    Buffer.from([0, 0, 0]),
  ]);
  expect(Buffer.concat(body).equals(expected)).toBe(true);
});

function replyBytes(outcomes: readonly ProduceOutcome[]): Uint8Array {
  const writer = new ByteWriter();
  const topics = Map.groupBy(outcomes, ({ topic }) => topic);
  writer.byte(topics.size + 1);
  for (const [topic, partitions] of topics) {
    writer.byte(topic.length + 1);
    writer.text(topic);
    writer.byte(partitions.length + 1);
    for (const { partition, errorCode, baseOffset, message, recordIndex } of partitions) {
      writer.int32(partition);
      writer.int16(errorCode);
      writer.int64(baseOffset);
      writer.int64(-1);
      writer.int64(0);
      writer.byte(recordIndex === undefined ? 1 : 2);
      if (recordIndex !== undefined) {
        writer.int32(recordIndex);
        writer.byte(0);
        writer.byte(0);
      }
      writer.byte(message === undefined ? 0 : message.length + 1);
      if (message !== undefined) writer.text(message);
      writer.byte(0);
    }
    writer.byte(0);
  }
  writer.int32(0);
  writer.byte(0);
  return writer.toOwned();
}

const outcome = fc.record<ProduceOutcome>({
  topic: fc.constantFrom('orders', 'customers', 'x'),
  partition: fc.integer({ min: 0, max: 1_000 }),
  errorCode: fc.integer({ min: -1, max: 100 }),
  baseOffset: fc.oneof(fc.constant(-1), fc.maxSafeNat()),
  message: fc.option(fc.constantFrom('why', 'because'), { nil: undefined }),
  recordIndex: fc.option(fc.nat(), { nil: undefined }),
});

test('a reply gives every outcome; cut anywhere, it is refused and never half believed', () => {
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 12 }), (outcomes) => {
      const bytes = replyBytes(outcomes);
      const expected = [...Map.groupBy(outcomes, ({ topic }) => topic).values()].flat();
      expect(parseProduceReply(bytes)).toEqual(expected);
      // Not up to the end: the throttle time and the last tags are not read.
      for (let end = 0; end < bytes.length - 5; end++) {
        expect(() => parseProduceReply(bytes.subarray(0, end))).toThrowError(expect.objectContaining({ code: 'kafka_reply_incomplete' }));
      }
    }),
    { numRuns: 60 },
  );
});
