/**
 * Owns one START_REPLICATION stream: splits CopyData into pgoutput messages and keepalives, and sends status updates. Does
 * not decode pgoutput and never decides what may be confirmed: it sends the flushed LSN that it is told.
 * Source: PostgreSQL manual, "Streaming Replication Protocol".
 */
import { byteAt, uint32At } from '../../core/byte-reader.ts';
import { type ErrorDetails, SlotlineError } from '../../core/errors.ts';
import { formatLsn, LSN_ZERO, type Lsn, lsnFromWords } from '../../core/lsn.ts';
import { Scope } from '../../core/scope.ts';
import type { Clock } from '../../core/time.ts';
import { quoteIdentifier } from '../identifiers.ts';
import { noticeOf, type ServerNotice, serverError } from '../session/errors.ts';
import type { PgSession } from '../session/open-session.ts';
import { queryMessage, WireReader } from './wire-reader.ts';

/** The consumer of frames, which the stream loop implements. A returned promise pauses the socket until it resolves. */
export interface FrameConsumer {
  /** One pgoutput message, bytes[start, end); views are valid until the next call. */
  onFrame(bytes: Uint8Array, start: number, end: number, lsn: Lsn): undefined | Promise<void>;
  /** The server's WAL end; everything before it in the byte stream was handed over already. */
  onKeepalive(walEnd: Lsn, replyRequested: boolean): void;
  /** Called when everything received so far was handed over. */
  onDrained(): undefined | Promise<void>;
}

/** Settings of the output plugin, the same for the stream and for bulk reading. */
export type PluginSettings = {
  readonly publicationName: string;
  readonly messages: boolean;
  readonly extraParams: readonly (readonly [string, string])[];
  /** Called with each warning or notice of the server. An error that it throws ends the stream. */
  readonly onNotice?: (notice: ServerNotice) => void;
};

export type StreamSettings = PluginSettings & {
  readonly slotName: string;
  readonly startLsn: Lsn;
  /** The durable position when the stream begins; at most startLsn. */
  readonly confirmedLsn: Lsn;
  readonly statusIntervalMs: number;
  /** The server's wal_sender_timeout; 0: none. */
  readonly walSenderTimeoutMs: number;
};

/** Milliseconds between 1970-01-01 and PostgreSQL's epoch. */
const POSTGRES_EPOCH_MS = 946_684_800_000;
/** The limit without wal_sender_timeout: the server then never gives up, but we still want to notice a dead link. */
const SILENCE_DEFAULT_MS = 60_000;
const STATUS_BYTES = 39;

export class ReplicationStream {
  readonly #session: PgSession;
  readonly #settings: StreamSettings;
  readonly #clock: Clock;
  readonly #status = Buffer.alloc(STATUS_BYTES);
  readonly #done = Promise.withResolvers<void>();
  readonly #started = Promise.withResolvers<void>();
  #consumer: FrameConsumer | undefined;
  #reader: WireReader | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;
  #copying = false;

  #receivedLsn = LSN_ZERO;
  #confirmedLsn: Lsn;
  /** Local monotonic time at which the server is known to have been alive, from its own send times. */
  #serverContactMs: number;
  /** Smallest seen difference of local monotonic receive time and server send time. */
  #clockOffsetMs = Number.POSITIVE_INFINITY;
  #lastFrameMs: number;
  /** Send time of the newest frame, in the server's two words. */
  #sentHigh = 0;
  #sentLow = 0;
  #pausedSinceMs = 0;

  constructor(session: PgSession, settings: StreamSettings, clock: Clock) {
    this.#session = session;
    this.#settings = settings;
    this.#clock = clock;
    this.#confirmedLsn = settings.confirmedLsn;
    this.#serverContactMs = clock.monotonicMs();
    this.#lastFrameMs = this.#serverContactMs;
    this.#done.promise.catch(() => {});
    this.#started.promise.catch(() => {});
  }

  /** Highest WAL end that the server has told. */
  get receivedLsn(): Lsn {
    return this.#receivedLsn;
  }

  get confirmedLsn(): Lsn {
    return this.#confirmedLsn;
  }

  /** Local monotonic milliseconds of the last proof that this server connection is alive; the fence judges by it. */
  get serverContactMs(): number {
    return this.#serverContactMs;
  }

