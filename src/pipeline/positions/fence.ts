/**
 * Owns the permission to send, one object for an attempt's whole life: asked before every request to Kafka that carries records, in every
 * phase, the snapshot and the remembered offset included (docs/delivery.md, "A frozen process"). A publisher is handed it when it is made,
 * so nothing is sent that it was not asked for. How a proof ages: ownership-proof.ts.
 *
 * What proves the right to send is the state; without a proof nothing is sent:
 *
 *   closed      nothing is sent: before the lock is ours, and behind the end
 *   lock        the session that holds the advisory lock answers, and says that it does
 *   walsender   the walsender that holds the slot is ours, and frames of it came
 *   bulk        the lock as above, and nobody reads the slot or has moved it
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
  /** Asks the server whether the right is ours. */
  readonly isOurs: () => Promise<boolean>;
};

/** What proves the right from here on. */
type Proof =
  /** Nothing counts but answers, and none for two seconds holds everything back. */
  | (Asking & { readonly state: 'lock' | 'bulk' })
  /** The server's frames count as well. */
  | (Asking & { readonly state: 'walsender'; readonly contact: Contact });

type FenceState = 'closed' | Proof['state'];

type Held = { readonly state: Proof['state']; readonly ownership: SlotOwnership } | { readonly state: 'closed'; readonly forGood: boolean };

type FenceDeps = { readonly clock: Clock; readonly log: Log };

/**
 * Timers that stood still for so long: the process did, perhaps much longer than the clocks tell. Shorter than any takeover, for a
 * standby looks twice a second and has a snapshot to take or a stream to open; a busy moment costs one question to the server.
 */
const PAUSE_MIN_MS = 250;
/** A session may be ended by hand at any moment; without one that answers nothing is sent. */
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

  /** Before the server is told to make, drop or move a slot. Throws fenced, or what aborted the signal. */
  async require(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const permission = this.maySend();
      if (permission === true) return;
      if (permission === false) throw new SlotlineError('fenced', {});
      await wait(LOOK_MS, signal);
    }
  }

  /** From here on this proof counts and no other. Nothing, behind close(). */
  hold(proof: Proof): void {
    if (this.#held.state !== 'closed') this.#held.ownership.stop();
    else if (this.#held.forGood) return;
    const ownership = ownershipBy(proof, this.#deps);
    this.#held = { state: proof.state, ownership };
    ownership.start();
  }

  /** Nothing is sent any more, whatever is held later. */
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
  // A lock is believed once its session has said so.
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
