/**
 * Owns what a connector is doing at this moment and what it has done since its start, for ops/ to read when it is asked. Attempts come
 * and go; counters go on. Nothing is written here per row: counts and positions stay where they are kept anyway, and are read from there.
 */
import { SlotlineError } from '../../core/errors.ts';
import { LSN_ZERO, type Lsn } from '../../core/lsn.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import type { KafkaClient } from '../../kafka/client.ts';
import type { Publisher } from '../../kafka/producer/publisher-contract.ts';
import { SourceState } from '../source/state.ts';
import { type ConnectorState, startingSince } from './connector.ts';

/** Of the attempt that is under way. */
export type AttemptParts = {
  readonly changes: { readonly counts: EventCounts };
  readonly publisher: Pick<Publisher, 'settledOrdinal' | 'pending' | 'topicsRecreated'>;
  readonly kafka: Pick<KafkaClient, 'trouble'>;
  readonly info: Pick<SourceInfo, 'nowUs'>;
};

/** Events by operation. */
type EventCounts = Readonly<Record<string, number>>;

type StreamPositions = { readonly receivedLsn: Lsn; readonly flushedLsn: Lsn };

const NOTHING_PENDING: Publisher['pending'] = { bytes: 0, records: 0, requestsInFlight: 0 };

/** `slot`: one is being made. `message` names what it waits for, and who. */
type ServerWait = { readonly of: 'slot' | 'postgres'; readonly message: string };

export class LiveState {
  readonly name: string;
  attempts = 0;
  /** What is known of publication and tables. */
  readonly source = new SourceState();
  isSnapshotting = false;
  /** Who has the slot or the lock that this process waits for. */
  slotHolder: string | undefined;
  /** What was said once and is not said again. */
  readonly told = new Set<string>();
  /** What a step on PostgreSQL waits for (wait-watch.ts). */
  serverWait: ServerWait | undefined;
  registryRetries = 0;
  /** A transaction that the stream has and sessions do not see yet. */
  catalogTrouble: SlotlineError | undefined;
  /** A question to the catalog, or the reading of rows, has had no answer for a while. */
  serverSilence: SlotlineError | undefined;
  /** Why a position cannot be remembered at this moment, and so is not confirmed. */
  positionTrouble: SlotlineError | undefined;
  /** A backlog is read in bulk; else changes come by the replication stream. */
  isReadingInBulk = false;
  /** How often bulk reading was given up for something that broke. */
  catchUpFallbacks = 0;
  /** Refusals of a schema by the registry's compatibility rules. */
  schemasIncompatible = 0;
  /** Why each question to the schema registry that waits at this moment is asked again. */
  readonly #registryTroubles = new Map<object, SlotlineError>();
  #connector: ConnectorState = startingSince(0);
  #lastError: SlotlineError | undefined;
  #attempt: AttemptParts | undefined;
  #stream: StreamPositions | undefined;
  /** Of the stream that was last, where none is. */
  #positions: StreamPositions = { receivedLsn: LSN_ZERO, flushedLsn: LSN_ZERO };
  #eventsBefore: EventCounts = {};
  #acknowledgedBefore = 0;
  #topicsRecreatedBefore = 0;
  #lastMessageUs = 0;

  constructor(name: string) {
    this.name = name;
  }

  get connector(): ConnectorState {
    return this.#connector;
  }

  set connector(state: ConnectorState) {
    this.#connector = state;
    if (state.tag === 'running' && !isOfRegistry(this.#lastError)) this.#lastError = undefined;
    if (state.tag === 'waiting' || state.tag === 'stopped') this.#lastError = state.error;
  }

  /** What ended the last attempt, until one streams again; of the registry, which a stream may not need at once, until it answers. */
  get lastError(): SlotlineError | undefined {
    return this.#lastError;
  }

  beginAttempt(): void {
    this.attempts++;
  }

  /** Its parts are there. */
  attach(attempt: AttemptParts): void {
    this.#attempt = attempt;
  }

  /** Its counts are kept, what it waited for is waited for no more; `error` is told from here on, while the attempt still closes. */
  endAttempt(error?: SlotlineError): void {
    this.#lastError = error ?? this.#lastError;
    this.#eventsBefore = this.events;
    this.#acknowledgedBefore = this.recordsAcknowledged;
    this.#topicsRecreatedBefore = this.topicsRecreated;
    this.#lastMessageUs = this.lastMessageUs;
    this.#attempt = undefined;
    this.isSnapshotting = false;
    this.slotHolder = undefined;
    this.#registryTroubles.clear();
    this.catalogTrouble = undefined;
    this.serverSilence = undefined;
    this.positionTrouble = undefined;
    this.serverWait = undefined;
  }

  beginStream(stream: StreamPositions): void {
    this.#stream = stream;
  }

  endStream(): void {
    this.#positions = { receivedLsn: this.receivedLsn, flushedLsn: this.confirmedLsn };
    this.#stream = undefined;
    this.isReadingInBulk = false;
  }

  /** `question` is the one that waits; what others wait for is theirs. */
  onRegistryRetry(error: SlotlineError, question: object): void {
    this.#registryTroubles.set(question, error);
    this.registryRetries++;
  }

  onRegistryAnswered(question: object): void {
    this.#registryTroubles.delete(question);
    if (this.#connector.tag === 'running' && isOfRegistry(this.#lastError)) this.#lastError = undefined;
  }

  /** Why the schema registry is asked again at this moment. */
  get registryTrouble(): SlotlineError | undefined {
    const [trouble] = this.#registryTroubles.values();
    return trouble;
  }

  async countRefusals<T>(registering: Promise<T>): Promise<T> {
    try {
      return await registering;
    } catch (error) {
      if (error instanceof SlotlineError && error.code === 'registry_incompatible') this.schemasIncompatible++;
      throw error;
    }
  }

  /** Of all attempts; empty before the first has its parts. */
  get events(): EventCounts {
    const before = this.#eventsBefore;
    const now = this.#attempt?.changes.counts;
    if (now === undefined) return before;
    return Object.fromEntries(Object.entries(now).map(([operation, count]) => [operation, count + (before[operation] ?? 0)]));
  }

  get recordsAcknowledged(): number {
    return this.#acknowledgedBefore + (this.#attempt?.publisher.settledOrdinal ?? 0);
  }

  /** Of all attempts. */
  get topicsRecreated(): number {
    return this.#topicsRecreatedBefore + (this.#attempt?.publisher.topicsRecreated ?? 0);
  }

  get pending(): Publisher['pending'] {
    return this.#attempt?.publisher.pending ?? NOTHING_PENDING;
  }

  get kafkaTrouble(): SlotlineError | undefined {
    return this.#attempt?.kafka.trouble;
  }

  get receivedLsn(): Lsn {
    return this.#stream?.receivedLsn ?? this.#positions.receivedLsn;
  }

  get confirmedLsn(): Lsn {
    return this.#stream?.flushedLsn ?? this.#positions.flushedLsn;
  }

  /** When a change or a row of a snapshot was last read, microseconds since the epoch; 0: never. */
  get lastMessageUs(): number {
    return Math.max(this.#lastMessageUs, this.#attempt?.info.nowUs ?? 0);
  }
}

function isOfRegistry(error: SlotlineError | undefined): boolean {
  return error?.code.startsWith('registry_') === true;
}
