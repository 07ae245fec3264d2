/**
 * Owns which broker leads each partition: it keeps the queues' leaders up to date from metadata, refreshes on trouble with a short
 * backoff and otherwise at metadata.max.age.ms, and lets partitions resume once a leader is known. Does not own sending.
 */
import { SlotlineError, toSlotlineError } from '../core/errors.ts';
import { wait } from '../core/time.ts';
import type { KafkaClient, KafkaDeps } from './client.ts';
import type { PartitionQueue } from './partition-queue.ts';
import type { TopicMetadata } from './wire.ts';

export type LeadersEvents = {
  /** True while something waits for a broker that cannot be reached. */
  needsLeaders(): boolean;
  /** Metadata came; the queues' leaders are set. */
  onRefreshed(): void;
  /** The queue has another leader, or may be sent from again. */
  onLeader(queue: PartitionQueue): void;
  onFailure(error: SlotlineError): void;
};

export type LedTopic = {
  readonly name: string;
  readonly queues: readonly PartitionQueue[];
  /** The topic has more partitions now. */
  grow(partitionCount: number): void;
};

/** A new leader is taken up as soon as it exists; a cluster without one is asked twice a second. */
const REFRESH_FIRST_MS = 25;
const REFRESH_MAX_MS = 500;

export class Leaders {
  readonly #client: KafkaClient;
  readonly #deps: KafkaDeps;
  readonly #events: LeadersEvents;
  readonly #topics = new Map<string, LedTopic>();
  /** Without a leader. */
  readonly #stranded = new Set<PartitionQueue>();
  /** With a failed batch and nothing in flight; the number is the refresh that must be over. */
  readonly #recovering = new Map<PartitionQueue, number>();
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
    if (metadata.partitions.length > led.queues.length) led.grow(metadata.partitions.length);
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
