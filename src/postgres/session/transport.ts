/**
 * Owns the socket to PostgreSQL up to the startup message: TCP or Unix socket, the SSLRequest, TLS, and who reads it.
 * Does not speak the protocol: `pg` logs in over wire-bridge.ts, then the replication stream may take the socket.
 *
 * A plain socket is made with Node's `onread`, so that its owner reads into one buffer of their own instead of getting a
 * new one per read. TLS works on top of such a socket as well (Node puts its own reader over ours).
 */
import net from 'node:net';
import tls from 'node:tls';
import { assert } from '../../core/assert.ts';
import { SlotlineError } from '../../core/errors.ts';
import type { DatabaseOptions } from '../../core/options.ts';
import { connectionError, type ServerAddress } from './errors.ts';
import { type Encryption, isSocketFolder } from './tls-options.ts';

/** Reads the socket after `pg` let go of it, into memory of its own. */
export interface SocketOwner {
  /**
   * The memory for the next read, at least one byte. It is called right after each `received`; its result is used for the next
   * read even when that comes after a pause.
   */
  room(): Uint8Array;
  /** `count` bytes were read into the start of what `room` returned. False pauses until `resume`. */
  received(count: number): boolean;
  /** Called once, when the socket is gone, whoever closed it; with the reason if there was an error. */
  onClosed(error: Error | undefined): void;
}

export interface Transport {
  readonly socket: net.Socket;
  readonly encrypted: boolean;
  /** `sink` gets each chunk that is read, and owns it. Nothing is lost before the first call, because the server speaks only when asked. */
  setSink(sink: (chunk: Buffer) => void): void;
  /** From now on the owner reads. `resume` of the result continues after a pause. */
  setOwner(owner: SocketOwner): OwnedReading;
}

/** One read during the login is never larger: it is a few hundred bytes. */
const LOGIN_BUFFER_BYTES = 16_384;
/** How long one address of a host name may take before the next is tried beside it. */
const NEXT_ADDRESS_AFTER_MS = 2_000;
/** Length 8 and the code 80877103. Source: PostgreSQL manual, "Message Formats", SSLRequest. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const TLS_OFFERED = 0x53;
const TLS_NOT_OFFERED = 0x4e;

export type TransportRequest = {
  readonly options: DatabaseOptions;
  readonly address: ServerAddress;
  readonly encryption: Encryption;
  readonly tlsOptions: tls.ConnectionOptions;
  /** Aborts the attempt; the socket is then destroyed. */
  readonly signal: AbortSignal;
};

/** Connects and settles encryption. Throws `pg_unreachable` or `pg_tls_failed`; rejects with the signal's reason on abort. */
export async function openTransport(request: TransportRequest): Promise<Transport> {
  const plain = new PlainTransport();
  const destroy = (): void => {
    plain.socket.destroy();
  };
  request.signal.addEventListener('abort', destroy, { once: true });
  try {
    request.signal.throwIfAborted();
    await connect(plain.socket, request.options);
    plain.socket.setNoDelay(true);
    if (request.options.tcpKeepAlive) plain.socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
    if (request.encryption === 'plain') return plain;
    return await negotiate(plain, request);
  } catch (error) {
    plain.socket.destroy();
    request.signal.throwIfAborted();
    throw connectionError(error, { address: request.address, opening: true });
  } finally {
    request.signal.removeEventListener('abort', destroy);
  }
}

/** Firewalls forget idle connections after some minutes, so this is less. */
const KEEP_ALIVE_AFTER_MS = 60_000;

function connect(socket: net.Socket, options: DatabaseOptions): Promise<void> {
  const { hostname: host, port } = options;
  if (isSocketFolder(host)) {
    // libpq writes an abstract socket's name with a leading @, Node with a leading zero byte.
    const folder = host.startsWith('@') ? `\0${host.slice(1)}` : host;
    socket.connect({ path: `${folder}/.s.PGSQL.${port}` });
  } else {
    socket.connect({ host, port, autoSelectFamily: true, autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS });
  }
  return untilEvent(socket, 'connect');
}

async function negotiate(plain: PlainTransport, request: TransportRequest): Promise<Transport> {
  const reply = await sslReply(plain);
  const { host, port } = request.address;
  if (reply.length > 1) {
    // Bytes before the handshake are an injection (CVE-2021-23222).
    throw new SlotlineError('pg_tls_failed', { host, port, message: 'the server sent data before TLS was established' });
  }
  if (reply[0] === TLS_NOT_OFFERED) {
    if (request.encryption === 'offered') return plain;
    throw new SlotlineError('pg_tls_failed', { host, port, tlsOffered: false, message: 'the server does not support TLS' });
  }
  if (reply[0] !== TLS_OFFERED) {
    throw new SlotlineError('pg_unreachable', { host, port, message: 'the server did not answer as PostgreSQL does' });
  }
  const secure = tls.connect({
    ...request.tlsOptions,
    socket: plain.socket,
    host,
    // A server name must not be an address (RFC 6066, section 3).
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
  });
  try {
    await untilEvent(secure, 'secureConnect');
  } catch (error) {
    throw tlsFailure(error, request.address);
  }
  return new SecureTransport(secure);
}

