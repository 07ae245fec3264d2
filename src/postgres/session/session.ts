/**
 * Owns one open session: queries one after another, interruption, loss, handing the socket over. Does not open it
 * (open-session.ts) and does not know any SQL.
 */
import type { Client, QueryResultRow } from 'pg';
import { assert } from '../../core/assert.ts';
import { SlotlineError } from '../../core/errors.ts';
import { connectionError, endsSession, type ServerAddress } from './errors.ts';
import type { ErrorSubject } from './sqlstate-table.ts';
import { type OwnedReading, openTransport, type SocketOwner, type Transport, type TransportRequest } from './transport.ts';
import type { WireBridge } from './wire-bridge.ts';

/** A row of a simple-protocol query: every column as the server prints it. */
type TextRow = Readonly<Record<string, string | null>>;

export type QueryOptions = {
  /** Cancels the running statement on the server; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Cancels and throws `pg_query_failed`, or `pg_silent` where nothing answers; by our own clock. Default: the session's, which is none unless asked for. */
  readonly timeoutMs?: number | undefined;
  /** false: the session's `until` does not cancel it; for statements that clean up. */
  readonly untilAborted?: false;
  readonly subject?: ErrorSubject;
};

export interface PgSession {
  /** 14 … 18 */
  readonly serverMajor: number;
  /** As the server reported at login: server_version, server_encoding, in_hot_standby, … */
  readonly parameters: ReadonlyMap<string, string>;
  /** The backend's pid, as in pg_stat_activity and pg_replication_slots.active_pid. */
  readonly processId: number;
  readonly encrypted: boolean;
  readonly address: ServerAddress;
  /** Extended protocol with bound parameters; `pg` converts: int4 → number, bool → boolean, text[] → string[], int8 stays text. */
  query<Row extends QueryResultRow>(sql: string, params?: readonly unknown[], options?: QueryOptions): Promise<Row[]>;
  /** Simple protocol, for replication commands, multi-statement SQL and walsenders; rows of the last statement that has any, as text. */
  simple(sql: string, options?: QueryOptions): Promise<TextRow[]>;
  /** Names of the columns that a SELECT gives; no row of it is read. */
  columnsOf(select: string, options?: QueryOptions): Promise<readonly string[]>;
  /** Calls back once, when the server or the network ends the session (not `close`, not after `takeOver`); at once if it is lost already. */
  onLost(callback: (error: SlotlineError) => void): void;
  /** Disconnects `pg`: from now on the socket is read into the owner's memory and written by `write`. No query may be in flight or follow. */
  takeOver(owner: SocketOwner): void;
  /** After `takeOver`: sends bytes to the server; the array must not change afterwards. Does nothing on a closed socket. */
  write(bytes: Uint8Array): void;
  /** After `takeOver`: continues reading after the owner paused it. */
  resumeReading(): void;
  /** Destroys the socket at once. */
  destroy(): void;
  /** Ends the session; after `takeOver` destroys the socket. Never throws, never waits longer than a moment. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How long a cancelled statement may take before the socket is destroyed; less when the program stops. */
const PATIENCE_MS = 2_000;
const ABORT_PATIENCE_MS = 600;
const GOODBYE_MS = 300;

/** Limits of queries that name none of their own. */
export type SessionLimits = {
  readonly until?: AbortSignal;
  readonly queryTimeoutMs?: number | undefined;
  /** Of queries of the extended protocol, which only read. Default: queryTimeoutMs. */
  readonly readTimeoutMs?: number;
  /** Told of queries of the extended protocol. */
  readonly patience?: QueryPatience;
};

/** `onUnanswered` is called with true when a query has had no answer for `afterMs`, and with false when that query is over. */
export type QueryPatience = { readonly afterMs: number; readonly onUnanswered: (isUnanswered: boolean) => void };

type RunOptions = QueryOptions & { readonly patience?: QueryPatience | undefined };

type Parts = {
  readonly client: Client;
  readonly bridge: WireBridge;
  readonly transport: Transport;
  readonly address: ServerAddress;
  readonly attempt: TransportRequest;
  readonly request: SessionLimits;
};

export class ClientSession implements PgSession {
  readonly parameters = new Map<string, string>();
  readonly #parts: Parts;
  #backendKey = { processID: 0, secretKey: 0 };
  #reading: OwnedReading | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #inFlight = 0;
  #state: 'open' | 'taken' | 'closed' = 'open';
  #lost: SlotlineError | undefined;
  #lostCallbacks: ((error: SlotlineError) => void)[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
    const { client } = parts;
    client.connection.on('parameterStatus', (message: { parameterName: string; parameterValue: string }) => {
      this.parameters.set(message.parameterName, message.parameterValue);
    });
    client.connection.on('backendKeyData', (message: { processID: number; secretKey: number }) => {
      this.#backendKey = { processID: message.processID, secretKey: message.secretKey };
    });
    client.on('error', (error) => this.#onLost(error));
  }

