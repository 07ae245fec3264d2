/**
 * Owns the idempotent producer's id and epoch. Does not own sequence numbers (partition-queue.ts).
 *
 * A publisher that gave up may have left requests at a frozen broker. Its successor in the same process takes the same id with the
 * next epoch: once it has written to a partition, the broker refuses whatever of the older epoch comes late, which would otherwise put
 * old values behind new ones. (KIP-360; a broker takes a higher epoch that begins at sequence 0.)
 */
import type { KafkaClient } from '../client.ts';
import { kafkaAnswerError } from '../protocol-errors.ts';

type ProducerEpoch = { readonly producerId: bigint; readonly producerEpoch: number };

export interface ProducerIdentity {
  /** The next epoch, of a new id where there is none yet or it is used up. Waits for Kafka until `signal` aborts. */
  nextEpoch(client: KafkaClient, signal: AbortSignal): Promise<ProducerEpoch>;
}

const EPOCH_MAX = 0x7fff;

/** One per connector, for all the publishers it will have. */
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
