/**
 * Owns which broker leads each partition, and whether the topic is still there: it keeps the queues' leaders up to date from metadata,
 * refreshes them on trouble with a short backoff and otherwise at metadata.max.age.ms, lets partitions resume once a leader is known, has
 * a missing topic created again, and sees by a topic's id that somebody else did so. Does not own sending, nor how a topic is made (topic-keeper.ts).
 */
import { SlotlineError, toSlotlineError } from '../core/errors.ts';
import { wait } from '../core/time.ts';
import type { KafkaClient, KafkaDeps } from './client.ts';
import type { TopicMetadata } from './client-contract.ts';
import type { OpenTopic } from './producer/open-topic.ts';
import type { PartitionQueue } from './producer/partition-queue.ts';
import { KAFKA_CODE } from './protocol-errors.ts';

type LeadersEvents = {
  /** True while something waits for a broker that cannot be reached. */
  needsLeaders(): boolean;
  /** Called after metadata came and the queues' leaders were set. */
  onRefreshed(): void;
  /** Called when the queue has another leader, or may send again. */
  onLeader(queue: PartitionQueue): void;
  /** Called when the topic is missing: finds it, or creates it again. */
  reopen(name: string, signal: AbortSignal): Promise<TopicMetadata>;
  onRecreated(): void;
  onFailure(error: SlotlineError): void;
};

type LedTopic = Pick<OpenTopic, 'name' | 'queues' | 'topicId' | 'missingSinceMs' | 'hasUnacknowledged' | 'resize'>;

/** A new leader is taken up as soon as it exists; a cluster without one is asked twice a second. */
const REFRESH_FIRST_MS = 25;
const REFRESH_MAX_MS = 500;
/** A topic counts as gone only after this time: a broker that lags may miss it for a moment. */
const GONE_AFTER_MS = 1_000;

export class Leaders {
  readonly #client: KafkaClient;
  readonly #deps: KafkaDeps;
  readonly #events: LeadersEvents;
  readonly #topics = new Map<string, LedTopic>();
  /** Queues without a leader. */
  readonly #stranded = new Set<PartitionQueue>();
  /** Queues with a failed batch and nothing in flight. The number is the refresh after which they go on. */
  readonly #recovering = new Map<PartitionQueue, number>();
  /** Topics that are being created again. */
  readonly #reopening = new Set<LedTopic>();
  readonly #ageTimer: NodeJS.Timeout;
  readonly #stop = new AbortController();
  #refreshCount = 0;
  /** `#isRefreshing`: the loop runs. `#isAsking`: it waits for an answer. */
  #isRefreshing = false;
  #isAsking = false;
  #isWanted = false;

  constructor(client: KafkaClient, deps: KafkaDeps, events: LeadersEvents) {
    this.#client = client;
    this.#deps = deps;
    this.#events = events;
    this.#ageTimer = setInterval(() => this.refresh(), client.options.metadataMaxAgeMs);
    this.#ageTimer.unref();
  }

  add(topic: LedTopic, metadata: TopicMetadata): void {
    this.#topics.set(topic.name, topic);
    this.#apply(topic, metadata);
  }

  /** Adds a queue that has something to send and no leader. */
  await(queue: PartitionQueue): void {
    this.#stranded.add(queue);
    this.refresh();
  }

  /** Adds a queue that has failed batches and nothing in flight. It goes on after the next refresh, and not before `atMs`. */
  recover(queue: PartitionQueue, atMs: number): void {
    queue.retryAtMs = atMs;
    // An answer that is on its way may describe the time before the failure, so it does not count.
    this.#recovering.set(queue, this.#refreshCount + (this.#isAsking ? 2 : 1));
    this.refresh();
  }

