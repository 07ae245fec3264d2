/**
 * Owns what is known of a connector, now and since its start, as a plain value; the events that change it; and the reducer that applies
 * them. An attempt's knowledge ends with it; counters go on. Pure: it reads counters of an attempt's parts and changes nothing of them.
 */
import type { SlotlineError } from '../../core/errors.ts';
import { LSN_ZERO, type Lsn } from '../../core/lsn.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import type { KafkaClient } from '../../kafka/client.ts';
import type { Publisher } from '../../kafka/producer/publisher-contract.ts';
import { reduceSource, type SourceEvent, type SourceState, UNSEEN_SOURCE } from '../source/state.ts';
import { type ConnectorState, UNSTARTED } from './connector-state.ts';

/** Parts of the running attempt. No event is told per row: counts and positions are read from the parts that keep them anyway. */
export type AttemptParts = {
  readonly counts: EventCounts;
  readonly publisher: Pick<Publisher, 'acknowledgedOrdinal' | 'pending' | 'topicsRecreated'>;
  readonly kafka: Pick<KafkaClient, 'trouble'>;
  readonly stream: Clocked;
  readonly snapshot: Clocked;
};

/** What reads the clock where it reads a message or rows. */
type Clocked = { readonly info: Pick<SourceInfo, 'nowUs'> };

/** How many events there were, by operation. */
type EventCounts = Readonly<Record<string, number>>;

type StreamPositions = { readonly receivedLsn: Lsn; readonly confirmedLsn: Lsn };

/** What a step on the server waits for. `slot`: a slot is being made. `message` names what it waits for, and who holds that. */
type ServerWait = { readonly of: 'slot' | 'postgres'; readonly message: string };

/** Counters over all attempts. */
export type Totals = {
  /** Empty until the first attempt has made its parts. */
  readonly events: EventCounts;
  readonly recordsAcknowledged: number;
  readonly topicsRecreated: number;
  /** When a change or a row of a snapshot was last read, microseconds since the epoch; 0: never. */
  readonly lastMessageUs: number;
};

export type LiveFacts = {
  readonly connector: ConnectorState;
  /** What ended the last attempt. Kept until an attempt streams; an error of the registry until the registry answers, which may be later. */
  readonly lastError: SlotlineError | undefined;
  readonly attempts: number;
  readonly attempt: AttemptParts | undefined;
  /** Counted by earlier attempts. */
  readonly before: Totals;
  readonly stream: StreamPositions | undefined;
  /** Positions of the latest stream that has ended. */
  readonly lastPositions: StreamPositions;
  readonly isSnapshotting: boolean;
  /** True while a backlog is read in bulk; otherwise changes come by the replication stream. */
  readonly isReadingInBulk: boolean;
  /** How often bulk reading was given up because it failed. */
  readonly catchUpFallbacks: number;
  /** Who has the slot, or the lock, that this process waits for. */
  readonly slotHolder: string | undefined;
  /** What a step on PostgreSQL waits for (wait-watch.ts). */
  readonly serverWait: ServerWait | undefined;
  /** A transaction is in the stream, and sessions do not see it yet. */
  readonly catalogTrouble: SlotlineError | undefined;
  /** Why the position cannot be stored at this moment, and so is not confirmed. */
  readonly positionTrouble: SlotlineError | undefined;
  /** A catalog query, or the reading of rows, has had no answer for a while. */
  readonly serverSilence: SlotlineError | undefined;
  /** Questions to the schema registry that are being retried, each with the error of the last try. */
  readonly registryTroubles: ReadonlyMap<object, SlotlineError>;
  readonly registryRetries: number;
  /** How often the registry's compatibility rules refused a schema. */
  readonly schemasIncompatible: number;
  readonly source: SourceState;
};

export type LiveEvent =
  | { readonly tag: 'connector'; readonly state: ConnectorState }
  | { readonly tag: 'attemptBegun' }
  /** The attempt has made its parts. */
  | { readonly tag: 'attemptReady'; readonly parts: AttemptParts }
  /** Told before the attempt closes its connections, so that `error` shows from here on. */
  | { readonly tag: 'attemptEnded'; readonly error: SlotlineError | undefined }
  | { readonly tag: 'streamBegun'; readonly positions: StreamPositions }
  | { readonly tag: 'readingFrom'; readonly source: 'bulk' | 'walsender' }
  | { readonly tag: 'streamEnded' }
  | { readonly tag: 'catchUpGivenUp' }
  | { readonly tag: 'snapshot'; readonly isTaken: boolean }
  | { readonly tag: 'slotHeld'; readonly holder: string | undefined }
  | { readonly tag: 'serverWaits'; readonly wait: ServerWait | undefined }
  /** undefined: the trouble is over. */
  | { readonly tag: 'catalogTrouble' | 'positionTrouble'; readonly error: SlotlineError | undefined }
  | { readonly tag: 'serverSilent'; readonly error: SlotlineError }
  /** Ends the silence of this `error` only; another one may have begun since. */
  | { readonly tag: 'serverAnswered'; readonly error: SlotlineError | undefined }
  /** `question` is the one that is retried; other questions keep their own error. */
  | { readonly tag: 'registryRetry'; readonly question: object; readonly error: SlotlineError }
  | { readonly tag: 'registryAnswered'; readonly question: object }
  | { readonly tag: 'schemaRefused' }
  | SourceEvent;

