/**
 * Owns what is known of a connector at a moment and since its start, as a plain value, the events that it is told, and the reducer between
 * them. Attempts come and go; counters go on. Pure: it reads counters of an attempt's parts, and changes nothing of them.
 */
import type { SlotlineError } from '../../core/errors.ts';
import { LSN_ZERO, type Lsn } from '../../core/lsn.ts';
import type { SourceInfo } from '../../events/source-info.ts';
import type { KafkaClient } from '../../kafka/client.ts';
import type { Publisher } from '../../kafka/producer/publisher-contract.ts';
import { reduceSource, type SourceEvent, type SourceState, UNSEEN_SOURCE } from '../source/state.ts';
import { type ConnectorState, UNSTARTED } from './connector-state.ts';

/** Of the attempt that is under way. Nothing is told per row: counts and positions stay where they are kept anyway, and are read there. */
export type AttemptParts = {
  readonly counts: EventCounts;
  readonly publisher: Pick<Publisher, 'acknowledgedOrdinal' | 'pending' | 'topicsRecreated'>;
  readonly kafka: Pick<KafkaClient, 'trouble'>;
  readonly stream: Clocked;
  readonly snapshot: Clocked;
};

/** What reads the clock where it reads a message or rows. */
type Clocked = { readonly info: Pick<SourceInfo, 'nowUs'> };

/** Events by operation. */
type EventCounts = Readonly<Record<string, number>>;

type StreamPositions = { readonly receivedLsn: Lsn; readonly confirmedLsn: Lsn };

/** `slot`: one is being made. `message` names what it waits for, and who. */
type ServerWait = { readonly of: 'slot' | 'postgres'; readonly message: string };

/** Of all attempts. */
export type Totals = {
  /** Empty before the first attempt has its parts. */
  readonly events: EventCounts;
  readonly recordsAcknowledged: number;
  readonly topicsRecreated: number;
  /** When a change or a row of a snapshot was last read, microseconds since the epoch; 0: never. */
  readonly lastMessageUs: number;
};

export type LiveFacts = {
  readonly connector: ConnectorState;
  /** What ended the last attempt, until one streams again; of the registry, which a stream may not need at once, until it answers. */
  readonly lastError: SlotlineError | undefined;
  readonly attempts: number;
  readonly attempt: AttemptParts | undefined;
  /** Of the attempts before. */
  readonly before: Totals;
  readonly stream: StreamPositions | undefined;
  /** Of the stream that was last. */
  readonly lastPositions: StreamPositions;
  readonly isSnapshotting: boolean;
  /** A backlog is read in bulk; else changes come by the replication stream. */
  readonly isReadingInBulk: boolean;
  /** How often bulk reading was given up for something that broke. */
  readonly catchUpFallbacks: number;
  /** Who has the slot or the lock that this process waits for. */
  readonly slotHolder: string | undefined;
  /** What a step on PostgreSQL waits for (wait-watch.ts). */
  readonly serverWait: ServerWait | undefined;
  /** A transaction that the stream has and sessions do not see yet. */
  readonly catalogTrouble: SlotlineError | undefined;
  /** Why a position cannot be remembered at this moment, and so is not confirmed. */
  readonly positionTrouble: SlotlineError | undefined;
  /** A question to the catalog, or the reading of rows, has had no answer for a while. */
  readonly serverSilence: SlotlineError | undefined;
  /** Why each question to the schema registry that waits at this moment is asked again. */
  readonly registryTroubles: ReadonlyMap<object, SlotlineError>;
  readonly registryRetries: number;
  /** Refusals of a schema by the registry's compatibility rules. */
  readonly schemasIncompatible: number;
  readonly source: SourceState;
};

export type LiveEvent =
  | { readonly tag: 'connector'; readonly state: ConnectorState }
  | { readonly tag: 'attemptBegun' }
  /** Its parts are made. */
  | { readonly tag: 'attemptReady'; readonly parts: AttemptParts }
  /** `error` is told from here on, while the attempt still closes. */
  | { readonly tag: 'attemptEnded'; readonly error: SlotlineError | undefined }
  | { readonly tag: 'streamBegun'; readonly positions: StreamPositions }
  | { readonly tag: 'readingFrom'; readonly source: 'bulk' | 'walsender' }
  | { readonly tag: 'streamEnded' }
  | { readonly tag: 'catchUpGivenUp' }
  | { readonly tag: 'snapshot'; readonly isTaken: boolean }
  | { readonly tag: 'slotHeld'; readonly holder: string | undefined }
  | { readonly tag: 'serverWaits'; readonly wait: ServerWait | undefined }
  /** undefined: it is over. */
  | { readonly tag: 'catalogTrouble' | 'positionTrouble'; readonly error: SlotlineError | undefined }
  | { readonly tag: 'serverSilent'; readonly error: SlotlineError }
  /** That silence is over; another attempt's is its own. */
  | { readonly tag: 'serverAnswered'; readonly error: SlotlineError | undefined }
  /** `question` is the one that waits; what others wait for is theirs. */
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

/** Its counts are kept; what it waited for is waited for no more. */
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