function tlsFailure(error: unknown, address: ServerAddress): SlotlineError {
  const mapped = connectionError(error, { address, opening: true });
  if (mapped.code === 'pg_tls_failed') return mapped;
  // A host name mismatch, a refused client certificate, a reset in the handshake: all are errors of TLS.
  return new SlotlineError('pg_tls_failed', mapped.details, { cause: error });
}

function sslReply(plain: PlainTransport): Promise<Buffer> {
  const reply = new Promise<Buffer>((resolve) => plain.setSink(resolve));
  plain.socket.write(SSL_REQUEST);
  const closed = untilEvent(plain.socket, 'close').then((): never => {
    throw new Error('the server closed the connection');
  });
  return Promise.race([reply, closed]);
}

function untilEvent(socket: net.Socket, event: 'connect' | 'secureConnect' | 'close'): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      socket.off(event, onEvent);
      socket.off('error', settle);
      socket.off('close', onClose);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onEvent = (): void => settle();
    const onClose = (): void => settle(new Error('the server closed the connection'));
    socket.on(event, onEvent);
    socket.on('error', settle);
    if (event !== 'close') socket.on('close', onClose);
  });
}

/** A socket without an error listener would end the process; its owner learns of the error by their own listener or by 'close'. */
function ignore(): void {}

/** Copies chunks into the owner's memory; keeps what the owner has not taken yet. */
export class OwnedReading {
  readonly #socket: net.Socket;
  readonly #owner: SocketOwner;
  #held: Uint8Array | undefined;

  constructor(socket: net.Socket, owner: SocketOwner) {
    this.#socket = socket;
    this.#owner = owner;
    let reason: Error | undefined;
    socket.on('error', (error) => {
      reason = error;
    });
    socket.on('close', () => owner.onClosed(reason));
  }

  /** False: the owner paused. */
  deliver(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length) {
      const space = this.#owner.room();
      const count = Math.min(space.length, chunk.length - at);
      assert(count > 0, 'SocketOwner.room returned no space');
      space.set(chunk.subarray(at, at + count));
      at += count;
      if (!this.#owner.received(count)) {
        this.#held = at < chunk.length ? chunk.subarray(at) : undefined;
        return false;
      }
    }
    return true;
  }

  resume(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined && !this.deliver(held)) return;
    this.#socket.resume();
  }
}

class PlainTransport implements Transport {
  readonly socket: net.Socket;
  readonly encrypted = false;
  readonly #loginBuffer = Buffer.allocUnsafeSlow(LOGIN_BUFFER_BYTES);
  #sink: ((chunk: Buffer) => void) | undefined;
  #owner: SocketOwner | undefined;
  #reading: OwnedReading | undefined;

  constructor() {
    this.socket = new net.Socket({
      onread: {
        buffer: () => this.#owner?.room() ?? this.#loginBuffer,
        callback: (count, bytes) => this.#onRead(count, bytes),
      },
    });
    this.socket.on('error', ignore);
  }

  setSink(sink: (chunk: Buffer) => void): void {
    this.#sink = sink;
  }

  setOwner(owner: SocketOwner): OwnedReading {
    this.#owner = owner;
    this.#reading = new OwnedReading(this.socket, owner);
    return this.#reading;
  }

  #onRead(count: number, bytes: Uint8Array): boolean {
    if (this.#owner !== undefined && bytes !== this.#loginBuffer) return this.#owner.received(count);
    const chunk = Buffer.from(bytes.subarray(0, count));
    // Node asked for the buffer of this read before the owner was set.
    if (this.#reading !== undefined) return this.#reading.deliver(chunk);
    this.#sink?.(chunk);
    return true;
  }
}

class SecureTransport implements Transport {
  readonly socket: tls.TLSSocket;
  readonly encrypted = true;
  #sink: ((chunk: Buffer) => void) | undefined;

  constructor(socket: tls.TLSSocket) {
    this.socket = socket;
    socket.on('error', ignore);
    socket.on('data', (chunk) => this.#sink?.(chunk));
  }

  setSink(sink: (chunk: Buffer) => void): void {
    this.#sink = sink;
  }

  setOwner(owner: SocketOwner): OwnedReading {
    const reading = new OwnedReading(this.socket, owner);
    this.#sink = (chunk) => {
      if (!reading.deliver(chunk)) this.socket.pause();
    };
    return reading;
  }
}
