/**
 * Owns noticing that the connection over which snapshot rows come is dead. The protocol does not show it: there is no keepalive here, and a
 * query may work for hours before its first row. So another session asks for the state of the backend. If the backend has sent everything,
 * or waits for us to take more, while not one byte arrives, the link is dead.
 */
import { SlotlineError, toSlotlineError } from '../../core/errors.ts';
import { Scope } from '../../core/scope.ts';
import { loadBackendState } from '../../postgres/catalog/backend-state.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import { type SilenceTelling, tellSilence } from './session-limits.ts';

/** `isWaiting`: we wait for the other side to send. */
type RowsProgress = { readonly receivedBytes: number; readonly isWaiting: boolean };

type WatchedLink = {
  /** The backend at the other end. */
  readonly pid: number;
  readonly progress: () => RowsProgress;
  /** Another session, which is free meanwhile, for asking. */
  readonly session: PgSession;
  /** Ends the reading of rows, with pg_link_silent. */
  readonly end: (error: SlotlineError) => void;
  /** How long it may last that no byte comes. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
};

const LOOK_MS = 1_000;
const LOOK_TIMEOUT_MS = 5_000;

/** Watches the link while `work` runs; resolves or rejects as `work` does. */
export async function linkWatched<T>(deps: SilenceTelling, link: WatchedLink, work: Promise<T>): Promise<T> {
  using scope = new Scope();
  const watch = new LinkWatch(deps, link);
  const onFailure = (error: unknown): void => deps.log.debug('server.link_unknown', { code: toSlotlineError(error).code });
  scope.ask(LOOK_MS, () => watch.look(), onFailure);
  try {
    return await work;
  } finally {
    watch.close();
  }
}

class LinkWatch {
  readonly #deps: SilenceTelling;
  readonly #link: WatchedLink;
  readonly #telling: ReturnType<typeof tellSilence>;
  #receivedBytes = -1;
  /** Since when no byte has come though the backend has sent, or would send. undefined: not so. */
  #silentSinceMs: number | undefined;
  #isTold = false;
  #isClosed = false;

  constructor(deps: SilenceTelling, link: WatchedLink) {
    this.#deps = deps;
    this.#link = link;
    this.#telling = tellSilence(deps, { code: 'pg_link_silent', event: 'snapshot.silent' });
  }

  async look(): Promise<void> {
    const { progress, session, pid, signal, limitMs, end } = this.#link;
    const before = progress();
    const isStill = before.isWaiting && before.receivedBytes === this.#receivedBytes;
    this.#receivedBytes = before.receivedBytes;
    if (!isStill) return this.#tell(false);
    const state = await loadBackendState(session, pid, { signal, timeoutMs: LOOK_TIMEOUT_MS });
    if (this.#isClosed || progress().receivedBytes !== before.receivedBytes) return;
    if (state === 'working') return this.#tell(false);
    const nowMs = this.#deps.clock.monotonicMs();
    this.#silentSinceMs ??= nowMs;
    const silentMs = nowMs - this.#silentSinceMs;
    if (silentMs >= this.#telling.afterMs) this.#tell(true);
    if (silentMs >= limitMs) end(new SlotlineError('pg_link_silent', { pid, backend: state }));
  }

  close(): void {
    this.#isClosed = true;
    this.#tell(false);
  }

  #tell(isSilent: boolean): void {
    if (!isSilent) this.#silentSinceMs = undefined;
    if (isSilent === this.#isTold) return;
    this.#isTold = isSilent;
    this.#telling.onUnanswered(isSilent);
  }
}
