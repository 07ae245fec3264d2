/**
 * Owns the live state of one connector's task: it is told events, and shows what is known as a plain value (ops/ reads it). It also keeps
 * what one attempt leaves to the next. How an event changes what is known: live-facts.ts.
 */
import { SlotlineError } from '../../core/errors.ts';
import type { Lsn } from '../../core/lsn.ts';
import type { TaskOptions } from '../../core/options.ts';
import type { Publisher } from '../../kafka/producer/publisher-contract.ts';
import type { SourceFacts } from '../../postgres/catalog/source-facts.ts';
import { type SourceTrouble, troublesOf } from '../source/state.ts';
import { type LiveEvent, type LiveFacts, NOTHING_KNOWN, positionsOf, reduce, type Totals, totalsOf } from './live-facts.ts';

/** What is known at one moment, as health and metrics show it. */
export type LiveView = Totals &
  Pick<
    LiveFacts,
    | 'connector'
    | 'lastError'
    | 'attempts'
    | 'isSnapshotting'
    | 'isReadingInBulk'
    | 'catchUpFallbacks'
    | 'slotHolder'
    | 'serverWait'
    | 'catalogTrouble'
    | 'positionTrouble'
    | 'serverSilence'
    | 'registryRetries'
    | 'schemasIncompatible'
  > & {
    /** The connector's name. */
    readonly name: string;
    readonly taskId: string;
    readonly receivedLsn: Lsn;
    readonly confirmedLsn: Lsn;
    /** Records that are appended and not acknowledged yet. */
    readonly pending: Publisher['pending'];
    readonly kafkaTrouble: SlotlineError | undefined;
    /** The error for which a question to the schema registry is being retried. */
    readonly registryTrouble: SlotlineError | undefined;
    readonly source: Pick<LiveFacts['source'], 'looksFailed' | 'changes' | 'notices'> & { readonly troubles: readonly SourceTrouble[] };
  };

/** The task that the state is about. */
type LiveOwner = Pick<TaskOptions, 'name' | 'taskId'>;

/** Kept from one attempt to the next; not part of the view. */
type AttemptsMemory = {
  /** The last look at the source whose changes are accounted for. The next look is compared with it. */
  knownSource: SourceFacts | undefined;
  /** Keys of log lines that are written once only. */
  readonly told: Set<string>;
};

const NOTHING_PENDING: Publisher['pending'] = { bytes: 0, records: 0, requestsInFlight: 0 };

export class LiveState {
  readonly #of: LiveOwner;
  readonly memory: AttemptsMemory = { knownSource: undefined, told: new Set() };
  #facts: LiveFacts = NOTHING_KNOWN;

  constructor(of: LiveOwner) {
    this.#of = of;
  }

  tell(event: LiveEvent): void {
    this.#facts = reduce(this.#facts, event);
  }

  view(): LiveView {
    return viewOf(this.#of, this.#facts);
  }
}

export function viewOf({ name, taskId }: LiveOwner, facts: LiveFacts): LiveView {
  const { attempt, stream, before, lastPositions, registryTroubles, source, ...shown } = facts;
  const { receivedLsn, confirmedLsn } = positionsOf(facts);
  const [registryTrouble] = registryTroubles.values();
  const { looksFailed, changes, notices } = source;
  return {
    ...shown,
    ...totalsOf(facts),
    name,
    taskId,
    receivedLsn,
    confirmedLsn,
    pending: attempt?.publisher.pending ?? NOTHING_PENDING,
    kafkaTrouble: attempt?.kafka.trouble,
    registryTrouble,
    source: { looksFailed, changes, notices, troubles: troublesOf(source) },
  };
}

/** Awaits `registering`, and tells the live state when the registry's compatibility rules refuse the schema. */
export async function tellingRefusals<T>(live: Pick<LiveState, 'tell'>, registering: Promise<T>): Promise<T> {
  try {
    return await registering;
  } catch (error) {
    if (error instanceof SlotlineError && error.code === 'registry_incompatible') live.tell({ tag: 'schemaRefused' });
    throw error;
  }
}
