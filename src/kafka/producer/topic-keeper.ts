/**
 * Owns the topics that a publisher has opened, for as long as it lives: opening each once, making one again that was deleted, and asking for
 * a limit again that turned out to be lower. Does not own how a topic is found or made (topics.ts), nor when metadata says that one is gone
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
  /** Asked once a topic is opened. */
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

  /** Found, or made as configured. One call for a name at a time. */
  open(name: string, signal: AbortSignal): Promise<OpenTopic> {
    const known = this.#opening.get(name);
    if (known !== undefined) return known;
    const opening = this.#open(name, signal);
    this.#opening.set(name, opening);
    // A later call tries anew.
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

  /** The brokers say that the topic is gone: made again by the same rules. The controller refuses to make what only a lagging broker misses. */
  async reopen(name: string, signal: AbortSignal): Promise<TopicMetadata> {
    const { client, creation, clock } = this.#deps;
    const { metadata, maxMessageBytes: limit } = await openTopic(client, name, creation, signal);
    this.#opened.get(name)?.learnLimit(limit, clock.monotonicMs());
    return metadata;
  }

  /**
   * A batch of the topic was refused for its size, which was this before it was compressed. Resolves to the size, uncompressed too, that
   * batches are cut to; never rejects: without an answer they are halved.
   */
  async sizeAfterRefusal(name: string, bytes: number): Promise<number> {
    const halved = Math.floor(bytes / 2);
    const topic = this.#opened.get(name);
    // What could not be asked for at first cannot be now.
    if (topic?.limit === undefined) {
      topic?.shrinkBatches(halved);
      return halved;
    }
    const limit = await maxMessageBytes(this.#deps.client, name).catch(() => undefined);
    if (limit !== undefined) topic.learnLimit(limit, this.#deps.clock.monotonicMs());
    // Another limit than the topic's own, such as segment.bytes; or the broker compresses otherwise than we do.
    const bytesMax = limit !== undefined && limit < bytes ? limit : halved;
    topic.shrinkBatches(bytesMax);
    return bytesMax;
  }

  limitOf(name: string): number | undefined {
    return this.#opened.get(name)?.limit;
  }
}
