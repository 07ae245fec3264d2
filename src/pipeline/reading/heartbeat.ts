/**
 * Owns heartbeats: one record each heartbeat.interval.ms while streaming, and one when a snapshot is complete. A heartbeat stands in the
 * stream's order like any record, so a position behind it is confirmed only once it is acknowledged; it never marks a position itself.
 * The SQL that goes with it: heartbeat-action.ts.
 *
 * Debezium looks whether one is due between events and when it has nothing to read; here a timer does, and while the publisher is full it
 * waits for room, so that heartbeats never add to what is held beyond the limit.
 */
import type { Clock } from '../../core/time.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import type { Publisher, TopicHandle } from '../../kafka/producer/publisher-contract.ts';
import type { ChangeWriter } from '../loop/change-writer.ts';
import type { ControlRecords } from '../loop/control-records.ts';
import type { HeartbeatAction } from './heartbeat-action.ts';

type HeartbeatDeps = {
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly info: SourceInfo;
  readonly controls: Pick<ControlRecords, 'writeHeartbeat'>;
  readonly changes: Pick<ChangeWriter, 'appendPlain'>;
  readonly publisher: Pick<Publisher, 'hasCapacity' | 'whenCapacity' | 'flush' | 'failure'>;
  readonly openTopic: () => Promise<TopicHandle>;
  readonly action: HeartbeatAction | undefined;
  /** A heartbeat that the timer was due for could not be sent. */
  readonly onFailure: (error: unknown) => void;
};

/** All heartbeats go to one partition, so that each is behind the last. */
const PARTITION = 0;

export class Heartbeat {
  readonly #deps: HeartbeatDeps;
  #timer: NodeJS.Timeout | undefined;
  #running = false;

  constructor(deps: HeartbeatDeps) {
    this.#deps = deps;
  }

  /** One now, as soon as there is room. */
  async beat(): Promise<void> {
    await this.#beatWhile(() => true);
  }

  /** One after each interval, until stop(). */
  start(): void {
    this.#running = true;
    this.#schedule();
  }

  /** No record is sent any more. */
  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  async close(): Promise<void> {
    this.stop();
    await this.#deps.action?.close();
  }

  #schedule(): void {
    if (this.#running) this.#timer = setTimeout(() => this.#onDue(), this.#deps.intervalMs);
  }

  #onDue(): void {
    this.#beatWhile(() => this.#running).then(
      () => this.#schedule(),
      (error: unknown) => {
        if (this.#running) this.#deps.onFailure(error);
      },
    );
  }

  async #beatWhile(isWanted: () => boolean): Promise<void> {
    const { publisher } = this.#deps;
    const topic = await this.#deps.openTopic();
    const maySend = (): boolean => isWanted() && publisher.failure === undefined;
    while (maySend() && !publisher.hasCapacity()) await publisher.whenCapacity();
    if (maySend()) this.#send(topic);
  }

  #send(topic: TopicHandle): void {
    const { info, clock, controls, changes, publisher, action } = this.#deps;
    info.nowUs = clock.nowUs();
    changes.appendPlain(topic, controls.writeHeartbeat(), { partition: PARTITION });
    publisher.flush();
    action?.run();
  }
}
