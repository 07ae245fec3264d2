import { expect, test } from 'vitest';
import { connectionOptions, recordOf } from '../../../test/kafka/publishing.ts';
import { SILENT_LOG } from '../../core/log.ts';
import { SYSTEM_CLOCK } from '../../core/time.ts';
import { createKafkaClient } from '../client.ts';
import { BufferPool } from './buffer-pool.ts';
import { PartitionQueue } from './partition-queue.ts';
import { RecordBatch } from './record-batch.ts';

const { codec } = createKafkaClient(connectionOptions('127.0.0.1:1'), { log: SILENT_LOG, clock: SYSTEM_CLOCK, random: Math.random });
const pool = new BufferPool();
const BROKER = 1;
const OTHER_BROKER = 2;

function queueOf(o: { pipelined?: boolean } = {}): PartitionQueue {
  const sealing = { codec, compression: 'none', producerId: 1n, producerEpoch: 0 } as const;
  const queue = new PartitionQueue('t', 0, { pipelined: o.pipelined ?? true, inFlightMax: 5, offsetsRise: true, sealing });
  queue.leaderId = BROKER;
  return queue;
}

let ordinal = 1;
function fullBatch(queue: PartitionQueue, records = 3): RecordBatch {
  const batch = new RecordBatch(ordinal, 0, pool, 0);
  for (let i = 0; i < records; i++) batch.append(recordOf('k', `${ordinal++}`));
  queue.enqueue(batch);
  return batch;
}

/** Sends everything that may go now. */
function send(queue: PartitionQueue, nodeId = BROKER, nowMs = 0): RecordBatch[] {
  const sent: RecordBatch[] = [];
  for (let batch = queue.nextFor(nodeId, nowMs); batch !== undefined; batch = queue.nextFor(nodeId, nowMs)) {
    queue.markSent(batch, nodeId);
    sent.push(batch);
  }
  return sent;
}

test('the first batch goes alone, because a broker that does not know the producer takes any sequence; then up to five at a time', () => {
  const queue = queueOf();
  const batches = Array.from({ length: 9 }, () => fullBatch(queue));
  expect(send(queue)).toEqual(batches.slice(0, 1));
  queue.acknowledge(batches[0] as RecordBatch, 0, 0);
  expect(send(queue)).toEqual(batches.slice(1, 6));
  queue.acknowledge(batches[1] as RecordBatch, 3, 0);
  expect(send(queue)).toEqual(batches.slice(6, 7));
  expect(batches.map(({ baseSequence }) => baseSequence)).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24]);
});

test('a batch that was not written after all is the next one again, with its sequence number', () => {
  const queue = queueOf();
  const batches = Array.from({ length: 4 }, () => fullBatch(queue));
  send(queue);
  queue.acknowledge(batches[0] as RecordBatch, 0, 0);
  const [, second, third] = batches as [RecordBatch, RecordBatch, RecordBatch, RecordBatch];
  queue.markSent(second, BROKER);
  queue.markSent(third, BROKER);
  queue.takeBack(third);
  expect([queue.inFlight, queue.hasWork, third.baseSequence]).toEqual([1, true, 6]);
  expect(send(queue)).toEqual(batches.slice(2));
  queue.acknowledge(second, 3, 0);
  queue.acknowledge(third, 6, 0);
});

test('after a long silence one batch goes alone again', () => {
  const queue = queueOf();
  const first = fullBatch(queue);
  send(queue);
  queue.acknowledge(first, 0, 1_000);
  const later = [fullBatch(queue), fullBatch(queue)];
  expect(send(queue, BROKER, 1_000 + 61_000)).toEqual(later.slice(0, 1));
});

test('without idempotence one batch at a time goes, unnumbered', () => {
  const queue = queueOf({ pipelined: false });
  const [first, second] = [fullBatch(queue), fullBatch(queue)];
  expect(send(queue)).toEqual([first]);
  queue.acknowledge(first, 0, 0);
  expect(send(queue)).toEqual([second]);
  expect([first.baseSequence, second.baseSequence]).toEqual([-1, -1]);
});

test('after a failure nothing goes until all in flight have ended; then the failed ones go again, as they are, the first alone', () => {
  const queue = queueOf();
  const first = fullBatch(queue);
  send(queue);
  queue.acknowledge(first, 0, 0);
  const [second, third, fourth, fifth] = [fullBatch(queue), fullBatch(queue), fullBatch(queue), fullBatch(queue)];
  expect(send(queue)).toEqual([second, third, fourth, fifth]);
  const bytes = Buffer.from(second.bytes);

  queue.markFailed(second);
  const sixth = fullBatch(queue);
  expect(send(queue)).toEqual([]);
  queue.acknowledge(third, 6, 0);
  queue.markFailed(fourth);
  queue.markFailed(fifth);
  expect(queue.inFlight).toBe(0);
  expect(send(queue)).toEqual([]);

  queue.resume();
  expect(queue.isHead(second)).toBe(true);
  expect(send(queue)).toEqual([second]);
  expect(second.bytes.equals(bytes)).toBe(true);
  queue.acknowledge(second, 3, 0);
  // The third one had been written.
  expect(send(queue)).toEqual([fourth, fifth, sixth]);
});

test('while the old leader has batches, none goes to the new one', () => {
  const queue = queueOf();
  const first = fullBatch(queue);
  send(queue);
  const second = fullBatch(queue);
  queue.leaderId = OTHER_BROKER;
  expect(send(queue, OTHER_BROKER)).toEqual([]);
  expect(send(queue, BROKER)).toEqual([]);
  queue.acknowledge(first, 0, 0);
  expect(send(queue, OTHER_BROKER)).toEqual([second]);
});

test('offsets that contradict the order of the batches are a broken sequence, not a success', () => {
  const queue = queueOf();
  const first = fullBatch(queue, 10);
  send(queue);
  queue.acknowledge(first, 100, 0);
  const second = fullBatch(queue);
  send(queue);
  expect(() => queue.acknowledge(second, 109, 0)).toThrowError(expect.objectContaining({ code: 'kafka_sequence_broken' }));
});

test('a second batch that was written before the first one is found out when the first is acknowledged', () => {
  const queue = queueOf();
  const first = fullBatch(queue);
  send(queue);
  queue.acknowledge(first, 0, 0);
  const [second, third] = [fullBatch(queue), fullBatch(queue)];
  send(queue);
  queue.markFailed(second);
  queue.acknowledge(third, 3, 0);
  queue.resume();
  send(queue);
  expect(() => queue.acknowledge(second, 6, 0)).toThrowError(expect.objectContaining({ code: 'kafka_sequence_broken' }));
});

test('a batch above the limit is refused and takes no sequence number', () => {
  const queue = queueOf();
  const large = new RecordBatch(1, 0, pool, 0);
  large.append(recordOf('k', 'x'.repeat(500)));
  expect(() => queue.enqueue(large, 400)).toThrowError(expect.objectContaining({ code: 'kafka_record_too_large' }));
  expect(fullBatch(queue).baseSequence).toBe(0);
});
