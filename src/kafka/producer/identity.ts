/**
 * Owns the idempotent producer's id and epoch. Does not own sequence numbers (partition-queue.ts).
 *
 * A publisher that gave up may have left requests at a frozen broker. Its successor in the same process uses the same id with the next epoch.
 * Once the successor has written to a partition, the broker refuses late requests of the older epoch, which would otherwise put old values
 * after new ones. (KIP-360; a broker accepts a higher epoch that begins at sequence 0.)
 */
import type { KafkaClient } from '../client.ts';
import { kafkaAnswerError } from '../protocol-errors.ts';

type ProducerEpoch = { readonly producerId: bigint; readonly producerEpoch: number };

export interface ProducerIdentity {
  /** Returns the next epoch; the first one of a new id if there is no id or its epochs are used up. Waits for Kafka until `signal` aborts. */
  nextEpoch(client: KafkaClient, signal: AbortSignal): Promise<ProducerEpoch>;
}

const EPOCH_MAX = 0x7fff;

/** A connector has one, for all its publishers. */
export function createProducerIdentity(): ProducerIdentity {
  let current: ProducerEpoch | undefined;
  return {
    async nextEpoch(client, signal) {
      if (current === undefined || current.producerEpoch === EPOCH_MAX) current = await newProducer(client, signal);
      else current = { producerId: current.producerId, producerEpoch: current.producerEpoch + 1 };
      return current;
    },
  };
}

function newProducer(client: KafkaClient, signal: AbortSignal): Promise<ProducerEpoch> {
  return client.untilAnswered('producer id', signal, async () => {
    const timeoutMs = client.options.requestTimeoutMs;
    const { errorCode, producerId, producerEpoch } = await client.control((connection) => connection.initProducerId(timeoutMs));
    if (errorCode !== 0) throw kafkaAnswerError(errorCode, { request: 'InitProducerId' });
    return { producerId, producerEpoch };
  });
}