  refresh(): void {
    this.#isWanted = true;
    if (this.#isRefreshing || this.#stop.signal.aborted) return;
    this.#isRefreshing = true;
    this.#refreshWhileNeeded()
      .catch((error: unknown) => this.#events.onFailure(toSlotlineError(error)))
      .finally(() => {
        this.#isRefreshing = false;
        // A refresh may have been asked for after the loop's last look.
        if (this.#isWanted) this.refresh();
      });
  }

  async #refreshWhileNeeded(): Promise<void> {
    const { signal } = this.#stop;
    for (let round = 0; this.#isWanted && !signal.aborted; round++) {
      this.#isWanted = false;
      await this.#refreshOnce();
      if (signal.aborted) return;
      this.#resumeDue();
      this.#events.onRefreshed();
      if (this.#stranded.size > 0 || this.#recovering.size > 0 || this.#events.needsLeaders()) this.#isWanted = true;
      if (this.#isWanted) await wait(Math.min(REFRESH_MAX_MS, REFRESH_FIRST_MS * 2 ** Math.min(round, 8)), signal);
    }
  }

  async #refreshOnce(): Promise<void> {
    const topics = [...this.#topics.keys()];
    this.#isAsking = true;
    const ask = () => this.#client.metadata({ topics, allowAutoTopicCreation: false });
    const metadata = await this.#client.untilAnswered('metadata', this.#stop.signal, ask).catch((error: unknown) => {
      if (this.#stop.signal.aborted) return undefined;
      throw error;
    });
    this.#isAsking = false;
    this.#refreshCount++;
    for (const topic of metadata?.topics ?? []) {
      const led = this.#topics.get(topic.name);
      if (led !== undefined) this.#apply(led, topic);
    }
  }

  #apply(led: LedTopic, metadata: TopicMetadata): void {
    if (metadata.errorCode === KAFKA_CODE.UNKNOWN_TOPIC_OR_PARTITION || metadata.errorCode === KAFKA_CODE.UNKNOWN_TOPIC_ID) {
      this.#missing(led);
      return;
    }
    if (metadata.partitions.length === 0) return;
    led.missingSinceMs = undefined;
    if (led.topicId !== metadata.topicId && metadata.topicId !== undefined && !this.#adopt(led, metadata)) return;
    if (metadata.partitions.length > led.queues.length) led.resize(metadata.partitions.length);
    for (const partition of metadata.partitions) {
      const queue = led.queues[partition.index];
      // A broker that lags names an older leader.
      if (queue === undefined || partition.leaderEpoch < queue.leaderEpoch) continue;
      const moved = queue.leaderId !== partition.leaderId;
      queue.leaderEpoch = partition.leaderEpoch;
      queue.leaderId = partition.leaderId;
      if (queue.leaderId >= 0) this.#stranded.delete(queue);
      if (moved) this.#events.onLeader(queue);
    }
  }

  /** A missing topic is created again only while something waits for it, and only after brokers have missed it for a while. */
  #missing(led: LedTopic): void {
    const nowMs = this.#deps.clock.monotonicMs();
    led.missingSinceMs ??= nowMs;
    if (nowMs - led.missingSinceMs < GONE_AFTER_MS || !led.hasUnacknowledged || this.#reopening.has(led)) return;
    this.#reopening.add(led);
    this.#deps.log.warn('topic.missing', { topic: led.name });
    for (const queue of led.queues) this.#withoutLeader(queue);
    this.#events
      .reopen(led.name, this.#stop.signal)
      .then((metadata) => this.#apply(led, metadata))
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#events.onFailure(toSlotlineError(error));
      })
      .finally(() => this.#reopening.delete(led));
  }

  #withoutLeader(queue: PartitionQueue): void {
    queue.leaderId = -1;
    this.#events.onLeader(queue);
  }

  /**
   * Another topic has the name now. Acknowledged records are gone with the old one; the others go to the new one, in order. Returns false
   * where it has another number of partitions: keys belong to other partitions then, and only a new attempt sends everything in order.
   */
  #adopt(led: LedTopic, { topicId, partitions }: TopicMetadata): boolean {
    const before = led.queues.length;
    const isFirstId = led.topicId === undefined;
    led.topicId = topicId;
    if (isFirstId) return true;
    this.#deps.log.warn('topic.recreated', { topic: led.name, partitions: partitions.length, partitionsBefore: before });
    this.#events.onRecreated();
    if (partitions.length !== before && led.hasUnacknowledged) {
      const details = { topic: led.name, partitions: partitions.length, before };
      this.#events.onFailure(new SlotlineError('kafka_topic_changed', details));
      return false;
    }
    led.resize(partitions.length);
    for (const queue of led.queues) queue.forgetPartition();
    return true;
  }

  #resumeDue(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const [queue, refresh] of this.#recovering) {
      if (queue.leaderId < 0 || refresh > this.#refreshCount || nowMs < queue.retryAtMs) continue;
      this.#recovering.delete(queue);
      queue.resume();
      this.#events.onLeader(queue);
    }
  }

  stop(): void {
    clearInterval(this.#ageTimer);
    this.#stop.abort(new SlotlineError('stop_timeout'));
  }
}