  /** Notes another proof of ownership at `atMs` (an SQL probe while the socket is paused). */
  noteContact(atMs: number): void {
    if (atMs > this.#serverContactMs) this.#serverContactMs = atMs;
  }

  get paused(): boolean {
    return this.#reader?.paused ?? false;
  }

  /**
   * Starts streaming; resolves when the server has accepted. Throws the signal's reason, stream_silent after the timeout, and errors by
   * SQLSTATE: slot_in_use, slot_missing, slot_lost, publication_missing, pg_privilege_missing …
   */
  async start(consumer: FrameConsumer, o: { readonly signal: AbortSignal; readonly timeoutMs: number }): Promise<void> {
    this.#consumer = consumer;
    const reader = new WireReader(
      {
        onMessage: (tag, bytes, start, end) => this.#onMessage(tag, bytes, start, end),
        onDrained: () => this.#onDrained(),
        onError: (error) => this.#end(error),
      },
      () => this.#session.resumeReading(),
    );
    this.#reader = reader;
    const { host, port } = this.#session.address;
    this.#session.takeOver({
      room: () => reader.room(),
      received: (count) => reader.received(count),
      onClosed: (error) => this.#end(new SlotlineError('pg_connection_lost', { host, port, message: error?.message })),
    });
    this.#session.write(queryMessage(startCommand(this.#settings)));
    using scope = new Scope();
    scope.listen(o.signal, () => this.#end(o.signal.reason));
    scope.after(o.timeoutMs, () => this.#end(new SlotlineError('stream_silent', { silentMs: o.timeoutMs })));
    await this.#started.promise;
    // The stream may have been accepted and ended at once. A timer that starts now would never be stopped.
    if (this.#ended) return await this.#done.promise;
    this.#timer = setInterval(() => this.#tick(), this.#tickMs());
  }

  /** Resolves when the stream ended because close() was called; rejects with the reason otherwise. */
  done(): Promise<void> {
    return this.#done.promise;
  }

  /** Confirms a durable position to the server. `flushed` is exactly a position of D2 (docs/delivery.md); it never moves back. */
  confirm(flushed: Lsn, options: { requestReply: boolean } = { requestReply: false }): void {
    if (flushed > this.#confirmedLsn) this.#confirmedLsn = flushed;
    this.sendStatus(options);
  }

  sendStatus(options: { requestReply: boolean }): void {
    if (this.#ended || !this.#copying) return;
    const status = this.#status;
    status[0] = 0x64;
    status.writeInt32BE(STATUS_BYTES - 1, 1);
    status[5] = 0x72;
    const received = Math.max(this.#receivedLsn, this.#confirmedLsn);
    writeLsn(status, 6, received);
    writeLsn(status, 14, this.#confirmedLsn);
    writeLsn(status, 22, this.#confirmedLsn);
    const nowUs = (this.#clock.nowMs() - POSTGRES_EPOCH_MS) * 1000;
    writeLsn(status, 30, nowUs);
    status[38] = options.requestReply ? 1 : 0;
    this.#session.write(Buffer.from(status));
  }

  /** From now on nothing more is handed over; status updates go on until close. */
  stopReading(): void {
    this.#reader?.stop();
  }

  /** Ends the stream without waiting for the server. By D2 nothing is lost, whatever the server still sends. */
  async close(): Promise<void> {
    this.#end(undefined);
    await this.#session.close();
  }

  #tickMs(): number {
    const { statusIntervalMs, walSenderTimeoutMs } = this.#settings;
    return walSenderTimeoutMs > 0 ? Math.max(100, Math.min(statusIntervalMs, walSenderTimeoutMs / 4)) : statusIntervalMs;
  }

  /** Sends the status by timer, also while the socket is paused, else the server would give us up. It asks for a reply, so that silence means a dead link. */
  #tick(): void {
    const now = this.#clock.monotonicMs();
    if (this.paused) {
      this.#pausedSinceMs = now;
    } else {
      const silentMs = now - Math.max(this.#lastFrameMs, this.#pausedSinceMs);
      const limitMs = this.#settings.walSenderTimeoutMs || SILENCE_DEFAULT_MS;
      if (silentMs > Math.max(limitMs, 2 * this.#tickMs())) {
        this.#end(new SlotlineError('stream_silent', { silentMs: Math.round(silentMs) }));
        return;
      }
    }
    this.sendStatus({ requestReply: true });
  }

  #onMessage(tag: number, bytes: Uint8Array, start: number, end: number): undefined | Promise<void> {
    if (tag === 0x64) return this.#onCopyData(bytes, start, end);
    switch (tag) {
      case 0x57: // CopyBothResponse
        this.#copying = true;
        this.#started.resolve();
        return undefined;
      case 0x45: // ErrorResponse
        // Before CopyBoth errors are about the slot; afterwards they come from the plugin and are about the publication.
        throw serverError(bytes.subarray(start, end), this.#copying ? this.#place() : { slot: this.#settings.slotName });
      case 0x63: // CopyDone
        throw new SlotlineError('stream_ended', {});
      case 0x4e: // NoticeResponse
        this.#settings.onNotice?.(noticeOf(bytes.subarray(start, end), this.#receivedLsn));
        return undefined;
      case 0x53: // ParameterStatus
      case 0x43: // CommandComplete
      case 0x5a: // ReadyForQuery
        return undefined;
      default:
        throw this.#unknown('backend message', tag, start);
    }
  }

  /**
   * 'w' Int64 start LSN, Int64 WAL end, Int64 send time, bytes
   * 'k' Int64 WAL end, Int64 send time, Int8 reply requested
   */
  #onCopyData(bytes: Uint8Array, start: number, end: number): undefined | Promise<void> {
    const consumer = this.#consumer;
    const tag = start < end ? byteAt(bytes, start) : 0;
    if (tag === 0x77 && end - start >= 25 && consumer !== undefined) {
      const lsn = lsnFromWords(uint32At(bytes, start + 1), uint32At(bytes, start + 5));
      if (lsn > this.#receivedLsn) this.#receivedLsn = lsn;
      this.#noteSendTime(bytes, start + 17);
      return consumer.onFrame(bytes, start + 25, end, lsn);
    }
    if (tag === 0x6b && end - start === 18 && consumer !== undefined) {
      const walEnd = lsnFromWords(uint32At(bytes, start + 1), uint32At(bytes, start + 5));
      if (walEnd > this.#receivedLsn) this.#receivedLsn = walEnd;
      this.#noteSendTime(bytes, start + 9);
      consumer.onKeepalive(walEnd, byteAt(bytes, start + 17) === 1);
      return undefined;
    }
    throw this.#unknown('copy data', tag, start);
  }

  /** `at`: Int64 microseconds since PostgreSQL's epoch, the server's clock when it sent the frame. */
  #noteSendTime(bytes: Uint8Array, at: number): void {
    this.#sentHigh = uint32At(bytes, at);
    this.#sentLow = uint32At(bytes, at + 4);
  }

  #onDrained(): undefined | Promise<void> {
    if (!this.#copying) return undefined;
    const now = this.#clock.monotonicMs();
    this.#lastFrameMs = now;
    if (this.#sentHigh !== 0) {
      const sentMs = (this.#sentHigh * 0x1_0000_0000 + this.#sentLow) / 1000;
      const offset = now - sentMs;
      if (offset < this.#clockOffsetMs) this.#clockOffsetMs = offset;
      // The send time counts, not the time of reading: bytes may have lain in the receive buffer while this process was stopped.
      this.noteContact(Math.min(now, sentMs + this.#clockOffsetMs));
    }
    return this.#consumer?.onDrained();
  }

  #end(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    this.#reader?.stop();
    if (error === undefined) {
      this.#started.reject(new SlotlineError('stream_ended', {}));
      this.#done.resolve();
    } else {
      this.#started.reject(error);
      this.#done.reject(error);
    }
    this.#session.destroy();
  }

  #place(): ErrorDetails {
    const { publicationName: publication, slotName: slot } = this.#settings;
    return { publication, slot, lsn: formatLsn(this.#receivedLsn) };
  }

  #unknown(what: string, tag: number, offset: number): SlotlineError {
    return new SlotlineError('stream_frame_unknown', {
      what,
      tag: `0x${tag.toString(16)}`,
      offset,
      lsn: formatLsn(this.#receivedLsn),
    });
  }
}

/** Names and values in the order in which they are sent. */
export function pluginParams({ publicationName, messages, extraParams }: PluginSettings): readonly (readonly [string, string])[] {
  return [
    ['proto_version', '1'],
    ['publication_names', quoteIdentifier(publicationName)],
    ...(messages ? [['messages', 'true'] as const] : []),
    ...extraParams,
  ];
}

function startCommand(settings: StreamSettings): string {
  const params = pluginParams(settings);
  const list = params.map(([key, value]) => `${quoteIdentifier(key)} '${value.replaceAll("'", "''")}'`).join(', ');
  return `START_REPLICATION SLOT ${quoteIdentifier(settings.slotName)} LOGICAL ${formatLsn(settings.startLsn)} (${list})`;
}

function writeLsn(target: Buffer, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  target.writeUInt32BE(high >>> 0, at);
  target.writeUInt32BE(value - high * 0x1_0000_0000, at + 4);
}
