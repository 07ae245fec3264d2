/**
 * Owns heartbeats: one record each heartbeat.interval.ms while streaming, and one when a snapshot is complete. A heartbeat has its place in
 * the stream's order like any record: a later position is confirmed only once the heartbeat is acknowledged. It never marks a position
 * itself. The SQL that runs with it is in heartbeat-action.ts.
 *
 * Debezium checks between events, and while it is idle, whether a heartbeat is due. Here a timer does. While the publisher is full, the
 * heartbeat waits for room, so that heartbeats do not exceed the limits of the buffer.
 */
import type { Clock } from '../../core/time.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import type { Publisher } from '../../kafka/producer/publisher-contract.ts';
import type { ControlRecords } from '../loop/control-records.ts';
import type { HeartbeatAction } from './heartbeat-action.ts';

type HeartbeatDeps = {
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly info: SourceInfo;
  readonly controls: Pick<ControlRecords, 'heartbeat'>;
  readonly publisher: Pick<Publisher, 'hasCapacity' | 'whenCapacity' | 'flush' | 'failure'>;
  readonly action: HeartbeatAction | undefined;
  /** Called when a heartbeat of the timer could not be sent. */
  readonly onFailure: (error: unknown) => void;
};

export class Heartbeat {
  readonly #deps: HeartbeatDeps;
  #timer: NodeJS.Timeout | undefined;
  #running = false;

  constructor(deps: HeartbeatDeps) {
    this.#deps = deps;
  }

  /** Sends one as soon as there is room. */
  async beat(): Promise<void> {
    await this.#beatWhile(() => true);
  }

  /** Sends one after each interval, until stop(). */
  start(): void {
    this.#running = true;
    this.#schedule();
  }

  /** Sends none any more, not even one that waits for room. */
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
    const maySend = (): boolean => isWanted() && publisher.failure === undefined;
    for (let opening: Promise<void> | undefined = Promise.resolve(); opening !== undefined; ) {
      await opening;
      while (maySend() && !publisher.hasCapacity()) await publisher.whenCapacity();
      if (!maySend()) return;
      opening = this.#send();
    }
  }

  /** A promise: its topic is being opened, and nothing was sent. */
  #send(): undefined | Promise<void> {
    const { info, clock, controls, publisher, action } = this.#deps;
    info.nowUs = clock.nowUs();
    const opening = controls.heartbeat();
    if (opening !== undefined) return opening;
    publisher.flush();
    action?.run();
    return undefined;
  }
}
