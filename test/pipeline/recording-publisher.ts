/** A publisher that keeps what is appended, and acknowledges what a test says. What Kafka does is in the tests with brokers. */
import type { SlotlineError } from '../../src/core/errors.ts';
import type { Acknowledgements, Publisher, RecordView, TopicHandle } from '../../src/kafka/producer/publisher-contract.ts';

export class RecordingPublisher implements Publisher {
  readonly values: string[] = [];
  failure: SlotlineError | undefined;
  readonly topicsRecreated = 0;
  flushes = 0;
  #acknowledged = 0;
  readonly #acknowledgements: Acknowledgements;
  readonly #drains: { readonly ordinal: number; readonly done: PromiseWithResolvers<void> }[] = [];

  constructor(acknowledgements: Acknowledgements) {
    this.#acknowledgements = acknowledgements;
  }

  get appendedOrdinal(): number {
    return this.values.length;
  }

  get acknowledgedOrdinal(): number {
    return this.#acknowledged;
  }

  get pending(): Publisher['pending'] {
    const records = this.values.length - this.#acknowledged;
    return { records, bytes: records, requestsInFlight: records };
  }

  async openTopic(name: string): Promise<TopicHandle> {
    return { name, partitionCount: 1, recordBatchBytesMax: 1_000_000 };
  }

  append(_topic: TopicHandle, record: RecordView): void {
    this.values.push(Buffer.from(record.bytes.subarray(record.valueStart, record.valueEnd)).toString());
  }

  flush(): void {
    this.flushes++;
  }

  hasCapacity(): boolean {
    return true;
  }

  async whenCapacity(): Promise<void> {}

  /** Records 1…ordinal are acknowledged. */
  settle(ordinal: number): void {
    this.#acknowledged = ordinal;
    this.#acknowledgements.onAcknowledged(ordinal, { waiting: this.values.length - ordinal });
    for (const { ordinal: wanted, done } of this.#drains) if (wanted <= ordinal) done.resolve();
  }

  fail(error: SlotlineError): void {
    this.failure = error;
    this.#acknowledgements.onEnded();
    for (const { done } of this.#drains) done.reject(error);
  }

  drain(signal: AbortSignal): Promise<void> {
    if (this.#acknowledged >= this.values.length) return Promise.resolve();
    const done = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => done.reject(signal.reason), { once: true });
    this.#drains.push({ ordinal: this.values.length, done });
    return done.promise;
  }

  async close(): Promise<void> {
    this.#acknowledgements.onEnded();
  }
}
