/**
 * Owns the permission to send, one object for an attempt's whole life. It is asked before every request to Kafka that carries records, in
 * every phase, also for the snapshot and the offset record (docs/delivery.md, "A frozen process"). A publisher gets it when it is made, so
 * nothing is sent without asking. How a proof ages: ownership-proof.ts.
 *
 * The state says what proves the right to send. Without a proof nothing is sent:
 *
 *   closed      nothing is sent: before the lock is ours, and after the attempt's end
 *   lock        the session that holds the advisory lock answers that it still does
 *   walsender   the walsender that holds the slot is ours, and its frames come
 *   bulk        as lock; and nobody else reads the slot or has moved it
 *
 *   closed → lock → walsender | bulk → lock → … → closed, and then for good
 */
import { SlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type Clock, wait } from '../../core/time.ts';
import type { Permission, SendFence } from '../../kafka/producer/publisher-contract.ts';
import { type Contact, SlotOwnership } from './ownership-proof.ts';

type Asking = {
  /** wal_sender_timeout; 0: none. */
  readonly timeoutMs: number;
  /** Asks the server whether the right is still ours. */
  readonly isOurs: () => Promise<boolean>;
};

/** What proves the right to send, until another proof replaces it. */
type Proof =
  /** Only answers count. Two seconds without one hold all sending back. */
  | (Asking & { readonly state: 'lock' | 'bulk' })
  /** Frames of the server count as well as answers. */
  | (Asking & { readonly state: 'walsender'; readonly contact: Contact });

type FenceState = 'closed' | Proof['state'];

type Held = { readonly state: Proof['state']; readonly ownership: SlotOwnership } | { readonly state: 'closed'; readonly forGood: boolean };

type FenceDeps = { readonly clock: Clock; readonly log: Log };

/**
 * If our timers were late by this much, the process stood still, perhaps for much longer than the clocks say. It is shorter than any
 * takeover can be: a standby asks twice a second, and then has a snapshot to take or a stream to open. A false alarm costs one query.
 */
const PAUSE_MIN_MS = 250;
/** How often the session with the lock is asked. It may be ended at any moment, and nothing is sent without its answers. */
const LOCK_PROBE_MS = 500;
const LOCK_HELD_AFTER_MS = 2_000;
const LOOK_MS = 10;

export class Fence implements SendFence {
  readonly #deps: FenceDeps;
  #held: Held = { state: 'closed', forGood: false };

  constructor(deps: FenceDeps) {
    this.#deps = deps;
  }

  get state(): FenceState {
    return this.#held.state;
  }

  maySend(): Permission {
    return this.#held.state === 'closed' ? false : this.#held.ownership.permission();
  }

  /** Waits for the permission, before the server is told to make, drop or move a slot. Throws fenced, or the signal's reason. */
  async require(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const permission = this.maySend();
      if (permission === true) return;
      if (permission === false) throw new SlotlineError('fenced', {});
      await wait(LOOK_MS, signal);
    }
  }

  /** From here on only this proof counts. Does nothing after close(). */
  hold(proof: Proof): void {
    if (this.#held.state !== 'closed') this.#held.ownership.stop();
    else if (this.#held.forGood) return;
    const ownership = ownershipBy(proof, this.#deps);
    this.#held = { state: proof.state, ownership };
    ownership.start();
  }

  /** From here on nothing is sent, even if a proof is held later. */
  close(): void {
    if (this.#held.state !== 'closed') this.#held.ownership.stop();
    this.#held = { state: 'closed', forGood: true };
  }
}

function ownershipBy(proof: Proof, deps: FenceDeps): SlotOwnership {
  const { timeoutMs, isOurs } = proof;
  const common = { ...deps, timeoutMs, isOurs, pauseMinMs: PAUSE_MIN_MS };
  if (proof.state === 'walsender') return new SlotOwnership({ ...common, contact: proof.contact });
  const contact = ownContact(deps.clock);
  const ownership = new SlotOwnership({ ...common, contact, heldAfterMs: LOCK_HELD_AFTER_MS, probeEveryMs: LOCK_PROBE_MS });
  // The lock does not count before its session has answered that it holds it.
  ownership.doubt();
  return ownership;
}

function ownContact(clock: Clock): Contact {
  let atMs = clock.monotonicMs();
  return {
    get serverContactMs() {
      return atMs;
    },
    noteContact(contactMs) {
      atMs = Math.max(atMs, contactMs);
    },
  };
}
