/**
 * Owns heartbeat.action.query: runs its statements in one transaction, in a session of its own, never two runs at a time. What they change
 * comes back through the stream like any change.
 *
 * It never stops the stream. Each kind of error is logged once, and the next heartbeat tries again. (Debezium restarts without end when
 * the table is missing, and logs other errors each time.)
 */
import { type SlotlineError, toSlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { Scope } from '../../core/scope.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';

type HeartbeatActionDeps = {
  readonly sql: string;
  readonly open: (signal: AbortSignal) => Promise<PgSession>;
  /** Time limit of one run. */
  readonly timeoutMs: number | undefined;
  readonly log: Log;
  /** Aborts when the attempt is over. */
  readonly signal: AbortSignal;
};

export class HeartbeatAction {
  readonly #deps: HeartbeatActionDeps;
  readonly #told = new Set<string>();
  #session: PgSession | undefined;
  readonly #closing = new AbortController();
  readonly #scope = new Scope();
  readonly #signal: AbortSignal;
  #running: Promise<void> | undefined;

  constructor(deps: HeartbeatActionDeps) {
    this.#deps = deps;
    this.#signal = this.#scope.any(deps.signal, this.#closing.signal);
  }

  /** Starts a run, unless one is under way. */
  run(): void {
    if (this.#running !== undefined || this.#signal.aborted) return;
    this.#running = this.#execute().finally(() => {
      this.#running = undefined;
    });
  }

  /** Cancels a run that is under way, and closes the session. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    await this.#session?.close();
    this.#scope[Symbol.dispose]();
  }

  /** Never rejects. */
  async #execute(): Promise<void> {
    const { sql, timeoutMs } = this.#deps;
    const signal = this.#signal;
    try {
      this.#session ??= await this.#openSession();
      await this.#session.simple(sql, timeoutMs === undefined ? { signal } : { signal, timeoutMs });
    } catch (error) {
      if (signal.aborted) return;
      this.#tell(toSlotlineError(error));
      // If the statements opened a transaction of their own and failed in it, every later run would fail in it too.
      await this.#session?.simple('rollback', { signal }).catch(() => undefined);
    }
  }

  async #openSession(): Promise<PgSession> {
    const session = await this.#deps.open(this.#signal);
    session.onLost(() => {
      if (this.#session === session) this.#session = undefined;
    });
    return session;
  }

  #tell(error: SlotlineError): void {
    const sqlState = error.details.sqlState?.toString() ?? '';
    const kind = `${error.code} ${sqlState}`;
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    this.#deps.log.warn('heartbeat.action_failed', { code: error.code, sqlState, message: error.message });
  }
}
