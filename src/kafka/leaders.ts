/**
 * Owns which broker leads each partition, and whether the topic is still there: it keeps the queues' leaders up to date from metadata,
 * refreshes on trouble with a short backoff and otherwise at metadata.max.age.ms, lets partitions resume once a leader is known, has a topic
 * made again that is gone, and sees by its id that one was made again. Does not own sending, nor how a topic is made (topic-keeper.ts).
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
  /** Metadata came; the queues' leaders are set. */
  onRefreshed(): void;
  /** The queue has another leader, or may be sent from again. */
  onLeader(queue: PartitionQueue): void;
  /** The topic is gone: finds it, or makes it again. */
  reopen(name: string, signal: AbortSignal): Promise<TopicMetadata>;
  onRecreated(): void;
  onFailure(error: SlotlineError): void;
};

type LedTopic = Pick<OpenTopic, 'name' | 'queues' | 'topicId' | 'missingSinceMs' | 'hasUnacknowledged' | 'resize'>;

/** A new leader is taken up as soon as it exists; a cluster without one is asked twice a second. */
const REFRESH_FIRST_MS = 25;
const REFRESH_MAX_MS = 500;
/** A broker that lags may miss a topic for a moment. */
const GONE_AFTER_MS = 1_000;

export class Leaders {
  readonly #client: KafkaClient;
  readonly #deps: KafkaDeps;
  readonly #events: LeadersEvents;
  readonly #topics = new Map<string, LedTopic>();
  /** Without a leader. */
  readonly #stranded = new Set<PartitionQueue>();
  /** With a failed batch and nothing in flight; the number is the refresh that must be over. */
  readonly #recovering = new Map<PartitionQueue, number>();
  /** Being made again. */
  readonly #reopening = new Set<LedTopic>();
  readonly #ageTimer: NodeJS.Timeout;
  readonly #stop = new AbortController();
  #refreshCount = 0;
  /** The loop runs; asking: and has a question out. */
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

  /** The queue has something to send and no leader. */
  await(queue: PartitionQueue): void {
    this.#stranded.add(queue);
    this.refresh();
  }

  /** The queue has failed batches, and nothing of it is in flight: it goes on after the next refresh, not before `atMs`. */
  recover(queue: PartitionQueue, atMs: number): void {
    queue.retryAtMs = atMs;
    // An answer that is under way may tell of the time before the failure.
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
        // Asked for between the loop's last look and here.
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
      // A broker that lags tells of an older leader.
      if (queue === undefined || partition.leaderEpoch < queue.leaderEpoch) continue;
      const moved = queue.leaderId !== partition.leaderId;
      queue.leaderEpoch = partition.leaderEpoch;
      queue.leaderId = partition.leaderId;
      if (queue.leaderId >= 0) this.#stranded.delete(queue);
      if (moved) this.#events.onLeader(queue);
    }
  }

  /** Made again only while something waits for it, and not before brokers have said so for a while. */
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
   * Another topic has the name now. What was acknowledged is gone with the old one; what was not goes to the new one, in order. False: it has
   * another number of partitions, so keys belong elsewhere, and only a new attempt sends everything in order.
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
