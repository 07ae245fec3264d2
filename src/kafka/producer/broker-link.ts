/**
 * Owns the produce connection to one broker: opening it, reopening it with backoff, and the requests in flight on it, each of which ends
 * exactly once. Does not own what is sent or what a reply means: sender.ts does.
 */
import { SlotlineError, toSlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Clock } from '../../core/time.ts';
import type { BrokerConnection } from '../client-contract.ts';
import type { KafkaClient } from '../cluster.ts';
import type { PartitionQueue } from './partition-queue.ts';
import type { RecordBatch } from './record-batch.ts';

const RECONNECT_FIRST_MS = 50;
const RECONNECT_MAX_MS = 1_000;

export type Shipment = { readonly queue: PartitionQueue; readonly batch: RecordBatch };
export type Flight = { readonly shipments: readonly Shipment[]; readonly sentAtMs: number; ended: boolean };

export type LinkEvents = {
  /** Connected: requests may be sent. */
  onUp(link: BrokerLink): void;
  /** Could not connect. It is tried again as long as the broker is wanted. */
  onDown(link: BrokerLink, error: SlotlineError): void;
  /** Called exactly once per flight: with the reply's body (undefined with acks=0), or with the reason why there is none. */
  onEnded(link: BrokerLink, flight: Flight, error: SlotlineError | undefined, body: Uint8Array | undefined): void;
  /** True while something waits for this broker. */
  isWanted(link: BrokerLink): boolean;
};

type LinkDeps = {
  readonly client: KafkaClient;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  readonly requestTimeoutMs: number;
  readonly inFlightMax: number;
};

export class BrokerLink {
  readonly nodeId: number;
  /** Queues that may have something to send, in the order of their turns. */
  ready: PartitionQueue[] = [];
  /** Trouble was logged. Only a change is logged again. */
  hasTrouble = false;
  readonly #deps: LinkDeps;
  readonly #events: LinkEvents;
  #connection: BrokerConnection | undefined;
  #flights: Flight[] = [];
  #isConnecting = false;
  #attempts = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(nodeId: number, deps: LinkDeps, events: LinkEvents) {
    this.nodeId = nodeId;
    this.#deps = deps;
    this.#events = events;
  }

  get inFlight(): number {
    return this.#flights.length;
  }

  get isUp(): boolean {
    return this.#connection !== undefined && !this.#connection.closed;
  }

  /** True if a request may be written now. If only the connection is missing, it is opened, and onUp follows. */
  canSend(): boolean {
    if (this.#flights.length >= this.#deps.inFlightMax) return false;
    const connection = this.#connection;
    if (connection === undefined || connection.closed) {
      this.open();
      return false;
    }
    if (this.#deps.clock.monotonicMs() < connection.sessionEndsAtMs) return true;
    // The login expires soon: wait until nothing is in flight, then log in again on a new connection.
    if (this.#flights.length === 0) {
      this.#connection = undefined;
      connection.destroy();
      this.open();
    }
    return false;
  }

  /** Begins to connect, unless a connection exists, is being opened, or waits out its backoff. */
  open(): void {
    if (this.#closed || this.#isConnecting || this.isUp || this.#retryTimer !== undefined) return;
    this.#isConnecting = true;
    this.#connect().then(
      () => {
        if (this.isUp) this.#events.onUp(this);
      },
      (error: unknown) => this.#onConnectFailed(toSlotlineError(error)),
    );
  }

  async #connect(): Promise<void> {
    const address = this.#deps.client.brokerAddress(this.nodeId);
    if (address === undefined) throw new SlotlineError('kafka_unreachable', { broker: this.nodeId, reason: 'its address is not known' });
    const connection = await this.#deps.client.connect(address);
    this.#isConnecting = false;
    if (this.#closed) return connection.destroy();
    this.#connection = connection;
    this.#attempts = 0;
    connection.onClose((error) => {
      if (this.#connection === connection) this.drop(toSlotlineError(error));
    });
  }

  #onConnectFailed(error: SlotlineError): void {
    this.#isConnecting = false;
    if (this.#closed) return;
    const full = Math.min(RECONNECT_MAX_MS, RECONNECT_FIRST_MS * 2 ** Math.min(this.#attempts++, 6));
    this.#retryTimer = setTimeout(
      () => {
        this.#retryTimer = undefined;
        if (this.#events.isWanted(this)) this.open();
      },
      full * (0.75 + this.#deps.random() / 4),
    );
    this.#events.onDown(this, error);
  }

  /** Writes one request. The caller has just seen canSend() return true. */
  send(shipments: readonly Shipment[], body: readonly Uint8Array[], noReply: boolean): void {
    const connection = this.#connection;
    if (connection === undefined) throw new SlotlineError('unexpected', { message: 'send without a connection' });
    const flight: Flight = { shipments, sentAtMs: this.#deps.clock.monotonicMs(), ended: false };
    this.#flights.push(flight);
    connection.produce(body, noReply, (reply) => this.#settle(flight, undefined, reply));
  }

  #settle(flight: Flight, error: SlotlineError | undefined, body: Uint8Array | undefined): void {
    if (flight.ended) return;
    flight.ended = true;
    const at = this.#flights.indexOf(flight);
    if (at >= 0) this.#flights.splice(at, 1);
    this.#events.onEnded(this, flight, error, body);
  }

  /** Closes the connection. Everything in flight ends as failed, whatever the library calls later. */
  drop(error: SlotlineError): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.destroy();
    for (const flight of [...this.#flights]) this.#settle(flight, error, undefined);
    if (!this.#closed && this.#events.isWanted(this)) this.open();
  }

  /** Drops the connection if its oldest request is overdue: the broker is frozen or unreachable. Returns true if it did. */
  dropIfOverdue(nowMs: number): boolean {
    const oldest = this.#flights[0];
    if (oldest === undefined || nowMs - oldest.sentAtMs <= this.#deps.requestTimeoutMs) return false;
    this.drop(
      new SlotlineError('kafka_unreachable', { broker: this.nodeId, reason: `no answer within ${this.#deps.requestTimeoutMs} ms` }),
    );
    return true;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    this.#connection?.destroy();
    this.#connection = undefined;
    for (const flight of this.#flights) flight.ended = true;
    this.#flights = [];
  }
}
