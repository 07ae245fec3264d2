/**
 * Owns heartbeat.action.query: runs it in a session of its own, each statement list in one transaction, never two at a time. What it
 * changes comes back through the stream like any change.
 *
 * It never stops the stream: an error is told once for each kind and the query is tried again with the next heartbeat. (Debezium restarts
 * itself without end when the table is missing, and logs other errors each time.)
 */
import { type SlotlineError, toSlotlineError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { Scope } from '../../core/scope.ts';
import type { PgSession } from '../../postgres/session/open-session.ts';

type HeartbeatActionDeps = {
  readonly sql: string;
  readonly open: (signal: AbortSignal) => Promise<PgSession>;
  /** Limit of one run. */
  readonly timeoutMs: number | undefined;
  readonly log: Log;
  /** The attempt is over. */
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

  /** Starts it, unless it still runs. */
  run(): void {
    if (this.#running !== undefined || this.#signal.aborted) return;
    this.#running = this.#execute().finally(() => {
      this.#running = undefined;
    });
  }

  /** Cancels what runs. */
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
      // A list that opened a transaction of its own and failed in it would fail for ever.
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
