/**
 * Owns the permission to send, one object for an attempt's whole life: asked before every request to Kafka that carries records, in every
 * phase, the snapshot and the remembered offset included (docs/delivery.md, "A frozen process"). What proves the right to send changes
 * with the phase; without a proof nothing is sent. How a proof ages: ownership-proof.ts.
 *
 *   closed   nothing is sent: before the lock is ours, and behind the end
 *   lock     the session that holds the advisory lock answers, and says that it does
 *   walsender, bulk   nobody else reads the slot
 */
import { SlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type Clock, wait } from '../../core/time.ts';
import { type Contact, type Permission, SlotOwnership } from './ownership-proof.ts';

type FenceState = 'closed' | 'lock' | 'walsender' | 'bulk';

export type Proof = {
  /** wal_sender_timeout; 0: none. */
  readonly timeoutMs: number;
  /** Asks the server whether the right is ours. */
  readonly isOurs: () => Promise<boolean>;
  /** What else is heard of the server: frames. Absent: nothing but answers counts, and none for two seconds holds everything back. */
  readonly contact?: Contact;
};

/**
 * Timers that stood still for so long: the process did, perhaps much longer than the clocks tell. Shorter than any takeover, for a
 * standby looks twice a second and has a snapshot to take or a stream to open; a busy moment costs one question to the server.
 */
const PAUSE_MIN_MS = 250;
/** A session may be ended by hand at any moment; without one that answers nothing is sent. */
const LOCK_PROBE_MS = 500;
const LOCK_HELD_AFTER_MS = 2_000;
const LOOK_MS = 10;

export class Fence {
  readonly #deps: { readonly clock: Clock; readonly log: Log };
  #state: FenceState = 'closed';
  #ended = false;
  #ownership: SlotOwnership | undefined;

  constructor(deps: { readonly clock: Clock; readonly log: Log }) {
    this.#deps = deps;
  }

  get state(): FenceState {
    return this.#state;
  }

  maySend(): Permission {
    return this.#ownership?.permission() ?? false;
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

  /** From here on this proof counts and no other. */
  hold(state: Exclude<FenceState, 'closed'>, proof: Proof): void {
    this.#ownership?.stop();
    if (this.#ended) return;
    const { timeoutMs, isOurs, contact } = proof;
    const slow = { contact: ownContact(this.#deps.clock), heldAfterMs: LOCK_HELD_AFTER_MS, probeEveryMs: LOCK_PROBE_MS };
    const ownership = new SlotOwnership({
      ...this.#deps,
      timeoutMs,
      isOurs,
      pauseMinMs: PAUSE_MIN_MS,
      ...(contact === undefined ? slow : { contact }),
    });
    // A lock is believed once its session has said so.
    if (contact === undefined) ownership.doubt();
    this.#ownership = ownership;
    this.#state = state;
    ownership.start();
  }

  /** Nothing is sent any more, whatever is held later. */
  close(): void {
    this.#ended = true;
    this.#ownership?.stop();
    this.#ownership = undefined;
    this.#state = 'closed';
  }
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