  get serverMajor(): number {
    const version = this.parameters.get('server_version') ?? '';
    return Number.parseInt(version, 10) || 0;
  }

  get processId(): number {
    return this.#backendKey.processID;
  }

  get encrypted(): boolean {
    return this.#parts.transport.encrypted;
  }

  get address(): ServerAddress {
    return this.#parts.address;
  }

  async query<Row extends QueryResultRow>(sql: string, params: readonly unknown[] = [], options: QueryOptions = {}): Promise<Row[]> {
    const { readTimeoutMs, patience } = this.#parts.request;
    const limits = { timeoutMs: readTimeoutMs, patience, ...options };
    const result = await this.#run(() => this.#parts.client.query<Row>(sql, [...params]), limits);
    return result.rows;
  }

  async simple(sql: string, options: QueryOptions = {}): Promise<TextRow[]> {
    const query = { text: sql, types: { getTypeParser: () => (text: string) => text } };
    const result: unknown = await this.#run(() => this.#parts.client.query<TextRow>(query), options);
    return rowsOfLast(result);
  }

  async columnsOf(select: string, options: QueryOptions = {}): Promise<readonly string[]> {
    const text = `select * from (${select.trim().replace(/;$/, '')}\n) as given limit 0`;
    const result = await this.#run(() => this.#parts.client.query({ text, rowMode: 'array' }), options);
    return result.fields.map(({ name }) => name);
  }

