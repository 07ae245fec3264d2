/**
 * Owns the duplex stream that `pg` takes for its socket: it passes bytes between `pg` and the transport until the socket is
 * taken away. Does not interpret the bytes.
 *
 * So TLS negotiation, buffers and the socket's lifetime are ours, and one call disconnects `pg`: afterwards it reads and
 * writes nothing. Chunks are emitted as they arrive, so an error that `pg`'s parser throws is caught here and ends the
 * session instead of the process.
 */
import { Duplex } from 'node:stream';
import type { Transport } from './transport.ts';

type WriteCallback = (error?: Error | null) => void;

export class WireBridge extends Duplex {
  readonly #transport: Transport;
  #detached = false;

  constructor(transport: Transport) {
    super({ allowHalfOpen: false });
    this.#transport = transport;
    const { socket } = transport;
    transport.setSink((chunk) => this.#feed(chunk));
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /** The certificate that SCRAM's channel binding covers; `pg` asks for it only when the server offers SCRAM-SHA-256-PLUS. */
  getPeerCertificate(): unknown {
    const { socket } = this.#transport;
    return 'getPeerCertificate' in socket && typeof socket.getPeerCertificate === 'function' ? socket.getPeerCertificate() : undefined;
  }

  /** The transport is connected already. */
  connect(): this {
    process.nextTick(() => this.emit('connect'));
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    this.#transport.socket.ref();
    return this;
  }

  unref(): this {
    this.#transport.socket.unref();
    return this;
  }

  /** From now on `pg` is cut off; the socket stays open. */
  detach(): void {
    this.#detached = true;
    const { socket } = this.#transport;
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
    transportSinkOff(this.#transport);
    this.destroy();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: WriteCallback): void {
    if (this.#detached) callback();
    else this.#transport.socket.write(chunk, callback);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], callback: WriteCallback): void {
    if (this.#detached) callback();
    else this.#transport.socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), callback);
  }

  override _final(callback: WriteCallback): void {
    if (!this.#detached) this.#transport.socket.end();
    callback();
  }

  override _destroy(error: Error | null, callback: WriteCallback): void {
    if (!this.#detached) this.#transport.socket.destroy();
    callback(error);
  }

  readonly #onError = (error: Error): void => {
    this.destroy(error);
  };

  readonly #onClose = (): void => {
    this.destroy();
  };

  #feed(chunk: Buffer): void {
    if (this.#detached) return;
    try {
      this.emit('data', chunk);
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

function transportSinkOff(transport: Transport): void {
  transport.setSink(() => {});
}