export const NOTHING_KNOWN: LiveFacts = {
  connector: UNSTARTED,
  lastError: undefined,
  attempts: 0,
  attempt: undefined,
  before: { events: {}, recordsAcknowledged: 0, topicsRecreated: 0, lastMessageUs: 0 },
  stream: undefined,
  lastPositions: { receivedLsn: LSN_ZERO, confirmedLsn: LSN_ZERO },
  isSnapshotting: false,
  isReadingInBulk: false,
  catchUpFallbacks: 0,
  slotHolder: undefined,
  serverWait: undefined,
  catalogTrouble: undefined,
  positionTrouble: undefined,
  serverSilence: undefined,
  registryTroubles: new Map(),
  registryRetries: 0,
  schemasIncompatible: 0,
  source: UNSEEN_SOURCE,
};

export function reduce(facts: LiveFacts, event: LiveEvent): LiveFacts {
  switch (event.tag) {
    case 'connector':
      return { ...facts, connector: event.state, lastError: lastErrorIn(facts.lastError, event.state) };
    case 'attemptBegun':
      return { ...facts, attempts: facts.attempts + 1 };
    case 'attemptReady':
      return { ...facts, attempt: event.parts };
    case 'attemptEnded':
      return withoutAttempt({ ...facts, lastError: event.error ?? facts.lastError });
    case 'streamBegun':
      return { ...facts, stream: event.positions };
    case 'readingFrom':
      return { ...facts, isReadingInBulk: event.source === 'bulk' };
    case 'streamEnded':
      return { ...facts, lastPositions: positionsOf(facts), stream: undefined, isReadingInBulk: false };
    case 'catchUpGivenUp':
      return { ...facts, catchUpFallbacks: facts.catchUpFallbacks + 1 };
    case 'snapshot':
      return { ...facts, isSnapshotting: event.isTaken };
    case 'slotHeld':
      return { ...facts, slotHolder: event.holder };
    case 'serverWaits':
      return { ...facts, serverWait: event.wait };
    case 'catalogTrouble':
    case 'positionTrouble':
      return { ...facts, [event.tag]: event.error };
    case 'serverSilent':
      return { ...facts, serverSilence: event.error };
    case 'serverAnswered':
      return facts.serverSilence === event.error ? { ...facts, serverSilence: undefined } : facts;
    case 'registryRetry':
    case 'registryAnswered':
    case 'schemaRefused':
      return reduceRegistry(facts, event);
    default:
      return { ...facts, source: reduceSource(facts.source, event) };
  }
}

function reduceRegistry(
  facts: LiveFacts,
  event: Extract<LiveEvent, { tag: 'registryRetry' | 'registryAnswered' | 'schemaRefused' }>,
): LiveFacts {
  if (event.tag === 'schemaRefused') return { ...facts, schemasIncompatible: facts.schemasIncompatible + 1 };
  const registryTroubles = new Map(facts.registryTroubles);
  if (event.tag === 'registryRetry') {
    registryTroubles.set(event.question, event.error);
    return { ...facts, registryTroubles, registryRetries: facts.registryRetries + 1 };
  }
  registryTroubles.delete(event.question);
  const isOver = facts.connector.tag === 'running' && isOfRegistry(facts.lastError);
  return { ...facts, registryTroubles, lastError: isOver ? undefined : facts.lastError };
}

function lastErrorIn(known: SlotlineError | undefined, state: ConnectorState): SlotlineError | undefined {
  switch (state.tag) {
    case 'running':
      return isOfRegistry(known) ? known : undefined;
    case 'starting':
      return state.attempt === 0 ? undefined : known;
    case 'waiting':
    case 'paused':
    case 'stopped':
      return state.error;
    default:
      return known;
  }
}

function isOfRegistry(error: SlotlineError | undefined): boolean {
  return error?.code.startsWith('registry_') === true;
}

/** Adds the attempt's counts to `before`, and forgets what the attempt waited for. */
function withoutAttempt(facts: LiveFacts): LiveFacts {
  return {
    ...facts,
    before: totalsOf(facts),
    attempt: undefined,
    isSnapshotting: false,
    slotHolder: undefined,
    serverWait: undefined,
    catalogTrouble: undefined,
    positionTrouble: undefined,
    serverSilence: undefined,
    registryTroubles: new Map(),
  };
}

export function totalsOf({ before, attempt }: LiveFacts): Totals {
  if (attempt === undefined) return before;
  const { counts, publisher, stream, snapshot } = attempt;
  return {
    events: Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count + (before.events[name] ?? 0)])),
    recordsAcknowledged: before.recordsAcknowledged + publisher.acknowledgedOrdinal,
    topicsRecreated: before.topicsRecreated + publisher.topicsRecreated,
    lastMessageUs: Math.max(before.lastMessageUs, stream.info.nowUs, snapshot.info.nowUs),
  };
}

export function positionsOf({ stream, lastPositions }: LiveFacts): StreamPositions {
  return { receivedLsn: (stream ?? lastPositions).receivedLsn, confirmedLsn: (stream ?? lastPositions).confirmedLsn };
}