  onLost(callback: (error: SlotlineError) => void): void {
    if (this.#lost === undefined) this.#lostCallbacks.push(callback);
    else callback(this.#lost);
  }

  takeOver(owner: SocketOwner): void {
    assert(this.#state === 'open' && this.#inFlight === 0, 'takeOver of a session that is in use or closed');
    if (this.#lost !== undefined) throw this.#lost;
    this.#state = 'taken';
    this.#parts.bridge.detach();
    this.#reading = this.#parts.transport.setOwner(owner);
  }

  write(bytes: Uint8Array): void {
    const { socket } = this.#parts.transport;
    if (socket.writable) socket.write(bytes);
  }

  resumeReading(): void {
    this.#reading?.resume();
  }

  destroy(): void {
    if (this.#state === 'open') this.#state = 'closed';
    this.#parts.transport.socket.destroy();
  }

  async close(): Promise<void> {
    const { client, transport } = this.#parts;
    const state = this.#state;
    this.#state = 'closed';
    // A server that has not answered a query would not answer the goodbye either.
    if (state === 'open' && this.#inFlight === 0 && this.#lost === undefined) await within(GOODBYE_MS, client.end());
    transport.socket.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One query at a time: `pg`'s own queue is deprecated, and an interrupt must hit the statement that it is meant for. */
  #run<Result>(start: () => Promise<Result>, options: RunOptions): Promise<Result> {
    this.#inFlight += 1;
    const result = this.#tail.then(() => this.#runNow(start, options));
    this.#tail = result.catch(() => {});
    return result.finally(() => {
      this.#inFlight -= 1;
    });
  }

  async #runNow<Result>(start: () => Promise<Result>, options: RunOptions): Promise<Result> {
    assert(this.#state !== 'taken', 'query on a session whose socket was taken');
    const signal = options.signal ?? (options.untilAborted === false ? undefined : this.#parts.request.until);
    signal?.throwIfAborted();
    if (this.#lost !== undefined) throw this.#lost;
    let timedOut = false;
    const timeoutMs = options.timeoutMs ?? this.#parts.request.queryTimeoutMs;
    const onTimeout = (): void => {
      timedOut = true;
      this.#interrupt(PATIENCE_MS, () => this.#onLost(this.#silence(timeoutMs)));
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs);
    const onAbort = (): void => this.#interrupt(ABORT_PATIENCE_MS);
    signal?.addEventListener('abort', onAbort, { once: true });
    const answered = impatient(options.patience);
    try {
      return await start();
    } catch (error) {
      signal?.throwIfAborted();
      if (timedOut) throw this.#lost ?? this.#timeoutError(timeoutMs, error);
      throw this.#queryError(error, options.subject);
    } finally {
      answered();
      clearTimeout(timer);
      clearTimeout(this.#destroyTimer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #destroyTimer: NodeJS.Timeout | undefined;

  /** Cancels the statement on the server, so that e.g. it does not go on making a slot. Destroys the socket if that does not end it. */
  #interrupt(patienceMs: number, onHopeless?: () => void): void {
    clearTimeout(this.#destroyTimer);
    this.#destroyTimer = setTimeout(() => {
      onHopeless?.();
      this.#parts.bridge.destroy();
    }, patienceMs);
    // Best effort: a lost cancel request ends in the destroy above.
    void this.#sendCancel().catch(() => {});
  }

  /** Source: PostgreSQL manual, "Message Formats", CancelRequest. */
  async #sendCancel(): Promise<void> {
    const message = Buffer.alloc(16);
    message.writeInt32BE(16, 0);
    message.writeInt32BE(80877102, 4);
    message.writeInt32BE(this.#backendKey.processID, 8);
    message.writeInt32BE(this.#backendKey.secretKey, 12);
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const transport = await openTransport({ ...this.#parts.attempt, signal });
    transport.socket.end(message);
  }

  #timeoutError(timeoutMs: number | undefined, cause: unknown): SlotlineError {
    const details = { ...this.#parts.address, message: `no answer within ${timeoutMs} ms` };
    return new SlotlineError('pg_query_failed', details, { cause });
  }

  /** The error where the server did not even answer the cancelling. */
  #silence(timeoutMs: number | undefined): SlotlineError {
    return new SlotlineError('pg_silent', { ...this.#parts.address, message: `no answer within ${timeoutMs} ms` });
  }

  #queryError(error: unknown, subject: ErrorSubject = 'other'): SlotlineError {
    const mapped = connectionError(error, { address: this.#parts.address, opening: false, subject });
    if (endsSession(mapped)) this.#onLost(mapped);
    // The error that ended the session says more than "Connection terminated".
    return mapped.code === 'pg_connection_lost' && this.#lost !== undefined ? this.#lost : mapped;
  }

  #onLost(error: unknown): void {
    if (this.#state !== 'open' || this.#lost !== undefined) return;
    const lost = connectionError(error, { address: this.#parts.address, opening: false });
    this.#lost = lost;
    const callbacks = this.#lostCallbacks;
    this.#lostCallbacks = [];
    for (const callback of callbacks) callback(lost);
  }
}

/** `pg` gives one result, or an array of them for several statements. */
function rowsOfLast(result: unknown): TextRow[] {
  const results: unknown[] = Array.isArray(result) ? result : [result];
  for (const one of results.toReversed()) {
    if (hasRows(one)) return one.rows;
  }
  return [];
}

function hasRows(result: unknown): result is { readonly rows: TextRow[]; readonly fields: readonly unknown[] } {
  return typeof result === 'object' && result !== null && 'fields' in result && Array.isArray(result.fields) && result.fields.length > 0;
}

/** Starts the timer of `patience`. The caller calls the result when the query is over. */
function impatient(patience: QueryPatience | undefined): () => void {
  if (patience === undefined) return () => {};
  let isTold = false;
  const timer = setTimeout(() => {
    isTold = true;
    patience.onUnanswered(true);
  }, patience.afterMs);
  return () => {
    clearTimeout(timer);
    if (isTold) patience.onUnanswered(false);
  };
}

function within(timeoutMs: number, promise: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    promise.then(done, done);
  });
}
