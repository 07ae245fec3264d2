/** A broker that answers each batch as it is told: for codes that no broker gives on demand. It has one topic, of one partition. */
import { ByteWriter } from '../../src/core/byte-writer.ts';
import type { BrokerConnection } from '../../src/kafka/client-contract.ts';

export const ANSWERING_TOPIC = 't';

function reply(errorCode: number): Uint8Array {
  const writer = new ByteWriter(64);
  for (const byte of [2, ANSWERING_TOPIC.length + 1]) writer.byte(byte);
  writer.text(ANSWERING_TOPIC);
  writer.byte(2);
  writer.int32(0);
  writer.int16(errorCode);
  for (const value of [-1, -1, 0]) writer.int64(value);
  for (const byte of [1, 0, 0, 0]) writer.byte(byte);
  writer.int32(0);
  writer.byte(0);
  return writer.toOwned();
}

/** Answers each batch with what `next` gives; everything else as a healthy broker would. */
export function brokerAnswering(next: () => number): BrokerConnection {
  const partition = { index: 0, errorCode: 0, leaderId: 1, leaderEpoch: 0, replicas: [1], inSyncReplicas: [1] };
  const topic = { name: ANSWERING_TOPIC, topicId: 'one', errorCode: 0, authorizedOperations: undefined, partitions: [partition] };
  const endpoint = { host: 'broker', port: 1 };
  const brokers = [{ nodeId: 1, ...endpoint }];
  const none = async (): Promise<never> => await Promise.reject(new Error('not asked'));
  return {
    endpoint,
    closed: false,
    sessionEndsAtMs: Number.POSITIVE_INFINITY,
    onClose() {},
    produce: (_parts, _noReply, done) => void setImmediate(() => done(reply(next()))),
    metadata: async () => ({ clusterId: 'c', controllerId: 1, brokers, topics: [topic] }),
    initProducerId: async () => ({ producerId: 1n, producerEpoch: 0, errorCode: 0 }),
    createTopics: none,
    describeTopicConfigs: async () => [{ name: ANSWERING_TOPIC, errorCode: 29, errorMessage: undefined, configs: new Map() }],
    describeBrokerConfigs: async () => [],
    endOffset: none,
    startOffset: none,
    fetch: none,
    destroy() {},
  };
}
