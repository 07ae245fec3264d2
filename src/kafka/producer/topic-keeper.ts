/**
 * Owns the topics that a publisher has opened, for the publisher's life: it opens each once, makes a deleted one again, and asks again for a limit
 * that turned out to be lower. Does not own how a topic is found or made (topics.ts), or when metadata says that one does not exist any more
 * (leaders.ts).
 */
import type { ProducerOptions, TopicCreationOptions } from '../../core/options.ts';
import type { KafkaClient, KafkaDeps } from '../client.ts';
import type { TopicMetadata } from '../client-contract.ts';
import { maxMessageBytes, openTopic } from '../topics.ts';
import { OpenTopic } from './open-topic.ts';
import type { QueueRules } from './partition-queue.ts';

type TopicKeeperDeps = {
  readonly client: KafkaClient;
  readonly options: ProducerOptions;
  readonly creation: TopicCreationOptions;
  readonly clock: KafkaDeps['clock'];
  /** Asked each time a topic is opened. */
  readonly rules: (signal: AbortSignal) => Promise<QueueRules>;
  readonly onOpened: (topic: OpenTopic, metadata: TopicMetadata) => void;
};

export class TopicKeeper {
  readonly #deps: TopicKeeperDeps;
  readonly #opening = new Map<string, Promise<OpenTopic>>();
  readonly #opened = new Map<string, OpenTopic>();

  constructor(deps: TopicKeeperDeps) {
    this.#deps = deps;
  }

  /** Finds the topic, or makes it as configured. Simultaneous calls for one name share the result. */
  open(name: string, signal: AbortSignal): Promise<OpenTopic> {
    const known = this.#opening.get(name);
    if (known !== undefined) return known;
    const opening = this.#open(name, signal);
    this.#opening.set(name, opening);
    // After a failure, a later call tries again.
    opening.catch(() => this.#opening.delete(name));
    return opening;
  }

  async #open(name: string, signal: AbortSignal): Promise<OpenTopic> {
    const { client, options, creation, clock, rules, onOpened } = this.#deps;
    const queueRules = await rules(signal);
    const resolved = await openTopic(client, name, creation, signal);
    const topic = new OpenTopic(resolved, options, queueRules, clock.monotonicMs());
    this.#opened.set(name, topic);
    onOpened(topic, resolved.metadata);
    return topic;
  }

  /** Makes the topic again by the same rules. If only a lagging broker misses it, the controller says that it exists. */
  async reopen(name: string, signal: AbortSignal): Promise<TopicMetadata> {
    const { client, creation, clock } = this.#deps;
    const { metadata, maxMessageBytes: limit } = await openTopic(client, name, creation, signal);
    this.#opened.get(name)?.learnLimit(limit, clock.monotonicMs());
    return metadata;
  }

  /**
   * Called when a batch of this size, uncompressed, was refused for its size. Resolves to the uncompressed size to cut batches to. Never rejects:
   * without an answer batches are halved.
   */
  async sizeAfterRefusal(name: string, bytes: number): Promise<number> {
    const halved = Math.floor(bytes / 2);
    const topic = this.#opened.get(name);
    // If we could not ask for the limit before, we cannot now.
    if (topic?.limit === undefined) {
      topic?.shrinkBatches(halved);
      return halved;
    }
    const limit = await maxMessageBytes(this.#deps.client, name).catch(() => undefined);
    if (limit !== undefined) topic.learnLimit(limit, this.#deps.clock.monotonicMs());
    // Halved if the limit is another one, such as segment.bytes, or if the broker compresses in another way than we do.
    const bytesMax = limit !== undefined && limit < bytes ? limit : halved;
    topic.shrinkBatches(bytesMax);
    return bytesMax;
  }

  limitOf(name: string): number | undefined {
    return this.#opened.get(name)?.limit;
  }
}
