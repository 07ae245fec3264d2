/**
 * Owns reporting what a step on the server waits for. Making a slot waits for every open transaction that has written; a snapshot and a
 * publication wait for locks; and the server says nothing of it. Reported in the log (at once, then each minute) and in the live state,
 * for health. It ends and changes nothing.
 */
import { toSlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { Scope } from '../../core/scope.ts';
import { type Clock, wait } from '../../core/time.ts';
import { type BackendWait, describeWait, loadBackendWait } from '../../postgres/catalog/blockers.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';
import type { LiveState } from '../life/live-state.ts';

type WatchedStep = {
  /** `slot`: making a slot. `postgres`: something else that PostgreSQL does for the start. */
  readonly of: 'slot' | 'postgres';
  /** The step in words: `Making the slot shop`. */
  readonly what: string;
  /** The backend that executes the step. */
  readonly pid: number;
  /** Gives another session, which is free meanwhile. Called only when a look is needed. */
  readonly session: () => Promise<PgSession>;
  /** The attempt's signal. */
  readonly signal: AbortSignal;
};

type WatchDeps = { readonly log: Log; readonly live: Pick<LiveState, 'tell'>; readonly clock: Clock };

/** A step that takes less is not looked at. */
const FIRST_LOOK_MS = 700;
const LOOK_MS = 1_000;
const TOLD_AGAIN_MS = 60_000;
const LOOK_TIMEOUT_MS = 5_000;

/** Watches the step while `work` runs; resolves or rejects as `work` does. */
export async function watched<T>(deps: WatchDeps, step: WatchedStep, work: Promise<T>): Promise<T> {
  using scope = new Scope();
  const done = new AbortController();
  const watching = watch(deps, step, scope.any(done.signal, step.signal));
  try {
    return await work;
  } finally {
    done.abort();
    await watching;
    deps.live.tell({ tag: 'serverWaits', wait: undefined });
  }
}

/** Never rejects. */
async function watch({ log, live, clock }: WatchDeps, step: WatchedStep, signal: AbortSignal): Promise<void> {
  const startedMs = clock.monotonicMs();
  let toldMs: number | undefined;
  await wait(FIRST_LOOK_MS, signal);
  while (!signal.aborted) {
    const found = await look(log, step, signal);
    if (signal.aborted) return;
    const nowMs = clock.monotonicMs();
    const seconds = Math.round(found?.seconds ?? (nowMs - startedMs) / 1000);
    const waiting = found === undefined ? undefined : { of: step.of, message: messageOf(step, found, seconds) };
    live.tell({ tag: 'serverWaits', wait: waiting });
    if (found !== undefined && (toldMs === undefined || nowMs - toldMs >= TOLD_AGAIN_MS)) {
      toldMs = nowMs;
      tell(log, step, found, seconds);
    }
    await wait(LOOK_MS, signal);
  }
}

async function look(log: Log, step: WatchedStep, signal: AbortSignal): Promise<BackendWait | undefined> {
  try {
    const session = await step.session();
    return await loadBackendWait(session, step.pid, { signal, timeoutMs: LOOK_TIMEOUT_MS });
  } catch (error) {
    if (!signal.aborted) log.debug('server.wait_unknown', { code: toSlotlineError(error).code });
    return undefined;
  }
}

function messageOf({ what }: WatchedStep, found: BackendWait, seconds: number): string {
  return `${what} waits, ${seconds} s so far, for ${describeWait(found)}`;
}

function tell(log: Log, step: WatchedStep, found: BackendWait, seconds: number): void {
  const { xid, table, blockers } = found;
  log.warn('server.waiting', {
    message: messageOf(step, found, seconds),
    pid: step.pid,
    xid,
    table,
    blockedBy: blockers.map(({ pid, prepared }) => (pid === undefined ? `prepared transaction ${prepared ?? ''}` : String(pid))),
    seconds,
    remedy: WAIT_REMEDY,
  });
}

export const WAIT_REMEDY =
  'It goes on by itself when that ends. To end it: commit or roll it back there, or select pg_terminate_backend(pid).';
